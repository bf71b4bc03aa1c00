"""The inputs of ONNX's recurrent operators, and their weights as a layer's parameters and back.

ONNX stacks the directions, joins both biases into one array, and orders gates and peepholes in its own way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._core.parameters import reordered, suffixes
from ..layers import KINDS

Array = NDArray[Any]

GATES: dict[str, tuple[str, ...]] = {
    "RNN": ("h",),
    "LSTM": ("i", "o", "f", "g"),
    "GRU": ("z", "r", "n"),
}
"""ONNX's recurrent operators, which have the names of gatewise's kinds of cells, and the order of their gates by
gatewise's names. ONNX's own names for g and n are c and h."""
PEEPHOLES, OUR_PEEPHOLES = ("i", "o", "f"), ("i", "f", "o")
"""The gates with peepholes, in the order of ONNX's P and of weight_peephole."""
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
"""The inputs of the recurrent operators, in order. RNN and GRU have those up to initial_h."""


class OperatorWeights(NamedTuple):
    """The weights of one operator with D directions and G gates, under ONNX's names."""

    W: Array  # [D, G H, I]
    R: Array  # [D, G H, H]
    B: Array | None = None  # [D, 2 G H]: of the input, of h
    P: Array | None = None  # [D, 3 H]

    def direction(self, d: int) -> OperatorWeights:
        """The weights of direction d as those of an operator with one direction."""
        B, P = (None if array is None else array[d : d + 1] for array in (self.B, self.P))
        return OperatorWeights(self.W[d : d + 1], self.R[d : d + 1], B, P)


def to_parameters(kind: str, weights: OperatorWeights) -> dict[str, Array]:
    """The parameters of a layer with num_layers=1 and as many directions as these weights have."""
    order, wanted = GATES[kind], KINDS[kind].gates
    found: dict[str, Array] = {}
    for d, suffix in enumerate(suffixes(0, len(weights.W))):
        found[f"weight_ih{suffix}"] = reordered(weights.W[d], order, wanted)
        found[f"weight_hh{suffix}"] = reordered(weights.R[d], order, wanted)
        if weights.B is not None:
            for name, bias in zip(("bias_ih", "bias_hh"), np.split(weights.B[d], 2), strict=True):
                found[f"{name}{suffix}"] = reordered(bias, order, wanted)
        if weights.P is not None:
            found[f"weight_peephole{suffix}"] = reordered(weights.P[d], PEEPHOLES, OUR_PEEPHOLES).reshape(3, -1)
    return found


def to_weights(kind: str, params: Mapping[str, Array], layer: int, directions: int) -> OperatorWeights:
    """The weights of the operator that computes one layer of a stack."""
    order, wanted = KINDS[kind].gates, GATES[kind]
    ends = suffixes(layer, directions)

    def stacked(name: str, order: Sequence[str] = order, wanted: Sequence[str] = wanted) -> Array:
        return np.stack([reordered(params[f"{name}{suffix}"], order, wanted) for suffix in ends])

    B = P = None
    if f"bias_ih{ends[0]}" in params:
        B = np.concatenate([stacked("bias_ih"), stacked("bias_hh")], axis=1)
    if f"weight_peephole{ends[0]}" in params:
        P = stacked("weight_peephole", OUR_PEEPHOLES, PEEPHOLES).reshape(directions, -1)
    return OperatorWeights(stacked("weight_ih"), stacked("weight_hh"), B, P)
