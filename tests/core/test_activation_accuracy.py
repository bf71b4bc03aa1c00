"""Activations made of exponentials and quotients: errors in units in the last place, special values, and bits.

The reference is NumPy's long double. Its own error (2**-11 of a float64's last place on x86) is negligible. Where long
double is no wider than float64, the bound for float64 is not checked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gatewise._core import dispatch

Array = Any
# The documented bound. Over all float32 and 10**8 float64 values, the errors of sigmoid and tanh were 1.94 and 1.96.
BOUND = 2.0
EXACT: dict[str, Any] = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "elu": lambda x: np.where(x < 0, np.expm1(x), x),
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "softsign": lambda x: x / (1 + np.abs(x)),
}
# At inf, -inf, nan, 0, -0, 1e30 and -1e30; whether -0 stays -0.
SPECIAL: dict[str, tuple[list[float], bool]] = {
    "sigmoid": ([1, 0, np.nan, 0.5, 0.5, 1, 0], False),
    "tanh": ([1, -1, np.nan, 0.0, -0.0, 1, -1], True),
    "elu": ([np.inf, -1, np.nan, 0.0, -0.0, np.float32(1e30), -1], True),
    "softplus": ([np.inf, 0, np.nan, np.log(2), np.log(2), np.float32(1e30), 0], False),
    "softsign": ([1, -1, np.nan, 0.0, -0.0, 1, -1], True),
}
EXTENDED = np.finfo(np.longdouble).nmant > 60


def widths(dtype: type[np.floating]) -> list[int]:
    """Return the packet sizes of this instruction set, from 16 bytes on."""
    narrowest, widest = 16 // np.dtype(dtype).itemsize, dispatch.extension.packet_bytes // np.dtype(dtype).itemsize
    return [width for width in (2, 4, 8, 16) if narrowest <= width <= widest]


def exact(name: str, x: Array) -> Array:
    with np.errstate(over="ignore"):
        return EXACT[name](x.astype(np.longdouble))


def table(name: str, dtype: type[np.floating]) -> Array:
    """Return arguments of both signs in every binade where the result is normal, and more where the curve bends."""
    lowest = -87.0 if dtype is np.float32 else -708.0
    small = np.logspace(-37 if dtype is np.float32 else -300, 0, 40_001)
    dense = np.linspace(-20, 20, 400_001)
    wide = np.linspace(lowest, -lowest, 100_001)
    return np.concatenate([small, -small, dense, wide]).astype(dtype)


def ulps(got: Array, want: Array, dtype: type[np.floating]) -> Array:
    return np.abs(got.astype(np.longdouble) - want) / np.spacing(np.abs(want).astype(dtype)).astype(np.longdouble)


@pytest.mark.parametrize("name", EXACT)
def test_error(isa: str, dtype: type[np.floating], name: str) -> None:
    if dtype is np.float64 and not EXTENDED:
        pytest.skip("long double is no wider than float64 here: nothing to compare with")
    x = table(name, dtype)
    want = exact(name, x)
    # Without FMA the chains round twice as often.
    bound = BOUND if isa != "x86-64" else 2 * BOUND
    error = ulps(dispatch.extension.activation(name, x, 64), want, dtype)
    worst = int(np.argmax(error))
    assert error[worst] <= bound, f"{name}({x[worst]!r}): {error[worst]:.3f} ulp"


@pytest.mark.parametrize("name", EXACT)
def test_special_values(isa: str, dtype: type[np.floating], name: str) -> None:
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, np.float32(1e30), np.float32(-1e30)], dtype)
    want, odd = SPECIAL[name]
    for width in widths(dtype):
        got = dispatch.extension.activation(name, x, width)
        np.testing.assert_array_equal(got, np.array(want, dtype))
        np.testing.assert_array_equal(np.signbit(got[3:5]), [False, odd])


@pytest.mark.parametrize("name", EXACT)
def test_every_lane_width_and_instruction_set_has_the_same_bits(dtype: type[np.floating], name: str) -> None:
    x = np.random.default_rng(0).permutation(table(name, dtype)[::7])
    with_fma = [dispatch.load(isa) for isa in dispatch.available() if isa != "x86-64"]
    if not with_fma:
        pytest.skip("no instruction set with fused multiply-add is built or available here")
    want = with_fma[0].activation(name, x, 64)
    for core in with_fma:
        widest = core.packet_bytes // x.itemsize
        for width in (w for w in (2, 4, 8, 16) if 16 // x.itemsize <= w <= widest):
            np.testing.assert_array_equal(core.activation(name, x, width), want)
            # After rolling by one, every number is in another lane of its packet.
            np.testing.assert_array_equal(np.roll(core.activation(name, np.roll(x, 1), width), -1), want)
