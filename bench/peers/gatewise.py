"""gatewise."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import gatewise as gw
from cases import Case

from ._data import inputs, weights


def facts() -> dict[str, str]:
    """gatewise's version and instruction set."""
    config = gw.show_config(mode="dicts")
    assert config is not None
    return {"version": gw.__version__, "instruction set": str(config["instruction set"])}


def make(case: Case, threads: int, weight_scale: float = 1, scale: float = 1) -> Callable[[], Any]:
    """Make the call as a user would.

    `weight_scale` multiplies the weights; `scale` multiplies x, dy and the biases.
    """
    gw.set_num_threads(threads)
    layer = getattr(gw, case.cell)(
        case.I, case.H, case.layers, bidirectional=case.directions == 2, dtype=np.dtype(case.dtype)
    )
    layer.load_state_dict(weights(case, weight_scale, scale))
    x, dy = inputs(case, scale)
    lengths = case.lengths() if case.ragged else None
    if case.mode == "step":
        return partial(layer.stream(case.B).step, x[0])
    if case.mode == "infer":
        return partial(layer, x, lengths=lengths)

    def train() -> None:
        _, _, tape = layer.forward(x, lengths=lengths)
        layer.backward(tape, dy)

    return train
