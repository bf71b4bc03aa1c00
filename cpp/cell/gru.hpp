// The GRU cell, one row, W units: Cho et al. 2014. The reset gate acts after the recurrent product (cuDNN, PyTorch,
// Keras's reset_after=True) or before it, as published.
#pragma once

#include "activations.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// h' = (1 - z) n + z h
template <class P>
GATEWISE_INLINE P blend(P z, P n, P h_prev) {
  return fma(z, h_prev - n, n);
}

template <class Activations>
struct GruAfter {
  // What the tape keeps of a step: r, z, n, ĥ_n, and, if slopes need it, what went into r, z and n.
  static constexpr int values = 4, kept = Activations::keeps_inputs ? values + 3 : values;

  // r = σ(x̂_r + ĥ_r), z = σ(x̂_z + ĥ_z), n = tanh(x̂_n + r ĥ_n); σ and tanh, or what was chosen instead.
  template <class P>
  static GATEWISE_INLINE P forward(const Activations& act, const P (&x)[3], const P (&h)[3], P h_prev,
                                   P (&keep)[kept]) {
    const P reset = x[0] + h[0], update = x[1] + h[1];
    const P r = act.gate(reset), z = act.gate(update);
    const P candidate = fma(r, h[2], x[2]), n = act.candidate(candidate);
    keep[0] = r;
    keep[1] = z;
    keep[2] = n;
    keep[3] = h[2];
    if constexpr (Activations::keeps_inputs) {
      keep[values] = reset;
      keep[values + 1] = update;
      keep[values + 2] = candidate;
    }
    return blend(z, n, h_prev);
  }

  // δ_n = dh' (1 - z)(1 - n²), δ_z = dh' (h - n) z (1 - z), δ_r = δ_n ĥ_n r (1 - r), where 1 - n² and the like are the
  // slopes of tanh and σ; the recurrent side of n sees δ_n r. Returns dh' z, the part of dh that passes by the gates.
  template <class P>
  static GATEWISE_INLINE P backward(const Activations& act, const P (&keep)[kept], P h_prev, P d_h, P (&delta)[3],
                                    P& delta_hn) {
    const auto input = [&](int n) { return input_of<Activations, values>(keep, n); };
    const P r = keep[0], z = keep[1], n = keep[2];
    delta[2] = d_h * (broadcast<P>(1) - z) * act.candidate_slope(n, input(2));
    delta[1] = d_h * (h_prev - n) * act.gate_slope(z, input(1));
    delta[0] = delta[2] * keep[3] * act.gate_slope(r, input(0));
    delta_hn = delta[2] * r;
    return d_h * z;
  }
};

template <class Activations>
struct GruBefore {
  // What the tape keeps of a step: r, z, n, and, if slopes need it, what went into each.
  static constexpr int values = 3, kept = Activations::keeps_inputs ? 2 * values : values;

  // First stage: r = σ(x̂_r + ĥ_r), z = σ(x̂_z + ĥ_z); returns q = r h, which the product of the second stage reads,
  // of the h that the first one's has read.
  template <class P>
  static GATEWISE_INLINE P forward_gates(const Activations& act, const P (&x)[2], const P (&h)[2], P h_in,
                                         P (&keep)[kept]) {
    const P reset = x[0] + h[0], update = x[1] + h[1];
    keep[0] = act.gate(reset);
    keep[1] = act.gate(update);
    if constexpr (Activations::keeps_inputs) {
      keep[values] = reset;
      keep[values + 1] = update;
    }
    return keep[0] * h_in;
  }

  // Second stage: n = tanh(x̂_n + R_n q + b_hn), and h'.
  template <class P>
  static GATEWISE_INLINE P forward_candidate(const Activations& act, P x, P h, P z, P h_prev, P (&keep)[kept]) {
    const P candidate = x + h;
    keep[2] = act.candidate(candidate);
    if constexpr (Activations::keeps_inputs) keep[values + 2] = candidate;
    return blend(z, keep[2], h_prev);
  }

  // δ_n = dh' (1 - z)(1 - n²), δ_z = dh' (h - n) z (1 - z); returns dh' z.
  template <class P>
  static GATEWISE_INLINE P backward_candidate(const Activations& act, const P (&keep)[kept], P h_prev, P d_h,
                                              P& delta_z, P& delta_n) {
    const P z = keep[1], n = keep[2];
    delta_n = d_h * (broadcast<P>(1) - z) * act.candidate_slope(n, input_of<Activations, values>(keep, 2));
    delta_z = d_h * (h_prev - n) * act.gate_slope(z, input_of<Activations, values>(keep, 1));
    return d_h * z;
  }

  // From dq = R_nᵀ δ_n: δ_r = dq h r (1 - r); returns dq r, the part of dh that came through q.
  template <class P>
  static GATEWISE_INLINE P backward_reset(const Activations& act, const P (&keep)[kept], P h_in, P d_q, P& delta_r) {
    delta_r = d_q * h_in * act.gate_slope(keep[0], input_of<Activations, values>(keep, 0));
    return d_q * keep[0];
  }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
