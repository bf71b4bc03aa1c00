// Packets: W numbers in one SIMD register. This is the only header that uses Eigen's packets and vector intrinsics.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <cstring>
#include <type_traits>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "base.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

namespace eigen = Eigen::internal;

// Eigen's packet of W numbers, found by halving its widest one.
template <class Raw, int W, class = void>
struct Narrowed {
  using type = typename Narrowed<typename eigen::unpacket_traits<Raw>::half, W>::type;
};
template <class Raw, int W>
struct Narrowed<Raw, W, std::enable_if_t<eigen::unpacket_traits<Raw>::size == W>> {
  using type = Raw;
};

template <class T>
constexpr int widest = eigen::packet_traits<T>::size;
// 16 bytes: every instruction set has packets of this size.
template <class T>
constexpr int narrowest = 16 / sizeof(T);
// How many packets the register file holds.
constexpr int registers = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS;

template <class T, int W>
struct Packet {
  using Scalar = T;
  using Raw = typename Narrowed<typename eigen::packet_traits<T>::type, W>::type;
  static constexpr int width = W;
  Raw v;
};

template <class P>
using scalar_t = typename P::Scalar;

// A row may end with half of a 64-byte packet. This wastes fewer lanes for sizes that are not a multiple of the width.
// For narrower packets, Half is the packet itself.
template <class T>
constexpr bool has_half(Index width) {
  return width * static_cast<Index>(sizeof(T)) >= 64;
}
template <class P>
using Half = Packet<scalar_t<P>, has_half<scalar_t<P>>(P::width) ? P::width / 2 : P::width>;

template <class P>
GATEWISE_INLINE P load(const scalar_t<P>* from) {
  return {eigen::ploadu<typename P::Raw>(from)};
}
template <class P>
GATEWISE_INLINE P broadcast(scalar_t<P> value) {
  return {eigen::pset1<typename P::Raw>(value)};
}
template <class T, int W>
GATEWISE_INLINE void store(T* to, Packet<T, W> a) {
  eigen::pstoreu(to, a.v);
}

// The first n < W numbers; the other lanes are 0. On x86 this is one masked load. The alternative, a load from a
// zero-padded copy, is slower: the processor cannot forward several small stores to one wide load.
template <class P>
GATEWISE_INLINE P load_first(const scalar_t<P>* from, Index n) {
#if defined(__AVX512VL__)
  const auto mask = (1u << n) - 1;
  if constexpr (std::is_same_v<P, Packet<float, 16>>)
    return {_mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), from)};
  if constexpr (std::is_same_v<P, Packet<double, 8>>) return {_mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), from)};
  if constexpr (std::is_same_v<P, Packet<float, 8>>) return {_mm256_maskz_loadu_ps(static_cast<__mmask8>(mask), from)};
  if constexpr (std::is_same_v<P, Packet<double, 4>>) return {_mm256_maskz_loadu_pd(static_cast<__mmask8>(mask), from)};
#elif defined(__AVX2__)
  if constexpr (std::is_same_v<P, Packet<float, 8>>) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return {_mm256_maskload_ps(from, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane))};
  }
  if constexpr (std::is_same_v<P, Packet<double, 4>>) {
    const __m256i lane = _mm256_setr_epi64x(0, 1, 2, 3);
    return {_mm256_maskload_pd(from, _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), lane))};
  }
#endif
  scalar_t<P> lanes[P::width] = {};
  std::memcpy(lanes, from, static_cast<std::size_t>(n) * sizeof(*from));
  return load<P>(lanes);
}

// The first n numbers; the other lanes are 0. For the last packet of a row in the caller's memory.
template <class P>
GATEWISE_INLINE P load(const scalar_t<P>* from, Index n) {
  return n >= P::width ? load<P>(from) : load_first<P>(from, n);
}
template <class T, int W>
GATEWISE_INLINE void store(T* to, Packet<T, W> a, Index n) {
  if (n >= W) return store(to, a);
  // In pieces of fixed sizes, which compile to single moves.
  T lanes[W];
  store(lanes, a);
  const T* from = lanes;
  GATEWISE_UNROLL
  for (int size = W / 2; size > 0; size /= 2)
    if (n & size) {
      std::memcpy(to, from, static_cast<std::size_t>(size) * sizeof(T));
      to += size;
      from += size;
    }
}

