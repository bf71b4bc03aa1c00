"""The contents of a weight file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .._core.compiled_layer import CompiledLayer
from .._core.parameters import Array
from ..models import Sequential

__doctest_requires__ = ("safetensors",)


@dataclass(frozen=True)
class Weights:
    """The recurrent layers of a file, and its other arrays.

    Objects of this class are returned by `load`.

    Parameters
    ----------
    layers : dict of str to RNN, LSTM or GRU
        The layers by name. In files of arrays the name is what precedes ``weight_ih_l0``; in Keras models it is the
        layer's name, in ONNX graphs the node's name, or its first output if the node has no name of its own.
    others : dict of str to numpy.ndarray
        The arrays that do not belong to a recurrent layer.

    See Also
    --------
    load : Load the recurrent layers of a file.

    Examples
    --------
    >>> import os, tempfile, numpy as np, gatewise as gw, gatewise.weights
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "weights.safetensors")
    ...     gatewise.weights.save({"encoder": gw.GRU(3, 4)}, path, {"head": np.zeros(2)})
    ...     weights = gatewise.weights.load(path)
    >>> weights.layers["encoder"].hidden_size, weights.others["head"].shape
    (4, (2,))
    """

    layers: dict[str, CompiledLayer]
    others: dict[str, Array]


@dataclass(frozen=True)
class Contents:
    """Everything that a reader finds in a file.

    `model` is the complete model, if gatewise wrote one to the file; `details` returns further lines for
    ``gatewise info``.
    """

    weights: Weights
    model: Sequential | None = None
    details: Callable[[], list[str]] = list

    def only(self, layer: str) -> Contents:
        """Return this layer alone."""
        return Contents(Weights({layer: self.weights.layers[layer]}, {}))


@dataclass(frozen=True)
class Report:
    """The report of a writer: lines on what it wrote, and sentences for the user on what it left out."""

    written: list[str]
    left_out: list[str]


def titled(weights: Weights) -> list[str]:
    """Return a line for each layer, such as "encoder: GRU(3, 4)"."""
    return [f"{name}: {layer!r}" if name else repr(layer) for name, layer in weights.layers.items()]
