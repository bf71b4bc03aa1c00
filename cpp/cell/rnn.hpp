// The plain recurrent cell, one row, W units: Elman 1990; its gradient through time: Werbos 1990.
#pragma once

#include "activations.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

template <class Activations>
struct Rnn {
  // What the tape keeps of a step beside h': what went into the activation, if its slope needs that.
  static constexpr int kept = Activations::keeps_inputs ? 1 : 0;

  // h' = φ(x̂ + ĥ); a is the sum.
  template <class P>
  static GATEWISE_INLINE P forward(const Activations& act, P x, P h, P& a) {
    a = x + h;
    return act.candidate(a);
  }

  // δ = dh' φ'
  template <class P>
  static GATEWISE_INLINE P backward(const Activations& act, P a, P h, P d_h) {
    return d_h * act.candidate_slope(h, a);
  }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
