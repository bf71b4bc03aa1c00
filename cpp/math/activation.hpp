// Sigmoid, tanh and other functions, made of packet operations only. Results are bit-identical in every lane, packet
// width and instruction set with FMA.
//
// Sigmoid and tanh use e^-y = 2^k (1 - m), with k = round(-y / ln 2), r = y + k ln 2 and m = 1 - e^-r = r + r² q(r),
// |r| <= ln 2 / 2. The coefficients of q minimize the maximum relative error of m: 1.3e-8 (float), 2.6e-19 (double).
#pragma once

#include "packet.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

template <class T>
struct Exponential;

template <>
struct Exponential<float> {
  static constexpr float log2_e = 0x1.715476p+0f, bias = 12582912.0f;         // bias: 1.5·2^23
  static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;  // k·ln2_high is exact
  static constexpr float ln2 = 0x1.62e43p-1f;
  static constexpr float lowest = -88.0f;  // e^88 is finite and e^-88 is subnormal: sigmoid is 0 there
  static constexpr float flat = 40.0f;     // sigmoid(flat) and tanh(flat / 2) round to exactly 1
  static constexpr float q[] = {-0x1.fffffep-2f, 0x1.5554bp-3f, -0x1.55566cp-5f, 0x1.12274ep-7f, -0x1.6bef18p-10f};
};

template <>
struct Exponential<double> {
  static constexpr double log2_e = 0x1.71547652b82fep+0, bias = 6755399441055744.0;  // bias: 1.5·2^52
  static constexpr double ln2_high = 0x1.62e42fefa3p-1, ln2_low = 0x1.3de6af278ece6p-42;
  static constexpr double ln2 = 0x1.62e42fefa39efp-1;
  static constexpr double lowest = -709.0, flat = 80.0;  // as above
  static constexpr double q[] = {-0x1.0000000000000p-1,  0x1.5555555555559p-3,   -0x1.555555555553ep-5,
                                 0x1.111111110f6c2p-7,   -0x1.6c16c16c1f405p-10, 0x1.a01a01afde987p-13,
                                 -0x1.a01a017af5702p-16, 0x1.71ddf8614ccf7p-19,  -0x1.27e5378ca0501p-22,
                                 0x1.af5eac1eac399p-26,  -0x1.1ee6d135aa868p-29};
};

// r + r² q(r)
template <class P>
GATEWISE_INLINE P series(P r) {
  using T = scalar_t<P>;
  constexpr int terms = sizeof(Exponential<T>::q) / sizeof(T);
  P q = broadcast<P>(Exponential<T>::q[terms - 1]);
  GATEWISE_UNROLL
  for (int i = terms - 2; i >= 0; --i) q = fma(q, r, broadcast<P>(Exponential<T>::q[i]));
  return fma(r * r, q, r);
}

// The argument reduction of e^-y: `biased` is k + bias.
template <class P>
struct Reduced {
  P biased, r;
};

template <class P>
GATEWISE_INLINE Reduced<P> reduce(P y) {
  using E = Exponential<scalar_t<P>>;
  const P biased = fma(y, broadcast<P>(-E::log2_e), broadcast<P>(E::bias));
  const P k = biased - broadcast<P>(E::bias);
  const P r = fma(k, broadcast<P>(E::ln2_high), y);
  return {biased, fma(k, broadcast<P>(E::ln2_low), r)};
}

// 1 / (1 + e^-x). NaN stays NaN.
//
// Numerator and denominator are multiplied by c = 0.875. The rounding of the denominator has the largest relative error
// where its mantissa is near 1, and the error of the quotient counts most in units in the last place where the
// quotient's mantissa is near 2. Without c both would happen for the same x. The denominator is computed as
// (c + c·2^k) - c·2^k·m, so that it is rounded once.
template <class P>
GATEWISE_INLINE P sigmoid(P x) {
  using T = scalar_t<P>;
  using E = Exponential<T>;
  constexpr T expansion = T(0.875);
  const P c = broadcast<P>(expansion), y = max(min(x, broadcast<P>(E::flat)), broadcast<P>(E::lowest));
  const Reduced<P> e = reduce(y);
  const P minus_scale = times_exp2_of_biased(-expansion, e.biased);
  return c / fma(minus_scale, series(e.r), c - minus_scale);
}

