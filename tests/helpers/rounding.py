"""Emulate products and sums of float32 numbers, one rounding at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


def fma(w: Any, x: Any, v: Any) -> F32:
    """Return w x + v of float32 arrays with one rounding.

    In float64, the product of two float32 numbers is exact, and its sum with v is rounded to odd: if the sum is inexact
    and its last bit is even, it moves to the neighbour in the direction of the exact sum. Rounding this to float32
    gives the exact sum rounded once, since float64 has more than two bits to spare (Boldo and Melquiond 2008,
    "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd").
    """
    product, v = np.asarray(w, np.float64) * np.asarray(x, np.float64), np.asarray(v, np.float64)
    total = product + v
    part = total - product
    error = (product - (total - part)) + (v - part)
    even = total.view(np.int64) & 1 == 0
    neighbour = np.nextafter(total, np.where(error > 0, np.inf, -np.inf))
    return np.asarray(np.where((error != 0) & even, neighbour, total), np.float32)


def multiply_then_add(w: Any, x: Any, v: Any) -> F32:
    return np.asarray(np.multiply(w, x, dtype=np.float32) + v, np.float32)
