// Decides what a call divides among threads: its batch, its directions or its layers, which need no barrier between
// steps, or the units, which need one in every stage.
#pragma once

#include "share.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// A call with fewer multiply-adds is faster on one thread. A step with fewer multiply-adds is faster if units are not
// divided, because members that divide units wait for each other in every step.
constexpr double work_worth_a_team = 2.5e5;
constexpr double step_worth_dividing = 2.5e4;
// Recurrent weights with more bytes do not stay in the cache of one core. It is then better if each member has its own
// part of them.
constexpr double weights_worth_dividing = 1 << 20;
// With smaller batches, two directions at the same time are faster than two halves of the batch: each product has all
// rows, and reads the weights once for all of them. With more bytes of weights, those of both directions do not stay in
// a cache.
constexpr Index batch_worth_dividing = 16;
constexpr double directions_side_by_side = 1 << 19;
// Layers that run at the same time pass every output from one core to another. With more bytes of weights it is better
// to divide units. With fewer steps the layers would wait for each other too long.
constexpr double layers_side_by_side = 100 << 10;
constexpr Index steps_worth_following = 8;

// What a call costs, and how it may be divided.
struct Work {
  double multiply_adds = 0;                // of the whole call, including the arithmetic of the cells
  double step_multiply_adds = 0;           // of one step of one layer and direction, for one sequence
  double recurrent_bytes = 0;              // of the weights that every step of one layer reads
  Split side_by_side = Split::directions;  // what can run side by side: directions or layers
  Index passes = 1;                        // how many of them; 1: nothing runs side by side
};

struct Plan {
  int members = 1;
  Split split = Split::batch;
  Index passes = 1;  // the number of directions or layers, where those are divided
};

inline bool worth_side_by_side(int threads, const Work& work, Index batch, bool step_is_large) {
  if (work.passes == 1) return false;
  if (work.side_by_side == Split::directions)
    return work.recurrent_bytes <= directions_side_by_side && batch < (threads == 2 ? batch_worth_dividing : threads);
  // Members with fewer layers than others have to wait. That is worth it only if nothing else can be divided.
  if (work.passes % threads != 0) return batch == 1 && !step_is_large;
  return work.recurrent_bytes <= layers_side_by_side && batch <= 2 * threads;
}

inline Plan plan(int threads, const Work& work, Index batch) {
  Plan plan;
  if (threads == 1 || batch == 0 || work.multiply_adds < work_worth_a_team) return plan;
  const bool step_is_large = work.step_multiply_adds * static_cast<double>(batch) >= step_worth_dividing;
  if (worth_side_by_side(threads, work, batch, step_is_large)) {
    plan.members = static_cast<int>(std::min<Index>(threads, work.passes));
    plan.split = work.side_by_side;
    plan.passes = work.passes;
  } else if (step_is_large && (batch < 2 * threads || work.recurrent_bytes > weights_worth_dividing)) {
    plan.members = threads;
    plan.split = Split::units;
  } else {
    plan.members = static_cast<int>(std::min<Index>(threads, batch));
  }
  return plan;
}

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
