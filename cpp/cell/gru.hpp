// The GRU cell, for one row and the W units of a packet: Cho et al. 2014. The reset gate acts after the recurrent
// product (cuDNN, PyTorch, Keras's reset_after=True) or before it, as published.
#pragma once

#include "activations.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// h' = (1 - z) n + z h
template <class P>
GATEWISE_INLINE P blend(P z, P n, P h_prev) {
  return fma(z, h_prev - n, n);
}

template <class Activations>
struct GruAfter {
  // The tape saves r, z, n and ĥ_n of a step and, if slopes need them, the inputs of r, z and n.
  static constexpr int values = 4, saved_count = Activations::saves_inputs ? values + 3 : values;

  // r = σ(x̂_r + ĥ_r), z = σ(x̂_z + ĥ_z), n = tanh(x̂_n + r ĥ_n); σ and tanh stand for the chosen activations.
  template <class P>
  static GATEWISE_INLINE P forward(const Activations& act, const P (&x)[3], const P (&h)[3], P h_prev,
                                   P (&saved)[saved_count]) {
    const P reset = x[0] + h[0], update = x[1] + h[1];
    const P r = act.gate(reset), z = act.gate(update);
    const P candidate = fma(r, h[2], x[2]), n = act.candidate(candidate);
    saved[0] = r;
    saved[1] = z;
    saved[2] = n;
    saved[3] = h[2];
    if constexpr (Activations::saves_inputs) {
      saved[values] = reset;
      saved[values + 1] = update;
      saved[values + 2] = candidate;
    }
    return blend(z, n, h_prev);
  }

  // δ_n = dh' (1 - z)(1 - n²), δ_z = dh' (h - n) z (1 - z), δ_r = δ_n ĥ_n r (1 - r), where 1 - n², z (1 - z) and
  // r (1 - r) are the slopes of the activations. ĥ_n has the gradient δ_n r, delta_hn. Returns dh' z, the gradient that
  // reaches h directly rather than through the gates.
  template <class P>
  static GATEWISE_INLINE P backward(const Activations& act, const P (&saved)[saved_count], P h_prev, P d_h,
                                    P (&delta)[3], P& delta_hn) {
    const auto input = [&](int n) { return input_of<Activations, values>(saved, n); };
    const P r = saved[0], z = saved[1], n = saved[2];
    delta[2] = d_h * (broadcast<P>(1) - z) * act.candidate_slope(n, input(2));
    delta[1] = d_h * (h_prev - n) * act.gate_slope(z, input(1));
    delta[0] = delta[2] * saved[3] * act.gate_slope(r, input(0));
    delta_hn = delta[2] * r;
    return d_h * z;
  }
};

template <class Activations>
struct GruBefore {
  // The tape saves r, z and n of a step and, if slopes need them, the input of each.
  static constexpr int values = 3, saved_count = Activations::saves_inputs ? 2 * values : values;

  // First stage: r = σ(x̂_r + ĥ_r), z = σ(x̂_z + ĥ_z). Returns q = r h, which the second stage's product reads; h_in is
  // the h that the first stage's product has read.
  template <class P>
  static GATEWISE_INLINE P forward_gates(const Activations& act, const P (&x)[2], const P (&h)[2], P h_in,
                                         P (&saved)[saved_count]) {
    const P reset = x[0] + h[0], update = x[1] + h[1];
    saved[0] = act.gate(reset);
    saved[1] = act.gate(update);
    if constexpr (Activations::saves_inputs) {
      saved[values] = reset;
      saved[values + 1] = update;
    }
    return saved[0] * h_in;
  }

  // Second stage: n = tanh(x̂_n + R_n q + b_hn), and h'.
  template <class P>
  static GATEWISE_INLINE P forward_candidate(const Activations& act, P x, P h, P z, P h_prev, P (&saved)[saved_count]) {
    const P candidate = x + h;
    saved[2] = act.candidate(candidate);
    if constexpr (Activations::saves_inputs) saved[values + 2] = candidate;
    return blend(z, saved[2], h_prev);
  }

  // δ_n = dh' (1 - z)(1 - n²), δ_z = dh' (h - n) z (1 - z); returns dh' z, as above.
  template <class P>
  static GATEWISE_INLINE P backward_candidate(const Activations& act, const P (&saved)[saved_count], P h_prev, P d_h,
                                              P& delta_z, P& delta_n) {
    const P z = saved[1], n = saved[2];
    delta_n = d_h * (broadcast<P>(1) - z) * act.candidate_slope(n, input_of<Activations, values>(saved, 2));
    delta_z = d_h * (h_prev - n) * act.gate_slope(z, input_of<Activations, values>(saved, 1));
    return d_h * z;
  }

  // From dq = R_nᵀ δ_n: δ_r = dq h r (1 - r); returns dq r, the gradient that reaches h through q.
  template <class P>
  static GATEWISE_INLINE P backward_reset(const Activations& act, const P (&saved)[saved_count], P h_in, P d_q,
                                          P& delta_r) {
    delta_r = d_q * h_in * act.gate_slope(saved[0], input_of<Activations, values>(saved, 0));
    return d_q * saved[0];
  }
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
