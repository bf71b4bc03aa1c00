"""The core sets its own floating-point mode on every thread, and restores the mode of the caller."""

from __future__ import annotations

import ctypes
import ctypes.util
import platform
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import draw
import gatewise as gw
from bits import assert_same_bits, run
from process import python
from tolerances import named

Array = NDArray[Any]


def test_subnormals_of_the_caller_stay(isa: str, dtype: Any) -> None:
    """NumPy still computes with subnormal numbers after a call, and after a call that raised an error."""
    layer = gw.LSTM(2, 3, dtype=dtype)
    least, tiny = np.array([np.finfo(dtype).smallest_subnormal]), np.array([np.finfo(dtype).tiny])

    def check() -> None:
        assert (least * dtype(3)).view(f"u{least.itemsize}")[0] == 3
        assert (tiny / dtype(2)).any()

    check()
    _, _, tape = layer.forward(np.zeros((3, 2, 2)))
    check()
    layer.backward(tape, np.ones((3, 2, 3)))
    check()
    with pytest.raises(ValueError, match="x: "):
        layer(np.zeros((3, 2, 5)))
    check()


@pytest.mark.usefixtures("eight_threads")
@pytest.mark.parametrize("cell", draw.CELLS, ids=str)
def test_subnormals_count_as_zeros_on_every_thread(isa: str, dtype: Any, cell: draw.Option) -> None:
    """Subnormal inputs, states, weights and cotangents give the same results as zeros, on every thread.

    Half of each array is subnormal. Results are compared as numbers, because a flushed subnormal keeps its sign.
    """
    rng = np.random.default_rng(0)

    def mixed(value: Any, small: float) -> Any:
        if isinstance(value, tuple):
            return tuple(mixed(part, small) for part in value)
        return np.where(rng.random(np.shape(value)) < 0.5, np.sign(value) * small, value).astype(dtype)

    case = draw.case_for_threads(cell).replace(lengths=None, resets=None, x=rng.standard_normal((12, 32, 24)))
    case = case.replace(dy=rng.standard_normal(case.dy.shape))  # type: ignore[union-attr]
    results = []
    for small in (float(np.finfo(dtype).tiny) / 2, 0.0):
        rng = np.random.default_rng(1)
        fields = {field: mixed(getattr(case, field), small) for field in ("x", "state", "dy", "d_state")}
        params = {name: mixed(value, small) for name, value in case.params.items()}
        other = case.replace(params=params, **fields)
        layer = other.layer(gw, dtype)
        for n in (1, 4):
            with gw.threads(n):
                results.append(run(other, layer))
    for other_result in results[1:]:
        for name, value in results[0].items():
            np.testing.assert_array_equal(other_result[name], value, err_msg=name)


MACHINE = platform.machine().lower()
needs_mxcsr = pytest.mark.skipif(
    MACHINE not in ("x86_64", "amd64") or not sys.platform.startswith("linux"),
    reason="reads the control word as the C library of Linux on x86-64 stores it",
)


class Environment:
    """The C library's floating-point environment: 28 bytes of the x87 unit, then the SSE unit's control word."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL(ctypes.util.find_library("m"))

    @property
    def control(self) -> int:
        stored = (ctypes.c_uint32 * 8)()
        assert self.library.fegetenv(stored) == 0
        return stored[7]

    @control.setter
    def control(self, value: int) -> None:
        stored = (ctypes.c_uint32 * 8)()
        assert self.library.fegetenv(stored) == 0
        stored[7] = value
        assert self.library.fesetenv(stored) == 0


@pytest.fixture
def environment() -> Iterator[Environment]:
    mode = Environment()
    before = mode.control
    yield mode
    mode.control = before


DOWN, UP, TO_ZERO = 0x2000, 0x4000, 0x6000
FLAGS, MASKS, FLUSH, ZEROS = 0x3F, 0x1F80, 0x8000, 0x40
INVALID, DIVIDE, OVERFLOW, UNDERFLOW = 0x01, 0x04, 0x08, 0x10


@needs_mxcsr
@pytest.mark.usefixtures("eight_threads")
@pytest.mark.parametrize("mode", [DOWN, UP, TO_ZERO, FLUSH, ZEROS, FLUSH | ZEROS | TO_ZERO, 0], ids=hex)
@pytest.mark.parametrize("flags", [0, FLAGS], ids=["no flags", "all flags"])
def test_the_callers_control_word(isa: str, environment: Environment, mode: int, flags: int) -> None:
    """Results do not depend on the caller's rounding, flushing and flags, and the control word is restored.

    So are the flags: the interpreter's own arithmetic around a call may set some, but must not clear any.
    """
    case = draw.case_for_threads(draw.Option("LSTM", {"num_layers": 2, "dropout": 0.3}))
    x, state = draw.cast(case.x, np.float32), draw.cast(case.state, np.float32)
    dy, d_state = draw.cast(case.dy, np.float32), draw.cast(case.d_state, np.float32)
    layer = case.layer(gw, np.float32)
    want = run(case, layer)
    for n in (1, 2):
        with gw.threads(n):
            environment.control = word = MASKS | mode | flags
            y, final, tape = layer.forward(x, state, key=case.key, **case.limits)
            after_forward = environment.control
            environment.control = word
            grads = layer.backward(tape, dy, d_state)
            after_backward = environment.control
            environment.control = word
            layer(x, state, **case.limits)
            after_call = environment.control
            environment.control = MASKS
        assert_same_bits(named(draw.Result(y, final, tape, grads)), want)
        for after in (after_forward, after_backward, after_call):
            assert after & ~FLAGS == word & ~FLAGS
            assert after & flags == flags


@needs_mxcsr
def test_no_flag_is_raised(isa: str, environment: Environment) -> None:
    """Overflow, NaN and inexact results inside a call do not change the caller's flags, so NumPy gives no warning."""
    layer = gw.LSTM(2, 3, seed=0)
    cell = gw.LSTMCell(2, 3, seed=0)
    x = np.array([[[1e38, 3e38], [np.nan, np.inf], [1e-45, -1e-45], [0.1, 0.2]]], np.float32)
    big = tuple(np.full((1, 4, 3), 3e38, np.float32) for _ in range(2))
    environment.control = MASKS
    layer(x)
    _, _, tape = layer.forward(x, big)
    grads = layer.backward(tape, big[0], big)
    cell(x[0])
    # All flags except subnormal operand and inexact result, which the interpreter's own arithmetic may set.
    assert environment.control & (INVALID | DIVIDE | OVERFLOW | UNDERFLOW) == 0
    assert np.isnan(np.asarray(grads.x)).any()
    with np.errstate(all="raise"):
        layer(x)
        layer.backward(tape, big[0], big)


@needs_mxcsr
def test_unmasked_exceptions_do_not_end_the_process(isa: str) -> None:
    """Calls work for a caller that traps invalid operations, divisions by zero and overflows."""
    script = """
        import ctypes, ctypes.util, sys
        import gatewise as gw, numpy as np
        gw.set_num_threads(2)
        layer = gw.LSTM(24, 64, seed=0)
        x = np.full((12, 32, 24), 3e38, np.float32)
        x[3, 5] = np.nan
        x[4, 6] = np.inf
        y, state, tape = layer.forward(x)
        library = ctypes.CDLL(ctypes.util.find_library("m"))
        library.feenableexcept(0x1D)
        y, state, tape = layer.forward(x)
        grads = layer.backward(tape, y, state)
        print(library.fegetexcept())
    """
    assert int(python(script, isa)) == 0x1D
