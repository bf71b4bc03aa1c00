// The GRU cell, one row, W units: Cho et al. 2014. The reset gate acts after the recurrent product (cuDNN, PyTorch,
// Keras's reset_after=True) or before it, as published.
#pragma once

#include "../math/activation.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// h' = (1 - z) n + z h
template <class P>
GATEWISE_INLINE P blend(P z, P n, P h_prev) {
  return fma(z, h_prev - n, n);
}

struct GruAfter {
  // What the tape keeps of a step: r, z, n, ĥ_n.
  static constexpr int kept = 4;

  // r = σ(x̂_r + ĥ_r), z = σ(x̂_z + ĥ_z), n = tanh(x̂_n + r ĥ_n)
  template <class P>
  static GATEWISE_INLINE P forward(const P (&x)[3], const P (&h)[3], P h_prev, P (&keep)[4]) {
    const P r = sigmoid(x[0] + h[0]), z = sigmoid(x[1] + h[1]), n = tanh(fma(r, h[2], x[2]));
    keep[0] = r;
    keep[1] = z;
    keep[2] = n;
    keep[3] = h[2];
    return blend(z, n, h_prev);
  }

  // δ_n = dh' (1 - z)(1 - n²), δ_z = dh' (h - n) z (1 - z), δ_r = δ_n ĥ_n r (1 - r); the recurrent side of n sees δ_n
  // r. Returns dh' z, the part of dh that passes by the gates.
  template <class P>
  static GATEWISE_INLINE P backward(const P (&keep)[4], P h_prev, P d_h, P (&delta)[3], P& delta_hn) {
    const P one = broadcast<P>(1);
    const P r = keep[0], z = keep[1], n = keep[2];
    delta[2] = d_h * (one - z) * (one - n * n);
    delta[1] = d_h * (h_prev - n) * (z * (one - z));
    delta[0] = delta[2] * keep[3] * (r * (one - r));
    delta_hn = delta[2] * r;
    return d_h * z;
  }
};

struct GruBefore {
  // What the tape keeps of a step: r, z, n.
  static constexpr int kept = 3;

  // First stage: r = σ(x̂_r + ĥ_r), z = σ(x̂_z + ĥ_z); returns q = r h, which the product of the second stage reads.
  template <class P>
  static GATEWISE_INLINE P forward_gates(const P (&x)[2], const P (&h)[2], P h_prev, P (&keep)[2]) {
    keep[0] = sigmoid(x[0] + h[0]);
    keep[1] = sigmoid(x[1] + h[1]);
    return keep[0] * h_prev;
  }

  // Second stage: n = tanh(x̂_n + R_n q + b_hn), and h'.
  template <class P>
  static GATEWISE_INLINE P forward_candidate(P x, P h, P z, P h_prev, P& n) {
    n = tanh(x + h);
    return blend(z, n, h_prev);
  }

  // δ_n = dh' (1 - z)(1 - n²), δ_z = dh' (h - n) z (1 - z); returns dh' z.
  template <class P>
  static GATEWISE_INLINE P backward_candidate(P z, P n, P h_prev, P d_h, P& delta_z, P& delta_n) {
    const P one = broadcast<P>(1);
    delta_n = d_h * (one - z) * (one - n * n);
    delta_z = d_h * (h_prev - n) * (z * (one - z));
    return d_h * z;
  }

  // From dq = R_nᵀ δ_n: δ_r = dq h r (1 - r); returns dq r, the part of dh that came through q.
  template <class P>
  static GATEWISE_INLINE P backward_reset(P r, P h_prev, P d_q, P& delta_r) {
    delta_r = d_q * h_prev * (r * (broadcast<P>(1) - r));
    return d_q * r;
  }
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
