"""Keras's activations: as activations of gatewise's recurrent layers, and as NumPy functions for other layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from ..training.losses import softmax
from .layers import Array

T = TypeVar("T")

OF_CELLS: dict[str, Any] = {
    "elu": ("elu", 1.0),
    "hard_sigmoid": ("hard_sigmoid", 1 / 6, 0.5),  # Keras 3's is relu6(x + 3) / 6
    "leaky_relu": ("leaky_relu", 0.2),
    "linear": "linear",
    "relu": "relu",
    "sigmoid": "sigmoid",
    "softplus": "softplus",
    "softsign": "softsign",
    "tanh": "tanh",
}
"""Keras's name to the activation as a gatewise layer takes it."""


def _sigmoid(x: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x))


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
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
"""Keras's name to the function."""


def configured(config: Mapping[str, Any], argument: str, known: Mapping[str, T]) -> T:
    """Look up in `known` the activation that a layer's configuration names under this argument."""
    value = config[argument]
    name = "linear" if value is None else value
    if not isinstance(name, str) or name not in known:
        given = value.get("config", value) if isinstance(value, dict) else value
        raise ValueError(f"{argument}: expected one of {', '.join(known)}, got {given!r}")
    return known[name]
