// Weight gradients: dw[k][m] += Σ_rows a[row][k] · d[row][m], with one fma chain per block of rows, in the order of the
// rows.
//
// d holds gradients of gates, and its columns are the lanes of packets. a holds inputs and h, and a 1 for the biases;
// its elements are broadcast, so an input with a single feature wastes no lanes. Both are packed first: rows with a
// pitch that is a multiple of the page size would share few cache sets.
#pragma once

#include <algorithm>
#include <cstring>

#include "../math/packet.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// The size of a tile of the gradient: outer_inputs broadcast elements × outer_packets packets.
constexpr int outer_packets = 4;
constexpr int outer_inputs = registers >= 32 ? 6 : 3;

// A matrix of rows × columns, packed as strips of S adjacent columns: [strip][rows][S]. The last strip may be narrower:
// its width is the smallest sufficient multiple of U, and it is padded with zeros.
template <class T, Index S, Index U>
struct Strips {
  T* data = nullptr;
  Index columns = 0, rows = 0;

  static Index padded(Index columns) { return round_up(columns, U); }
  static Index size(Index columns, Index rows) { return padded(columns) * rows; }
  Index strips() const { return ceil_div(columns, S); }
  Index width(Index i) const { return U == S ? S : std::min(S, padded(columns) - i * S); }
  const T* strip(Index i) const { return data + i * rows * S; }

  // Writes columns [first, first + count) of one row.
  void put(Index row, Index first, const T* from, Index count) const {
    for (Index done = 0; done < count;) {
      const Index column = first + done, lane = column % S, taken = std::min(count - done, S - lane);
      T* const to = place(row, column);
      if (taken == S)
        std::memcpy(to, from + done, S * sizeof(T));
      else
        std::memcpy(to, from + done, static_cast<std::size_t>(taken) * sizeof(T));
      done += taken;
    }
  }
  void pad(Index row) const {
    for (Index column = columns; column < padded(columns); ++column) *place(row, column) = T(0);
  }

 private:
  T* place(Index row, Index column) const {
    const Index i = column / S;
    return data + i * rows * S + row * width(i) + column % S;
  }
};

template <class P>
using InputStrips = Strips<scalar_t<P>, outer_inputs, outer_inputs>;
template <class P>
using GateStrips = Strips<scalar_t<P>, outer_packets * P::width, P::width>;

// Adds the chains of a block of rows to one tile of dw. The tile's strip of gates has N packets.
template <class P, int N>
GATEWISE_NOINLINE void outer_tile(const scalar_t<P>* a, const scalar_t<P>* d, Index rows, scalar_t<P>* dw,
                                  Index pitch) {
  constexpr int M = outer_inputs, W = P::width;
  P v[M][N];
  GATEWISE_UNROLL
  for (int i = 0; i < M; ++i) {
    GATEWISE_UNROLL
    for (int n = 0; n < N; ++n) v[i][n] = broadcast<P>(0);
  }
  for (Index row = 0; row < rows; ++row, a += M, d += N * W) {
    P delta[N];
    GATEWISE_UNROLL
    for (int n = 0; n < N; ++n) delta[n] = load<P>(d + n * W);
    GATEWISE_UNROLL
    for (int i = 0; i < M; ++i) {
      const P x = broadcast<P>(a[i]);
      GATEWISE_UNROLL
      for (int n = 0; n < N; ++n) v[i][n] = fma(delta[n], x, v[i][n]);
    }
  }
  GATEWISE_UNROLL
  for (int i = 0; i < M; ++i) {
    auto* const to = dw + i * pitch;
    GATEWISE_UNROLL
    for (int n = 0; n < N; ++n) store(to + n * W, load<P>(to + n * W) + v[i][n]);
  }
}

// Adds the chains of a block of rows to the tiles [first, last) of dw, [padded inputs][pitch]. Tile numbers run along
// the inputs first.
template <class P>
void outer(const InputStrips<P>& inputs, const GateStrips<P>& gates, Index first, Index last, scalar_t<P>* dw,
           Index pitch) {
  static_assert(outer_packets == 4, "the table below needs one function per number of packets");
  constexpr decltype(&outer_tile<P, 1>) tiles[] = {outer_tile<P, 1>, outer_tile<P, 2>, outer_tile<P, 3>,
                                                   outer_tile<P, 4>};
  for (Index tile = first; tile < last; ++tile) {
    const Index i = tile % inputs.strips(), j = tile / inputs.strips();
    scalar_t<P>* const to = dw + i * outer_inputs * pitch + j * outer_packets * P::width;
    tiles[gates.width(j) / P::width - 1](inputs.strip(i), gates.strip(j), inputs.rows, to, pitch);
  }
}

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
