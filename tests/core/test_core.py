"""The compiled layers against the float64 reference: every option, kind of call, instruction set and dtype.

The bounds come from tolerances.py. Where the arithmetic is exact, results must be equal.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

import draw
import gatewise as gw
import strategies
from draw import Case, Option, Variant
from gatewise._core import dispatch
from tolerances import ACTIVATION, Expected, expect, named, unit

Array = NDArray[Any]
DTYPES = (np.float32, np.float64)


class Size(NamedTuple):
    """T, B, I, H and P. Only projected cells use P."""

    n_steps: int
    batch: int
    input_size: int
    hidden_size: int
    proj_size: int


SIZES = [
    Size(2, 1, 1, 1, 0),
    Size(5, 1, 2, 3, 1),
    Size(5, 2, 5, 4, 3),
    Size(20, 1, 1, 8, 4),
    Size(3, 5, 33, 13, 8),
    Size(2, 7, 5, 16, 5),
    Size(4, 33, 2, 17, 16),
    Size(2, 5, 600, 33, 17),
    Size(1, 2, 33, 64, 33),
    Size(2, 7, 5, 100, 64),
    Size(2, 600, 5, 3, 2),
    Size(600, 2, 2, 8, 3),
    Size(0, 3, 2, 5, 2),
    Size(3, 0, 2, 5, 2),
    Size(0, 0, 1, 1, 0),
]
"""Every panel width with every remainder, products and blocks of more than 512 terms, and empty calls."""


@cache
def expected(option: int, variant: int) -> Expected:
    return expect(draw.make(draw.OPTIONS[option], draw.VARIANTS[variant], seed=option))


@cache
def expected_of_size(cell: int, size: Size, name: str) -> Expected:
    variant = next(v for v in draw.VARIANTS if v.name == name)
    return expect(draw.make(draw.CELLS[cell], variant, *size, seed=cell))


@cache
def expected_with_noise(option: int, variant: int) -> Expected:
    return expect(draw.make(draw.NOISY[option], draw.VARIANTS[variant], seed=option))


def check(want: Expected) -> None:
    for dtype in DTYPES:
        want.check(want.case.run(want.case.layer(gw, dtype)), dtype)


# Five kinds of call for each option. They change from option to option, so each cell gets each kind several times.
PAIRS = [(o, (o + 3 * i) % len(draw.VARIANTS)) for o in range(len(draw.OPTIONS)) for i in range(5)]


@pytest.mark.parametrize(("option", "variant"), PAIRS, ids=[f"{draw.OPTIONS[o]}-{draw.VARIANTS[v]}" for o, v in PAIRS])
def test_options(isa: str, option: int, variant: int) -> None:
    check(expected(option, variant))


NOISY_PAIRS = [(o, (o + 3 * i) % len(draw.VARIANTS)) for o in range(len(draw.NOISY)) for i in range(5)]


@pytest.mark.parametrize(
    ("option", "variant"), NOISY_PAIRS, ids=[f"{draw.NOISY[o]}-{draw.VARIANTS[v]}" for o, v in NOISY_PAIRS]
)
def test_recurrent_dropout_and_zoneout(isa: str, option: int, variant: int) -> None:
    check(expected_with_noise(option, variant))


def test_every_cell_meets_every_kind_of_call() -> None:
    def cell(option: Option) -> tuple[Any, ...]:
        names = ("nonlinearity", "peephole", "reset_after")
        return option.kind, option.projected, *(option.keywords.get(name) for name in names)

    met = {(cell(draw.OPTIONS[o]), v) for o, v in PAIRS}
    assert met == {(cell(option), v) for option in draw.CELLS for v in range(len(draw.VARIANTS))}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("cell", range(len(draw.CELLS)), ids=[str(cell) for cell in draw.CELLS])
@pytest.mark.parametrize("name", ["dense", "lengths-resets"])
def test_sizes(isa: str, cell: int, size: Size, name: str) -> None:
    check(expected_of_size(cell, size, name))


@pytest.mark.parametrize("cell", range(len(draw.CELLS)), ids=[str(cell) for cell in draw.CELLS])
def test_more_than_512_hidden_units(isa: str, cell: int) -> None:
    """The sums of h_hat consist of two chains, and those of backward over all gates of more."""
    check(expected_of_size(cell, Size(2, 2, 3, 520, 513), "dense"))


@given(case=strategies.cases())
def test_drawn(case: Case) -> None:
    want = expect(case)
    for name in dispatch.available():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dispatch, "extension", dispatch.load(name))
            check(want)


def whole_numbers(case: Case) -> Case:
    """Replace the parameters by -1, 0 or 1 (mostly 0 in W_hh), and all other numbers by small integers."""
    rng = np.random.default_rng(0)

    def whole(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(whole(part) for part in value)
        return None if value is None else np.round(2 * value)

    params = {
        name: np.asarray(rng.choice([-1.0, 0.0, 1.0], value.shape, p=[0.2, 0.6, 0.2]))
        for name, value in case.params.items()
    }
    data = {field: whole(getattr(case, field)) for field in ("x", "state", "dy", "d_state")}
    return case.replace(params=params, **data)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("stack", [stack for stack in draw.STACKS if "dropout" not in stack], ids=str)
@pytest.mark.parametrize("variant", draw.VARIANTS, ids=str)
def test_whole_numbers_are_exact(isa: str, variant: Variant, stack: dict[str, Any], bias: bool) -> None:
    """A relu network of small integers never rounds, so both dtypes must equal the reference.

    This also checks the slope at the kink, which no tolerance could: pre-activations of exactly 0 are frequent here.
    """
    option = Option("RNN", {"nonlinearity": "relu", "bias": bias, **stack})
    case = whole_numbers(draw.make(option, variant, n_steps=5, batch=4, input_size=3, hidden_size=9))
    want = expect(case).values
    assert max(np.max(np.abs(value), initial=0) for value in want.values()) < 2**24
    for dtype in DTYPES:
        got = named(case.run(case.layer(gw, dtype)))
        for name, value in want.items():
            np.testing.assert_array_equal(got[name], value, err_msg=name)


def activation(kind: str, x: Array, bias: float = 0.0) -> Array:
    """Compute tanh or sigmoid of x (N,) + bias with a compiled layer and one sequence per number.

    tanh is the h of an RNN with input weight 1. sigmoid is the c of an LSTM whose forget gate gets x, after a c of 1.
    """
    layer: Any = (gw.RNN if kind == "tanh" else gw.LSTM)(1, 1, dtype=x.dtype)
    column = np.array([1.0] if kind == "tanh" else [0.0, 1.0, 0.0, 0.0])
    layer.load_state_dict({name: np.zeros_like(value) for name, value in layer.params.items()})
    layer.params["weight_ih_l0"] = column[:, None]
    layer.params["bias_ih_l0"] = np.where(column, bias, 0)
    zeros, ones = np.zeros((1, len(x), 1)), np.ones((1, len(x), 1))
    _, state = layer(x.reshape(1, -1, 1), None if kind == "tanh" else (zeros, ones))
    return np.asarray(state if kind == "tanh" else state[1])[0, :, 0]


def exact_activation(kind: str, x: Array) -> Array:
    """Compute the same with more digits than x has."""
    wide: Array = x.astype(np.float64 if x.dtype == np.float32 else np.longdouble)
    with np.errstate(over="ignore"):
        return np.asarray(np.tanh(wide) if kind == "tanh" else 1 / (1 + np.exp(-wide)))


@pytest.mark.parametrize("kind", ["tanh", "sigmoid"])
def test_activations_are_accurate(isa: str, dtype: Any, kind: str) -> None:
    """Errors are at most 3 units roundoff everywhere; a subnormal result may be 0."""
    if dtype is np.float64 and np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps:
        pytest.skip("this platform has no type with more digits than float64 to compare with")
    end = 100.0 if dtype is np.float32 else 760.0
    small = np.geomspace(float(np.finfo(dtype).tiny), 1.0, 4001)
    half = np.concatenate([np.linspace(0, end, 20001), np.linspace(0, 10, 20001), small])
    x = np.concatenate([half, np.negative(half)]).astype(dtype)
    exact = exact_activation(kind, x)
    error = np.abs(activation(kind, x) - exact)
    allowed = ACTIVATION * unit(dtype) * np.abs(exact) + np.finfo(dtype).tiny
    worst = np.argmax(error / allowed)
    assert error[worst] <= allowed[worst], (kind, x[worst], float(error[worst] / unit(dtype) / abs(exact[worst])))


@pytest.mark.parametrize("kind", ["tanh", "sigmoid"])
def test_activations_at_the_ends(isa: str, dtype: Any, kind: str) -> None:
    low, middle = (-1, 0) if kind == "tanh" else (0, 0.5)
    big = float(np.finfo(dtype).max)
    for a, value in ((np.nan, np.nan), (-np.inf, low), (np.inf, 1), (-big, low), (big, 1), (0.0, middle)):
        # Only one gate has a bias: an infinite x would be multiplied by the others' weights, and 0 times inf is NaN.
        np.testing.assert_array_equal(activation(kind, np.zeros(1, dtype), bias=a), np.array([value], dtype))


@pytest.mark.parametrize("cell", draw.CELLS, ids=str)
def test_nan_propagates(isa: str, dtype: Any, cell: Option) -> None:
    """A NaN in an unmasked step reaches every unit of its sequence from that step on, but no other sequence."""
    case = draw.make(cell, draw.VARIANTS[0], n_steps=4, batch=3, input_size=2, hidden_size=9)
    layer = case.layer(gw, dtype)
    x = case.x.copy()
    x[1, 2, 0] = np.nan
    y, state = layer(x)
    expected = np.zeros(y.shape, bool)
    expected[1:, 2] = True
    np.testing.assert_array_equal(np.isnan(y), expected)
    halves = state if isinstance(state, tuple) else (state,)
    assert all(np.isnan(half[:, 2]).all() and np.isfinite(half[:, :2]).all() for half in halves)


@pytest.mark.parametrize("cell", [cell for cell in draw.CELLS if "relu" not in str(cell)], ids=str)
def test_saturated_units(isa: str, cell: Option) -> None:
    """Large pre-activations, for which derivatives are differences of nearly equal numbers."""
    case = draw.make(cell, draw.VARIANTS[0], n_steps=6, batch=5, input_size=4, hidden_size=12, seed=1)
    check(expect(case.replace(x=40 * case.x)))


@pytest.mark.parametrize("option", draw.OPTIONS, ids=str)
def test_without_the_gradient_of_x(isa: str, option: Option) -> None:
    case = draw.make(option, draw.VARIANTS[6])
    layer = case.layer(gw, np.float32)
    whole = named(case.run(layer))
    tape = case.forward(layer)[2]
    dy, d_state = draw.cast(case.dy, np.float32), draw.cast(case.d_state, np.float32)
    grads = layer.backward(tape, dy, d_state, wrt_x=False)
    assert grads.x is None
    halves = grads.state if isinstance(grads.state, tuple) else (grads.state,)
    for i, half in enumerate(halves):
        np.testing.assert_array_equal(half, whole[f"grads.state.{i}"])
    assert list(grads.params) == list(layer.state_dict())
    for name, value in grads.params.items():
        np.testing.assert_array_equal(value, whole[f"grads.params.{name}"])


DROPPING = Option("LSTM", {"num_layers": 3, "dropout": 0.5, "bidirectional": True})


def test_dropout_takes_its_key_from_the_generator(isa: str) -> None:
    """Layers with the same seed draw the same sequence of keys, and the key of a tape repeats its call."""
    case = draw.make(DROPPING, draw.VARIANTS[0]).replace(key=None)
    layers = [gw.LSTM(**case.options, seed=7) for _ in range(2)]
    first, second = ([layer.forward(case.x) for _ in range(3)] for layer in layers)
    keys = [tape.key for _, _, tape in first]
    assert keys == [tape.key for _, _, tape in second]
    assert len(set(keys)) == 3
    y, _, tape = layers[1].forward(case.x, key=keys[0])
    assert tape.key == keys[0]
    np.testing.assert_array_equal(y, first[0][0])
    assert not np.array_equal(first[0][0], first[1][0])


def test_no_key_where_nothing_drops(isa: str) -> None:
    layer = gw.GRU(2, 3, num_layers=2, seed=0)
    x = np.ones((4, 1, 2))
    plain, kept = layer.forward(x), layer.forward(x, key=5)
    assert plain[2].key is None
    np.testing.assert_array_equal(plain[0], kept[0])


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_right_share(isa: str, p: float) -> None:
    """The second layer, a relu of the identity, shows the dropped elements. The bound is 5 standard deviations."""
    units, n = 16, 16 * 50 * 40
    layer = gw.RNN(units, units, num_layers=2, bias=False, dropout=p, nonlinearity="relu", seed=0)
    for name in layer.params:
        layer.params[name] = np.eye(units) if "_ih_" in name else np.zeros((units, units))
    y, _, _ = layer.forward(np.ones((50, 40, units)), key=3)
    np.testing.assert_array_equal(np.unique(y), np.array([0, 1 / (1 - p)], np.float32))
    assert abs(np.mean(y != 0) - (1 - p)) < 5 * math.sqrt(p * (1 - p) / n)
    np.testing.assert_array_equal(layer(np.ones((50, 40, units)))[0], 1)


@pytest.mark.parametrize("cell", draw.CELLS + draw.FULLY_NOISY, ids=str)
@pytest.mark.parametrize("variant", [draw.VARIANTS[i] for i in (0, 10, 14)], ids=str)
def test_a_tape_can_be_used_again(isa: str, dtype: Any, cell: Option, variant: Variant) -> None:
    """backward does not change the tape and is linear: cotangents of 0 give 0, and doubled ones twice the result."""
    case = draw.make(cell, variant)
    layer = case.layer(gw, dtype)
    tape = case.forward(layer)[2]
    dy, d_state = draw.cast(case.dy, dtype), draw.cast(case.d_state, dtype)

    def gradients(scale: float) -> dict[str, Array]:
        d_scaled = tuple(scale * half for half in d_state) if isinstance(d_state, tuple) else scale * d_state
        grads = layer.backward(tape, scale * dy, d_scaled)
        return named(draw.Result(np.empty(0), np.empty(0), tape, grads))

    once, twice, nothing, again = (gradients(scale) for scale in (1.0, 2.0, 0.0, 1.0))
    for name, value in once.items():
        np.testing.assert_array_equal(again[name], value, err_msg=name)
        np.testing.assert_array_equal(twice[name], 2 * value, err_msg=name)
        np.testing.assert_array_equal(nothing[name], 0, err_msg=name)
