// The GRU as a layer's cell: one stage with the reset after the product, two with the reset before it.
#pragma once

#include "../../cell/gru.hpp"
#include "cell_stages.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

template <class P, class Activations>
struct GruAfterStages : CellStages<P, Cell::gru_after, Activations> {
  using Base = CellStages<P, Cell::gru_after, Activations>;
  using Base::activations;
  using typename Base::T;
  using Formulas = GruAfter<Activations>;
  static constexpr int saved_count = Formulas::saved_count;
  static constexpr bool has_direct_h = true, fuses_input = !Activations::saves_inputs;

  // W_hh sees another δ than W_ih: that of n is multiplied by r.
  static Jobs<T> jobs(const Sizes& sizes) {
    Jobs<T> jobs;
    auto& input = jobs.add(&BackwardRow<T>::delta, 0, sizes.deltas());
    input.x = &Parameters<T>::weight_ih;
    input.biases[0] = &Parameters<T>::bias_ih;
    auto& recurrent = jobs.add(&BackwardRow<T>::delta_h, 0, sizes.deltas());
    recurrent.h = &Parameters<T>::weight_hh;
    recurrent.biases[0] = &Parameters<T>::bias_hh;
    return jobs;
  }

  template <bool save>
  void forward(const Share& share, bool backwards, const RecurrenceWeights<T>& w, const Sizes& sizes,
               const ForwardRow<T>* rows, const T* const* h_in, Index count, StepScratch<T>&) const {
    for_each_unit<P, 3, fuses_input>(
        share, backwards, w.stages[0], rows, h_in, count,
        [&](Index u, Index r, const auto& x, const auto& h) GATEWISE_INLINE_LAMBDA {
          using Q = std::decay_t<decltype(x[0])>;
          const auto& row = rows[r];
          const Index left = sizes.hidden - u;
          Q saved[saved_count];
          row.write(u, Formulas::forward(activations, x, h, load<Q>(row.before[State::h] + u, left), saved), left);
          if constexpr (save) {
            GATEWISE_UNROLL
            for (int i = 0; i < saved_count; ++i) store(row.saved + i * sizes.padded + u, saved[i]);
          }
        });
  }

  void backward(const Share& share, const RecurrenceWeights<T>& w, const Sizes& sizes, const BackwardRow<T>* rows,
                Index count, StepScratch<T>& scratch) const {
    const Index H = sizes.hidden;
    const auto& panels = w.transposed().recurrent[0];
    for (Index r = 0; r < count; ++r) {
      const auto& row = rows[r];
      for_each_packet<P>(share.units(panels), [&](auto packet, Index u, Index left) {
        using Q = decltype(packet);
        T* const place = row.d_state[State::h] + u;
        Q saved[saved_count], delta[3], delta_hn;
        Base::load_saved(row.saved, sizes, u, saved);
        const Q d_h = load<Q>(row.d_y + u, left) + load<Q>(place), h = load<Q>(row.before[State::h] + u, left);
        store(place, Formulas::backward(activations, saved, h, d_h, delta, delta_hn));
        GATEWISE_UNROLL
        for (int g = 0; g < 3; ++g) {
          store(row.delta + g * H + u, delta[g], left);
          store(row.delta_h + g * H + u, g < 2 ? delta[g] : delta_hn, left);
        }
      });
      scratch.in[r] = row.delta_h;
    }
    share.wait();
    hidden_gradient<P, has_direct_h>(share, panels, scratch.in, rows, count);
  }
};

template <class P, class Activations>
struct GruBeforeStages : CellStages<P, Cell::gru_before, Activations> {
  using Base = CellStages<P, Cell::gru_before, Activations>;
  using Base::activations;
  using typename Base::T;
  using Formulas = GruBefore<Activations>;
  static constexpr int saved_count = Formulas::saved_count;
  static constexpr bool has_direct_h = true;

  // W_hh's rows of r and z multiply h, those of n multiply q.
  static Jobs<T> jobs(const Sizes& sizes) {
    const Index H = sizes.hidden;
    Jobs<T> jobs;
    auto& input = jobs.add(&BackwardRow<T>::delta, 0, 3 * H);
    input.x = &Parameters<T>::weight_ih;
    input.biases[0] = &Parameters<T>::bias_ih;
    input.biases[1] = &Parameters<T>::bias_hh;
    jobs.add(&BackwardRow<T>::delta, 0, 2 * H).h = &Parameters<T>::weight_hh;
    jobs.add(&BackwardRow<T>::delta, 2 * H, H).between = &Parameters<T>::weight_hh;
    return jobs;
  }

