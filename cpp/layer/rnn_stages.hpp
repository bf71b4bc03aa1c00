// The plain RNN in a sequence: one stage.
#pragma once

#include "../cell/rnn.hpp"
#include "step.hpp"
#include "weights.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

template <class P, class Activations>
struct RnnStages {
  using T = scalar_t<P>;
  using Cell = Rnn<Activations>;
  static constexpr int kept = Cell::kept;
  static constexpr bool has_cell_state = false, bypass = false, two_deltas = false, two_stages = false,
                        peepholes = false, makes_x_hat = false;

  Activations activations;

  template <bool keep>
  void forward(const Part& part, bool backwards, const SequenceWeights<T>& w, const Sizes& sizes,
               const ForwardRow<T>* rows, const T* const* h_in, Index count, StepScratch<T>&) const {
    const auto& panels = w.stages[0].recurrent;
    for_each_product<P>(panels, part.panels(panels, backwards), h_in, count, [&](Index r, Index u, auto h_hat) {
      using Q = decltype(h_hat);
      const auto& row = rows[r];
      Q a;
      const Q h = Cell::forward(activations, load<Q>(row.x_hat + u), h_hat, a);
      row.write(u, h, sizes.hidden - u);
      if constexpr (keep && kept > 0) store(row.kept + u, a);
    });
  }

  void backward(const Part& part, const SequenceWeights<T>& w, const Sizes&, const BackwardRow<T>* rows, Index count,
                StepScratch<T>& scratch) const {
    const auto& panels = w.transposed().recurrent[0];
    for (Index r = 0; r < count; ++r) {
      const auto& row = rows[r];
      for_each_packet<P>(part.units(panels), [&](auto packet, Index u, Index left) {
        using Q = decltype(packet);
        const Q d_h = load<Q>(row.d_y + u, left) + load<Q>(row.d_h + u);
        const Q h = load<Q>(row.h + u, left);
        Q a = h;
        if constexpr (kept > 0) a = load<Q>(row.kept + u);
        store(row.delta + u, Cell::backward(activations, a, h, d_h), left);
      });
      scratch.in[r] = row.delta;
    }
    part.wait();
    hidden_gradient<P, false>(part, panels, scratch.in, rows, count);
  }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
