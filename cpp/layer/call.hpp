// The arguments of a stack's calls, in the caller's layout. Assign members by name; an argument that is not assigned is
// absent.
#pragma once

#include <vector>

#include "base/batch.hpp"
#include "base/cells.hpp"
#include "base/weights.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// Arrays of states have no gaps: [L·D, B, Y] of h, [L·D, B, H] of every other state.
template <class T>
struct ForwardCall {
  Batch batch;
  View<const T> x;                   // [I] at (t, b)
  View<T> y;                         // [D·Y] at (t, b)
  PerState<const T*> initial_state;  // null: zeros
  PerState<T*> final_state;          // required, for every state of the cell
};

template <class T>
struct BackwardCall {
  View<const T> d_y;                 // null: zeros
  PerState<const T*> d_final_state;  // null: zeros
  View<T> d_x;                       // null: not wanted
  PerState<T*> d_initial_state;      // required, for every state of the cell
  // The gradient of the state after every step, with 0 at steps that are not taken: [T, L·D, B, Y] of h, [T, L·D, B, H]
  // of every other state. Null: not wanted.
  PerState<T*> d_state_steps;
  std::vector<Parameters<T>> gradients;  // l·D + d
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
