// The GRU in a sequence: one stage with the reset after the product, two with the reset before it.
#pragma once

#include "../cell/gru.hpp"
#include "step.hpp"
#include "weights.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

template <class P, class Activations>
struct GruAfterStages {
  using T = scalar_t<P>;
  using Cell = GruAfter<Activations>;
  static constexpr int kept = Cell::kept;
  static constexpr bool has_cell_state = false, bypass = true, two_deltas = true, two_stages = false, peepholes = false,
                        makes_x_hat = !Activations::keeps_inputs;

  Activations activations;

  template <bool keep>
  void forward(const Part& part, bool backwards, const SequenceWeights<T>& w, const Sizes& sizes,
               const ForwardRow<T>* rows, const T* const* h_in, Index count, StepScratch<T>&) const {
    const auto& panels = w.stages[0].recurrent;
    for_each_unit<P, 3, makes_x_hat>(
        part, backwards, w.stages[0], rows, h_in, count,
        [&](Index panel, Index r, const P(&x)[3], const P(&h)[3]) GATEWISE_INLINE_LAMBDA {
          const auto& row = rows[r];
          const Index u = panels.first_unit(panel), left = sizes.hidden - u;
          P kept_now[kept];
          row.write(u, Cell::forward(activations, x, h, load<P>(row.h_prev + u, left), kept_now), left);
          if constexpr (keep) {
            GATEWISE_UNROLL
            for (int i = 0; i < kept; ++i) store(row.kept + i * sizes.padded + u, kept_now[i]);
          }
        });
  }

  void backward(const Part& part, const SequenceWeights<T>& w, const Sizes& sizes, const BackwardRow<T>* rows,
                Index count, StepScratch<T>& scratch) const {
    const Index H = sizes.hidden;
    const auto& panels = w.transposed().recurrent[0];
    for (Index r = 0; r < count; ++r) {
      const auto& row = rows[r];
      for_each_packet<P>(part.units(panels), [&](Index u, Index left) {
        P keep[kept], delta[3], delta_hn;
        GATEWISE_UNROLL
        for (int i = 0; i < kept; ++i) keep[i] = load<P>(row.kept + i * sizes.padded + u);
        const P d_h = load<P>(row.d_y + u, left) + load<P>(row.d_h + u);
        store(row.d_h + u, Cell::backward(activations, keep, load<P>(row.h_prev + u, left), d_h, delta, delta_hn));
        GATEWISE_UNROLL
        for (int g = 0; g < 3; ++g) {
          store(row.delta + g * H + u, delta[g], left);
          store(row.delta_h + g * H + u, g < 2 ? delta[g] : delta_hn, left);
        }
      });
      scratch.in[r] = row.delta_h;
    }
    part.wait();
    hidden_gradient<P, true>(part, panels, scratch.in, rows, count);
  }
};

template <class P, class Activations>
struct GruBeforeStages {
  using T = scalar_t<P>;
  using Cell = GruBefore<Activations>;
  static constexpr int kept = Cell::kept;
  static constexpr bool has_cell_state = false, bypass = true, two_deltas = false, two_stages = true, peepholes = false,
                        makes_x_hat = false;

  Activations activations;

