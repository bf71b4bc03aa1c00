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

  static GATEWISE_INLINE void load_peepholes(const SequenceWeights<T>& w, const Sizes& sizes, Index u, P (&peep)[3]) {
    for (int i = 0; i < 3; ++i) peep[i] = peephole ? load<P>(w.peephole.get() + i * sizes.padded + u) : broadcast<P>(0);
  }

  Activations activations;

  // c' [padded] of a row, once more, from what its forward has kept.
  static void cell_state(const Sizes& sizes, const T* kept, const T* c_prev, T* c) {
    for_each_packet<P>({0, sizes.padded}, [&](Index u, Index) {
      const auto gate = [&](Index i) { return load<P>(kept + i * sizes.padded + u); };
      store(c + u, Cell::cell_state(gate(0), gate(1), gate(2), load<P>(c_prev + u)));
    });
  }

  template <bool keep>
  void forward(const Part& part, bool backwards, const SequenceWeights<T>& w, const Sizes& sizes,
               const ForwardRow<T>* rows, const T* const* h_in, Index count, StepScratch<T>& scratch) const {
    const auto& panels = w.stages[0].recurrent;
    const bool projects = sizes.projects();
    for_each_unit<P, 4, makes_x_hat>(part, backwards, w.stages[0], rows, h_in, count,
                                     [&](Index panel, Index r, const P(&x)[4], const P(&h)[4]) GATEWISE_INLINE_LAMBDA {
                                       const auto& row = rows[r];
                                       const Index u = panels.first_unit(panel);
                                       P peep[3], kept_now[kept];
                                       load_peepholes(w, sizes, u, peep);
                                       const auto out =
                                           Cell::forward(activations, x, h, load<P>(row.c_prev + u), peep, kept_now);
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
    constexpr Index W = P::width;
    const auto& recurrent = w.transposed().recurrent[0];
    if (sizes.projects()) {
      for (Index r = 0; r < count; ++r) {
        const auto& row = rows[r];
        for_each_packet<P>(part.units(recurrent), [&](Index u, Index left) {
          store(row.d_out + u, load<P>(row.d_y + u, left) + load<P>(row.d_h + u), left);
        });
        scratch.in[r] = row.d_out;
      }
      part.wait();
      const auto& panels = w.transposed().projection;
      use_tiles<P>(
          panels, part.panels(panels), scratch.in, count, [&](Index panel, Index first, Index n, const T* tile) {
            for (Index r = 0; r < n; ++r, tile += most_packets * W)
              for (Index j = 0; j < panels.count(panel); ++j) {
                const Index u = panels.first_unit(panel) + j * W;
                gates(w, sizes, rows[first + r], u, load<P>(tile + j * W));
                const T* const kept_of = rows[first + r].kept + u;
                store(rows[first + r].between + u,
                      load<P>(kept_of + 3 * sizes.padded) * load<P>(kept_of + 4 * sizes.padded), sizes.hidden - u);
              }
          });
    } else {
      for (Index r = 0; r < count; ++r)
        for_each_packet<P>(part.units(recurrent), [&](Index u, Index left) {
          gates(w, sizes, rows[r], u, load<P>(rows[r].d_y + u, left) + load<P>(rows[r].d_h + u));
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
    use_tiles<P>(panels, part.panels(panels), scratch.in, count, [&](Index panel, Index first, Index n, const T* tile) {
      for (Index r = 0; r < n; ++r, tile += most_packets * P::width)
        for (Index j = 0; j < panels.count(panel); ++j) {
          const Index u = panels.first_unit(panel) + j * P::width;
          rows[first + r].write(u, load<P>(tile + j * P::width), sizes.outputs - u);
        }
    });
  }

  GATEWISE_INLINE void gates(const SequenceWeights<T>& w, const Sizes& sizes, const BackwardRow<T>& row, Index u,
                             P d_m) const {
    P peep[3], keep[kept], delta[4];
    load_peepholes(w, sizes, u, peep);
    GATEWISE_UNROLL
    for (int i = 0; i < kept; ++i) keep[i] = load<P>(row.kept + i * sizes.padded + u);
    const P d_c = Cell::backward(activations, keep, load<P>(row.c_prev + u), peep, d_m, load<P>(row.d_c + u), delta);
    store(row.d_c + u, d_c);
    GATEWISE_UNROLL
    for (int g = 0; g < 4; ++g) store(row.delta + g * sizes.hidden + u, delta[g], sizes.hidden - u);
  }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
