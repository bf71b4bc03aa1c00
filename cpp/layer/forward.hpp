// The forward pass of one layer and direction over a member's sequences: blocks of steps, x̂ first, then step by step.
#pragma once

#include <algorithm>

#include "sequence.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// A block's x̂ stays in L2.
constexpr Index x_hat_bytes = 256 * 1024;

template <class T>
Index forward_block_steps(const Sizes& sizes, Index steps, Index share) {
  const Index row = sizes.gates * sizes.padded * static_cast<Index>(sizeof(T));
  return std::clamp<Index>(x_hat_bytes / (row * std::max<Index>(share, 1)), 1, std::max<Index>(steps, 1));
}

template <class T>
struct ForwardScratch {
  ForwardScratch(Arena& arena, const Sizes& sizes, Index kept, Index steps, Index share)
      : block_steps(forward_block_steps<T>(sizes, steps, share)),
        zeros(arena.take<T>(std::max(sizes.padded, sizes.padded_outputs))),
        x_hat(arena.take<T>(block_steps * share * sizes.gates * sizes.padded)),
        kept_once(arena.take<T>(share * kept * sizes.padded)),
        x(arena.take<const T*>(block_steps * share)),
        h_in(arena.take<const T*>(share)),
        rows(arena.take<ForwardRow<T>>(share)),
        c_of_cells(arena.take<T>(sizes.zoneout_c > 0 ? share * sizes.padded : 0)),
        recurrent_dropout(arena, sizes, share),
        step(arena, sizes, share) {}

  Index block_steps;
  T* zeros;
  T* x_hat;             // [rows of a block][lanes]
  T* kept_once;         // [share][kept][padded], where there is no tape
  const T** x;          // [rows of a block]
  const T** h_in;       // [share]: what W_hh reads
  ForwardRow<T>* rows;  // [share]
  T* c_of_cells;        // [share][padded]: what zoneout has not yet acted on
  RecurrentDropout<T> recurrent_dropout;
  StepScratch<T> step;
};

// Copies a state of n numbers, row b of `from` (null: zeros), and pads it with zeros to `pitch`.
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
void input_products(const Part& part, const SequenceWeights<scalar_t<P>>& weights, const scalar_t<P>* const* x,
                    Index rows, scalar_t<P>* x_hat, Index lanes) {
  const auto &first = weights.stages[0].input, &second = weights.stages[1].input;
  multiply_rows<P>(first, part.panels(first), x, rows, x_hat, lanes);
  if (Stages::two_stages) multiply_rows<P>(second, part.panels(second), x, rows, x_hat + first.lanes(), lanes);
}

// Where noise acts, the rows of a step before the stages: W_hh reads what recurrent dropout leaves, and c' waits for
// zoneout. Not inlined, like its counterpart: so both cost a step without noise nothing.
template <class T>
GATEWISE_NOINLINE void before_stages(const Sizes& sizes, const ForwardPass<T>& pass, Index s, Schedule::Range range,
                                     ForwardScratch<T>& scratch) {
  for (Index row = range.first, n = 0; row < range.last; ++row, ++n) {
    auto& r = scratch.rows[n];
    if (pass.noise.random && sizes.recurrent_dropout > 0)
      scratch.h_in[n] = scratch.recurrent_dropout.apply(r.h_prev, pass.schedule->sequence(s, row), n);
    if (sizes.zoneout_c > 0) r.c = scratch.c_of_cells + n * sizes.padded;
  }
}

// And after them: zoneout of the units of h' and the packets of c' that this member has made.
template <class P, class Stages>
GATEWISE_NOINLINE void after_stages(const Sizes& sizes, const ForwardPass<scalar_t<P>>& pass,
                                    const States<scalar_t<P>>& states, const Part& part, Index s, Schedule::Range range,
                                    const ForwardScratch<scalar_t<P>>& scratch) {
  const auto& weights = *pass.weights;
  const auto& gates = weights.stages[0].recurrent;
  const auto& last = sizes.projects() ? weights.projection : Stages::two_stages ? weights.stages[1].recurrent : gates;
  const Units h = part.units(last), c = part.units(gates);
  const RowUnits made{h, {c.first, round_up(c.second, P::width)}};
  for (Index row = range.first, n = 0; row < range.last; ++row, ++n) {
    const Index b = pass.schedule->sequence(s, row);
    auto* const place = Stages::has_cell_state ? states.c_place(row, b) : nullptr;
    zone_out_row<P>(sizes, pass.noise, pass.schedule->time(s), b, made, scratch.rows[n], place);
  }
}

