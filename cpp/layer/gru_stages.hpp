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
    for_each_unit<P, 3, makes_x_hat>(
        part, backwards, w.stages[0], rows, h_in, count,
        [&](Index u, Index r, const auto& x, const auto& h) GATEWISE_INLINE_LAMBDA {
          using Q = std::decay_t<decltype(x[0])>;
          const auto& row = rows[r];
          const Index left = sizes.hidden - u;
          Q kept_now[kept];
          row.write(u, Cell::forward(activations, x, h, load<Q>(row.h_prev + u, left), kept_now), left);
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
      for_each_packet<P>(part.units(panels), [&](auto packet, Index u, Index left) {
        using Q = decltype(packet);
        Q keep[kept], delta[3], delta_hn;
        GATEWISE_UNROLL
        for (int i = 0; i < kept; ++i) keep[i] = load<Q>(row.kept + i * sizes.padded + u);
        const Q d_h = load<Q>(row.d_y + u, left) + load<Q>(row.d_h + u);
        store(row.d_h + u, Cell::backward(activations, keep, load<Q>(row.h_prev + u, left), d_h, delta, delta_hn));
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
    for_each_unit<P, 2, makes_x_hat>(part, backwards, w.stages[0], rows, h_in, count,
                                     [&](Index u, Index r, const auto& x, const auto& h) GATEWISE_INLINE_LAMBDA {
                                       using Q = std::decay_t<decltype(x[0])>;
                                       const auto& row = rows[r];
                                       Q kept_now[kept];
                                       const Q q = Cell::forward_gates(
                                           activations, x, h, load<Q>(h_in[r] + u, sizes.hidden - u), kept_now);
                                       GATEWISE_UNROLL
                                       for (int i = 0; i < kept; ++i)
                                         if (i % Cell::values < 2) store(row.kept + i * sizes.padded + u, kept_now[i]);
                                       store(scratch.between + r * scratch.pitch + u, q);
                                     });
    part.wait();
    for (Index r = 0; r < count; ++r) scratch.in[r] = scratch.between + r * scratch.pitch;
    const auto& candidate = w.stages[1].recurrent;
    const Index gate_lanes = w.stages[0].recurrent.lanes();
    for_each_product<P>(candidate, part.panels(candidate), scratch.in, count, [&](Index r, Index u, auto h_hat) {
      using Q = decltype(h_hat);
      const auto& row = rows[r];
      const Index left = sizes.hidden - u;
      const Q x_hat = load<Q>(row.x_hat + gate_lanes + u), z = load<Q>(row.kept + sizes.padded + u);
      Q kept_now[kept];
      const Q h = Cell::forward_candidate(activations, x_hat, h_hat, z, load<Q>(row.h_prev + u, left), kept_now);
      row.write(u, h, left);
      if constexpr (keep) {
        GATEWISE_UNROLL
        for (int i = 2; i < kept; i += Cell::values) store(row.kept + i * sizes.padded + u, kept_now[i]);
      }
    });
  }

  void backward(const Part& part, const SequenceWeights<T>& w, const Sizes& sizes, const BackwardRow<T>* rows,
                Index count, StepScratch<T>& scratch) const {
    const Index H = sizes.hidden;
    const auto& candidate = w.transposed().recurrent[1];
    for (Index r = 0; r < count; ++r) {
      const auto& row = rows[r];
      for_each_packet<P>(part.units(candidate), [&](auto packet, Index u, Index left) {
        using Q = decltype(packet);
        const Q d_h = load<Q>(row.d_y + u, left) + load<Q>(row.d_h + u);
        Q keep[kept], delta_z, delta_n;
        GATEWISE_UNROLL
        for (int i = 0; i < kept; ++i) keep[i] = load<Q>(row.kept + i * sizes.padded + u);
        store(row.d_h + u,
              Cell::backward_candidate(activations, keep, load<Q>(row.h_prev + u, left), d_h, delta_z, delta_n));
        store(row.delta + H + u, delta_z, left);
        store(row.delta + 2 * H + u, delta_n, left);
      });
      scratch.in[r] = row.delta + 2 * H;
    }
    part.wait();
    for_each_product<P>(candidate, part.panels(candidate), scratch.in, count, [&](Index r, Index u, auto d_q) {
      using Q = decltype(d_q);
      const auto& row = rows[r];
      const Index left = H - u;
      const Q h_in = load<Q>(row.h_in + u, left);
      Q keep[kept], delta_r;
      GATEWISE_UNROLL
      for (int i = 0; i < kept; ++i) keep[i] = load<Q>(row.kept + i * sizes.padded + u);
      const Q through = Cell::backward_reset(activations, keep, h_in, d_q, delta_r);
      store(row.d_in + u, load<Q>(row.d_in + u) + through);
      store(row.delta + u, delta_r, left);
      store(row.between + u, keep[0] * h_in, left);
    });
    for (Index r = 0; r < count; ++r) scratch.in[r] = rows[r].delta;
    part.wait();
    hidden_gradient<P, true>(part, w.transposed().recurrent[0], scratch.in, rows, count);
  }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
