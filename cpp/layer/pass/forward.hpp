// The forward pass of one layer and direction over a member's share, in blocks of steps: first x̂ of the whole block,
// then its steps one by one.
#pragma once

#include <algorithm>

#include "../stages/cell_stages.hpp"
#include "passes.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// The x̂ of a block stays in L2.
constexpr Index x_hat_bytes = 256 * 1024;

template <class T>
Index forward_block_steps(const Sizes& sizes, Index steps, Index sequences) {
  const Index row = sizes.gates * sizes.padded * static_cast<Index>(sizeof(T));
  return std::clamp<Index>(x_hat_bytes / (row * std::max<Index>(sequences, 1)), 1, std::max<Index>(steps, 1));
}

template <class T>
struct ForwardScratch {
  ForwardScratch(Arena& arena, const Sizes& sizes, Index saved_count, Index steps, Index sequences)
      : block_steps(forward_block_steps<T>(sizes, steps, sequences)),
        zeros(arena.take<T>(sizes.zeros())),
        x_hat(arena.take<T>(block_steps * sequences * sizes.gates * sizes.padded)),
        saved_once(arena.take<T>(sequences * saved_count * sizes.padded)),
        x(arena.take<const T*>(block_steps * sequences)),
        h_in(arena.take<const T*>(sequences)),
        rows(arena.take<ForwardRow<T>>(sequences)),
        recurrent_dropout(arena, sizes, sequences),
        step(arena, sizes, sequences) {
    for (int i = 1; i < sizes.states; ++i)
      from_cell[i] = arena.take<T>(sizes.zones_out(i) ? sequences * sizes.padded : 0);
  }

  Index block_steps;
  T* zeros;
  T* x_hat;                // [rows of a block][lanes]
  T* saved_once;           // [sequences][saved_count][padded], where there is no tape
  const T** x;             // [rows of a block]
  const T** h_in;          // [sequences]: what W_hh reads
  ForwardRow<T>* rows;     // [sequences]
  PerState<T*> from_cell;  // [sequences][padded]: the states but h before zoneout
  RecurrentDropout<T> recurrent_dropout;
  StepScratch<T> step;
};

// Copies row b of a state of n numbers (null: zeros), and pads it with zeros to `pitch`.
template <class T>
void copy_state(const T* from, Index n, T* to, Index pitch, Index b) {
  if (from)
    std::copy_n(from + b * n, n, to);
  else
    std::fill_n(to, n, T(0));
  std::fill(to + n, to + pitch, T(0));
}

// x̂ of all stages: x_hat [rows][lanes].
template <class P, class Stages>
void input_products(const Share& share, const RecurrenceWeights<scalar_t<P>>& weights, const scalar_t<P>* const* x,
                    Index rows, scalar_t<P>* x_hat, Index lanes) {
  GATEWISE_UNROLL
  for (int s = 0; s < Stages::stages; ++s) {
    const auto& panels = weights.stages[s].input;
    multiply_rows<P>(panels, share.panels(panels), x, rows, x_hat, lanes);
    x_hat += panels.lanes();
  }
}

// Prepares the rows of a step for noise: W_hh will read the masked h, and the cell will write its states to where
// zoneout reads them. This and after_stages are not inlined, so that a step without noise pays nothing.
template <class T>
GATEWISE_NOINLINE void before_stages(const Sizes& sizes, const ForwardPass<T>& pass, Index s, Schedule::Range range,
                                     ForwardScratch<T>& scratch) {
  for (Index row = range.first, n = 0; row < range.last; ++row, ++n) {
    auto& r = scratch.rows[n];
    if (pass.noise.random && sizes.recurrent_dropout > 0)
      scratch.h_in[n] = scratch.recurrent_dropout.apply(r.before[State::h], pass.schedule->sequence(s, row), n);
    for (int i = 1; i < sizes.states; ++i)
      if (sizes.zones_out(i)) r.after[i] = scratch.from_cell[i] + n * sizes.padded;
  }
}

// Applies zoneout to the units of h' and to the packets of the other states that this member has computed.
template <class P, class Stages>
GATEWISE_NOINLINE void after_stages(const Sizes& sizes, const ForwardPass<scalar_t<P>>& pass,
                                    const States<scalar_t<P>>& states, const Share& share, Index s,
                                    Schedule::Range range, const ForwardScratch<scalar_t<P>>& scratch) {
  const auto& weights = *pass.weights;
  const Units cells = share.units(weights.stages[0].recurrent);
  PerState<Units> units;
  for (int i = 1; i < Stages::states; ++i) units[i] = {cells.first, round_up(cells.second, P::width)};
  units[State::h] = share.units(sizes.projects() ? weights.projection : weights.stages[Stages::stages - 1].recurrent);
  for (Index row = range.first, n = 0; row < range.last; ++row, ++n) {
    const Index b = pass.schedule->sequence(s, row);
    auto* const place = Stages::states > 1 ? states.cells_place(row, b) : nullptr;
    zone_out_row<P>(sizes, pass.noise, pass.schedule->time(s), b, units, scratch.rows[n], place);
  }
}

