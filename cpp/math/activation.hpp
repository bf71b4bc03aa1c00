// Sigmoid and tanh from packet operations alone: the same bits in every lane, width and instruction set with FMA.
//
// Both rest on e^y - 1 = 2^k (1 + p) - 1, with k = round(y / ln 2), r = y - k ln 2 and p = e^r - 1 = r + r² q(r),
// |r| <= ln 2 / 2. The coefficients of q are minimax for the relative error of p: 1.3e-8 (float), 2.6e-19 (double).
#pragma once

#include "packet.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

template <class T>
struct Exponential;

template <>
struct Exponential<float> {
  static constexpr float log2_e = 0x1.715476p+0f, bias = 12582912.0f;         // bias: 1.5·2^23
  static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;  // k·ln2_high is exact
  static constexpr float limit = 88.0f;                                       // e^88 is finite, e^-88 not normal
  static constexpr float q[] = {0x1.fffffep-2f, 0x1.5554bp-3f, 0x1.55566cp-5f, 0x1.12274ep-7f, 0x1.6bef18p-10f};
};

template <>
struct Exponential<double> {
  static constexpr double log2_e = 0x1.71547652b82fep+0, bias = 6755399441055744.0;  // bias: 1.5·2^52
  static constexpr double ln2_high = 0x1.62e42fefa3p-1, ln2_low = 0x1.3de6af278ece6p-42;
  static constexpr double limit = 709.0;  // likewise
  static constexpr double q[] = {0x1.0000000000000p-1,  0x1.5555555555559p-3,  0x1.555555555553ep-5,
                                 0x1.111111110f6c2p-7,  0x1.6c16c16c1f405p-10, 0x1.a01a01afde987p-13,
                                 0x1.a01a017af5702p-16, 0x1.71ddf8614ccf7p-19, 0x1.27e5378ca0501p-22,
                                 0x1.af5eac1eac399p-26, 0x1.1ee6d135aa868p-29};
};

// e^y = scale·(1 + p), for |y| <= limit.
template <class P>
struct ScaledExponential {
  P scale, p;
};

template <class P>
GATEWISE_INLINE ScaledExponential<P> exponential(P y) {
  using E = Exponential<scalar_t<P>>;
  const P biased = fma(y, broadcast<P>(E::log2_e), broadcast<P>(E::bias));
  const P k = biased - broadcast<P>(E::bias);
  P r = fma(k, broadcast<P>(-E::ln2_high), y);
  r = fma(k, broadcast<P>(-E::ln2_low), r);
  constexpr int terms = sizeof(E::q) / sizeof(E::q[0]);
  P q = broadcast<P>(E::q[terms - 1]);
  GATEWISE_UNROLL
  for (int i = terms - 2; i >= 0; --i) q = fma(q, r, broadcast<P>(E::q[i]));
  return {exp2_of_biased(biased), fma(r * r, q, r)};
}

// The quotient is expanded by c: where the denominator's mantissa is near 1, and its rounding weighs most, the
// quotient's is then not near 2, where a unit in the last place is smallest. c is short, so that c·scale is exact.
constexpr double sigmoid_expansion = 0.875;

// 1 / (1 + e^-x). The sum is taken as (1 + scale) + scale·p, so that it is rounded once. NaN stays NaN.
template <class P>
GATEWISE_INLINE P sigmoid(P x) {
  using T = scalar_t<P>;
  const P limit = broadcast<P>(Exponential<T>::limit), c = broadcast<P>(T(sigmoid_expansion));
  P y = where_less(limit, x, limit, x);
  y = where_less(y, -limit, -limit, y);
  const auto e = exponential(-y);
  const P scale = c * e.scale;
  return c / fma(scale, e.p, c + scale);
}

// tanh |x| = (1 - e^(-2|x|)) / (1 + e^(-2|x|)), the numerator as (1 - scale) - scale·p, which loses nothing near 0;
// then the sign. NaN stays NaN.
template <class P>
GATEWISE_INLINE P tanh(P x) {
  using T = scalar_t<P>;
  // Beyond 20 (float) or 40 (double) the result is 1 to the last bit.
  const P limit = broadcast<P>(sizeof(T) == 4 ? 20 : 40), one = broadcast<P>(1);
  P y = abs(x);
  y = where_less(limit, y, limit, y);
  const auto e = exponential(y * broadcast<P>(-2));
  return with_sign(fma(-e.scale, e.p, one - e.scale) / fma(e.scale, e.p, one + e.scale), x);
}

template <class P>
GATEWISE_INLINE P relu(P x) {
  const P zero = broadcast<P>(0);
  return where_less(x, zero, zero, x);
}

}  // namespace GATEWISE_ISA
}  // namespace gatewise
