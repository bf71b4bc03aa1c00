"""Checks of single values. Each returns the value in its final form, or raises an error that names the argument."""

from __future__ import annotations

import math
import operator
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike


def checked_size(name: str, value: Any, least: int) -> int:
    """`value` as an integer of at least `least`."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{name}: expected an integer >= {least}, got {value!r}")
    size = operator.index(value)
    if size < least:
        raise ValueError(f"{name}: expected an integer >= {least}, got {size}")
    return size


def checked_number(name: str, value: Any, least: float, below: float = math.inf) -> float:
    """`value` as a float with least <= value < below."""
    if isinstance(value, (bool, str, complex)) or not hasattr(value, "__float__"):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    number = float(value)
    if not least <= number < below:
        raise ValueError(f"{name}: expected a number from {least:g}, below {below:g}, got {number!r}")
    return number


def checked_switch(name: str, value: Any) -> bool:
    """`value` as True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected True or False, got {value!r}")
    return bool(value)


def checked_probability(name: str, value: Any) -> float:
    """`value` as a float p with 0 <= p < 1."""
    no_number = isinstance(value, (bool, np.bool_, str, bytes, complex)) or not hasattr(value, "__float__")
    if no_number or getattr(value, "shape", ()) != ():
        raise TypeError(f"{name}: expected a number p with 0 <= p < 1, got {value!r}")
    p = float(value)
    if not 0.0 <= p < 1.0:
        raise ValueError(f"{name}: expected a number p with 0 <= p < 1, got {p!r}")
    return p


def checked_finite(name: str, value: Any, expected: str, dtype: np.dtype[Any], least: float = -math.inf) -> float:
    """`value` as a float of at least `least` that is finite in `dtype`; errors describe it by the words `expected`."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}: expected {expected}, got {value!r}")
    largest = float(np.finfo(dtype).max)
    try:
        number = float(value)
    except OverflowError:  # an integer of hundreds of digits
        number = math.inf
    if not max(least, -largest) <= number <= largest:
        raise ValueError(f"{name}: expected {expected} in {dtype}, got {number!r}")
    return number


def checked_clip(value: Any, dtype: np.dtype[Any]) -> float | None:
    """None, or a positive bound for pre-activations."""
    if value is None:
        return None
    return checked_finite("clip", value, "None or a finite number > 0", dtype, float(np.finfo(dtype).tiny))


def float_dtype(value: DTypeLike) -> np.dtype[Any]:
    """float32 or float64 as a NumPy dtype."""
    try:
        dtype = np.dtype(value)
    except TypeError:
        raise TypeError(f"dtype: expected float32 or float64, got {value!r}") from None
    if dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise TypeError(f"dtype: expected float32 or float64, got {dtype}")
    return dtype.newbyteorder("=")


def generator(seed: Any) -> np.random.Generator:
    """NumPy's generator for a seed."""
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise type(error)(f"seed: expected a seed for numpy.random.default_rng, got {seed!r}") from error
