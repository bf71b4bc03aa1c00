"""What the gates of a layer do while it reads a sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import plotting
from .._core.parameters import Array
from ..files.libraries import library
from .copies import Layer, quiet, time_first

NAMES = {"RNN": (), "LSTM": ("i", "f", "g", "o"), "GRU": ("r", "z", "n")}
TITLES = {
    "i": "input gate i",
    "f": "forget gate f",
    "g": "candidate g",
    "o": "output gate o",
    "r": "reset gate r",
    "z": "update gate z",
    "n": "candidate n",
    "c": "cell state c",
    "h": "output h",
}


@dataclass(frozen=True)
class GateActivations:
    """What `gate_activations` returns: name to (T, H), in order: the gates, an LSTM's c, and h.

    values : "i", "f", "g", "o", "c", "h" of an LSTM; "r", "z", "n", "h" of a GRU; "h" of an RNN.
    """

    values: dict[str, Array]

    def __getitem__(self, name: str) -> Array:
        return self.values[name]

    @plotting.styled
    def plot(self, axes: Any = None) -> Any:
        """Draw each as a picture of units over steps, with matplotlib.

        Parameters
        ----------
        axes : as many matplotlib Axes as there are values; default: those of a new figure.

        Returns
        -------
        axes : ``axes[0].figure.savefig("gates.png")`` writes the picture.
        """
        axes = np.atleast_1d(plotting.axes(axes, rows=len(self.values), height=1.2 + 1.5 * len(self.values)))
        for one, (name, values) in zip(axes, self.values.items(), strict=True):
            gate = name in "ifozr"
            bound = 1.0 if name != "c" else max(1.0, float(np.abs(values).max()))
            image = one.imshow(
                values.T,
                aspect="auto",
                interpolation="nearest",
                cmap="viridis" if gate else "RdBu_r",
                vmin=0.0 if gate else -bound,
                vmax=bound,
            )
            one.grid(False)
            one.set_title(TITLES[name])
            one.set_ylabel("unit")
            one.yaxis.set_major_locator(library("matplotlib.ticker", "train").MaxNLocator(4, integer=True))
            one.figure.colorbar(image, ax=one, pad=0.01)
        axes[-1].set_xlabel("step t")
        return axes


def gate_activations(layer: Layer, x: ArrayLike, index: int = 0) -> GateActivations:
    """The activated gates and states at every step of one sequence.

    Parameters
    ----------
    layer : an RNN, LSTM or GRU; of a model, one of ``model.parts``. It runs in float64, without dropout and zoneout.
    x : one sequence (T, I).
    index : which of the stack: l D + d is layer l, direction d.

    Raises
    ------
    ValueError : x or index do not fit the layer.
    TypeError : `layer` is not a layer.

    >>> import numpy as np, gatewise as gw
    >>> gates = gw.gate_activations(gw.LSTM(2, 3, seed=0), np.zeros((5, 2)))
    >>> list(gates.values), gates["f"].shape
    (['i', 'f', 'g', 'o', 'c', 'h'], (5, 3))
    """
    if not isinstance(layer, Layer):
        raise TypeError(f"layer: expected RNN, LSTM or GRU, got {type(layer).__name__}")
    if np.ndim(x) != 2:
        raise ValueError(f"x: expected one sequence (T, {layer.input_size}), got {np.shape(x)}")
    layers = layer.num_layers * (2 if layer.bidirectional else 1)
    if not 0 <= index < layers:
        raise ValueError(f"index: expected an integer from 0 to {layers - 1}, got {index!r}")
    _, _, tape = quiet(layer).forward(time_first(layer, x))
    every: dict[str, Any] = dict(zip(NAMES[type(layer).__name__], tape.gates, strict=False))  # an RNN's is its h
    every |= {"h": tape.hidden} if tape.cells is None else {"c": tape.cells, "h": tape.hidden}
    return GateActivations({name: np.array(value[:, index, 0]) for name, value in every.items()})
