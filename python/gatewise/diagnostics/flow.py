"""How gradients vanish and explode: their norms over time, and the step Jacobians whose products they go through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import plotting
from .._core.parameters import Array
from .copies import Layer, quiet, single, time_first


@dataclass(frozen=True)
class Flow:
    """The flow through one layer. T steps, L layers of the stack; norms are means over the sequences.

    h, c : (T, L) the norm of dL/dh_t and, for an LSTM, of dL/dc_t; else None.
    jacobian : (T, L) the spectral norm of the derivative of the state after step t by the state before it, an LSTM's
        state being h and c together.
    """

    h: Array
    c: Array | None
    jacobian: Array


class GradientFlow(Mapping[str, Flow]):
    """What `gradient_flow` returns: name to `Flow`."""

    def __init__(self, flows: dict[str, Flow]) -> None:
        self._flows = flows

    def __getitem__(self, name: str) -> Flow:
        return self._flows[name]

    def __iter__(self) -> Any:
        return iter(self._flows)

    def __len__(self) -> int:
        return len(self._flows)

    def __repr__(self) -> str:
        return f"GradientFlow({', '.join(self._flows)})"

    @plotting.styled
    def plot(self, axes: Any = None) -> Any:
        """Draw the norms of the gradients, and below them the spectral norms, over the steps, with matplotlib.

        Parameters
        ----------
        axes : two matplotlib Axes; default: those of a new figure.

        Returns
        -------
        axes : both; ``axes[0].figure.savefig("flow.png")`` writes the picture.
        """
        upper, lower = axes = plotting.axes(axes, rows=2, height=7.0)
        curves = [
            (name if flow.h.shape[1] == 1 else f"{name}, layer {layer}", flow, layer)
            for name, flow in self.items()
            for layer in range(flow.h.shape[1])
        ]
        for (label, flow, layer), color in zip(curves, plotting.colors(len(curves)), strict=True):
            steps = np.arange(len(flow.h))
            upper.plot(steps, _positive(flow.h[:, layer]), color=color, label=f"{label}: h")
            if flow.c is not None:
                upper.plot(steps, _positive(flow.c[:, layer]), color=color, linestyle="--", label=f"{label}: c")
            lower.plot(steps, _positive(flow.jacobian[:, layer]), color=color, label=label)
        for one, title in (
            (upper, "Norm of the loss's gradient by the state after step t"),
            (lower, "Spectral norm of the step Jacobian"),
        ):
            one.set_yscale("log")
            one.set_title(title)
        low, high = lower.get_ylim()
        if high < 10 * low:  # else matplotlib writes 9 × 10⁻¹
            lower.yaxis.set_major_formatter("{x:g}")
            lower.yaxis.set_minor_formatter("{x:g}")
        lower.axhline(1.0, color=plotting.MUTED, linestyle=":", linewidth=1.2)
        lower.set_xlabel("step t")
        upper.legend(ncols=2)
        return axes


def gradient_flow(layers: Layer | Mapping[str, Layer], x: ArrayLike, dy: ArrayLike | None = None) -> GradientFlow:
    """How a loss's gradient flows back through the steps of recurrent layers (Hochreiter 1991; Pascanu et al. 2013).

    Parameters
    ----------
    layers : a layer, or several by name, to be compared; of one direction. They run in float64, without dropout
        and zoneout.
    x : their input: (T, B, I), (B, T, I) with batch_first, or (T, I).
    dy : the loss's gradient with respect to y, lying like it; default: ones at the last step, zeros before, which shows
        what the last output owes to the first steps.

    Returns
    -------
    GradientFlow : name to the norms; ``.plot()`` draws them.

    Raises
    ------
    ValueError : a layer is bidirectional, or x or dy do not fit it.
    TypeError : something is not a layer.

    >>> import numpy as np, gatewise as gw
    >>> layers = {"RNN": gw.RNN(1, 8, seed=0), "LSTM": gw.LSTM(1, 8, seed=0)}
    >>> flow = gw.gradient_flow(layers, np.random.default_rng(0).standard_normal((50, 4, 1)))
    >>> flow["RNN"].h.shape
    (50, 1)
    >>> bool(flow["RNN"].h[0, 0] < 1e-6 * flow["RNN"].h[-1, 0])  # vanished
    True
    """
    named = layers if isinstance(layers, Mapping) else {type(layers).__name__: layers}
    return GradientFlow({name: _flow(name, layer, x, dy) for name, layer in named.items()})


def _flow(name: str, layer: Layer, x: ArrayLike, dy: ArrayLike | None) -> Flow:
    if not isinstance(layer, Layer):
        raise TypeError(f"layers: expected RNN, LSTM or GRU, got {type(layer).__name__} as {name!r}")
    if layer.bidirectional:
        raise ValueError(f"layers: expected one direction, got a bidirectional layer as {name!r}")
    stack, steps = quiet(layer), time_first(layer, x)
    y, _, tape = stack.forward(steps)
    if dy is None:
        d = np.zeros_like(y)
        d[-1] = 1.0
    else:
        d = np.asarray(dy, np.float64)
        d = d[:, None] if d.ndim == 2 else d.swapaxes(0, 1) if layer.batch_first else d
    grads = stack.backward(tape, d, steps=True)
    hidden, cells = tape.hidden, tape.cells
    jacobians = np.empty((len(steps), layer.num_layers))
    for index in range(layer.num_layers):
        inputs = steps if index == 0 else hidden[:, index - 1]
        state = hidden[:, index] if cells is None else (hidden[:, index], cells[:, index])
        jacobians[:, index] = _spectral_norms(single(layer, index), inputs, state)
    return Flow(_norms(grads.h_steps), None if grads.c_steps is None else _norms(grads.c_steps), jacobians)


def _norms(gradients: Array | None) -> Array:
    """(T, L, B, features) -> (T, L): the norms, their mean over the sequences."""
    assert gradients is not None
    means: Array = np.linalg.norm(gradients, axis=-1).mean(axis=-1)
    return means


def _spectral_norms(cell: Layer, x: Array, states: Any) -> Array:
    """Of each step (T,): the mean over the sequences of the largest singular value of d state_t / d state_{t-1}.

    A backward pass over one step gives a row of the Jacobian for each cotangent: all of them go through as a batch.
    """
    halves = states if isinstance(states, tuple) else (states,)
    sizes = [half.shape[2] for half in halves]
    rows, batch = sum(sizes), x.shape[1]
    # Cotangent r of sequence b lies at b rows + r; its halves belong to h and to c.
    identity = np.split(np.tile(np.eye(rows), (batch, 1)), np.cumsum(sizes)[:-1], axis=1)
    norms = np.empty(len(x))
    before = [np.zeros_like(half[0]) for half in halves]
    for t, x_t in enumerate(x):
        repeated = [half.repeat(rows, axis=0)[None] for half in before]
        _, _, tape = cell.forward(x_t.repeat(rows, axis=0)[None], _state(repeated))
        back = cell.backward(tape, d_state=_state([part[None] for part in identity]), wrt_x=False).state
        back = back if isinstance(back, tuple) else (back,)
        jacobian = np.concatenate([half[0] for half in back], axis=1).reshape(batch, rows, rows)
        norms[t] = np.linalg.norm(jacobian, 2, axis=(1, 2)).mean()
        before = [half[t] for half in halves]
    return norms


def _state(halves: list[Array]) -> Any:
    return tuple(halves) if len(halves) == 2 else halves[0]


def _positive(values: Array) -> Array:
    """The values for a logarithmic axis, on which zeros leave gaps."""
    return np.where(values > 0.0, values, np.nan)
