// One step of one direction, as the stages of a cell see it: rows of pointers, wherever the numbers lie.
#pragma once

#include "../kernel/arena.hpp"
#include "../kernel/panel.hpp"
#include "options.hpp"
#include "part.hpp"
#include "weights.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// The sizes of one layer and direction, and how likely noise strikes its state.
struct Sizes {
  Index inputs, hidden, outputs, gates;  // I, H, Y, G
  Index padded;                          // H rounded up to packets: the pitch of our own rows of units
  Index padded_outputs;                  // Y likewise
  double recurrent_dropout, zoneout_h, zoneout_c;

  Sizes(const Options& options, Index layer, Index width)
      : inputs(options.layer_input_size(layer)),
        hidden(options.hidden_size),
        outputs(options.output_size()),
        gates(options.gates()),
        padded(round_up(hidden, width)),
        padded_outputs(round_up(outputs, width)),
        recurrent_dropout(options.recurrent_dropout),
        zoneout_h(options.zoneout_h),
        zoneout_c(options.zoneout_c) {}
  bool projects() const { return outputs != hidden; }
  bool zones_out() const { return zoneout_h > 0 || zoneout_c > 0; }
  bool noisy() const { return zoneout_h + zoneout_c + recurrent_dropout > 0; }
  Index deltas() const { return gates * hidden; }
};

// Rows of somebody else's memory (h, y, x, δ) have exactly their numbers; our own (c, kept, d_h, d_c) whole packets.
template <class T>
struct ForwardRow {
  const T* x_hat;        // [lanes]: x̂, packed like the panels
  const T* h_prev;       // [Y]
  const T* c_prev;       // [padded]
  T* c;                  // [padded]
  T* kept;               // [kept][padded]
  T* h;                  // [Y]
  const T* x = nullptr;  // [I]: instead of x̂, for a row alone whose stage makes it
  T* y = nullptr;        // [Y]: where a stream's step gives h' out

  // h' of a packet of units, of which so many are left. y has it from the register: to read it back from h here would
  // cost a small step a fifth of its time.
  template <class P>
  GATEWISE_INLINE void write(Index u, P made, Index left) const {
    store(h + u, made, left);
    if (y) store(y + u, made, left);
  }
};

template <class T>
struct BackwardRow {
  const T* d_y;     // [Y]
  const T* h;       // [Y]
  const T* h_prev;  // [Y]
  const T* h_in;    // [Y]: what W_hh has read: h_prev, or what recurrent dropout has left of it
  const T* c_prev;  // [padded]
  const T* kept;    // [kept][padded]
  T* d_h;           // [padded outputs]: in dh' from the step after, out dh
  T* d_in;          // [padded outputs]: the gradient of h_in, added to what is there; d_h itself where h_in is h_prev
  T* d_c;           // [padded]
  T* delta;         // [G·H], as W_ih sees it
  T* delta_h;       // [G·H], as W_hh sees it, where that differs
  T* d_out;         // [Y]: dh' in all, where a projection's gradient needs it
  T* between;       // [H]: what the second stage of the forward pass read (m before a projection; q)
};

// What a step needs for itself, for `rows` rows.
template <class T>
struct StepScratch {
  StepScratch(Arena& arena, const Sizes& sizes, Index rows)
      : between(arena.take<T>(rows * sizes.padded)), in(arena.take<const T*>(rows)), pitch(sizes.padded) {}

  T* between;    // [rows][padded]: m or q
  const T** in;  // [rows]: the rows that a product reads
  Index pitch;
};

// Calls each(packet, first unit, how many units are left) for the packets of a range of units that begins with one;
// `packet` is an empty one. The last is a half if that holds what is left.
template <class P, class Each>
GATEWISE_INLINE void for_each_packet(std::pair<Index, Index> units, const Each& each) {
  constexpr bool halves = has_half<scalar_t<P>>(P::width);
  Index u = units.first;
  for (; u < units.second - (halves ? P::width / 2 : 0); u += P::width) each(P(), u, units.second - u);
  if constexpr (halves)
    if (u < units.second) each(Half<P>(), u, units.second - u);
}

