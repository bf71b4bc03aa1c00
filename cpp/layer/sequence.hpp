// One layer in one direction, forward and backward: what a pass reads and writes, and who does it.
#pragma once

#include <algorithm>
#include <limits>

#include "../math/view.hpp"
#include "noise.hpp"
#include "part.hpp"
#include "schedule.hpp"
#include "step.hpp"
#include "weights.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

template <class T>
struct ForwardPass {
  const Schedule* schedule;
  const SequenceWeights<T>* weights;
  Rows<const T> x;             // [I] at (t, b)
  Rows<T> y;                   // [Y] at (t, b)
  const T *h_first, *c_first;  // [B, Y], [B, H], or null: zeros
  T *h_last, *c_last;          // [B, Y], [B, H]
  T* c_before;  // [B][padded]: takes c_first, and, where `cells` is null, c of every step, each over the last
  // What backward needs of each row: [rows][kept][padded] and c, [rows][padded]; or null.
  T *kept, *cells;
  // Or of each segment of so many steps the c that it begins with, [segments][B][padded]; or null.
  T* checkpoints;
  Index segment;
  Noise noise;
};

template <class T>
struct BackwardPass {
  const Schedule* schedule;
  const SequenceWeights<T>* weights;
  Rows<const T> x, y;
  const T* h_first;  // [B, Y], or null
  // [rows][kept][padded], [rows][padded]. With segments, room for one, whose rows are computed anew when it is its
  // turn.
  T *kept, *cells;
  T* c_before;        // [B][padded]: c before the first row; with segments, of each: [segments][B][padded]. Only read.
  Index segment;      // steps, a multiple of the gradients' blocks; 0: no segments
  Rows<const T> d_y;  // [Y] at (t, b), or null: zeros
  const T *d_h_last, *d_c_last;  // [B, Y], [B, H], or null: zeros
  Rows<T> d_x;                   // [I] at (t, b), or null: not wanted
  bool add_to_d_x;               // the second direction adds to what the first has written
  T *d_h_first, *d_c_first;      // [B, Y], [B, H]
  Rows<T> d_h_steps, d_c_steps;  // [Y], [H] at (t, b): of the state after every step taken; or null: not wanted
  Parameters<T> gradients;
  Noise noise;
};

// Where states lie: h in y, c in the tape's cells; the initial ones and zeros beside them.
template <class T>
struct States {
  static constexpr Index no_row = std::numeric_limits<Index>::max();

  const Schedule& schedule;
  Rows<const T> y;
  const T* h_first;     // [B, Y], or null: zeros
  T *c_before, *cells;  // [B][padded]: c of all rows before kept_from; [rows][padded]: of those from there on
  const T* zeros;       // [max(padded, Y)]
  Index outputs, padded;
  Index kept_from;  // a row; no_row: no c is kept

  // The state after a row, or, for Schedule::initial and Schedule::zero, that of a sequence b before any.
  const T* h(Index row, Index b) const {
    if (row >= 0) return y.at(schedule.time_of(row), b);
    return row == Schedule::initial && h_first ? h_first + b * outputs : zeros;
  }
  // The state before a row of step s.
  const T* h_before(Index s, Index row, Index b) const {
    const Index before = schedule.previous(row);
    return before >= 0 ? y.at(schedule.time_of_previous(s, row), b) : h(before, b);
  }
  const T* c(Index row, Index b) const { return row == Schedule::zero ? zeros : c_place(row, b); }
  T* c_place(Index row, Index b) const {
    return row >= kept_from ? cells + (row - kept_from) * padded : c_before + b * padded;
  }
};

// The state of one layer of a stream, and its scratch. h lies twice: a step reads one and writes the other.
template <class T>
struct StepLayer {
  StepLayer(Arena& arena, const Sizes& layer_sizes, Index kept, bool has_cell_state, Index rows)
      : sizes(layer_sizes),
        batch(rows),
        part{Member{}, Split::sequences, 0, rows},
        zones_out(layer_sizes.zones_out()),
        c(has_cell_state ? arena.take<T>(rows * sizes.padded) : nullptr),
        c_of_cell(sizes.zoneout_c > 0 ? arena.take<T>(rows * sizes.padded) : c),
        x_hat(arena.take<T>(rows * lanes())),
        kept_once(arena.take<T>(rows * kept * sizes.padded)),
        x(arena.take<const T*>(rows)),
        step(arena, sizes, rows) {
    for (int i = 0; i < 2; ++i) {
      h_twice[i] = arena.take<T>(rows * sizes.outputs);
      h_prev[i] = arena.take<const T*>(rows);
      this->rows[i] = arena.take<ForwardRow<T>>(rows);
    }
    if (!h_twice[0]) return;  // only measured
    for (int i = 0; i < 2; ++i)
      for (Index b = 0; b < rows; ++b) {
        h_prev[i][b] = h_twice[i] + b * sizes.outputs;
        this->rows[i][b] = {x_hat + b * lanes(),
                            h_prev[i][b],
                            c_of(b),
                            c ? c_of_cell + b * sizes.padded : nullptr,
                            kept_once + b * kept * sizes.padded,
                            h_twice[1 - i] + b * sizes.outputs};
      }
  }

  Index lanes() const { return sizes.gates * sizes.padded; }  // the pitch of x̂
  T* h() const { return h_twice[now]; }
  T* c_of(Index b) const { return c ? c + b * sizes.padded : nullptr; }
  void clear(Index b) {
    std::fill_n(h() + b * sizes.outputs, sizes.outputs, T(0));
    if (c) std::fill_n(c_of(b), sizes.padded, T(0));
  }
  void clear() {
    for (Index b = 0; b < batch; ++b) clear(b);
  }

  Sizes sizes;
  Index batch;
  Part part;  // the whole batch
  bool zones_out;
  int now = 0;             // which of the two h is the state
  T* h_twice[2];           // [B, Y]
  T* c;                    // [B][padded], or null
  T* c_of_cell;            // [B][padded]: c itself, or, where zoneout acts on it, what the cell makes of it
  T *x_hat, *kept_once;    // [B][lanes], [B][kept][padded]
  const T** x;             // [B]
  const T** h_prev[2];     // [B]
  ForwardRow<T>* rows[2];  // [B]
  StepScratch<T> step;
};

// A block of weight gradients has this many steps, counted from the start of the direction's order.
inline Index block_steps(Index batch) { return ceil_div(chain_length, batch > 0 ? batch : 1); }

template <class T>
struct Sequence {
  virtual ~Sequence() = default;
  virtual Index kept() const = 0;

  // Bytes of scratch that one member needs for `share` sequences; the work of one member on its part. Where the units
  // are divided, the members share `common`, the first one's scratch, too; else it is the member's own.
  virtual Index forward_scratch(const Sizes&, Index steps, Index share) const = 0;
  virtual void forward(const Sizes&, const ForwardPass<T>&, const Part&, std::byte* scratch,
                       std::byte* common) const = 0;

  // One step of a stream's layer: x [B, I], and y [B, Y] for h' too, or null; both without gaps.
  virtual void step(const SequenceWeights<T>& weights, const T* x, T* y, StepLayer<T>& layer) const = 0;

  // `segment`: the steps that are computed anew at once, or 0.
  virtual Index backward_scratch(const Sizes&, Index share, Index batch, Index segment) const = 0;
  // The same for what all members share.
  virtual Index shared_scratch(const Sizes&, Index steps, Index batch, Index segment) const = 0;
  virtual void backward(const Sizes&, const BackwardPass<T>&, const Part&, std::byte* scratch,
                        std::byte* shared) const = 0;
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