// The steps [begin, end), whose states lie in `states`; h goes to the pass's y.
template <class P, class Stages>
void run_steps(const Stages& stages, const Sizes& sizes, const ForwardPass<scalar_t<P>>& pass,
               const States<scalar_t<P>>& states, const Part& part, ForwardScratch<scalar_t<P>>& scratch, Index begin,
               Index end) {
  using T = scalar_t<P>;
  const Schedule& schedule = *pass.schedule;
  const auto& weights = *pass.weights;
  const Index lanes = weights.lanes(), kept_row = Stages::kept * sizes.padded;
  const bool keep = pass.kept != nullptr;
  const bool noisy = sizes.noisy();
  std::fill_n(scratch.rows, part.end - part.begin, ForwardRow<T>{});

  const Index length = part.at_once(scratch.block_steps);
  for (Index from = begin; from < end && !part.stopped(); from += length) {
    const Index to = std::min(from + length, end);
    part.follow(to);
    Index count = 0;
    for (Index s = from; s < to; ++s) {
      const auto range = schedule.rows_of(s, part.begin, part.end);
      for (Index row = range.first; row < range.last; ++row)
        scratch.x[count++] = pass.x.at(schedule.time(s), schedule.sequence(s, row));
    }
    input_products<P, Stages>(part, weights, scratch.x, count, scratch.x_hat, lanes);

    const T* x_hat = scratch.x_hat;
    for (Index s = from; s < to; ++s) {
      const auto range = schedule.rows_of(s, part.begin, part.end);
      Index n = 0;
      for (Index row = range.first; row < range.last; ++row, ++n, x_hat += lanes) {
        const Index b = schedule.sequence(s, row);
        auto& r = scratch.rows[n];
        r.x_hat = x_hat;
        r.h_prev = scratch.h_in[n] = states.h_before(s, row, b);
        r.h = pass.y.at(schedule.time(s), b);
        if (Stages::has_cell_state) {
          r.c_prev = states.c(schedule.previous(row), b);
          r.c = states.c_place(row, b);
        }
        r.kept = keep ? pass.kept + (row - states.kept_from) * kept_row : scratch.kept_once + n * kept_row;
      }
      if (noisy) before_stages(sizes, pass, s, range, scratch);
      const bool backwards = s % 2 == 1;
      if (keep)
        stages.template forward<true>(part, backwards, weights, sizes, scratch.rows, scratch.h_in, n, scratch.step);
      else
        stages.template forward<false>(part, backwards, weights, sizes, scratch.rows, scratch.h_in, n, scratch.step);
      if (noisy) after_stages<P, Stages>(sizes, pass, states, part, s, range, scratch);
      part.wait();
    }
    part.reach(to);
  }
}

template <class P, class Stages>
void run_forward(const Stages& stages, const Sizes& sizes, const ForwardPass<scalar_t<P>>& pass, const Part& part,
                 ForwardScratch<scalar_t<P>>& scratch) {
  using T = scalar_t<P>;
  const Schedule& schedule = *pass.schedule;
  const Index padded = sizes.padded, outputs = sizes.outputs, steps = schedule.steps();
  std::fill_n(scratch.zeros, std::max(padded, sizes.padded_outputs), T(0));
  if (Stages::has_cell_state)
    part.by_sequence([&] {
      for (Index b = part.begin; b < part.end; ++b)
        copy_state(pass.c_first, sizes.hidden, pass.c_before + b * padded, padded, b);
    });
  const States<T> states{schedule,      pass.y,     pass.h_first,
                         pass.c_before, pass.cells, scratch.zeros,
                         outputs,       padded,     pass.kept ? 0 : States<T>::no_row};
  if (pass.noise.random && sizes.recurrent_dropout > 0)
    scratch.recurrent_dropout.start(pass.noise, sizes.recurrent_dropout, part.begin, part.end);

  const Index segment = pass.segment > 0 ? pass.segment : std::max<Index>(steps, 1);
  for (Index from = 0; from < steps; from += segment) {
    if (Stages::has_cell_state && pass.checkpoints) {
      // A member's own units alone: the others may not be there yet.
      const auto units = part.units(pass.weights->stages[0].recurrent);
      T* const to = pass.checkpoints + from / segment * schedule.batch() * padded;
      for (Index b = part.begin; b < part.end; ++b)
        std::copy(pass.c_before + b * padded + units.first,
                  pass.c_before + b * padded + round_up(units.second, P::width), to + b * padded + units.first);
    }
    run_steps<P>(stages, sizes, pass, states, part, scratch, from, std::min(from + segment, steps));
  }

  part.by_sequence([&] {
    for (Index b = part.begin; b < part.end; ++b) {
      const Index last = schedule.last(b);
      std::copy_n(states.h(last, b), outputs, pass.h_last + b * outputs);
      if (Stages::has_cell_state) std::copy_n(states.c(last, b), sizes.hidden, pass.c_last + b * sizes.hidden);
    }
  });
}

}  // namespace GATEWISE_ISA
}  // namespace gatewise
