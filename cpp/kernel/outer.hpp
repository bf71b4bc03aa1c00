// Weight gradients: dw[k][m] += Σ_rows a[row][k] · d[row][m], one fma chain a block of rows, rows in order.
//
// The d (of gates) lie along the packets, the a (of inputs, h and a one for the biases) are broadcast: so an input of
// one feature wastes no lanes. Both are packed first, since rows whose pitch is a multiple of a page share few cache
// sets.
#pragma once

#include <algorithm>
#include <cstring>

#include "../math/packet.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// A tile of the gradient: `outer_inputs` broadcasts by `outer_packets` packets.
constexpr int outer_packets = 4;
constexpr int outer_inputs = registers >= 32 ? 6 : 3;

// Rows of `columns` numbers as strips of S neighbouring columns: [strip][rows][S]; the last strip has only as many
// times U columns as it needs, padded with zeros.
template <class T, Index S, Index U>
struct Strips {
  T* data = nullptr;
  Index columns = 0, rows = 0;

  static Index padded(Index columns) { return round_up(columns, U); }
  static Index size(Index columns, Index rows) { return padded(columns) * rows; }
  Index strips() const { return ceil_div(columns, S); }
  Index width(Index i) const { return U == S ? S : std::min(S, padded(columns) - i * S); }
  const T* strip(Index i) const { return data + i * rows * S; }

  // Columns [first, first + count) of one row.
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

// Adds a block's chains to a tile of dw whose strip of gates has N packets.
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

// Adds a block's chains to the tiles [first, last) of dw, numbered along the inputs first; dw: [inputs padded][pitch].
template <class P>
void outer(const InputStrips<P>& inputs, const GateStrips<P>& gates, Index first, Index last, scalar_t<P>* dw,
           Index pitch) {
  static_assert(outer_packets == 4, "a tile for each number of packets");
  constexpr decltype(&outer_tile<P, 1>) tiles[] = {outer_tile<P, 1>, outer_tile<P, 2>, outer_tile<P, 3>,
                                                   outer_tile<P, 4>};
  for (Index tile = first; tile < last; ++tile) {
    const Index i = tile % inputs.strips(), j = tile / inputs.strips();
    scalar_t<P>* const to = dw + i * outer_inputs * pitch + j * outer_packets * P::width;
    tiles[gates.width(j) / P::width - 1](inputs.strip(i), gates.strip(j), inputs.rows, to, pitch);
  }
}

}  // namespace GATEWISE_ISA
}  // namespace gatewise
