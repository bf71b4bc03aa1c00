"""Keras's activations: in recurrent layers gatewise's own, elsewhere a line of NumPy each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..training.losses import softmax

Array = NDArray[Any]

RECURRENT: dict[str, Any] = {
    "elu": ("elu", 1.0),
    "hard_sigmoid": ("hard_sigmoid", 1 / 6, 0.5),  # Keras 3's: relu6(x + 3) / 6
    "leaky_relu": ("leaky_relu", 0.2),
    "linear": "linear",
    "relu": "relu",
    "sigmoid": "sigmoid",
    "softplus": "softplus",
    "softsign": "softsign",
    "tanh": "tanh",
}


def _sigmoid(x: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x))


POINTWISE: dict[str, Callable[[Array], Array]] = {
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "exponential": lambda x: np.exp(x),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": _sigmoid,
    "softmax": softmax,
    "softplus": lambda x: np.logaddexp(x, 0),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "tanh": lambda x: np.tanh(x),
}


def named(layer: str, argument: str, value: Any, known: dict[str, Any]) -> Any:
    """The activation that a configuration names; a ValueError if it is another one."""
    name = "linear" if value is None else value
    if not isinstance(name, str) or name not in known:
        given = value.get("config", value) if isinstance(value, dict) else value
        raise ValueError(f"layer {layer!r}: {argument}: expected one of {', '.join(known)}, got {given!r}")
    return known[name]
