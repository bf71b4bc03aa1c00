// Packets: W numbers in one register. The one header that touches Eigen's packets.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "base.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

namespace eigen = Eigen::internal;

// The register of W numbers, found by halving Eigen's widest one.
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
// 16 bytes: every instruction set has these.
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

// The first n numbers, for the last packet of a row whose memory belongs to somebody else; the other lanes are 0.
template <class P>
GATEWISE_INLINE P load(const scalar_t<P>* from, Index n) {
  if (n >= P::width) return load<P>(from);
  scalar_t<P> lanes[P::width] = {};
  std::memcpy(lanes, from, static_cast<std::size_t>(n) * sizeof(*from));
  return load<P>(lanes);
}
template <class T, int W>
GATEWISE_INLINE void store(T* to, Packet<T, W> a, Index n) {
  if (n >= W) return store(to, a);
  T lanes[W];
  store(lanes, a);
  std::memcpy(to, lanes, static_cast<std::size_t>(n) * sizeof(*to));
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
// The magnitude of a with the sign bit of b, whose own magnitude is |b|.
template <class T, int W>
GATEWISE_INLINE Packet<T, W> with_sign(Packet<T, W> a, Packet<T, W> b) {
  const auto sign = eigen::pand(b.v, eigen::pset1<typename Packet<T, W>::Raw>(T(-0.0)));
  return {eigen::por(a.v, sign)};
}
// a < b ? yes : no, lane by lane; false where either is NaN.
template <class T, int W>
GATEWISE_INLINE Packet<T, W> where_less(Packet<T, W> a, Packet<T, W> b, Packet<T, W> yes, Packet<T, W> no) {
  return {eigen::pselect(eigen::pcmp_lt(a.v, b.v), yes.v, no.v)};
}
// The same for a <= b.
template <class T, int W>
GATEWISE_INLINE Packet<T, W> where_less_or_equal(Packet<T, W> a, Packet<T, W> b, Packet<T, W> yes, Packet<T, W> no) {
  return {eigen::pselect(eigen::pcmp_le(a.v, b.v), yes.v, no.v)};
}

// The lesser of a and b; where a is NaN, a.
template <class T, int W>
GATEWISE_INLINE Packet<T, W> min(Packet<T, W> a, Packet<T, W> b) {
  return {eigen::pmin(a.v, b.v)};
}
// The greater; where a is NaN, a.
template <class T, int W>
GATEWISE_INLINE Packet<T, W> max(Packet<T, W> a, Packet<T, W> b) {
  return {eigen::pmax(a.v, b.v)};
}

// factor · 2^k, where `biased` is k + 1.5·2^m (m the mantissa's bits): its low bits are k, which is added to the
// factor's exponent.
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

}  // namespace GATEWISE_ISA
}  // namespace gatewise
