"""Keras's weights of a recurrent layer as the parameters of a gatewise layer.

Keras transposes: kernel is (I, G H), recurrent_kernel (H, G H). A single bias becomes the input's bias, and the
recurrent bias is 0; a GRU with reset_after has both, (2, G H).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .._core.parameters import reordered
from ..layers import KINDS
from .layers import Array


class KerasCell(NamedTuple):
    """The kind of a Keras cell, as gatewise names it, and Keras's order of the gates, by gatewise's names."""

    kind: str
    gates: tuple[str, ...]


KERAS_CELLS = {
    "SimpleRNN": KerasCell("RNN", ("h",)),
    "LSTM": KerasCell("LSTM", ("i", "f", "g", "o")),
    "GRU": KerasCell("GRU", ("z", "r", "n")),
}
"""Keras class to cell."""


def shapes(cell: KerasCell, inputs: int, units: int, bias: bool, both_biases: bool) -> list[tuple[int, ...]]:
    """The shapes of the arrays that Keras's get_weights() returns for such a layer."""
    columns = len(cell.gates) * units
    kernels = [(inputs, columns), (units, columns)]
    return [*kernels, (2, columns) if both_biases else (columns,)] if bias else [*kernels]


def parameters(cell: KerasCell, arrays: Sequence[Array]) -> dict[str, Array]:
    """The parameters of a unidirectional gatewise layer, from the arrays of get_weights()."""
    kernel, recurrent_kernel, *biases = arrays
    found = {"weight_ih_l0": kernel.T, "weight_hh_l0": recurrent_kernel.T}
    for bias in biases:
        found["bias_ih_l0"], found["bias_hh_l0"] = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
    return {name: reordered(array, cell.gates, KINDS[cell.kind].gates) for name, array in found.items()}