// tanh |x| = (1 - e^(-2|x|)) / (1 + e^(-2|x|)), then the sign of x. The numerator is computed as (1 - 2^k) + 2^k m,
// which has no cancellation near 0. NaN stays NaN. ln 2 need not be split into two numbers, because k is small wherever
// e^(-2|x|) affects the result. The constants are those of sigmoid where possible: then all constants of an LSTM stay
// in registers, and a step need not load them from the stack.
template <class P>
GATEWISE_INLINE P tanh(P x) {
  using T = scalar_t<P>;
  using E = Exponential<T>;
  const P size = abs(x), y = min(size + size, broadcast<P>(E::flat)), one = broadcast<P>(1);
  const P biased = fma(y, broadcast<P>(-E::log2_e), broadcast<P>(E::bias));
  const P k = biased - broadcast<P>(E::bias);
  const P m = series(fma(k, broadcast<P>(E::ln2), y));
  const P scale = times_exp2_of_biased(T(1), biased), minus_scale = times_exp2_of_biased(T(-1), biased);
  const P above = fma(scale, m, one - scale), below = fma(minus_scale, m, one + scale);
  P quotient = above / below;
  if constexpr (sizeof(T) == 8) {
    // Correct the rounding errors of the denominator and the quotient, together up to 1.2 ulp. The correction uses
    // 1 / d ≈ 1.457 - d / 2 on [1, 2].
    const P below_rest = fma(minus_scale, m, (one + scale) - below);
    const P rest = fma(-quotient, below_rest, fma(-quotient, below, above));
    quotient = fma(rest, fma(broadcast<P>(-0.5), below, broadcast<P>(1.457)), quotient);
  }
  return with_sign(quotient, x);
}

template <class P>
GATEWISE_INLINE P relu(P x) {
  const P zero = broadcast<P>(0);
  return where_less(x, zero, zero, x);
}

// e^-y = 2^k (1 - m) for y >= 0.
template <class P>
GATEWISE_INLINE P decay(P y) {
  using T = scalar_t<P>;
  const Reduced<P> e = reduce(min(y, broadcast<P>(-Exponential<T>::lowest)));
  return times_exp2_of_biased(T(1), e.biased) * (broadcast<P>(1) - series(e.r));
}

// e^-y - 1 for y >= 0, computed as (2^k - 1) - 2^k m, which has no cancellation near 0.
template <class P>
GATEWISE_INLINE P decay_minus_one(P y) {
  using T = scalar_t<P>;
  const Reduced<P> e = reduce(min(y, broadcast<P>(-Exponential<T>::lowest)));
  const P scale = times_exp2_of_biased(T(1), e.biased);
  return fma(-scale, series(e.r), scale - broadcast<P>(1));
}

// log(1 + t) = 2 artanh (s / 2) = s + s³ q(s²) with s = 2 t / (2 + t). The coefficients of q minimize the maximum
// relative error of log(1 + t) for t from 0 to 1: 4.5e-9 (float), 1.3e-18 (double).
template <class T>
struct Logarithm;
template <>
struct Logarithm<float> {
  static constexpr float q[] = {0x1.555502p-4f, 0x1.99d208p-7f, 0x1.1ebd0cp-9f, 0x1.1ed7c8p-11f};
};
template <>
struct Logarithm<double> {
  static constexpr double q[] = {0x1.5555555555535p-4,  0x1.99999999a06c1p-7,  0x1.2492492091103p-9,
                                 0x1.c71c741a07d67p-12, 0x1.745cb45986ba7p-14, 0x1.3b1dd3afde1ccp-16,
                                 0x1.10682eb7aad20p-18, 0x1.efd18ed552048p-21, 0x1.55cf534bc963ap-23,
                                 0x1.5c5c263bb69aep-24};
};

// log(1 + t) for t from 0 to 1. The rounding errors of 2 + t and of the quotient s, together up to 2 ulp, are
// corrected, with 1 / (2 + t) ≈ 0.825 - (2 + t) / 6.
template <class P>
GATEWISE_INLINE P log1p(P t) {
  using T = scalar_t<P>;
  using L = Logarithm<T>;
  const P two = broadcast<P>(2), below = two + t, above = t + t, s = above / below, z = s * s;
  const P rest = fma(-s, t - (below - two), fma(-s, below, above));
  constexpr int terms = sizeof(L::q) / sizeof(T);
  P q = broadcast<P>(L::q[terms - 1]);
  GATEWISE_UNROLL
  for (int i = terms - 2; i >= 0; --i) q = fma(q, z, broadcast<P>(L::q[i]));
  return s + fma(s * z, q, rest * fma(broadcast<P>(T(-1) / 6), below, broadcast<P>(T(0.825))));
}

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)
template <class P>
GATEWISE_INLINE P softplus(P x) {
  return relu(x) + log1p(decay(abs(x)));
}

// x / (1 + |x|); 1 and -1 at infinity.
template <class P>
GATEWISE_INLINE P softsign(P x) {
  // Above 1e30 the result rounds to exactly 1, for double too.
  const P size = min(abs(x), broadcast<P>(scalar_t<P>(1e30)));
  return with_sign(size / (broadcast<P>(1) + size), x);
}

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
