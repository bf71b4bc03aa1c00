"""Vanishing and exploding gradients: their norms over time, and the Jacobians of the steps they pass through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import plotting
from .._core.compiled_layer import CompiledLayer
from .._core.parameters import Array
from .._core.state import join, parts
from ..files.errors import alternatives
from ..layers import LAYERS
from .exact import exact_copy, single_layer, time_first


@dataclass(frozen=True)
class Flow:
    """The flow of the gradient through one recurrent layer.

    T is the number of steps and L the number of layers in the stack. All norms are means over the batch.

    Parameters
    ----------
    h : numpy.ndarray of shape (T, L)
        The norm of the loss's gradient with respect to the output h after each step.
    c : numpy.ndarray of shape (T, L), or None
        The same for the cell state of an LSTM; None for other cells.
    jacobian : numpy.ndarray of shape (T, L)
        The spectral norm of each step's Jacobian: the derivative of the state after the step with respect to the state
        before it. The state of an LSTM is h and c together.

    See Also
    --------
    gradient_flow : Compute the flow of gradients through layers.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> flow = gw.gradient_flow(gw.LSTM(1, 8, num_layers=2, seed=0), np.ones((50, 1)))["LSTM"]
    >>> flow.h.shape, flow.c.shape, flow.jacobian.shape
    ((50, 2), (50, 2), (50, 2))
    """

    h: Array
    c: Array | None
    jacobian: Array


class GradientFlow(Mapping[str, Flow]):
    """The flow of gradients through one or several layers, by name.

    Objects of this class are returned by `gradient_flow`. They are mappings of names to `Flow`.

    Parameters
    ----------
    flows : dict of str to Flow
        The flow through each layer.

    See Also
    --------
    gradient_flow : Compute the flow of gradients through layers.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> flow = gw.gradient_flow({"a": gw.RNN(1, 8), "b": gw.GRU(1, 8)}, np.ones((50, 1)))
    >>> list(flow)
    ['a', 'b']
    """

    def __init__(self, flows: dict[str, Flow]) -> None:
        self._flows = flows

    def __getitem__(self, name: str) -> Flow:
        return self._flows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._flows)

    def __len__(self) -> int:
        return len(self._flows)

    def __repr__(self) -> str:
        return f"GradientFlow({', '.join(self._flows)})"

    @plotting.styled
    def plot(self, axes: Any = None) -> Any:
        """Plot the norms over the steps.

        The upper plot shows the norms of the gradients, the lower one the spectral norms of the step Jacobians. Both
        have logarithmic axes. Plotting needs matplotlib: ``pip install "gatewise[train]"`` installs it.

        Parameters
        ----------
        axes : sequence of two matplotlib.axes.Axes, optional
            Where to draw; by default on a new figure.

        Returns
        -------
        sequence of two matplotlib.axes.Axes
            The axes of the upper and the lower plot.

        See Also
        --------
        GateActivations.plot : Plot the gates and states of a layer.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> axes = gw.gradient_flow(gw.RNN(1, 8), np.ones((50, 1))).plot()
        >>> axes[0].figure.savefig("flow.png")  # doctest: +SKIP
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
            (upper, "Norm of the loss gradient with respect to the state after step t"),
            (lower, "Spectral norm of the Jacobian of step t"),
        ):
            one.set_yscale("log")
            one.set_title(title)
        low, high = lower.get_ylim()
        if high < 10 * low:  # on so short an axis matplotlib would write 9 × 10⁻¹
            lower.yaxis.set_major_formatter("{x:g}")
            lower.yaxis.set_minor_formatter("{x:g}")
        lower.axhline(1.0, color=plotting.MUTED, linestyle=":", linewidth=1.2)
        lower.set_xlabel("step t")
        upper.legend(ncols=2)
        return axes


