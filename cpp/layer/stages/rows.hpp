// One step as a cell's stages see it: for each row, pointers to its arrays.
#pragma once

#include "../../kernel/arena.hpp"
#include "../base/sizes.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// Arrays that belong to others (x, y, h, δ) have exactly as many numbers as stated. Our own (x̂, saved values, all other
// states, gradients of states) are padded to whole packets.
template <class T>
struct ForwardRow {
  const T* x_hat = nullptr;   // [lanes], packed like the panels
  PerState<const T*> before;  // each state before the step: h [Y], the others [padded]
  PerState<T*> after;         // each state after it
  T* saved = nullptr;         // [saved_count][padded]
  const T* x = nullptr;       // [I]: set for a step's only row if its stage computes x̂ itself; else null
  T* y = nullptr;             // [Y]: where a stream's step also writes h'; else null

  // Writes h' for a packet of units, `left` units before the end. y is written from the register, too: reading h' back
  // from memory would take a fifth of the time of a small step.
  template <class P>
  GATEWISE_INLINE void write(Index u, P made, Index left) const {
    store(after[State::h] + u, made, left);
    if (y) store(y + u, made, left);
  }
};

template <class T>
struct BackwardRow {
  const T* d_y;               // [Y]
  const T* h;                 // [Y]: h'
  PerState<const T*> before;  // each state before the step: h [Y], the others [padded]
  const T* h_in;              // [Y]: what W_hh has read: h, or with recurrent dropout the masked h
  const T* saved;             // [saved_count][padded]
  PerState<T*> d_state;       // [padded]: on entry the gradient of each state after the step, on exit before it
  T* d_in;                    // [padded outputs]: where the gradient of h_in is added; d_state[h] if h_in is h
  T* delta;                   // [G·H]: δ as W_ih sees it
  T* delta_h;                 // [G·H]: δ as W_hh sees it, where that differs
  T* d_out;                   // [Y]: the whole dh', if the gradient of a projection needs it
  T* between;                 // [H]: what the second product of forward has read: m before a projection, or q
};

// Scratch memory of a step.
template <class T>
struct StepScratch {
  StepScratch(Arena& arena, const Sizes& sizes, Index rows)
      : between(arena.take<T>(rows * sizes.padded)), in(arena.take<const T*>(rows)), pitch(sizes.padded) {}

  T* between;    // [rows][padded]: m or q
  const T** in;  // [rows]: the rows that a product reads
  Index pitch;
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
