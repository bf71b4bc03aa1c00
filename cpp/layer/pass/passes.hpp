// What a forward and a backward pass of one layer and direction read and write, and where their states are.
#pragma once

#include <limits>

#include "../../math/view.hpp"
#include "../base/schedule.hpp"
#include "../base/weights.hpp"
#include "noise.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// A block of weight gradients has this many steps, counted from the start of the direction's order.
inline Index block_steps(Index batch) { return ceil_div(chain_length, batch > 0 ? batch : 1); }

// h of every step is in y. The other states of a row, an LSTM's c, are side by side, each padded to whole packets:
// together `cells` numbers.
template <class T>
struct ForwardPass {
  const Schedule* schedule = nullptr;
  const RecurrenceWeights<T>* weights = nullptr;
  View<const T> x;                   // [I] at (t, b)
  View<T> y;                         // [Y] at (t, b)
  PerState<const T*> initial_state;  // [B, Y], [B, H] …; null: zeros
  PerState<T*> final_state;          // [B, Y], [B, H] …
  // [B][cells]: the pass writes the initial state here, and, if `cells` is null, the state after every step.
  T* cells_before = nullptr;
  // With a tape: what backward needs of each row, [rows][saved_count][padded] and [rows][cells]; else null.
  T *saved = nullptr, *cells = nullptr;
  // With checkpoints: the state before every segment of `segment` steps, [segments][B][cells]; else null.
  T* checkpoints = nullptr;
  Index segment = 0;
  Noise noise;
};

template <class T>
struct BackwardPass {
  const Schedule* schedule = nullptr;
  const RecurrenceWeights<T>* weights = nullptr;
  View<const T> x, y;
  const T* initial_h = nullptr;  // [B, Y], or null: zeros
  // [rows][saved_count][padded], [rows][cells]. With segments there is memory for the rows of one segment, and the
  // segments are recomputed one after another.
  T *saved = nullptr, *cells = nullptr;
  T* cells_before = nullptr;  // [B][cells] before the first row, or, with segments, [segments][B][cells]; only read
  Index segment = 0;          // in steps, a multiple of block_steps; 0: no segments
  View<const T> d_y;          // [Y] at (t, b), or null: zeros
  PerState<const T*> d_final_state;  // [B, Y], [B, H] …; null: zeros
  View<T> d_x;                       // [I] at (t, b), or null: not wanted
  bool add_to_d_x = false;           // whether to add to what the first direction has written
  PerState<T*> d_initial_state;      // [B, Y], [B, H] …
  PerState<View<T>> d_state_steps;   // at (t, b): of the state after every taken step; null: not wanted
  Parameters<T> gradients;
  Noise noise;
};

// Finds the states of rows.
template <class T>
struct States {
  static constexpr Index no_row = std::numeric_limits<Index>::max();

  const Schedule* schedule = nullptr;
  View<const T> y;
  const T* initial_h = nullptr;  // [B, Y], or null: zeros
  T* cells_before = nullptr;     // [B][cells]: of all rows before `cells_from`
  T* cells = nullptr;            // [rows][cells]: of the rows from there on
  Index cells_from = 0;          // a row; no_row: `cells` has none
  const T* zeros = nullptr;
  Index outputs = 0, cells_pitch = 0;  // Y; `cells`

  // h after a row, or, for Schedule::initial and Schedule::zero, before the first row of sequence b.
  const T* h(Index row, Index b) const {
    if (row >= 0) return y.at(schedule->time_of(row), b);
    return row == Schedule::initial && initial_h ? initial_h + b * outputs : zeros;
  }
  // h before a row of step s.
  const T* h_before(Index s, Index row, Index b) const {
    const Index before = schedule->previous(row);
    return before >= 0 ? y.at(schedule->time_of_previous(s, row), b) : h(before, b);
  }
  // The same for all other states, side by side, and the place where they are written.
  const T* cells_after(Index row, Index b) const { return row == Schedule::zero ? zeros : cells_place(row, b); }
  T* cells_place(Index row, Index b) const {
    return row >= cells_from ? cells + (row - cells_from) * cells_pitch : cells_before + b * cells_pitch;
  }
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