def gradient_flow(
    layers: CompiledLayer | Mapping[str, CompiledLayer], x: ArrayLike, dy: ArrayLike | None = None
) -> GradientFlow:
    """Compute how a loss's gradient flows back through the steps of recurrent layers.

    The gradient that reaches an early step has passed through the Jacobians of all later steps. If their norms are
    mostly below 1 it vanishes, if they are mostly above 1 it may explode (Hochreiter 1991; Pascanu et al. 2013). The
    computation uses copies of the layers in float64, without dropout and zoneout.

    Parameters
    ----------
    layers : RNN, LSTM or GRU, or mapping of str to such layers
        The layer, or several by name to compare. They must be unidirectional.
    x : array_like of shape (T, B, I), (B, T, I) with batch_first, or (T, I)
        The input of the layers.
    dy : array_like of the shape of y, optional
        The loss's gradient with respect to the output y. By default it is one at the last step and zero before, which
        shows how the last output depends on the earlier steps.

    Returns
    -------
    GradientFlow
        The norms by name; a single layer has the name of its class.

    Raises
    ------
    ValueError
        A layer is bidirectional, or x or dy does not fit it.
    TypeError
        An argument is not a recurrent layer.

    See Also
    --------
    GradientFlow.plot : Plot the norms over the steps.
    gate_activations : Compute the gates of a layer at every step.

    References
    ----------
    Hochreiter, S. (1991). Untersuchungen zu dynamischen neuronalen Netzen. Diploma thesis, TU München.

    Pascanu, R., Mikolov, T., Bengio, Y. (2013). On the difficulty of training recurrent neural networks.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> layers = {"RNN": gw.RNN(1, 8, seed=0), "LSTM": gw.LSTM(1, 8, seed=0)}
    >>> flow = gw.gradient_flow(layers, np.random.default_rng(0).standard_normal((50, 4, 1)))
    >>> flow["RNN"].h.shape
    (50, 1)
    >>> bool(flow["RNN"].h[0, 0] < 1e-6 * flow["RNN"].h[-1, 0])  # the gradient has vanished
    True
    """
    named = layers if isinstance(layers, Mapping) else {type(layers).__name__: layers}
    return GradientFlow({name: _flow(name, layer, x, dy) for name, layer in named.items()})


def _flow(name: str, layer: CompiledLayer, x: ArrayLike, dy: ArrayLike | None) -> Flow:
    if not isinstance(layer, CompiledLayer):
        raise TypeError(f"layers: expected {alternatives(LAYERS)}, got {type(layer).__name__} as {name!r}")
    if layer.bidirectional:
        raise ValueError(f"layers: expected unidirectional layers, got a bidirectional one as {name!r}")
    stack, steps = exact_copy(layer), time_first(layer, x)
    y, _, tape = stack.forward(steps)
    if dy is None:
        d = np.zeros_like(y)
        d[-1] = 1.0
    else:
        d = np.asarray(dy, np.float64)
        d = d[:, None] if d.ndim == 2 else d.swapaxes(0, 1) if layer.batch_first else d
    grads = stack.backward(tape, d, steps=True)
    states = [one for one in (tape.hidden, tape.cells) if one is not None]  # each (T, L, B, size)
    jacobians = np.empty((len(steps), layer.num_layers))
    for index in range(layer.num_layers):
        inputs = steps if index == 0 else tape.hidden[:, index - 1]
        jacobians[:, index] = _spectral_norms(single_layer(layer, index), inputs, [one[:, index] for one in states])
    assert grads.h_steps is not None
    return Flow(_norms(grads.h_steps), None if grads.c_steps is None else _norms(grads.c_steps), jacobians)


def _norms(gradients: Array) -> Array:
    """Return norms over the last axis, averaged over the batch: (T, L, B, features) -> (T, L)."""
    means: Array = np.linalg.norm(gradients, axis=-1).mean(axis=-1)
    return means


def _spectral_norms(layer: CompiledLayer, x: Array, states: list[Array]) -> Array:
    """Return the largest singular value of d state_t / d state_{t-1} of each step (T,), averaged over the batch.

    `states` are h, and c if the cell has it, after each step, (T, B, size). A backward pass over one step turns a
    unit vector into a row of the Jacobian; a batch of all unit vectors gives the whole Jacobian.
    """
    sizes = [one.shape[2] for one in states]
    rows, batch = sum(sizes), x.shape[1]
    # Row b · rows + r belongs to sequence b and unit vector r, whose pieces are the cotangents of h and c.
    identity = np.split(np.tile(np.eye(rows), (batch, 1)), np.cumsum(sizes)[:-1], axis=1)
    norms = np.empty(len(x))
    before = [np.zeros_like(one[0]) for one in states]
    for t, x_t in enumerate(x):
        repeated = [one.repeat(rows, axis=0)[None] for one in before]
        _, _, tape = layer.forward(x_t.repeat(rows, axis=0)[None], join(repeated))
        back = layer.backward(tape, d_state=join([one[None] for one in identity]), wrt_x=False).state
        jacobian = np.concatenate([one[0] for one in parts(back)], axis=1).reshape(batch, rows, rows)
        norms[t] = np.linalg.norm(jacobian, 2, axis=(1, 2)).mean()
        before = [one[t] for one in states]
    return norms


def _positive(values: Array) -> Array:
    """Return the values with NaN for zeros, which a logarithmic axis cannot show."""
    return np.where(values > 0.0, values, np.nan)
