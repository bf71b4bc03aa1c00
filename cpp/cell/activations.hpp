// The activations of a cell, in two forms. Usual ones are known at compile time, and their slopes follow from their
// values. Chosen ones are selected at run time. Their slopes also need their inputs, so the cell saves these on the
// tape.
#pragma once

#include "../math/chosen.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// Sigmoid for the gates, tanh for the candidate and for c'.
struct Usual {
  static constexpr bool saves_inputs = false, input_forget = false;

  template <class P>
  GATEWISE_INLINE P gate(P a) const {
    return sigmoid(a);
  }
  template <class P>
  GATEWISE_INLINE P candidate(P a) const {
    return tanh(a);
  }
  template <class P>
  GATEWISE_INLINE P cell(P c) const {
    return tanh(c);
  }

  // The slope where the value is y. The second argument is the input, which only chosen activations need.
  template <class P>
  GATEWISE_INLINE P gate_slope(P y, P) const {
    return y * (broadcast<P>(1) - y);
  }
  template <class P>
  GATEWISE_INLINE P candidate_slope(P y, P) const {
    return broadcast<P>(1) - y * y;
  }
  template <class P>
  GATEWISE_INLINE P cell_slope(P y, P) const {
    return broadcast<P>(1) - y * y;
  }
};

// The same with relu for the candidate, which is the only activation of a plain RNN.
struct UsualRelu : Usual {
  template <class P>
  GATEWISE_INLINE P candidate(P a) const {
    return relu(a);
  }
  template <class P>
  GATEWISE_INLINE P candidate_slope(P y, P) const {
    return where_less(broadcast<P>(0), y, broadcast<P>(1), broadcast<P>(0));
  }
};

template <class T>
struct Chosen {
  static constexpr bool saves_inputs = true;

  Activation<T> of_gates, of_candidate, of_cell;
  bool input_forget = false;  // f = 1 - i

  template <class P>
  GATEWISE_INLINE P gate(P a) const {
    return activate(of_gates, a);
  }
  template <class P>
  GATEWISE_INLINE P candidate(P a) const {
    return activate(of_candidate, a);
  }
  template <class P>
  GATEWISE_INLINE P cell(P c) const {
    return activate(of_cell, c);
  }

  template <class P>
  GATEWISE_INLINE P gate_slope(P y, P a) const {
    return slope(of_gates, a, y);
  }
  template <class P>
  GATEWISE_INLINE P candidate_slope(P y, P a) const {
    return slope(of_candidate, a, y);
  }
  template <class P>
  GATEWISE_INLINE P cell_slope(P y, P c) const {
    return slope(of_cell, c, y);
  }
};

// The input of the activation whose value is saved[n]. A cell with chosen activations saves the inputs after its
// `values` values, in the same order. Without saved inputs this returns the value, which the usual slopes ignore.
template <class Activations, int values, class P, int saved_count>
GATEWISE_INLINE P input_of(const P (&saved)[saved_count], int n) {
  return saved[Activations::saves_inputs ? values + n : n];
}

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
