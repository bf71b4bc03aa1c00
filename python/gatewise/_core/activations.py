"""Activations by name, the defaults of their parameters, and the checks of what a caller passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .checks import checked_finite

Activation = str | tuple[str, float] | tuple[str, float, float]
"""A name, or (name, alpha) or (name, alpha, beta)."""

DEFAULTS: dict[str, tuple[float, ...]] = {
    "affine": (1.0, 0.0),
    "elu": (1.0,),
    "hard_sigmoid": (0.2, 0.5),
    "leaky_relu": (0.01,),
    "linear": (),
    "relu": (),
    "scaled_tanh": (1.0, 1.0),
    "sigmoid": (),
    "softplus": (),
    "softsign": (),
    "tanh": (),
    "thresholded_relu": (1.0,),
}
"""The defaults of alpha and beta. They are those of ONNX's operators; affine and scaled_tanh, which have no operator,
default to the identity and to tanh."""


def with_parameters(activation: Activation) -> tuple[str, float, float]:
    """The name, alpha and beta of a checked activation; a parameter that it does not have is 0.

    >>> with_parameters("tanh"), with_parameters(("elu", 0.5))
    (('tanh', 0.0, 0.0), ('elu', 0.5, 0.0))
    """
    if isinstance(activation, str):
        return activation, 0.0, 0.0
    return activation[0], activation[1], activation[2] if len(activation) == 3 else 0.0


def checked_activation(argument: str, value: Any, dtype: np.dtype[Any]) -> Activation:
    """Return the activation as its name or, if it has parameters, as a tuple of its name and all of them.

    >>> checked_activation("nonlinearity", ["elu"], np.dtype(np.float32))
    ('elu', 1.0)
    """
    name, *given = value if isinstance(value, (tuple, list)) and value else (value,)
    if not isinstance(name, str):
        raise TypeError(f"{argument}: expected a name or (name, alpha[, beta]), got {value!r}")
    if name not in DEFAULTS:
        raise ValueError(f"{argument}: expected one of {', '.join(DEFAULTS)}, got {name!r}")
    defaults = DEFAULTS[name]
    if len(given) > len(defaults):
        raise ValueError(f"{argument}: expected at most {len(defaults)} parameters of {name}, got {len(given)}")
    letters = ("alpha", "beta")
    parameters = [
        checked_finite(argument, number, f"a finite number as {letter} of {name}", dtype)
        for letter, number in zip(letters, (*given, *defaults[len(given) :]), strict=False)
    ]
    return (name, *parameters) if parameters else name  # type: ignore[return-value]


def checked_activations(value: Any, defaults: Mapping[str, Activation], dtype: np.dtype[Any]) -> tuple[Activation, ...]:
    """One activation for each role in `defaults`, such as gates and candidate; None stands for the defaults."""
    if value is None:
        return tuple(defaults.values())
    expected = f"{len(defaults)} activations ({', '.join(defaults)})"
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"activations: expected {expected}, got {value!r}")
    if len(value) != len(defaults):
        raise ValueError(f"activations: expected {expected}, got {len(value)}")
    return tuple(checked_activation(f"activations[{i}]", one, dtype) for i, one in enumerate(value))
