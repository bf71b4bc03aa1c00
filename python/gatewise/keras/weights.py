"""Keras's weights as the parameters of gatewise's layers.

Keras transposes: kernel (I, G H), recurrent_kernel (H, G H). Gates are i, f, c, o, which is gatewise's order, and
z, r, h, where gatewise has r, z, n. The one bias becomes the input's, the other is 0; a GRU with reset_after has both,
(2, 3 H).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}


def shapes(kind: str, inputs: int, units: int, bias: bool, reset_after: bool) -> list[tuple[int, ...]]:
    """What Keras's get_weights() gives for such a layer."""
    columns = GATES[kind] * units
    found: list[tuple[int, ...]] = [(inputs, columns), (units, columns)]
    if bias:
        found.append((2, columns) if kind == "GRU" and reset_after else (columns,))
    return found


def parameters(kind: str, arrays: list[Array]) -> dict[str, Array]:
    """The parameters of a gatewise layer of one direction, from get_weights()."""
    found = {"weight_ih_l0": arrays[0].T, "weight_hh_l0": arrays[1].T}
    if len(arrays) == 3:
        bias = arrays[2]
        found["bias_ih_l0"], found["bias_hh_l0"] = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
    if kind != "GRU":
        return found

    def reset_first(array: Array) -> Array:
        update, reset, new = np.split(array, 3)
        return np.concatenate([reset, update, new])

    return {name: reset_first(array) for name, array in found.items()}
