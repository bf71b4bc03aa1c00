// A single step of one layer of a stream, with a state of its own.
#pragma once

#include "forward.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// The state of one layer of a stream, and its scratch. There are two arrays of h: a step reads one and writes the
// other.
template <class T>
struct StreamLayer {
  StreamLayer(Arena& arena, const Sizes& layer_sizes, Index saved_count, Index batch_size)
      : sizes(layer_sizes),
        batch(batch_size),
        zones_out(layer_sizes.zones_out()),
        x_hat(arena.take<T>(batch * lanes())),
        saved_once(arena.take<T>(batch * saved_count * sizes.padded)),
        x(arena.take<const T*>(batch)),
        scratch(arena, sizes, batch) {
    share.end = batch;
    cells = arena.take<T>(batch * sizes.cell_states());
    for (int i = 1; i < sizes.states; ++i) from_cell[i] = arena.take<T>(sizes.zones_out(i) ? batch * sizes.padded : 0);
    for (int k = 0; k < 2; ++k) {
      h_twice[k] = arena.take<T>(batch * sizes.outputs);
      h_before[k] = arena.take<const T*>(batch);
      rows[k] = arena.take<ForwardRow<T>>(batch);
    }
    if (!rows[0]) return;  // the arena only measures
    for (int k = 0; k < 2; ++k)
      for (Index b = 0; b < batch; ++b) {
        ForwardRow<T> row;
        row.x_hat = x_hat + b * lanes();
        row.saved = saved_once + b * saved_count * sizes.padded;
        row.before[State::h] = h_before[k][b] = h_twice[k] + b * sizes.outputs;
        row.after[State::h] = h_twice[1 - k] + b * sizes.outputs;
        for (int i = 1; i < sizes.states; ++i) {
          row.before[i] = cell(i, b);
          row.after[i] = sizes.zones_out(i) ? from_cell[i] + b * sizes.padded : cell(i, b);
        }
        rows[k][b] = row;
      }
  }

  Index lanes() const { return sizes.gates * sizes.padded; }  // the pitch of x̂
  // A state of sequence b: h [Y], any other [padded].
  T* h(Index b = 0) const { return h_twice[turn] + b * sizes.outputs; }
  T* cell(int state, Index b) const { return cells + b * sizes.cell_states() + (state - 1) * sizes.padded; }
  T* state(int i, Index b) const { return i == State::h ? h(b) : cell(i, b); }
  // Sets the state of sequence b to zero.
  void clear(Index b) {
    std::fill_n(h(b), sizes.outputs, T(0));
    std::fill_n(cells + b * sizes.cell_states(), sizes.cell_states(), T(0));
  }

  Sizes sizes;
  Index batch;
  Share share;  // the whole batch
  bool zones_out;
  int turn = 0;            // which array of h has the state
  T* h_twice[2];           // [B, Y]
  const T** h_before[2];   // [B]
  ForwardRow<T>* rows[2];  // [B]
  T* cells;                // [B][cells]: the other states, which a step overwrites
  PerState<T*> from_cell;  // [B][padded]: each of them before zoneout, where zoneout acts
  T *x_hat, *saved_once;   // [B][lanes], [B][saved_count][padded]
  const T** x;             // [B]
  StepScratch<T> scratch;
};

// Applies zoneout after a step and writes y. Not inlined, so that a step without zoneout pays nothing.
template <class P>
GATEWISE_NOINLINE void zone_out_step(const StreamLayer<scalar_t<P>>& layer, scalar_t<P>* y) {
  const Sizes& sizes = layer.sizes;
  const auto* const rows = layer.rows[layer.turn];
  PerState<Units> units;
  for (int i = 0; i < sizes.states; ++i) units[i] = {0, i == State::h ? sizes.outputs : sizes.padded};
  for (Index b = 0; b < layer.batch; ++b)
    zone_out_row<P>(sizes, Noise{}, 0, b, units, rows[b], layer.cells + b * sizes.cell_states());
  if (y) std::copy_n(rows[0].after[State::h], layer.batch * sizes.outputs, y);
}

// One step, from x [B, I]. If y [B, Y] is not null, h' is also written there. Both have no gaps.
template <class P, class Stages>
GATEWISE_INLINE void run_step(const Stages& stages, const RecurrenceWeights<scalar_t<P>>& weights, const scalar_t<P>* x,
                              scalar_t<P>* y, StreamLayer<scalar_t<P>>& layer) {
  // This code has few instructions on purpose. The processor executes out of order and looks about 300 instructions
  // ahead: it should reach the products of a small step while the step before still waits for its activations.
  const Index batch = layer.batch;
  auto* const rows = layer.rows[layer.turn];
  scalar_t<P>* const y_of_stages = layer.zones_out ? nullptr : y;
  if (Stages::fuses_input && batch == 1) {
    rows[0].x = x;
    rows[0].y = y_of_stages;
  } else {
    for (Index b = 0; b < batch; ++b) {
      layer.x[b] = x + b * layer.sizes.inputs;
      rows[b].y = y_of_stages ? y + b * layer.sizes.outputs : nullptr;
    }
    input_products<P, Stages>(layer.share, weights, layer.x, batch, layer.x_hat, layer.lanes());
  }
  stages.template forward<false>(layer.share, layer.turn == 1, weights, layer.sizes, rows, layer.h_before[layer.turn],
                                 batch, layer.scratch);
  if (layer.zones_out) zone_out_step<P>(layer, y);
  layer.turn = 1 - layer.turn;
}

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
