// The plain recurrent cell, one row, W units: Elman 1990; its gradient through time: Werbos 1990.
#pragma once

#include "../math/activation.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

struct Tanh {
  template <class P>
  static GATEWISE_INLINE P apply(P x) {
    return tanh(x);
  }
  // The derivative, from the activated output.
  template <class P>
  static GATEWISE_INLINE P slope(P y) {
    return broadcast<P>(1) - y * y;
  }
};

struct Relu {
  template <class P>
  static GATEWISE_INLINE P apply(P x) {
    return relu(x);
  }
  template <class P>
  static GATEWISE_INLINE P slope(P y) {
    return where_less(broadcast<P>(0), y, broadcast<P>(1), broadcast<P>(0));
  }
};

template <class Nonlinearity>
struct Rnn {
  // h' = φ(x̂ + ĥ)
  template <class P>
  static GATEWISE_INLINE P forward(P x, P h) {
    return Nonlinearity::apply(x + h);
  }

  // δ = dh' φ'
  template <class P>
  static GATEWISE_INLINE P backward(P h, P d_h) {
    return d_h * Nonlinearity::slope(h);
  }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
