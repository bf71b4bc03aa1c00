"""The values of a layer's gates while it reads a sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import plotting
from .._core.compiled_layer import CompiledLayer
from .._core.parameters import Array
from ..files.errors import alternatives
from ..files.libraries import library
from ..layers import LAYERS
from .exact import exact_copy, time_first

GATES = {"i": "input gate", "f": "forget gate", "o": "output gate", "r": "reset gate", "z": "update gate"}
"""Titles of values from 0 to 1."""
OTHERS = {"g": "candidate", "n": "candidate", "c": "cell state", "h": "output"}
"""Titles of values of either sign."""


@dataclass(frozen=True)
class GateActivations:
    """The activated gates and the states of a layer, at every step of one sequence.

    Objects of this class are returned by `gate_activations`.

    Parameters
    ----------
    values : dict of str to numpy.ndarray of shape (T, H)
        The values by name: "i", "f", "g", "o", "c", "h" of an LSTM; "r", "z", "n", "h" of a GRU; "h" of an RNN. An
        LSTM with a projection has "h" of shape (T, P).

    See Also
    --------
    gate_activations : Compute the gates of a layer at every step.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> gates = gw.gate_activations(gw.GRU(2, 3, seed=0), np.zeros((5, 2)))
    >>> gates["z"].shape
    (5, 3)
    """

    values: dict[str, Array]

    def __getitem__(self, name: str) -> Array:
        return self.values[name]

    @plotting.styled
    def plot(self, axes: Any = None) -> Any:
        """Plot each gate and state as an image of units over steps.

        Plotting needs matplotlib: ``pip install "gatewise[train]"`` installs it.

        Parameters
        ----------
        axes : sequence of matplotlib.axes.Axes, optional
            Where to draw, one for each gate and state; by default on a new figure.

        Returns
        -------
        numpy.ndarray of matplotlib.axes.Axes
            The axes of the images.

        See Also
        --------
        GradientFlow.plot : Plot the norms of gradients over the steps.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> axes = gw.gate_activations(gw.GRU(2, 3), np.zeros((5, 2))).plot()
        >>> axes[0].figure.savefig("gates.png")  # doctest: +SKIP
        """
        axes = np.atleast_1d(plotting.axes(axes, rows=len(self.values), height=1.2 + 1.5 * len(self.values)))
        for one, (name, values) in zip(axes, self.values.items(), strict=True):
            bound = 1.0 if name != "c" else max(1.0, float(np.abs(values).max()))
            image = one.imshow(
                values.T,
                aspect="auto",
                interpolation="nearest",
                cmap="viridis" if name in GATES else "RdBu_r",
                vmin=0.0 if name in GATES else -bound,
                vmax=bound,
            )
            one.grid(False)
            one.set_title(f"{(GATES | OTHERS).get(name, '')} {name}".strip())
            one.set_ylabel("unit")
            one.yaxis.set_major_locator(library("matplotlib.ticker", "train").MaxNLocator(4, integer=True))
            one.figure.colorbar(image, ax=one, pad=0.01)
        axes[-1].set_xlabel("step t")
        return axes


def gate_activations(layer: CompiledLayer, x: ArrayLike, index: int = 0) -> GateActivations:
    """Compute the activated gates and the states of a layer at every step of one sequence.

    The computation uses a copy of the layer in float64, without dropout and zoneout.

    Parameters
    ----------
    layer : RNN, LSTM or GRU
        The layer; of a model, one of ``model.layers``.
    x : array_like of shape (T, I)
        One sequence.
    index : int, default 0
        Which layer and direction of a stack: l · D + d is direction d of layer l, where D is the number of directions.

    Returns
    -------
    GateActivations
        The values by the names of gates and states; ``.plot()`` draws them.

    Raises
    ------
    ValueError
        The sequence or the index does not fit the layer.
    TypeError
        The argument `layer` is not a recurrent layer.

    See Also
    --------
    GateActivations.plot : Plot the gates and states.
    gradient_flow : Compute how a loss's gradient flows back through the steps.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> gates = gw.gate_activations(gw.LSTM(2, 3, seed=0), np.zeros((5, 2)))
    >>> list(gates.values), gates["f"].shape
    (['i', 'f', 'g', 'o', 'c', 'h'], (5, 3))
    """
    if not isinstance(layer, CompiledLayer):
        raise TypeError(f"layer: expected {alternatives(LAYERS)}, got {type(layer).__name__}")
    if np.ndim(x) != 2:
        raise ValueError(f"x: expected one sequence (T, {layer.input_size}), got {np.shape(x)}")
    layers = layer.num_layers * (2 if layer.bidirectional else 1)
    if not 0 <= index < layers:
        raise ValueError(f"index: expected an integer from 0 to {layers - 1}, got {index!r}")
    _, _, tape = exact_copy(layer).forward(time_first(layer, x))
    values = dict(zip(layer.kind.gates, tape.gates, strict=True))
    if tape.cells is not None:
        values["c"] = tape.cells
    values["h"] = tape.hidden
    return GateActivations({name: np.array(value[:, index, 0]) for name, value in values.items()})
