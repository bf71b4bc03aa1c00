// The products of a step, handed to the cell packet by packet.
#pragma once

#include "../../kernel/panel.hpp"
#include "../base/weights.hpp"
#include "../split/share.hpp"
#include "rows.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// Calls each(packet, first unit, units left) for the packets of a range of units that begins with a whole one; `packet`
// is an empty one, for its type. The last packet is a half if the units left fit into it.
template <class P, class Each>
GATEWISE_INLINE void for_each_packet(std::pair<Index, Index> units, const Each& each) {
  constexpr bool halves = has_half<scalar_t<P>>(P::width);
  Index u = units.first;
  for (; u < units.second - (halves ? P::width / 2 : 0); u += P::width) each(P(), u, units.second - u);
  if constexpr (halves)
    if (u < units.second) each(Half<P>(), u, units.second - u);
}

// Loads N packets side by side.
template <class Q, int N>
GATEWISE_INLINE void load_lanes(const scalar_t<Q>* from, Q (&to)[N]) {
  GATEWISE_UNROLL
  for (int g = 0; g < N; ++g) to[g] = load<Q>(from + g * Q::width);
}

// Calls each(first unit, 0, x̂, ĥ) for one panel of a lone row, multiplied in registers, because the detour through a
// tile in L1 is noticeable there. Computes x̂ too if the row has x in its place.
template <class Q, int N, class Each>
GATEWISE_INLINE void use_row(const typename RecurrenceWeights<scalar_t<Q>>::Stage& stage, Index panel,
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
// The same for a panel of halves. Not inlined, because its constants would displace those of the full packets.
template <class Q, int N, class Each>
GATEWISE_NOINLINE void use_row_of_halves(const typename RecurrenceWeights<scalar_t<Q>>::Stage& stage, Index panel,
                                         const ForwardRow<scalar_t<Q>>& row, const scalar_t<Q>* h_in,
                                         const Each& each) {
  use_row<Q, N>(stage, panel, row, h_in, each);
}

// Calls each(first unit, row, x̂, ĥ) for the packets of units of a stage with N gates. `lone_in_registers`: whether a
// lone row has code of its own. Without it there is less code, as chosen activations need, and a stage of two gates
// takes fewer instructions, because a tile then has two panels.
template <class P, int N, bool lone_in_registers, class Each>
GATEWISE_INLINE void for_each_unit(const Share& share, bool backwards,
                                   const typename RecurrenceWeights<scalar_t<P>>::Stage& stage,
                                   const ForwardRow<scalar_t<P>>* rows, const scalar_t<P>* const* h_in, Index count,
                                   const Each& each) {
  const auto& panels = stage.recurrent;
  const PanelRange range = share.panels(panels, backwards);
  if constexpr (lone_in_registers) {
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

// The gradient of the h that W_hh has read, W_hhᵀ δ: written to d_in, or added to it.
template <class P, bool add>
GATEWISE_INLINE void hidden_gradient(const Share& share, const Panels<scalar_t<P>>& panels,
                                     const scalar_t<P>* const* delta, const BackwardRow<scalar_t<P>>* rows,
                                     Index count) {
  for_each_product<P>(panels, share.panels(panels), delta, count, [&](Index r, Index u, auto product) {
    auto* const d_in = rows[r].d_in + u;
    store(d_in, add ? load<decltype(product)>(d_in) + product : product);
  });
}

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
