// Copies a matrix transposed, block by block in registers.
#pragma once

#include "../math/packet.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// to[j · to_pitch + i] = from[i · from_pitch + j], i < rows, j < columns.
template <class P>
GATEWISE_NOINLINE void transpose(const scalar_t<P>* from, Index from_pitch, Index rows, Index columns, scalar_t<P>* to,
                                 Index to_pitch) {
  constexpr int W = P::width;
  for (Index i = 0; i < rows; i += W)
    for (Index j = 0; j < columns; j += W) {
      const scalar_t<P>* const in = from + i * from_pitch + j;
      scalar_t<P>* const out = to + j * to_pitch + i;
      const Index high = rows - i, wide = columns - j;
      P block[W];
      if (high >= W && wide >= W) {
        GATEWISE_UNROLL
        for (int r = 0; r < W; ++r) block[r] = load<P>(in + r * from_pitch);
        transpose(block);
        GATEWISE_UNROLL
        for (int c = 0; c < W; ++c) store(out + c * to_pitch, block[c]);
      } else {
        for (int r = 0; r < W; ++r) block[r] = r < high ? load<P>(in + r * from_pitch, wide) : broadcast<P>(0);
        transpose(block);
        for (int c = 0; c < W && c < wide; ++c) store(out + c * to_pitch, block[c], high);
      }
    }
}

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
