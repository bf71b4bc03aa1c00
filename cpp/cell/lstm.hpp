// The LSTM cell, for one row and the W units of a packet: Hochreiter and Schmidhuber 1997; forget gate: Gers,
// Schmidhuber and Cummins 2000; peepholes: Gers, Schraudolph and Schmidhuber 2002.
#pragma once

#include "activations.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

template <bool peephole, class Activations>
struct Lstm {
  // The tape saves i, f, g, o and tanh c' of a step (c' itself is a state) and, if slopes need them, the input of each.
  static constexpr int values = 5, saved_count = Activations::saves_inputs ? 2 * values : values;

  template <class P>
  struct Output {
    P h, c;
  };

  // c' = f c + i g
  template <class P>
  static GATEWISE_INLINE P cell_state(P i, P f, P g, P c_prev) {
    return fma(f, c_prev, i * g);
  }

  // i = σ(x̂_i + ĥ_i + p_i c), f = σ(x̂_f + ĥ_f + p_f c), g = tanh(x̂_g + ĥ_g), c' = f c + i g, o = σ(x̂_o + ĥ_o + p_o
  // c'), h' = o tanh c'; σ and tanh stand for the chosen activations. The gates are in the order i, f, g, o, the
  // peepholes i, f, o.
  template <class P>
  static GATEWISE_INLINE Output<P> forward(const Activations& act, const P (&x)[4], const P (&h)[4], P c_prev,
                                           const P (&peep)[3], P (&saved)[saved_count]) {
    P in = x[0] + h[0], forget = x[1] + h[1], out = x[3] + h[3];
    const P candidate = x[2] + h[2];
    if constexpr (peephole) {
      in = fma(peep[0], c_prev, in);
      forget = fma(peep[1], c_prev, forget);
    }
    const P i = act.gate(in), f = act.input_forget ? broadcast<P>(1) - i : act.gate(forget);
    const P g = act.candidate(candidate);
    const P c = cell_state(i, f, g, c_prev);
    if constexpr (peephole) out = fma(peep[2], c, out);
    const P o = act.gate(out), tanh_c = act.cell(c);
    saved[0] = i;
    saved[1] = f;
    saved[2] = g;
    saved[3] = o;
    saved[4] = tanh_c;
    if constexpr (Activations::saves_inputs) {
      saved[values] = in;
      saved[values + 1] = forget;
      saved[values + 2] = candidate;
      saved[values + 3] = out;
      saved[values + 4] = c;
    }
    return {o * tanh_c, c};
  }

  // From dh' (before a projection) and dc': the δ of all gates, and dc, which is returned.
  // δ_o = dh' tanh c' o (1 - o), dc' += dh' o (1 - tanh² c') + δ_o p_o, δ_i = dc' g i (1 - i), δ_f = dc' c f (1 - f),
  // δ_g = dc' i (1 - g²), dc = dc' f + δ_i p_i + δ_f p_f, where o (1 - o), 1 - tanh² c' and so on are the slopes of
  // the activations. With f = 1 - i, δ_i = dc' (g - c) i (1 - i) and δ_f = 0.
  template <class P>
  static GATEWISE_INLINE P backward(const Activations& act, const P (&saved)[saved_count], P c_prev, const P (&peep)[3],
                                    P d_h, P d_c, P (&delta)[4]) {
    const auto input = [&](int n) { return input_of<Activations, values>(saved, n); };
    const P i = saved[0], f = saved[1], g = saved[2], o = saved[3], tanh_c = saved[4];
    delta[3] = d_h * tanh_c * act.gate_slope(o, input(3));
    d_c = fma(d_h * o, act.cell_slope(tanh_c, input(4)), d_c);
    if constexpr (peephole) d_c = fma(delta[3], peep[2], d_c);
    if (act.input_forget) {
      delta[0] = d_c * (g - c_prev) * act.gate_slope(i, input(0));
      delta[1] = broadcast<P>(0);
    } else {
      delta[0] = d_c * g * act.gate_slope(i, input(0));
      delta[1] = d_c * c_prev * act.gate_slope(f, input(1));
    }
    delta[2] = d_c * i * act.candidate_slope(g, input(2));
    P d_c_prev = d_c * f;
    if constexpr (peephole) d_c_prev = fma(delta[1], peep[1], fma(delta[0], peep[0], d_c_prev));
    return d_c_prev;
  }
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
