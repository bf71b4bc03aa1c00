// Packed weights and matrix products with them. Weights are packed in the order in which the products read them. Every
// element of a product is one chain of fma, in ascending order of k.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "../math/packet.hpp"
#include "arena.hpp"
#include "transpose.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// A chain is cut at multiples of this number of terms, and the pieces are added in order.
constexpr Index chain_length = 512;

// A matrix with (gates · units) outputs and `inputs` terms per output, packed as panels of N adjacent packets:
// [panels][inputs][N][W]. With several gates, a panel has N = gates packets, those of the same W units. With one gate,
// it has up to 4 packets of adjacent units. The last panel has half packets where these suffice. Its last packet is
// padded with zeros.
template <class T>
class Panels {
 public:
  Panels() = default;

  // fill(gate, unit, count, to, stride) writes the terms of `count` adjacent outputs: term k of output n to
  // to[k · stride + n]. start(gate, unit) is the number that a chain starts with.
  template <class Fill, class Start>
  Panels(Index gates, Index units, Index inputs, Index width, const Fill& fill, const Start& start)
      : gates_(gates),
        units_(units),
        inputs_(inputs),
        width_(width),
        vectors_(gates * ceil_div(units, width)),
        per_panel_(gates > 1 ? gates : 4),
        units_per_panel_(per_panel_ / gates * width),
        panels_(ceil_div(vectors_, per_panel_)),
        full_panels_(panels_ - (has_half<T>(width) && units - (panels_ - 1) * units_per_panel_ <= width / 2)),
        data_(vectors_ * inputs * width),
        start_(vectors_ * width) {
    for (Index v = 0; v < vectors_; ++v) {
      const Index panel = v / per_panel_, wide = width_of(panel), stride = this->count(panel) * wide;
      const Index gate = v % gates, unit = v / gates * width, count = std::min(wide, units - unit);
      T* const to = data_.get() + first_lane(panel) * inputs + v % per_panel_ * wide;
      T* const begin = start_.get() + first_lane(panel) + v % per_panel_ * wide;
      for (Index k = 0; count < wide && k < inputs; ++k) std::fill_n(to + k * stride, wide, T(0));
      fill(gate, unit, count, to, stride);
      for (Index lane = 0; lane < wide; ++lane) begin[lane] = lane < count ? start(gate, unit + lane) : T(0);
    }
  }

  Index inputs() const { return inputs_; }
  Index units() const { return units_; }
  Index width() const { return width_; }
  Index lanes() const { return vectors_ * width_; }
  Index panels() const { return panels_; }
  // The number of packets of a panel, and whether they are halves of P.
  Index count(Index panel) const { return std::min(per_panel_, vectors_ - panel * per_panel_); }
  template <class P>
  bool is_half(Index panel) const {
    return has_half<T>(P::width) && panel >= full_panels_;
  }
  // The first lane of a panel within a row of all lanes, and its first unit.
  Index first_lane(Index panel) const { return panel * per_panel_ * width_; }
  Index first_unit(Index panel) const { return panel * units_per_panel_; }
  const T* weights(Index panel) const { return data_.get() + first_lane(panel) * inputs_; }
  const T* start(Index panel) const { return start_.get() + first_lane(panel); }

  // Writes the weights of one gate and of the inputs [first, first + count), transposed: unit u and input first + n to
  // to[u · pitch + n].
  void transpose_into(Index gate, Index first, Index count, T* to, Index pitch) const {
    for (Index unit = 0; unit < units_; unit += width_) {
      const Index v = unit / width_ * gates_ + gate, panel = v / per_panel_, wide = width_of(panel);
      const Index stride = this->count(panel) * wide;
      const T* const from = weights(panel) + v % per_panel_ * wide + first * stride;
      transpose<Least>(from, stride, count, std::min(wide, units_ - unit), to + unit * pitch, pitch);
    }
  }

  // The narrowest packet. Every packet's width is a multiple of its width.
  using Least = Packet<T, narrowest<T>>;

 private:
  Index width_of(Index panel) const { return panel < full_panels_ ? width_ : width_ / 2; }

  Index gates_ = 1, units_ = 0, inputs_ = 0, width_ = 1, vectors_ = 0, per_panel_ = 4, units_per_panel_ = 1,
        panels_ = 0, full_panels_ = 0;
  Buffer<T> data_, start_;
};

