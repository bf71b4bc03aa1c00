// An activation chosen at run time: its value and its derivative, one packet at a time.
//
// Formulas and names are those of ONNX's RNN, LSTM and GRU (operator set 22). The derivatives at corners are PyTorch's.
// A corner has the derivative of the piece on its left: relu'(0) = 0, leaky_relu'(0) = elu'(0) = alpha. The exception
// is hard_sigmoid, whose derivative is 0 at both of its corners. thresholded_relu jumps at alpha; its value there is 0,
// as in ONNX's operator of that name and in ONNX Runtime.
#pragma once

#include <limits>

#include "activation.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

enum class Function {
  linear,
  affine,
  tanh,
  scaled_tanh,
  sigmoid,
  hard_sigmoid,
  relu,
  leaky_relu,
  thresholded_relu,
  elu,
  softplus,
  softsign
};

// The argument is first clipped to [-clip, clip]. The derivative of clipping is 1 at both ends and 0 outside.
template <class T>
struct Activation {
  Function function = Function::linear;
  T alpha = 0, beta = 0;
  T clip = std::numeric_limits<T>::infinity();
};

namespace detail {

template <class P>
GATEWISE_INLINE P hold(P a, scalar_t<P> low, scalar_t<P> high) {
  return max(min(a, broadcast<P>(high)), broadcast<P>(low));
}

// Not inlined: a cell calls it in many places, and the switch costs little compared with the function it selects.
template <class P>
GATEWISE_NOINLINE P activate(const Activation<scalar_t<P>>& f, P a) {
  using T = scalar_t<P>;
  const P zero = broadcast<P>(0), alpha = broadcast<P>(f.alpha), beta = broadcast<P>(f.beta);
  a = hold(a, -f.clip, f.clip);
  switch (f.function) {
    case Function::affine:
      return fma(alpha, a, beta);
    case Function::tanh:
      return tanh(a);
    case Function::scaled_tanh:
      return alpha * tanh(beta * a);
    case Function::sigmoid:
      return sigmoid(a);
    case Function::hard_sigmoid:
      return hold(fma(alpha, a, beta), T(0), T(1));
    case Function::relu:
      return relu(a);
    case Function::leaky_relu:
      return where_less(a, zero, alpha * a, a);
    case Function::thresholded_relu:
      return where_less_or_equal(a, alpha, zero, a);
    case Function::elu:
      return where_less(a, zero, alpha * decay_minus_one(-a), a);
    case Function::softplus:
      return softplus(a);
    case Function::softsign:
      return softsign(a);
    default:
      return a;
  }
}

// The derivative at a, which is already clipped; y is the value there.
template <class P>
GATEWISE_INLINE P slope_within(const Activation<scalar_t<P>>& f, P a, P y) {
  const P zero = broadcast<P>(0), one = broadcast<P>(1), alpha = broadcast<P>(f.alpha), beta = broadcast<P>(f.beta);
  switch (f.function) {
    case Function::affine:
      return alpha;
    case Function::tanh:
      return one - y * y;
    case Function::scaled_tanh: {
      const P t = tanh(beta * a);
      return alpha * beta * (one - t * t);
    }
    case Function::sigmoid:
      return y * (one - y);
    case Function::hard_sigmoid:
      return where_less(zero, y, where_less(y, one, alpha, zero), zero);
    case Function::relu:
      return where_less(zero, a, one, zero);
    case Function::leaky_relu:
      return where_less(zero, a, one, alpha);
    case Function::thresholded_relu:
      return where_less(alpha, a, one, zero);
    case Function::elu:
      return where_less(zero, a, one, alpha * decay(-a));
    case Function::softplus:
      return sigmoid(a);
    case Function::softsign: {
      const P q = one / (one + abs(a));
      return q * q;
    }
    default:
      return one;
  }
}

template <class P>
GATEWISE_NOINLINE P slope(const Activation<scalar_t<P>>& f, P a, P y) {
  const P within = slope_within(f, hold(a, -f.clip, f.clip), y);
  return where_less(broadcast<P>(f.clip), abs(a), broadcast<P>(0), within);
}

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
