"""One step of each cell: its forward function, and below it its backward function.

The forward function takes rows, one per sequence: x (R, I), h_prev (R, Y) and, for an LSTM, c_prev (R, H). It returns
the new state and the values that backward needs. The backward function takes d_h (and d_c), the gradients of the loss
with respect to the new state. It adds the gradients of the parameters to `grads` and returns those of x and of the
previous state. Backpropagation through time calls it for one step after the other, the last step first (Werbos 1990,
"Backpropagation through time: what it does and how to do it").

A pre-activation is the sum of two halves: x_hat = W_ih x + b_ih and h_hat = W_hh h_prev + b_hh. Both contain the rows
of all gates, one gate after the other: i, f, g, o for the LSTM; r, z, n for the GRU. delta is the gradient with respect
to a pre-activation a. The derivatives of the usual activations follow from their values: sigmoid' = s (1 - s),
tanh' = 1 - t^2. `activations` defines these and others.

With recurrent dropout, `scale` (R, Y) is 0 or 1 / (1 - p), and W_hh reads h_in = scale * h_prev (Gal and Ghahramani
2016). Other uses of h_prev in a cell are not scaled, as in Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from .._core.kinds import gru, lstm, rnn
from .._core.options import Options
from .._core.parameters import Array
from .activations import Nonlinearity

Rows = tuple[Array, ...]  # the states of some sequences: (h,), or (h, c) for an LSTM


class Cell(Protocol):
    """The interface of a cell to the loop over time."""

    @property
    def forward(self) -> Callable[..., tuple[Rows, Any]]:
        """Takes x and the states; returns the new states and what `backward` needs of this step."""

    @property
    def backward(self) -> Callable[..., tuple[Array, Rows]]:
        """Takes what `forward` kept and the gradients of the new states; returns those of x and of the old states."""


def scaled(rows: Array, scale: Array | None) -> Array:
    """The rows times `scale`, if there is one; 0 where it is 0, even for NaN. The function is its own backward."""
    return rows if scale is None else np.where(scale > 0, rows * scale, 0)


def affine(weight: Array, bias: Array | None, rows: Array) -> Array:
    """weight (N, K) times each row of (R, K), plus bias (N,) if there is one: (R, N)."""
    return rows @ weight.T if bias is None else rows @ weight.T + bias


def affine_backward(grads: dict[str, Array], weight: str, bias: str | None, rows: Array, delta: Array) -> None:
    """Add the gradients of `affine`'s weight and bias, from the gradient delta (R, N) of its result."""
    grads[weight] += delta.T @ rows
    if bias in grads:
        grads[bias] += delta.sum(axis=0)


class RNNKept(NamedTuple):
    """x, h_prev, the pre-activation and the new h."""

    x: Array
    h_prev: Array
    a: Array
    h: Array


class RNNStep:
    """h = phi(x_hat + h_hat): Elman 1990, "Finding structure in time"."""

    kind = rnn.RNN_KIND

    def __init__(self, weights: Mapping[str, Array], options: Options) -> None:
        self.weights = weights
        self.phi = Nonlinearity(options.functions["candidate"], options.clip)

    def forward(self, x: Array, h_prev: Array, *, scale: Array | None = None) -> tuple[Rows, RNNKept]:
        """x (R, I), h_prev (R, H) to h (R, H)."""
        w = self.weights
        x_hat = affine(w["weight_ih"], w.get("bias_ih"), x)
        h_hat = affine(w["weight_hh"], w.get("bias_hh"), scaled(h_prev, scale))
        a = x_hat + h_hat
        h = self.phi(a)
        return (h,), RNNKept(x, h_prev, a, h)

    def backward(
        self, kept: RNNKept, d_h: Array, *, scale: Array | None = None, grads: dict[str, Array]
    ) -> tuple[Array, Rows]:
        """delta = d_h phi'(a): Werbos 1990."""
        w = self.weights
        x, h_prev, a, h = kept
        delta = d_h * self.phi.slope(a, h)
        affine_backward(grads, "weight_ih", "bias_ih", x, delta)
        affine_backward(grads, "weight_hh", "bias_hh", scaled(h_prev, scale), delta)
        return delta @ w["weight_ih"], (scaled(delta @ w["weight_hh"], scale),)


class LSTMKept(NamedTuple):
    """x, the previous state, the gates, the new c, its tanh, m = o tanh c, and the pre-activations."""

    x: Array
    h_prev: Array
    c_prev: Array
    i: Array
    f: Array
    g: Array
    o: Array
    c: Array
    tanh_c: Array
    m: Array
    a: tuple[Array, Array, Array, Array]

    @property
    def gates(self) -> Rows:
        """The activated gates."""
        return self.i, self.f, self.g, self.o