// v[j][r][n] += Σ_k in[r][k] · w[j][k][n], with one fma chain per element, in ascending order of k.
template <class P, int N, int R, int J>
GATEWISE_INLINE void accumulate(const scalar_t<P>* const (&w)[J], Index first, Index last,
                                const scalar_t<P>* const (&in)[R], P (&v)[J][R][N]) {
  for (Index k = first; k < last; ++k) {
    // Load all of the smaller side and one element of the other at a time, so that they and the accumulators fit into
    // registers.
    if constexpr (N <= R) {
      P weight[J][N];
      GATEWISE_UNROLL
      for (int j = 0; j < J; ++j) {
        GATEWISE_UNROLL
        for (int n = 0; n < N; ++n) weight[j][n] = load<P>(w[j] + (k * N + n) * P::width);
      }
      GATEWISE_UNROLL
      for (int r = 0; r < R; ++r) {
        const P x = broadcast<P>(in[r][k]);
        GATEWISE_UNROLL
        for (int j = 0; j < J; ++j) {
          GATEWISE_UNROLL
          for (int n = 0; n < N; ++n) v[j][r][n] = fma(weight[j][n], x, v[j][r][n]);
        }
      }
    } else {
      P x[R];
      GATEWISE_UNROLL
      for (int r = 0; r < R; ++r) x[r] = broadcast<P>(in[r][k]);
      GATEWISE_UNROLL
      for (int j = 0; j < J; ++j) {
        GATEWISE_UNROLL
        for (int n = 0; n < N; ++n) {
          const P weight = load<P>(w[j] + (k * N + n) * P::width);
          GATEWISE_UNROLL
          for (int r = 0; r < R; ++r) v[j][r][n] = fma(weight, x[r], v[j][r][n]);
        }
      }
    }
  }
}

// out[r][j][n] = start[j][n] + Σ_k in[r][k] · w[j][k][n]. Rows of `out` are `stride` apart; the panels j are adjacent.
template <class P, int N, int R, int J>
GATEWISE_NOINLINE void multiply(const scalar_t<P>* weights, const scalar_t<P>* start, Index inputs,
                                const scalar_t<P>* const* rows, scalar_t<P>* out, Index stride) {
  using T = scalar_t<P>;
  constexpr int W = P::width;
  const T* w[J];
  const T* in[R];
  for (int j = 0; j < J; ++j) w[j] = weights + j * inputs * N * W;
  for (int r = 0; r < R; ++r) in[r] = rows[r];
  Index first = 0;
  do {
    P v[J][R][N];
    GATEWISE_UNROLL
    for (int j = 0; j < J; ++j) {
      GATEWISE_UNROLL
      for (int r = 0; r < R; ++r) {
        GATEWISE_UNROLL
        for (int n = 0; n < N; ++n) v[j][r][n] = first == 0 ? load<P>(start + (j * N + n) * W) : broadcast<P>(0);
      }
    }
    const Index last = std::min(first + chain_length, inputs);
    accumulate<P, N, R, J>(w, first, last, in, v);
    GATEWISE_UNROLL
    for (int j = 0; j < J; ++j) {
      GATEWISE_UNROLL
      for (int r = 0; r < R; ++r) {
        GATEWISE_UNROLL
        for (int n = 0; n < N; ++n) {
          T* const to = out + r * stride + (j * N + n) * W;
          store(to, first == 0 ? v[j][r][n] : load<P>(to) + v[j][r][n]);
        }
      }
    }
    first = last;
  } while (first < inputs);
}

// The number of rows that one product computes at once: as many as keep the accumulators in registers.
constexpr int rows_at_once(int n) { return registers >= 32 ? (n == 4 ? 6 : 8) : (n == 4 ? 3 : n == 3 ? 4 : 6); }
constexpr int most_rows = 8;

// The product for panels of n packets and r <= rows_at_once(n) rows.
template <class P>
using Multiply = void (*)(const scalar_t<P>*, const scalar_t<P>*, Index, const scalar_t<P>* const*, scalar_t<P>*,
                          Index);

template <class P, int N, std::size_t... R>
constexpr std::array<Multiply<P>, most_rows> by_rows(std::index_sequence<R...>) {
  return {{(int(R) < rows_at_once(N) ? multiply<P, N, std::min(int(R) + 1, rows_at_once(N)), 1> : nullptr)...}};
}

template <class P>
Multiply<P> choose_multiply(Index n, Index r) {
  using AllRows = std::make_index_sequence<most_rows>;
  static constexpr std::array<Multiply<P>, most_rows> table[] = {by_rows<P, 1>(AllRows()), by_rows<P, 2>(AllRows()),
                                                                 by_rows<P, 3>(AllRows()), by_rows<P, 4>(AllRows())};
  return table[n - 1][static_cast<std::size_t>(r - 1)];
}

// The product for one row and two adjacent panels of n packets. It has twice as many independent chains.
template <class P>
Multiply<P> choose_multiply_pair(Index n) {
  static constexpr Multiply<P> table[] = {multiply<P, 1, 1, 2>, multiply<P, 2, 1, 2>, multiply<P, 3, 1, 2>,
                                          multiply<P, 4, 1, 2>};
  return table[n - 1];
}

