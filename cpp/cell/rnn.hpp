// The plain recurrent cell, for one row and the W units of a packet: Elman 1990; its gradient through time: Werbos
// 1990.
#pragma once

#include "activations.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

template <class Activations>
struct Rnn {
  // The tape saves the input of the activation, if its slope needs it; h' is a state.
  static constexpr int saved_count = Activations::saves_inputs ? 1 : 0;

  // h' = φ(a), where a = x̂ + ĥ.
  template <class P>
  static GATEWISE_INLINE P forward(const Activations& act, P x, P h, P& a) {
    a = x + h;
    return act.candidate(a);
  }

  // δ = dh' φ'(a)
  template <class P>
  static GATEWISE_INLINE P backward(const Activations& act, P a, P h, P d_h) {
    return d_h * act.candidate_slope(h, a);
  }
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