class LSTMStep:
    """Long short-term memory: Hochreiter and Schmidhuber 1997, "Long short-term memory".

    The forget gate f is by Gers, Schmidhuber and Cummins 2000, "Learning to forget: continual prediction with LSTM".
    The peepholes p are by Gers, Schraudolph and Schmidhuber 2002, "Learning precise timing with LSTM recurrent
    networks".
    The projection W_hr is by Sak, Senior and Beaufays 2014, "Long short-term memory recurrent neural network
    architectures for large scale acoustic modeling". A cell has peepholes or a projection if it has their weights.

    Other activations can replace the sigmoid of the gates and the tanh of candidate and cell. With input_forget,
    f = 1 - i, as in ONNX; Greff et al. 2017, "LSTM: a search space odyssey", call this CIFG.
    """

    kind = lstm.LSTM_KIND

    def __init__(self, weights: Mapping[str, Array], options: Options) -> None:
        self.weights = weights
        functions, clip = options.functions, options.clip
        self.gate, self.candidate = Nonlinearity(functions["gates"], clip), Nonlinearity(functions["candidate"], clip)
        self.cell = Nonlinearity(functions["cell"])  # as in ONNX Runtime, c is not clipped
        self.input_forget: bool = options.input_forget
        self.peephole = "weight_peephole" in weights
        self.projection = "weight_hr" in weights

    def forward(self, x: Array, h_prev: Array, c_prev: Array, *, scale: Array | None = None) -> tuple[Rows, LSTMKept]:
        """x (R, I), h_prev (R, Y), c_prev (R, H) to h (R, Y), c (R, H)."""
        w = self.weights
        x_hat = affine(w["weight_ih"], w.get("bias_ih"), x)
        h_hat = affine(w["weight_hh"], w.get("bias_hh"), scaled(h_prev, scale))
        a_i, a_f, a_g, a_o = np.split(x_hat + h_hat, 4, axis=-1)

        if self.peephole:  # i and f see the old cell state (Gers et al. 2002)
            p_i, p_f, p_o = w["weight_peephole"]
            a_i, a_f = a_i + p_i * c_prev, a_f + p_f * c_prev
        i = self.gate(a_i)
        f = 1 - i if self.input_forget else self.gate(a_f)
        g = self.candidate(a_g)
        c = f * c_prev + i * g  # without f: Hochreiter and Schmidhuber 1997; with it: Gers et al. 2000
        if self.peephole:  # o sees the new cell state
            a_o = a_o + p_o * c
        o = self.gate(a_o)

        tanh_c = self.cell(c)
        m = o * tanh_c
        h = affine(w["weight_hr"], None, m) if self.projection else m  # Sak et al. 2014
        return (h, c), LSTMKept(x, h_prev, c_prev, i, f, g, o, c, tanh_c, m, (a_i, a_f, a_g, a_o))

    def backward(
        self, kept: LSTMKept, d_h: Array, d_c: Array, *, scale: Array | None = None, grads: dict[str, Array]
    ) -> tuple[Array, Rows]:
        """The exact gradient, as in Graves and Schmidhuber 2005; the paper of 1997 leaves out some terms."""
        w = self.weights
        x, h_prev, c_prev, i, f, g, o, c, tanh_c, m, (a_i, a_f, a_g, a_o) = kept
        if self.projection:
            affine_backward(grads, "weight_hr", None, m, d_h)
            d_m = d_h @ w["weight_hr"]
        else:
            d_m = d_h

        # c reaches the loss through the next step (d_c), through m, and with peepholes through o.
        delta_o = d_m * tanh_c * self.gate.slope(a_o, o)
        d_c = d_c + d_m * o * self.cell.slope(c, tanh_c)
        if self.peephole:
            p_i, p_f, p_o = w["weight_peephole"]
            d_c = d_c + delta_o * p_o
        if self.input_forget:  # c = (1 - i) c_prev + i g
            delta_i = d_c * (g - c_prev) * self.gate.slope(a_i, i)
            delta_f = np.zeros_like(delta_i)
        else:
            delta_i = d_c * g * self.gate.slope(a_i, i)
            delta_f = d_c * c_prev * self.gate.slope(a_f, f)
        delta_g = d_c * i * self.candidate.slope(a_g, g)
        # The constant error carousel: from step to step the gradient of c is only multiplied by f.
        d_c_prev = d_c * f
        if self.peephole:
            d_c_prev = d_c_prev + delta_i * p_i + delta_f * p_f
            grads["weight_peephole"] += np.stack(
                [(delta_i * c_prev).sum(axis=0), (delta_f * c_prev).sum(axis=0), (delta_o * c).sum(axis=0)]
            )

        delta = np.concatenate([delta_i, delta_f, delta_g, delta_o], axis=-1)
        affine_backward(grads, "weight_ih", "bias_ih", x, delta)
        affine_backward(grads, "weight_hh", "bias_hh", scaled(h_prev, scale), delta)
        return delta @ w["weight_ih"], (scaled(delta @ w["weight_hh"], scale), d_c_prev)