  // The values of r and z are saved in any case, because the second stage reads z.
  template <bool save>
  void forward(const Share& share, bool backwards, const RecurrenceWeights<T>& w, const Sizes& sizes,
               const ForwardRow<T>* rows, const T* const* h_in, Index count, StepScratch<T>& scratch) const {
    for_each_unit<P, 2, Base::fuses_input>(share, backwards, w.stages[0], rows, h_in, count,
                                           [&](Index u, Index r, const auto& x, const auto& h) GATEWISE_INLINE_LAMBDA {
                                             using Q = std::decay_t<decltype(x[0])>;
                                             const auto& row = rows[r];
                                             Q saved[saved_count];
                                             const Q q = Formulas::forward_gates(
                                                 activations, x, h, load<Q>(h_in[r] + u, sizes.hidden - u), saved);
                                             GATEWISE_UNROLL
                                             for (int i = 0; i < saved_count; ++i)
                                               if (i % Formulas::values < 2)
                                                 store(row.saved + i * sizes.padded + u, saved[i]);
                                             store(scratch.between + r * scratch.pitch + u, q);
                                           });
    share.wait();
    for (Index r = 0; r < count; ++r) scratch.in[r] = scratch.between + r * scratch.pitch;
    const auto& candidate = w.stages[1].recurrent;
    const Index gate_lanes = w.stages[0].recurrent.lanes();
    for_each_product<P>(candidate, share.panels(candidate), scratch.in, count, [&](Index r, Index u, auto h_hat) {
      using Q = decltype(h_hat);
      const auto& row = rows[r];
      const Index left = sizes.hidden - u;
      const Q x_hat = load<Q>(row.x_hat + gate_lanes + u), z = load<Q>(row.saved + sizes.padded + u);
      Q saved[saved_count];
      const Q h =
          Formulas::forward_candidate(activations, x_hat, h_hat, z, load<Q>(row.before[State::h] + u, left), saved);
      row.write(u, h, left);
      if constexpr (save) {
        GATEWISE_UNROLL
        for (int i = 2; i < saved_count; i += Formulas::values) store(row.saved + i * sizes.padded + u, saved[i]);
      }
    });
  }

  void backward(const Share& share, const RecurrenceWeights<T>& w, const Sizes& sizes, const BackwardRow<T>* rows,
                Index count, StepScratch<T>& scratch) const {
    const Index H = sizes.hidden;
    const auto& candidate = w.transposed().recurrent[1];
    for (Index r = 0; r < count; ++r) {
      const auto& row = rows[r];
      for_each_packet<P>(share.units(candidate), [&](auto packet, Index u, Index left) {
        using Q = decltype(packet);
        T* const place = row.d_state[State::h] + u;
        const Q d_h = load<Q>(row.d_y + u, left) + load<Q>(place), h = load<Q>(row.before[State::h] + u, left);
        Q saved[saved_count], delta_z, delta_n;
        Base::load_saved(row.saved, sizes, u, saved);
        store(place, Formulas::backward_candidate(activations, saved, h, d_h, delta_z, delta_n));
        store(row.delta + H + u, delta_z, left);
        store(row.delta + 2 * H + u, delta_n, left);
      });
      scratch.in[r] = row.delta + 2 * H;
    }
    share.wait();
    for_each_product<P>(candidate, share.panels(candidate), scratch.in, count, [&](Index r, Index u, auto d_q) {
      using Q = decltype(d_q);
      const auto& row = rows[r];
      const Index left = H - u;
      const Q h_in = load<Q>(row.h_in + u, left);
      Q saved[saved_count], delta_r;
      Base::load_saved(row.saved, sizes, u, saved);
      const Q through = Formulas::backward_reset(activations, saved, h_in, d_q, delta_r);
      store(row.d_in + u, load<Q>(row.d_in + u) + through);
      store(row.delta + u, delta_r, left);
      store(row.between + u, saved[0] * h_in, left);
    });
    for (Index r = 0; r < count; ++r) scratch.in[r] = rows[r].delta;
    share.wait();
    hidden_gradient<P, has_direct_h>(share, w.transposed().recurrent[0], scratch.in, rows, count);
  }
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
