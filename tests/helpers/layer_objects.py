"""Helpers for tests of layers as objects: an input, comparison of results, random parameters, copies, activations."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gatewise as gw

Array = NDArray[Any]
X = np.random.default_rng(0).standard_normal((6, 3, 4)).astype(np.float32)


def same(a: Any, b: Any) -> bool:
    """Return whether two results or two states have equal values."""
    if isinstance(a, tuple):
        return len(a) == len(b) and all(same(p, q) for p, q in zip(a, b, strict=True))
    return np.array_equal(a, b)


def owned(layer: Any, seed: int) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(-0.5, 0.5, a.shape).astype(a.dtype) for name, a in layer.params.items()}


def copies(thing: Any) -> list[Any]:
    return [copy.deepcopy(thing), *(pickle.loads(pickle.dumps(thing, protocol)) for protocol in range(2, 6))]


def applied(activation: Any, a: Array, clip: float | None = None) -> tuple[Array, Array]:
    """Return an activation's values and slopes at the points a (N,), from a compiled RNN whose input weight is 1."""
    rnn = gw.RNN(1, 1, nonlinearity=activation, clip=clip, dtype=a.dtype)
    rnn.load_state_dict({name: np.full_like(value, "weight_ih" in name) for name, value in rnn.params.items()})
    y, _, tape = rnn.forward(a.reshape(1, -1, 1))
    return y[0, :, 0], rnn.backward(tape, np.ones_like(y)).x[0, :, 0]