// Runs the steps [begin, end) of a pass. `states` says where the states are; h' is written to the pass's y.
template <class P, class Stages>
void run_steps(const Stages& stages, const Sizes& sizes, const ForwardPass<scalar_t<P>>& pass,
               const States<scalar_t<P>>& states, const Share& share, ForwardScratch<scalar_t<P>>& scratch, Index begin,
               Index end) {
  using T = scalar_t<P>;
  const Schedule& schedule = *pass.schedule;
  const auto& weights = *pass.weights;
  const Index lanes = weights.lanes(), saved_row = Stages::saved_count * sizes.padded;
  const bool save = pass.saved != nullptr;
  const bool noisy = sizes.noisy();
  std::fill_n(scratch.rows, share.sequences(), ForwardRow<T>{});

  const Index length = share.at_once(scratch.block_steps);
  for (Index from = begin; from < end && !share.stopped(); from += length) {
    const Index to = std::min(from + length, end);
    share.follow(to);
    Index count = 0;
    for (Index s = from; s < to; ++s) {
      const auto range = schedule.rows_of(s, share.begin, share.end);
      for (Index row = range.first; row < range.last; ++row)
        scratch.x[count++] = pass.x.at(schedule.time(s), schedule.sequence(s, row));
    }
    input_products<P, Stages>(share, weights, scratch.x, count, scratch.x_hat, lanes);

    const T* x_hat = scratch.x_hat;
    for (Index s = from; s < to; ++s) {
      const auto range = schedule.rows_of(s, share.begin, share.end);
      Index n = 0;
      for (Index row = range.first; row < range.last; ++row, ++n, x_hat += lanes) {
        const Index b = schedule.sequence(s, row);
        auto& r = scratch.rows[n];
        r.x_hat = x_hat;
        r.before[State::h] = scratch.h_in[n] = states.h_before(s, row, b);
        r.after[State::h] = pass.y.at(schedule.time(s), b);
        if constexpr (Stages::states > 1) {
          const T* const before = states.cells_after(schedule.previous(row), b);
          T* const after = states.cells_place(row, b);
          for (int i = 1; i < Stages::states; ++i) {
            r.before[i] = before + (i - 1) * sizes.padded;
            r.after[i] = after + (i - 1) * sizes.padded;
          }
        }
        r.saved = save ? pass.saved + (row - states.cells_from) * saved_row : scratch.saved_once + n * saved_row;
      }
      if (noisy) before_stages(sizes, pass, s, range, scratch);
      const bool backwards = s % 2 == 1;
      if (save)
        stages.template forward<true>(share, backwards, weights, sizes, scratch.rows, scratch.h_in, n, scratch.step);
      else
        stages.template forward<false>(share, backwards, weights, sizes, scratch.rows, scratch.h_in, n, scratch.step);
      if (noisy) after_stages<P, Stages>(sizes, pass, states, share, s, range, scratch);
      share.wait();
    }
    share.reach(to);
  }
}

template <class P, class Stages>
void run_forward(const Stages& stages, const Sizes& sizes, const ForwardPass<scalar_t<P>>& pass, const Share& share,
                 ForwardScratch<scalar_t<P>>& scratch) {
  using T = scalar_t<P>;
  const Schedule& schedule = *pass.schedule;
  const Index padded = sizes.padded, cells = sizes.cell_states(), steps = schedule.steps();
  std::fill_n(scratch.zeros, sizes.zeros(), T(0));
  if constexpr (Stages::states > 1)
    share.once_per_sequence([&] {
      for (Index b = share.begin; b < share.end; ++b)
        for (int i = 1; i < Stages::states; ++i)
          copy_state(pass.initial_state[i], sizes.hidden, pass.cells_before + b * cells + (i - 1) * padded, padded, b);
    });
  States<T> states;
  states.schedule = &schedule;
  states.y = pass.y;
  states.initial_h = pass.initial_state[State::h];
  states.cells_before = pass.cells_before;
  states.cells = pass.cells;
  states.cells_from = pass.saved ? 0 : States<T>::no_row;
  states.zeros = scratch.zeros;
  states.outputs = sizes.outputs;
  states.cells_pitch = cells;
  if (pass.noise.random && sizes.recurrent_dropout > 0)
    scratch.recurrent_dropout.start(pass.noise, sizes.recurrent_dropout, share.begin, share.end);

  const Index segment = pass.segment > 0 ? pass.segment : std::max<Index>(steps, 1);
  for (Index from = 0; from < steps; from += segment) {
    if (Stages::states > 1 && pass.checkpoints) {
      // A member copies only its own units, because other members may not have finished theirs.
      const auto units = share.units(pass.weights->stages[0].recurrent);
      const Index count = round_up(units.second, P::width) - units.first;
      T* const to = pass.checkpoints + from / segment * schedule.batch() * cells;
      for (Index b = share.begin; b < share.end; ++b)
        for (Index u = b * cells + units.first; u < (b + 1) * cells; u += padded)
          std::copy_n(pass.cells_before + u, count, to + u);
    }
    run_steps<P>(stages, sizes, pass, states, share, scratch, from, std::min(from + segment, steps));
  }

  share.once_per_sequence([&] {
    for (Index b = share.begin; b < share.end; ++b) {
      const Index last = schedule.last(b);
      std::copy_n(states.h(last, b), sizes.outputs, pass.final_state[State::h] + b * sizes.outputs);
      for (int i = 1; i < Stages::states; ++i)
        std::copy_n(states.cells_after(last, b) + (i - 1) * padded, sizes.hidden,
                    pass.final_state[i] + b * sizes.hidden);
    }
  });
}

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