// The product of a single row with a panel of N packets; the result stays in registers.
template <class P, int N>
GATEWISE_INLINE void multiply_row(const Panels<scalar_t<P>>& panels, Index panel, const scalar_t<P>* row, P (&out)[N]) {
  const scalar_t<P>* const in[1] = {row};
  const scalar_t<P>* const w[1] = {panels.weights(panel)};
  const scalar_t<P>* const start = panels.start(panel);
  P v[1][1][N];
  GATEWISE_UNROLL
  for (int n = 0; n < N; ++n) v[0][0][n] = load<P>(start + n * P::width);
  accumulate<P, N, 1, 1>(w, 0, std::min(chain_length, panels.inputs()), in, v);
  GATEWISE_UNROLL
  for (int n = 0; n < N; ++n) out[n] = v[0][0][n];
  for (Index first = chain_length; first < panels.inputs(); first += chain_length) {
    GATEWISE_UNROLL
    for (int n = 0; n < N; ++n) v[0][0][n] = broadcast<P>(0);
    accumulate<P, N, 1, 1>(w, first, std::min(first + chain_length, panels.inputs()), in, v);
    GATEWISE_UNROLL
    for (int n = 0; n < N; ++n) out[n] = out[n] + v[0][0][n];
  }
}

// The panels [first, last), in descending order if `backwards`.
struct PanelRange {
  Index first, last;
  bool backwards = false;

  Index size() const { return last - first; }
  Index operator[](Index i) const { return backwards ? last - 1 - i : first + i; }
};

// Computes in · weights for a range of panels, tile by tile. place(panel, first_row) returns where to write a tile,
// whose rows are `stride` apart; then use(panel, first_row, rows, tile) reads it.
template <class P, class Place, class Use>
GATEWISE_INLINE void for_each_tile(const Panels<scalar_t<P>>& weights, PanelRange range, const scalar_t<P>* const* in,
                                   Index rows, Index stride, const Place& place, const Use& use) {
  if (rows == 0) return;
  const Index inputs = weights.inputs(), panels = range.size();
  const auto choose = [&](Index panel, Index r) {
    const Index n = weights.count(panel);
    return weights.template is_half<P>(panel) ? choose_multiply<Half<P>>(n, r) : choose_multiply<P>(n, r);
  };
  for (Index done = 0; done < panels;) {
    Index panel = range[done];
    const Index n = weights.count(panel);
    if (rows == 1) {
      // A single row has too few chains to fill the pipeline, so compute two panels at once if they have the same
      // shape.
      const Index lower = range.backwards ? panel - 1 : panel;
      const bool pair = done + 1 < panels && weights.count(lower) == weights.count(lower + 1) &&
                        !weights.template is_half<P>(lower + 1);
      if (pair) panel = lower;
      auto* const out = place(panel, 0);
      (pair ? choose_multiply_pair<P>(n) : choose(panel, 1))(weights.weights(panel), weights.start(panel), inputs, in,
                                                             out, stride);
      use(panel, 0, 1, out);
      if (pair) use(panel + 1, 0, 1, out + n * P::width);
      done += pair ? 2 : 1;
      continue;
    }
    const Index chunks = ceil_div(rows, rows_at_once(static_cast<int>(n)));
    for (Index chunk = 0; chunk < chunks; ++chunk) {
      const Index first = chunk * rows / chunks, taken = (chunk + 1) * rows / chunks - first;
      auto* const out = place(panel, first);
      choose(panel, taken)(weights.weights(panel), weights.start(panel), inputs, in + first, out, stride);
      use(panel, first, taken, out);
    }
    ++done;
  }
}

// As for_each_tile, with all tiles in the same memory, which stays in L1: use(panel, first_row, rows, tile) gets a tile
// [rows][most_packets][W].
constexpr Index most_packets = 4;

template <class P, class Use>
GATEWISE_INLINE void use_tiles(const Panels<scalar_t<P>>& weights, PanelRange range, const scalar_t<P>* const* in,
                               Index rows, const Use& use) {
  alignas(64) scalar_t<P> tile[most_rows * most_packets * P::width];
  for_each_tile<P>(weights, range, in, rows, most_packets * P::width, [&](Index, Index) { return tile; }, use);
}

// Calls each(row, first unit, packet) for every packet of in · weights, for a range of panels with one gate.
template <class P, class Each>
GATEWISE_INLINE void for_each_product(const Panels<scalar_t<P>>& weights, PanelRange range,
                                      const scalar_t<P>* const* in, Index rows, const Each& each) {
  use_tiles<P>(weights, range, in, rows, [&](Index panel, Index first, Index n, const scalar_t<P>* tile) {
    const auto use = [&](auto packet) {
      using Q = decltype(packet);
      const Index unit = weights.first_unit(panel), count = weights.count(panel);
      for (Index r = first; r < first + n; ++r, tile += most_packets * P::width)
        for (Index j = 0; j < count; ++j) each(r, unit + j * Q::width, load<Q>(tile + j * Q::width));
    };
    weights.template is_half<P>(panel) ? use(Half<P>()) : use(P());
  });
}

// Computes in · weights for a range of panels, and writes the lanes of these panels in out, [rows][stride].
template <class P>
GATEWISE_INLINE void multiply_rows(const Panels<scalar_t<P>>& weights, PanelRange range, const scalar_t<P>* const* in,
                                   Index rows, scalar_t<P>* out, Index stride) {
  for_each_tile<P>(
      weights, range, in, rows, stride,
      [&](Index panel, Index first) { return out + first * stride + weights.first_lane(panel); },
      [](Index, Index, Index, scalar_t<P>*) {});
}

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
