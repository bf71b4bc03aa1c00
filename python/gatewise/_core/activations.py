"""Activations by name: what their parameters are called, their defaults, and the forms in which a layer is asked for
them."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

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
"""The defaults of alpha and beta: those of ONNX's operators of that name; for affine and scaled_tanh, which have no
operator, those that change nothing."""

USUAL: dict[str, tuple[Activation, ...]] = {
    "RNN": (),
    "LSTM": ("sigmoid", "tanh", "tanh"),
    "GRU": ("sigmoid", "tanh"),
}
"""An LSTM's gates, candidate and cell, and a GRU's gates and candidate, if not told otherwise."""


def with_parameters(activation: Activation) -> tuple[str, float, float]:
    """The name, alpha and beta of a checked activation; a parameter that it does not have is 0.

    >>> with_parameters("tanh"), with_parameters(("elu", 0.5))
    (('tanh', 0.0, 0.0), ('elu', 0.5, 0.0))
    """
    if isinstance(activation, str):
        return activation, 0.0, 0.0
    return activation[0], activation[1], activation[2] if len(activation) == 3 else 0.0


def finite_number(argument: str, value: Any, expected: str, dtype: np.dtype[Any], least: float = -math.inf) -> float:
    """`value` as a float >= `least` that this dtype holds, or the error that says what was `expected`."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{argument}: expected {expected}, got {value!r}")
    largest = float(np.finfo(dtype).max)
    try:
        number = float(value)
    except OverflowError:  # an integer of hundreds of digits
        number = math.inf
    if not max(least, -largest) <= number <= largest:
        raise ValueError(f"{argument}: expected {expected} in {dtype}, got {number!r}")
    return number


def checked_activation(argument: str, value: Any, dtype: np.dtype[Any]) -> Activation:
    """`value` as a name, or, if it has parameters, as a tuple with all of them; or the error that says what came.

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
        finite_number(argument, number, f"a finite number as {letter} of {name}", dtype)
        for letter, number in zip(letters, (*given, *defaults[len(given) :]), strict=False)
    ]
    return (name, *parameters) if parameters else name  # type: ignore[return-value]


def checked_activations(cell: str, value: Any, dtype: np.dtype[Any]) -> tuple[Activation, ...]:
    """The activations of an LSTM (gates, candidate, cell) or GRU (gates, candidate), each checked; None: the usual."""
    usual = USUAL[cell]
    if value is None:
        return usual
    expected = f"{len(usual)} activations ({', '.join(('gates', 'candidate', 'cell')[: len(usual)])})"
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"activations: expected {expected}, got {value!r}")
    if len(value) != len(usual):
        raise ValueError(f"activations: expected {expected}, got {len(value)}")
    return tuple(checked_activation(f"activations[{i}]", one, dtype) for i, one in enumerate(value))


def checked_clip(value: Any, dtype: np.dtype[Any]) -> float | None:
    """None, or the bound beyond which pre-activations are cut off."""
    if value is None:
        return None
    return finite_number("clip", value, "None or a finite number > 0", dtype, float(np.finfo(dtype).tiny))