// What stands in so many packets side by side.
template <class Q, int N>
GATEWISE_INLINE void load_lanes(const scalar_t<Q>* from, Q (&to)[N]) {
  GATEWISE_UNROLL
  for (int g = 0; g < N; ++g) to[g] = load<Q>(from + g * Q::width);
}

// Calls each(first unit, 0, x̂, ĥ) for one panel of a row alone, multiplied in registers: what a tile in L1 costs shows
// then. Its x̂ is made along with it where it has none.
template <class Q, int N, class Each>
GATEWISE_INLINE void use_row(const typename SequenceWeights<scalar_t<Q>>::Stage& stage, Index panel,
                             const ForwardRow<scalar_t<Q>>& row, const scalar_t<Q>* h_in, const Each& each) {
  const auto& panels = stage.recurrent;
  Q x[N], h[N];
  if (row.x)
    multiply_row<Q, N>(stage.input, panel, row.x, x);
  else
    load_lanes<Q, N>(row.x_hat + panels.first_lane(panel), x);
  multiply_row<Q, N>(panels, panel, h_in, h);
  each(panels.first_unit(panel), 0, x, h);
}
// Of a panel of halves: not inlined, for its constants would crowd out those of the full packets.
template <class Q, int N, class Each>
GATEWISE_NOINLINE void use_row_of_halves(const typename SequenceWeights<scalar_t<Q>>::Stage& stage, Index panel,
                                         const ForwardRow<scalar_t<Q>>& row, const scalar_t<Q>* h_in,
                                         const Each& each) {
  use_row<Q, N>(stage, panel, row, h_in, each);
}

// Calls each(first unit, row, x̂, ĥ) for the packets of units of a stage whose panels hold N gates, of one row
// `alone_in_registers` or not: chosen activations are too much code to stand twice.
template <class P, int N, bool alone_in_registers, class Each>
GATEWISE_INLINE void for_each_unit(const Part& part, bool backwards,
                                   const typename SequenceWeights<scalar_t<P>>::Stage& stage,
                                   const ForwardRow<scalar_t<P>>* rows, const scalar_t<P>* const* h_in, Index count,
                                   const Each& each) {
  const auto& panels = stage.recurrent;
  const PanelRange range = part.panels(panels, backwards);
  if constexpr (alone_in_registers) {
    if (count == 1) {
      for (Index i = 0; i < range.size(); ++i) {
        const Index panel = range[i];
        if (panels.template is_half<P>(panel))
          use_row_of_halves<Half<P>, N>(stage, panel, rows[0], h_in[0], each);
        else
          use_row<P, N>(stage, panel, rows[0], h_in[0], each);
      }
      return;
    }
  }
  use_tiles<P>(panels, range, h_in, count, [&](Index panel, Index first, Index n, const scalar_t<P>* tile) {
    const auto use = [&](auto packet) {
      using Q = decltype(packet);
      const Index unit = panels.first_unit(panel), lane = panels.first_lane(panel);
      for (Index r = first; r < first + n; ++r, tile += most_packets * P::width) {
        Q x[N], h[N];
        load_lanes<Q, N>(rows[r].x_hat + lane, x);
        load_lanes<Q, N>(tile, h);
        each(unit, r, x, h);
      }
    };
    panels.template is_half<P>(panel) ? use(Half<P>()) : use(P());
  });
}

// dh = W_hhᵀ δ, or dh += W_hhᵀ δ where the cell has left a part of dh already; of the h that W_hh has read.
template <class P, bool add>
GATEWISE_INLINE void hidden_gradient(const Part& part, const Panels<scalar_t<P>>& panels,
                                     const scalar_t<P>* const* delta, const BackwardRow<scalar_t<P>>* rows,
                                     Index count) {
  for_each_product<P>(panels, part.panels(panels), delta, count, [&](Index r, Index u, auto product) {
    auto* const d_in = rows[r].d_in + u;
    store(d_in, add ? load<decltype(product)>(d_in) + product : product);
  });
}

}  // namespace GATEWISE_ISA
}  // namespace gatewise
