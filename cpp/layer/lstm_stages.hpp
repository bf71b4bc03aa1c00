// The LSTM in a sequence: the gates, then the projection if there is one (Sak, Senior and Beaufays 2014).
#pragma once

#include "../cell/lstm.hpp"
#include "step.hpp"
#include "weights.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

template <class P, bool peephole, class Activations>
struct LstmStages {
  using T = scalar_t<P>;
  using Cell = Lstm<peephole, Activations>;
  static constexpr int kept = Cell::kept;
  static constexpr bool has_cell_state = true, bypass = false, two_deltas = false, two_stages = false,
                        peepholes = peephole, makes_x_hat = !Activations::keeps_inputs;

  template <class Q>
  static GATEWISE_INLINE void load_peepholes(const SequenceWeights<T>& w, const Sizes& sizes, Index u, Q (&peep)[3]) {
    for (int i = 0; i < 3; ++i) peep[i] = peephole ? load<Q>(w.peephole.get() + i * sizes.padded + u) : broadcast<Q>(0);
  }

  Activations activations;

  // c' [padded] of a row, once more, from what its forward has kept.
  static void cell_state(const Sizes& sizes, const T* kept, const T* c_prev, T* c) {
    for_each_packet<P>({0, sizes.hidden}, [&](auto packet, Index u, Index) {
      using Q = decltype(packet);
      const auto gate = [&](Index i) { return load<Q>(kept + i * sizes.padded + u); };
      store(c + u, Cell::cell_state(gate(0), gate(1), gate(2), load<Q>(c_prev + u)));
    });
  }

  template <bool keep>
  void forward(const Part& part, bool backwards, const SequenceWeights<T>& w, const Sizes& sizes,
               const ForwardRow<T>* rows, const T* const* h_in, Index count, StepScratch<T>& scratch) const {
    const bool projects = sizes.projects();
    for_each_unit<P, 4, makes_x_hat>(part, backwards, w.stages[0], rows, h_in, count,
                                     [&](Index u, Index r, const auto& x, const auto& h) GATEWISE_INLINE_LAMBDA {
                                       using Q = std::decay_t<decltype(x[0])>;
                                       const auto& row = rows[r];
                                       Q peep[3], kept_now[kept];
                                       load_peepholes(w, sizes, u, peep);
                                       const auto out =
                                           Cell::forward(activations, x, h, load<Q>(row.c_prev + u), peep, kept_now);
                                       store(row.c + u, out.c);
                                       if constexpr (keep) {
                                         GATEWISE_UNROLL
                                         for (int i = 0; i < kept; ++i)
                                           store(row.kept + i * sizes.padded + u, kept_now[i]);
                                       }
                                       if (projects)
                                         store(scratch.between + r * scratch.pitch + u, out.h);
                                       else
                                         row.write(u, out.h, sizes.hidden - u);
                                     });
    if (projects) {
      part.wait();
      project(part, w, sizes, rows, count, scratch);
    }
  }

  // dm comes from dh' alone, or through the projection; then every gate's δ, dc, and dh.
  void backward(const Part& part, const SequenceWeights<T>& w, const Sizes& sizes, const BackwardRow<T>* rows,
                Index count, StepScratch<T>& scratch) const {
    const auto& recurrent = w.transposed().recurrent[0];
    if (sizes.projects()) {
      for (Index r = 0; r < count; ++r) {
        const auto& row = rows[r];
        for_each_packet<P>(part.units(recurrent), [&](auto packet, Index u, Index left) {
          using Q = decltype(packet);
          store(row.d_out + u, load<Q>(row.d_y + u, left) + load<Q>(row.d_h + u), left);
        });
        scratch.in[r] = row.d_out;
      }
      part.wait();
      const auto& panels = w.transposed().projection;
      for_each_product<P>(panels, part.panels(panels), scratch.in, count, [&](Index r, Index u, auto d_m) {
        using Q = decltype(d_m);
        const auto& row = rows[r];
        gates(w, sizes, row, u, d_m);
        const auto kept_of = [&](Index i) { return load<Q>(row.kept + i * sizes.padded + u); };
        store(row.between + u, kept_of(3) * kept_of(4), sizes.hidden - u);
      });
    } else {
      for (Index r = 0; r < count; ++r)
        for_each_packet<P>(part.units(recurrent), [&](auto packet, Index u, Index left) {
          using Q = decltype(packet);
          gates(w, sizes, rows[r], u, load<Q>(rows[r].d_y + u, left) + load<Q>(rows[r].d_h + u));
        });
    }
    for (Index r = 0; r < count; ++r) scratch.in[r] = rows[r].delta;
    part.wait();
    hidden_gradient<P, false>(part, recurrent, scratch.in, rows, count);
  }

 private:
  // h' = W_hr m
  static void project(const Part& part, const SequenceWeights<T>& w, const Sizes& sizes, const ForwardRow<T>* rows,
                      Index count, StepScratch<T>& scratch) {
    for (Index r = 0; r < count; ++r) scratch.in[r] = scratch.between + r * scratch.pitch;
    const auto& panels = w.projection;
    for_each_product<P>(panels, part.panels(panels), scratch.in, count,
                        [&](Index r, Index u, auto h) { rows[r].write(u, h, sizes.outputs - u); });
  }

  template <class Q>
  GATEWISE_INLINE void gates(const SequenceWeights<T>& w, const Sizes& sizes, const BackwardRow<T>& row, Index u,
                             Q d_m) const {
    Q peep[3], keep[kept], delta[4];
    load_peepholes(w, sizes, u, peep);
    GATEWISE_UNROLL
    for (int i = 0; i < kept; ++i) keep[i] = load<Q>(row.kept + i * sizes.padded + u);
    const Q d_c = Cell::backward(activations, keep, load<Q>(row.c_prev + u), peep, d_m, load<Q>(row.d_c + u), delta);
    store(row.d_c + u, d_c);
    GATEWISE_UNROLL
    for (int g = 0; g < 4; ++g) store(row.delta + g * sizes.hidden + u, delta[g], sizes.hidden - u);
  }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