// Transposes a W × W block in place.
template <class T, int W>
GATEWISE_INLINE void transpose(Packet<T, W> (&rows)[W]) {
  eigen::PacketBlock<typename Packet<T, W>::Raw, W> block;
  GATEWISE_UNROLL
  for (int i = 0; i < W; ++i) block.packet[i] = rows[i].v;
  eigen::ptranspose(block);
  GATEWISE_UNROLL
  for (int i = 0; i < W; ++i) rows[i].v = block.packet[i];
}

// a·b + c, rounded once where the instruction set has fused multiply-add.
template <class T, int W>
GATEWISE_INLINE Packet<T, W> fma(Packet<T, W> a, Packet<T, W> b, Packet<T, W> c) {
  return {eigen::pmadd(a.v, b.v, c.v)};
}
template <class T, int W>
GATEWISE_INLINE Packet<T, W> operator+(Packet<T, W> a, Packet<T, W> b) {
  return {eigen::padd(a.v, b.v)};
}
template <class T, int W>
GATEWISE_INLINE Packet<T, W> operator-(Packet<T, W> a, Packet<T, W> b) {
  return {eigen::psub(a.v, b.v)};
}
template <class T, int W>
GATEWISE_INLINE Packet<T, W> operator-(Packet<T, W> a) {
  return {eigen::pnegate(a.v)};
}
template <class T, int W>
GATEWISE_INLINE Packet<T, W> operator*(Packet<T, W> a, Packet<T, W> b) {
  return {eigen::pmul(a.v, b.v)};
}
template <class T, int W>
GATEWISE_INLINE Packet<T, W> operator/(Packet<T, W> a, Packet<T, W> b) {
  return {eigen::pdiv(a.v, b.v)};
}
template <class T, int W>
GATEWISE_INLINE Packet<T, W> abs(Packet<T, W> a) {
  return {eigen::pabs(a.v)};
}
// a with the sign bit of b. The sign bit of a must be 0.
template <class T, int W>
GATEWISE_INLINE Packet<T, W> with_sign(Packet<T, W> a, Packet<T, W> b) {
  const auto sign = eigen::pand(b.v, eigen::pset1<typename Packet<T, W>::Raw>(T(-0.0)));
  return {eigen::por(a.v, sign)};
}
// a < b ? yes : no, per lane; `no` where either is NaN.
template <class T, int W>
GATEWISE_INLINE Packet<T, W> where_less(Packet<T, W> a, Packet<T, W> b, Packet<T, W> yes, Packet<T, W> no) {
  return {eigen::pselect(eigen::pcmp_lt(a.v, b.v), yes.v, no.v)};
}
// The same for a <= b.
template <class T, int W>
GATEWISE_INLINE Packet<T, W> where_less_or_equal(Packet<T, W> a, Packet<T, W> b, Packet<T, W> yes, Packet<T, W> no) {
  return {eigen::pselect(eigen::pcmp_le(a.v, b.v), yes.v, no.v)};
}

// The smaller of a and b; a where a is NaN.
template <class T, int W>
GATEWISE_INLINE Packet<T, W> min(Packet<T, W> a, Packet<T, W> b) {
  return {eigen::pmin(a.v, b.v)};
}
// The larger of a and b; a where a is NaN.
template <class T, int W>
GATEWISE_INLINE Packet<T, W> max(Packet<T, W> a, Packet<T, W> b) {
  return {eigen::pmax(a.v, b.v)};
}

// factor · 2^k, where `biased` is k + 1.5·2^m and m the number of mantissa bits. The low bits of `biased` are k; they
// are added to the factor's exponent.
template <class T, int W>
GATEWISE_INLINE Packet<T, W> times_exp2_of_biased(T factor, Packet<T, W> biased) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  constexpr int mantissa = sizeof(T) == 4 ? 23 : 52;
  Bits factor_bits;
  std::memcpy(&factor_bits, &factor, sizeof factor);
#if defined(__GNUC__)
  typedef Bits Lanes __attribute__((vector_size(W * sizeof(T))));
  Lanes lanes;
  std::memcpy(&lanes, &biased, sizeof lanes);
  lanes = (lanes << mantissa) + factor_bits;
#else
  Bits lanes[W];
  std::memcpy(lanes, &biased, sizeof lanes);
  for (Bits& lane : lanes) lane = (lane << mantissa) + factor_bits;
#endif
  Packet<T, W> power;
  std::memcpy(&power, &lanes, sizeof lanes);
  return power;
}

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
