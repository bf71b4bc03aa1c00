"""Sigmoid and tanh: their error in units in the last place over the whole range, their special values, their bits.

The reference is NumPy's long double, whose own error (2**-11 of a float64's last place on x86) does not count; where
long double is no wider than float64, float64's bound is left to the machines where it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gatewise import _dispatch

Array = Any
# The mark, and what was seen over every float32 and 10**8 float64: 1.94 and 1.96.
BOUND = 2.0
EXTENDED = np.finfo(np.longdouble).nmant > 60


def widths(dtype: type[np.floating]) -> list[int]:
    """The packets of this instruction set, from 16 bytes on."""
    narrowest, widest = 16 // np.dtype(dtype).itemsize, _dispatch.core.packet_bytes // np.dtype(dtype).itemsize
    return [width for width in (2, 4, 8, 16) if narrowest <= width <= widest]


def exact(name: str, x: Array) -> Array:
    wide = x.astype(np.longdouble)
    return np.tanh(wide) if name == "tanh" else 1 / (1 + np.exp(-wide))


def table(name: str, dtype: type[np.floating]) -> Array:
    """Arguments over every binade in which the result is a normal number, both signs, and dense where it bends."""
    lowest = -87.0 if dtype is np.float32 else -708.0
    small = np.logspace(-37 if dtype is np.float32 else -300, 0, 40_001)
    dense = np.linspace(-20, 20, 400_001)
    wide = np.linspace(lowest, -lowest, 100_001)
    return np.concatenate([small, -small, dense, wide]).astype(dtype)


def ulps(got: Array, want: Array, dtype: type[np.floating]) -> Array:
    return np.abs(got.astype(np.longdouble) - want) / np.spacing(np.abs(want).astype(dtype)).astype(np.longdouble)


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_error(isa: str, dtype: type[np.floating], name: str) -> None:
    if dtype is np.float64 and not EXTENDED:
        pytest.skip("long double is no wider than float64 here: nothing to compare with")
    x = table(name, dtype)
    with np.errstate(over="ignore"):
        want = exact(name, x)
    # Without FMA the chains round twice as often.
    bound = BOUND if isa != "x86-64" else 2 * BOUND
    error = ulps(_dispatch.core.activation(name, x, 64), want, dtype)
    worst = int(np.argmax(error))
    assert error[worst] <= bound, f"{name}({x[worst]!r}): {error[worst]:.3f} ulp"


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_special_values(isa: str, dtype: type[np.floating], name: str) -> None:
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1e30, -1e30], dtype)
    want = [1, 0, np.nan, 0.5, 0.5, 1, 0] if name == "sigmoid" else [1, -1, np.nan, 0.0, -0.0, 1, -1]
    for width in widths(dtype):
        got = _dispatch.core.activation(name, x, width)
        np.testing.assert_array_equal(got, np.array(want, dtype))
        np.testing.assert_array_equal(np.signbit(got[3:5]), [False, name == "tanh"])


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_every_lane_width_and_instruction_set_has_the_same_bits(dtype: type[np.floating], name: str) -> None:
    x = np.random.default_rng(0).permutation(table(name, dtype)[::7])
    with_fma = [_dispatch.load(isa) for isa in _dispatch.available() if isa != "x86-64"]
    if not with_fma:
        pytest.skip("no instruction set with fused multiply-add is built or available here")
    want = with_fma[0].activation(name, x, 64)
    for core in with_fma:
        widest = core.packet_bytes // x.itemsize
        for width in (w for w in (2, 4, 8, 16) if 16 // x.itemsize <= w <= widest):
            np.testing.assert_array_equal(core.activation(name, x, width), want)
            # Rolled by one, every number lies in another lane.
            np.testing.assert_array_equal(np.roll(core.activation(name, np.roll(x, 1), width), -1), want)
