"""The order of gates, peepholes and biases in ONNX's recurrent operators and in gatewise: stated once, used both ways.

ONNX stacks directions and joins both biases: W [D, G H, I], R [D, G H, H], B [D, 2 G H], P [D, 3 H].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

GATES = {"RNN": "n", "LSTM": "iofg", "GRU": "zrn"}  # ONNX calls g c, and n h
OUR_GATES = {"RNN": "n", "LSTM": "ifgo", "GRU": "rzn"}
PEEPHOLES, OUR_PEEPHOLES = "iof", "ifo"
ACTIVATIONS = {"RNN": 1, "LSTM": 3, "GRU": 2}
"""How many activations a direction has."""


def _reordered(blocks: Array, order: str, wanted: str) -> Array:
    """The blocks along the first axis, which come in one order, in another."""
    parts = np.split(blocks, len(order))
    return np.concatenate([parts[order.index(letter)] for letter in wanted])


def to_ours(kind: str, W: Array, R: Array, B: Array | None, P: Array | None) -> dict[str, Array]:
    """One direction's weights (without the axis D) as the parameters of a layer of one direction."""
    order, wanted = GATES[kind], OUR_GATES[kind]
    params = {"weight_ih_l0": _reordered(W, order, wanted), "weight_hh_l0": _reordered(R, order, wanted)}
    if B is not None:
        for name, half in zip(("bias_ih_l0", "bias_hh_l0"), np.split(B, 2), strict=True):
            params[name] = _reordered(half, order, wanted)
    if P is not None:
        params["weight_peephole_l0"] = _reordered(P, PEEPHOLES, OUR_PEEPHOLES).reshape(3, -1)
    return params


def to_onnx(kind: str, params: Mapping[str, Array], suffixes: list[str]) -> dict[str, Array]:
    """W, R, and B and P where there are any, of the parameters with these suffixes, one for each direction."""
    order, wanted = OUR_GATES[kind], GATES[kind]
    stacked: dict[str, list[Array]] = {}
    for suffix in suffixes:
        stacked.setdefault("W", []).append(_reordered(params[f"weight_ih{suffix}"], order, wanted))
        stacked.setdefault("R", []).append(_reordered(params[f"weight_hh{suffix}"], order, wanted))
        if f"bias_ih{suffix}" in params:
            halves = [_reordered(params[f"bias_{half}{suffix}"], order, wanted) for half in ("ih", "hh")]
            stacked.setdefault("B", []).append(np.concatenate(halves))
        if f"weight_peephole{suffix}" in params:
            peepholes = _reordered(params[f"weight_peephole{suffix}"].ravel(), OUR_PEEPHOLES, PEEPHOLES)
            stacked.setdefault("P", []).append(peepholes)
    return {name: np.stack(parts) for name, parts in stacked.items()}