  // What belongs to r and z is kept in any case: the second stage reads z.
  template <bool keep>
  void forward(const Part& part, bool backwards, const SequenceWeights<T>& w, const Sizes& sizes,
               const ForwardRow<T>* rows, const T* const* h_in, Index count, StepScratch<T>& scratch) const {
    constexpr Index W = P::width;
    const auto& gates = w.stages[0].recurrent;
    for_each_unit<P, 2, makes_x_hat>(part, backwards, w.stages[0], rows, h_in, count,
                                     [&](Index panel, Index r, const P(&x)[2], const P(&h)[2]) GATEWISE_INLINE_LAMBDA {
                                       const auto& row = rows[r];
                                       const Index u = gates.first_unit(panel);
                                       P kept_now[kept];
                                       const P q = Cell::forward_gates(
                                           activations, x, h, load<P>(h_in[r] + u, sizes.hidden - u), kept_now);
                                       GATEWISE_UNROLL
                                       for (int i = 0; i < kept; ++i)
                                         if (i % Cell::values < 2) store(row.kept + i * sizes.padded + u, kept_now[i]);
                                       store(scratch.between + r * scratch.pitch + u, q);
                                     });
    part.wait();
    for (Index r = 0; r < count; ++r) scratch.in[r] = scratch.between + r * scratch.pitch;
    const auto& candidate = w.stages[1].recurrent;
    use_tiles<P>(candidate, part.panels(candidate), scratch.in, count,
                 [&](Index panel, Index first, Index n, const T* tile) {
                   for (Index r = first; r < first + n; ++r, tile += most_packets * W) {
                     const auto& row = rows[r];
                     const T* const x = row.x_hat + gates.lanes() + candidate.first_lane(panel);
                     for (Index j = 0; j < candidate.count(panel); ++j) {
                       const Index u = candidate.first_unit(panel) + j * W, left = sizes.hidden - u;
                       const P z = load<P>(row.kept + sizes.padded + u), h_prev_now = load<P>(row.h_prev + u, left);
                       P kept_now[kept];
                       const P h = Cell::forward_candidate(activations, load<P>(x + j * W), load<P>(tile + j * W), z,
                                                           h_prev_now, kept_now);
                       row.write(u, h, left);
                       if constexpr (keep) {
                         GATEWISE_UNROLL
                         for (int i = 2; i < kept; i += Cell::values)
                           store(row.kept + i * sizes.padded + u, kept_now[i]);
                       }
                     }
                   }
                 });
  }

  void backward(const Part& part, const SequenceWeights<T>& w, const Sizes& sizes, const BackwardRow<T>* rows,
                Index count, StepScratch<T>& scratch) const {
    constexpr Index W = P::width;
    const Index H = sizes.hidden;
    const auto& candidate = w.transposed().recurrent[1];
    for (Index r = 0; r < count; ++r) {
      const auto& row = rows[r];
      for_each_packet<P>(part.units(candidate), [&](Index u, Index left) {
        const P d_h = load<P>(row.d_y + u, left) + load<P>(row.d_h + u);
        P keep[kept], delta_z, delta_n;
        GATEWISE_UNROLL
        for (int i = 0; i < kept; ++i) keep[i] = load<P>(row.kept + i * sizes.padded + u);
        store(row.d_h + u,
              Cell::backward_candidate(activations, keep, load<P>(row.h_prev + u, left), d_h, delta_z, delta_n));
        store(row.delta + H + u, delta_z, left);
        store(row.delta + 2 * H + u, delta_n, left);
      });
      scratch.in[r] = row.delta + 2 * H;
    }
    part.wait();
    use_tiles<P>(candidate, part.panels(candidate), scratch.in, count,
                 [&](Index panel, Index first, Index n, const T* tile) {
                   for (Index r = 0; r < n; ++r, tile += most_packets * W)
                     for (Index j = 0; j < candidate.count(panel); ++j) {
                       const auto& row = rows[first + r];
                       const Index u = candidate.first_unit(panel) + j * W, left = H - u;
                       const P h_in = load<P>(row.h_in + u, left);
                       P keep[kept], delta_r;
                       GATEWISE_UNROLL
                       for (int i = 0; i < kept; ++i) keep[i] = load<P>(row.kept + i * sizes.padded + u);
                       const P through = Cell::backward_reset(activations, keep, h_in, load<P>(tile + j * W), delta_r);
                       store(row.d_in + u, load<P>(row.d_in + u) + through);
                       store(row.delta + u, delta_r, left);
                       store(row.between + u, keep[0] * h_in, left);
                     }
                 });
    for (Index r = 0; r < count; ++r) scratch.in[r] = rows[r].delta;
    part.wait();
    hidden_gradient<P, true>(part, w.transposed().recurrent[0], scratch.in, rows, count);
  }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
