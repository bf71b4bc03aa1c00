// The LSTM as a layer's cell: the gates, then the projection if there is one (Sak, Senior and Beaufays 2014).
#pragma once

#include "../../cell/lstm.hpp"
#include "cell_stages.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

template <class P, bool peephole, class Activations>
struct LstmStages : CellStages<P, peephole ? Cell::lstm_peephole : Cell::lstm, Activations> {
  using Base = CellStages<P, peephole ? Cell::lstm_peephole : Cell::lstm, Activations>;
  using Base::activations;
  using typename Base::T;
  using Formulas = Lstm<peephole, Activations>;
  static constexpr int saved_count = Formulas::saved_count;
  static constexpr bool fuses_input = !Activations::saves_inputs;

  static Jobs<T> jobs(const Sizes& sizes) {
    Jobs<T> jobs;
    jobs.add_all_gates(sizes);
    if (sizes.projects()) jobs.add(&BackwardRow<T>::d_out, 0, sizes.outputs).between = &Parameters<T>::weight_hr;
    if (peephole) {
      jobs.add_peephole(0, false);  // i
      jobs.add_peephole(1, false);  // f
      jobs.add_peephole(3, true);   // o
    }
    return jobs;
  }

  // Recomputes c' [padded] of a row before zoneout, which the peephole of o has read, from what forward has saved.
  static void cell_state(const Sizes& sizes, const T* saved, const T* c_prev, T* c) {
    for_each_packet<P>({0, sizes.hidden}, [&](auto packet, Index u, Index) {
      using Q = decltype(packet);
      const auto gate = [&](Index i) { return load<Q>(saved + i * sizes.padded + u); };
      store(c + u, Formulas::cell_state(gate(0), gate(1), gate(2), load<Q>(c_prev + u)));
    });
  }

  template <bool save>
  void forward(const Share& share, bool backwards, const RecurrenceWeights<T>& w, const Sizes& sizes,
               const ForwardRow<T>* rows, const T* const* h_in, Index count, StepScratch<T>& scratch) const {
    const bool projects = sizes.projects();
    const auto step = [&](Index u, Index r, const auto& x, const auto& h) GATEWISE_INLINE_LAMBDA {
      using Q = std::decay_t<decltype(x[0])>;
      const auto& row = rows[r];
      Q peep[3], saved[saved_count];
      load_peepholes(w, sizes, u, peep);
      const auto out = Formulas::forward(activations, x, h, load<Q>(row.before[State::c] + u), peep, saved);
      store(row.after[State::c] + u, out.c);
      if constexpr (save) {
        GATEWISE_UNROLL
        for (int i = 0; i < saved_count; ++i) store(row.saved + i * sizes.padded + u, saved[i]);
      }
      if (projects)
        store(scratch.between + r * scratch.pitch + u, out.h);
      else
        row.write(u, out.h, sizes.hidden - u);
    };
    for_each_unit<P, 4, fuses_input>(share, backwards, w.stages[0], rows, h_in, count, step);
    if (projects) {
      share.wait();
      project(share, w, sizes, rows, count, scratch);
    }
  }

  // Computes dm, which is dh' or, with a projection, W_hrᵀ dh'; from it the δ of all gates and dc; then dh.
  void backward(const Share& share, const RecurrenceWeights<T>& w, const Sizes& sizes, const BackwardRow<T>* rows,
                Index count, StepScratch<T>& scratch) const {
    const auto& recurrent = w.transposed().recurrent[0];
    const auto d_h = [](const BackwardRow<T>& row, auto packet, Index u, Index left) GATEWISE_INLINE_LAMBDA {
      using Q = decltype(packet);
      return load<Q>(row.d_y + u, left) + load<Q>(row.d_state[State::h] + u);
    };
    if (sizes.projects()) {
      for (Index r = 0; r < count; ++r) {
        const auto& row = rows[r];
        for_each_packet<P>(share.units(recurrent), [&](auto packet, Index u, Index left) {
          store(row.d_out + u, d_h(row, packet, u, left), left);
        });
        scratch.in[r] = row.d_out;
      }
      share.wait();
      const auto& panels = w.transposed().projection;
      for_each_product<P>(panels, share.panels(panels), scratch.in, count, [&](Index r, Index u, auto d_m) {
        using Q = decltype(d_m);
        const auto& row = rows[r];
        gates(w, sizes, row, u, d_m);
        const auto saved = [&](Index i) { return load<Q>(row.saved + i * sizes.padded + u); };
        store(row.between + u, saved(3) * saved(4), sizes.hidden - u);
      });
    } else {
      for (Index r = 0; r < count; ++r)
        for_each_packet<P>(share.units(recurrent), [&](auto packet, Index u, Index left) {
          gates(w, sizes, rows[r], u, d_h(rows[r], packet, u, left));
        });
    }
    for (Index r = 0; r < count; ++r) scratch.in[r] = rows[r].delta;
    share.wait();
    hidden_gradient<P, Base::has_direct_h>(share, recurrent, scratch.in, rows, count);
  }

 private:
  template <class Q>
  static GATEWISE_INLINE void load_peepholes(const RecurrenceWeights<T>& w, const Sizes& sizes, Index u, Q (&peep)[3]) {
    for (int i = 0; i < 3; ++i) peep[i] = peephole ? load<Q>(w.peephole.get() + i * sizes.padded + u) : broadcast<Q>(0);
  }

  // h' = W_hr m
  static void project(const Share& share, const RecurrenceWeights<T>& w, const Sizes& sizes, const ForwardRow<T>* rows,
                      Index count, StepScratch<T>& scratch) {
    for (Index r = 0; r < count; ++r) scratch.in[r] = scratch.between + r * scratch.pitch;
    const auto& panels = w.projection;
    for_each_product<P>(panels, share.panels(panels), scratch.in, count,
                        [&](Index r, Index u, auto h) { rows[r].write(u, h, sizes.outputs - u); });
  }

  template <class Q>
  GATEWISE_INLINE void gates(const RecurrenceWeights<T>& w, const Sizes& sizes, const BackwardRow<T>& row, Index u,
                             Q d_m) const {
    T* const d_c = row.d_state[State::c] + u;
    Q peep[3], saved[saved_count], delta[4];
    load_peepholes(w, sizes, u, peep);
    Base::load_saved(row.saved, sizes, u, saved);
    store(d_c,
          Formulas::backward(activations, saved, load<Q>(row.before[State::c] + u), peep, d_m, load<Q>(d_c), delta));
    GATEWISE_UNROLL
    for (int g = 0; g < 4; ++g) store(row.delta + g * sizes.hidden + u, delta[g], sizes.hidden - u);
  }
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
