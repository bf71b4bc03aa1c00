"""Activations, clip and input_forget in the compiled layers, against the reference and by their values."""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import draw
import gatewise as gw
from bits import assert_same_bits
from draw import Option
from gatewise._core.state import parts
from gatewise.reference.activations import Nonlinearity
from layer_objects import applied, copies
from tolerances import Expected, expect, named, unit

Array = NDArray[Any]
VARIANTS = [variant for variant in draw.VARIANTS if variant.name in ("dense", "lengths-resets", "mask-resets")]
SIZES = [(5, 4, 3, 5, 2), (3, 9, 6, 17, 16), (4, 1, 5, 40, 3)]
"""(T, B, I, H, P), with fewer units than a packet holds, a few more than one packet, and several packets."""


@cache
def expected(number: int) -> Expected:
    """Compute the reference's results for an option, with the kinds of call and the sizes in turn."""
    option = draw.CHOSEN[number]
    stack = {"num_layers": 2, "bidirectional": True, "batch_first": True} if number % 4 == 0 else {}
    option = Option(option.kind, {**option.keywords, **stack}, option.projected)
    return expect(draw.make(option, VARIANTS[number % 3], *SIZES[number // 3 % 3], seed=number))


@pytest.mark.parametrize("number", range(len(draw.CHOSEN)), ids=[str(option) for option in draw.CHOSEN])
def test_every_activation_in_every_cell(isa: str, number: int) -> None:
    """With and without clip, input_forget, peepholes and projection, forward and backward, in both dtypes."""
    want = expected(number)
    for dtype in (np.float32, np.float64):
        layer = want.case.layer(gw, dtype)
        result = want.case.run(layer)
        want.check(result, dtype)
        limits = {name: getattr(want.case, name) for name in ("lengths", "mask", "resets")}
        y, state = layer(want.case.x, draw.cast(want.case.state, dtype), **limits)
        assert_same_bits({"y": y}, {"y": result.y})
        for half, other in zip(parts(state), parts(result.state), strict=True):
            assert_same_bits({"state": half}, {"state": other})


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("activation", draw.ACTIVATIONS, ids=str)
def test_where_pieces_meet_and_at_the_ends(isa: str, dtype: Any, activation: Any, clip: float | None) -> None:
    """At kinks, zeros of both signs, infinities and NaN, values and slopes are those of the reference."""
    # Without the corners of ("hard_sigmoid", 1 / 6): there, one rounding and two roundings give different sides.
    sizes = [0.0, float(np.finfo(dtype).tiny), 0.2, 0.5, 1.0, 2.5, 2.9, 3.1, 1e30, np.inf, np.nan]
    a = np.array([*sizes, *np.negative(sizes)], dtype)
    value, slope = applied(activation, a, clip)
    phi = Nonlinearity(gw.RNN(1, 1, nonlinearity=activation).nonlinearity, clip)
    want = phi(a)
    np.testing.assert_allclose(value, want, rtol=4 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(slope, phi.slope(a, want), rtol=8 * np.finfo(dtype).eps, atol=8 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(np.isnan(value), np.isnan(a))


def test_the_usual_activations_by_name_are_the_default(isa: str, dtype: Any) -> None:
    """Results are bit-identical to those of a layer without the argument, and tapes have the same size."""
    for kind, usual in (("LSTM", ("sigmoid", "tanh", "tanh")), ("GRU", ["sigmoid", ("tanh",)])):
        case = draw.make(Option(kind, {}), draw.VARIANTS[0], hidden_size=13)
        named_layer = case.replace(options={**case.options, "activations": usual}).layer(gw, dtype)
        first, second = case.run(case.layer(gw, dtype)), case.run(named_layer)
        assert_same_bits(named(second), named(first))
        assert second.tape.nbytes == first.tape.nbytes


def test_activations_shown() -> None:
    assert gw.LSTM(1, 2).activations == ("sigmoid", "tanh", "tanh")
    assert gw.GRU(1, 2).activations == ("sigmoid", "tanh")
    lstm = gw.LSTM(1, 2, activations=["hard_sigmoid", ["leaky_relu"], ("affine", 2)])
    assert lstm.activations == (("hard_sigmoid", 0.2, 0.5), ("leaky_relu", 0.01), ("affine", 2.0, 0.0))
    assert gw.RNN(1, 2, nonlinearity="scaled_tanh").nonlinearity == ("scaled_tanh", 1.0, 1.0)
    assert gw.RNN(1, 2, nonlinearity=("relu",)).nonlinearity == "relu"


def test_parameters_that_another_type_does_not_hold(isa: str) -> None:
    gru = gw.GRU(1, 2, activations=("sigmoid", ("elu", 1e39)), dtype=np.float64)
    with pytest.raises(ValueError, match="activations: expected alpha and beta that are finite in the layer's type"):
        gru.astype(np.float32)


@pytest.mark.parametrize("option", draw.FEW_CHOSEN, ids=str)
def test_layers_pickle_and_copy(isa: str, option: Option) -> None:
    case = draw.make(option, draw.VARIANTS[0])
    layer = case.layer(gw, np.float32)
    want = named(case.run(layer))
    for twin in copies(layer):
        assert repr(twin) == repr(layer)
        assert_same_bits(named(case.run(twin)), want)
    stream = layer.stream(4)
    stream.run(case.x[:2])
    assert_same_bits({"y": copies(stream)[0].run(case.x[2:])}, {"y": stream.run(case.x[2:])})


@pytest.mark.parametrize("peephole", [False, True])
def test_a_coupled_forget_gate_has_no_gradient(isa: str, dtype: Any, peephole: bool) -> None:
    option = Option("LSTM", {"input_forget": True, "peephole": peephole})
    case = draw.make(option, draw.VARIANTS[0], hidden_size=9)
    grads = case.run(case.layer(gw, dtype)).grads.params
    for name, grad in grads.items():
        forget = grad[1] if "peephole" in name else grad[9:18]
        np.testing.assert_array_equal(forget, 0)
        assert np.count_nonzero(grad) == grad.size - forget.size
    # Its weights have no effect either.
    other = {name: np.array(value) for name, value in case.params.items()}
    for name, value in other.items():
        value[1 if "peephole" in name else slice(9, 18)] = 7.0
    changed = case.replace(params=other)
    assert_same_bits({"y": changed.run(changed.layer(gw, dtype)).y}, {"y": case.run(case.layer(gw, dtype)).y})


def test_clip_acts_on_pre_activations_and_not_on_c(isa: str, dtype: Any) -> None:
    """As in ONNX Runtime, c may grow far beyond clip, and h is computed from the unclipped c."""
    lstm = gw.LSTM(1, 1, activations=("sigmoid", "linear", "linear"), clip=2.0, dtype=dtype)
    lstm.load_state_dict({name: np.zeros_like(value) for name, value in lstm.params.items()})
    lstm.params["bias_ih_l0"] = [100.0, 100.0, 100.0, 100.0]
    y, (_, c) = lstm(np.zeros((50, 1)))
    s = 1 / (1 + np.exp(-2.0))
    exact = list(itertools.accumulate([0.0] * 50, lambda c, _: s * c + 2 * s, initial=0.0))[1:]
    assert exact[-1] > 10
    np.testing.assert_allclose(y[:, 0], s * np.array(exact), rtol=200 * unit(dtype))
    np.testing.assert_allclose(c.item(), exact[-1], rtol=200 * unit(dtype))
