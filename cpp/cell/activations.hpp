// What a cell puts its pre-activations through: the usual activations, known when compiling, whose slopes come from
// their values; or chosen ones, whose slopes need what they were applied to as well, so that a cell keeps that on its
// tape.
#pragma once

#include "../math/chosen.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// Gates sigmoid, candidate and cell tanh.
struct Usual {
  static constexpr bool keeps_inputs = false, input_forget = false;

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

  // Slopes at the value y of something that is not needed.
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

// The same with relu for the candidate, which in a plain RNN is all there is.
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
  static constexpr bool keeps_inputs = true;

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

// What went into the n-th of a cell's values: it keeps that behind them, in the same order, if slopes need it.
template <class Activations, int values, class P, int kept>
GATEWISE_INLINE P input_of(const P (&keep)[kept], int n) {
  return keep[Activations::keeps_inputs ? values + n : n];
}

}  // namespace GATEWISE_ISA
}  // namespace gatewise
