"""gatewise itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gatewise as gw
from cases import Case

from ._data import inputs, weights


def version() -> str:
    """Its version and instruction set."""
    config = gw.show_config(mode="dicts")
    assert config is not None
    return f"{gw.__version__} ({config['instruction set']})"


def make(case: Case, threads: int) -> Callable[[], Any] | None:
    """What a user would call."""
    gw.set_num_threads(threads)
    layer = getattr(gw, case.cell)(case.I, case.H, dtype=np.dtype(case.dtype))
    layer.load_state_dict({f"{name}_l0": value for name, value in weights(case).items()})
    x, dy = inputs(case)
    lengths = case.lengths() if case.ragged else None
    if case.mode == "step":
        step, x_t = layer.stream(case.B).step, x[0]
        return lambda: step(x_t)
    if case.mode == "infer":
        return lambda: layer(x, lengths=lengths)

    def train() -> None:
        _, _, tape = layer.forward(x, lengths=lengths)
        layer.backward(tape, dy)

    return train
