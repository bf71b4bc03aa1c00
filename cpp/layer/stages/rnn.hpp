// The plain RNN as a layer's cell: one stage.
#pragma once

#include "../../cell/rnn.hpp"
#include "cell_stages.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

template <class P, class Activations>
struct RnnStages : CellStages<P, Cell::rnn, Activations> {
  using Base = CellStages<P, Cell::rnn, Activations>;
  using Base::activations;
  using typename Base::T;
  using Formulas = Rnn<Activations>;
  static constexpr int saved_count = Formulas::saved_count;

  static Jobs<T> jobs(const Sizes& sizes) {
    Jobs<T> jobs;
    jobs.add_all_gates(sizes);
    return jobs;
  }

  template <bool save>
  void forward(const Share& share, bool backwards, const RecurrenceWeights<T>& w, const Sizes& sizes,
               const ForwardRow<T>* rows, const T* const* h_in, Index count, StepScratch<T>&) const {
    const auto& panels = w.stages[0].recurrent;
    for_each_product<P>(panels, share.panels(panels, backwards), h_in, count, [&](Index r, Index u, auto h_hat) {
      using Q = decltype(h_hat);
      const auto& row = rows[r];
      Q a;
      const Q h = Formulas::forward(activations, load<Q>(row.x_hat + u), h_hat, a);
      row.write(u, h, sizes.hidden - u);
      if constexpr (save && saved_count > 0) store(row.saved + u, a);
    });
  }

  void backward(const Share& share, const RecurrenceWeights<T>& w, const Sizes&, const BackwardRow<T>* rows,
                Index count, StepScratch<T>& scratch) const {
    const auto& panels = w.transposed().recurrent[0];
    for (Index r = 0; r < count; ++r) {
      const auto& row = rows[r];
      for_each_packet<P>(share.units(panels), [&](auto packet, Index u, Index left) {
        using Q = decltype(packet);
        const Q d_h = load<Q>(row.d_y + u, left) + load<Q>(row.d_state[State::h] + u);
        const Q h = load<Q>(row.h + u, left);
        Q a = h;
        if constexpr (saved_count > 0) a = load<Q>(row.saved + u);
        store(row.delta + u, Formulas::backward(activations, a, h, d_h), left);
      });
      scratch.in[r] = row.delta;
    }
    share.wait();
    hidden_gradient<P, Base::has_direct_h>(share, panels, scratch.in, rows, count);
  }
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