class GRUKept(NamedTuple):
    """x, h_prev, the three gates, h_hat_n (the recurrent half of n), and the pre-activations of the gates."""

    x: Array
    h_prev: Array
    r: Array
    z: Array
    n: Array
    h_n: Array
    a: tuple[Array, Array, Array]

    @property
    def gates(self) -> Rows:
        """The activated gates."""
        return self.r, self.z, self.n


class GRUStep:
    """Gated recurrent unit: Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder for statistical
    machine translation".

    In the published paper (reset_after=False) the reset gate r acts on h before the recurrent product of the candidate
    n. In the first preprint, in cuDNN and in PyTorch (reset_after=True) it acts on the product. z = 1 keeps the old h.
    Other activations can replace the sigmoid of the gates and the tanh of the candidate.
    """

    kind = gru.GRU_KIND

    def __init__(self, weights: Mapping[str, Array], options: Options) -> None:
        self.weights = weights
        functions, clip = options.functions, options.clip
        self.gate, self.candidate = Nonlinearity(functions["gates"], clip), Nonlinearity(functions["candidate"], clip)
        self.reset_after: bool = options.reset_after
        two_gates = len(weights["weight_hh"]) // 3 * 2
        self.rows_rz, self.rows_n = slice(two_gates), slice(two_gates, None)

    def _recurrent(self, rows: slice) -> tuple[Array, Array | None]:
        """The rows of W_hh and b_hh that belong to r and z, or to n."""
        bias = self.weights.get("bias_hh")
        return self.weights["weight_hh"][rows], None if bias is None else bias[rows]

    def forward(self, x: Array, h_prev: Array, *, scale: Array | None = None) -> tuple[Rows, GRUKept]:
        """x (R, I), h_prev (R, H) to h (R, H)."""
        w = self.weights
        h_in = scaled(h_prev, scale)
        x_r, x_z, x_n = np.split(affine(w["weight_ih"], w.get("bias_ih"), x), 3, axis=-1)
        h_r, h_z = np.split(affine(*self._recurrent(self.rows_rz), h_in), 2, axis=-1)
        a_r, a_z = x_r + h_r, x_z + h_z
        r, z = self.gate(a_r), self.gate(a_z)
        if self.reset_after:
            h_n = affine(*self._recurrent(self.rows_n), h_in)
            a_n = x_n + r * h_n
        else:
            h_n = affine(*self._recurrent(self.rows_n), r * h_in)
            a_n = x_n + h_n
        n = self.candidate(a_n)
        h = (1 - z) * n + z * h_prev
        return (h,), GRUKept(x, h_prev, r, z, n, h_n, (a_r, a_z, a_n))

    def backward(
        self, kept: GRUKept, d_h: Array, *, scale: Array | None = None, grads: dict[str, Array]
    ) -> tuple[Array, Rows]:
        """The chain rule from h = (1 - z) n + z h_prev; r reaches the loss only through n."""
        x, h_prev, r, z, n, h_n, (a_r, a_z, a_n) = kept
        h_in = scaled(h_prev, scale)
        w_rz, w_n = self._recurrent(self.rows_rz)[0], self._recurrent(self.rows_n)[0]
        delta_n = d_h * (1 - z) * self.candidate.slope(a_n, n)
        delta_z = d_h * (h_prev - n) * self.gate.slope(a_z, z)
        slope_r = self.gate.slope(a_r, r)
        if self.reset_after:
            delta_r = delta_n * h_n * slope_r
            read_by_n, delta_h_n = h_in, delta_n * r
            d_h_in = delta_h_n @ w_n
        else:
            d_reset = delta_n @ w_n  # the gradient of r * h_in
            delta_r = d_reset * h_in * slope_r
            read_by_n, delta_h_n = r * h_in, delta_n
            d_h_in = d_reset * r

        delta_rz = np.concatenate([delta_r, delta_z], axis=-1)
        delta = np.concatenate([delta_rz, delta_n], axis=-1)
        affine_backward(grads, "weight_ih", "bias_ih", x, delta)
        grads["weight_hh"][self.rows_rz] += delta_rz.T @ h_in
        grads["weight_hh"][self.rows_n] += delta_h_n.T @ read_by_n
        if "bias_hh" in grads:
            grads["bias_hh"][self.rows_rz] += delta_rz.sum(axis=0)
            grads["bias_hh"][self.rows_n] += delta_h_n.sum(axis=0)
        return delta @ self.weights["weight_ih"], (d_h * z + scaled(d_h_in + delta_rz @ w_rz, scale),)


STEPS: dict[str, Callable[[Mapping[str, Array], Options], Cell]] = {
    step.kind.name: step for step in (RNNStep, LSTMStep, GRUStep)
}
"""The step of each kind of cell."""


def make_step(options: Options, weights: Mapping[str, Array]) -> Cell:
    """The step of a layer with these options; the names of the weights have no suffix."""
    return STEPS[options.kind.name](weights, options)
