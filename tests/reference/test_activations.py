"""Activations in the reference: values and slopes written by hand, and central differences through every cell."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import draw
from differences import Point, check_direction
from draw import Option
from gatewise import reference
from gatewise._core.activations import DEFAULTS
from gatewise.reference.activations import FUNCTIONS, Nonlinearity

E = math.e
BY_HAND: list[tuple[Any, float, float, float]] = [
    ("linear", -3.0, -3.0, 1.0),
    ("affine", 2.0, 2.0, 1.0),
    (("affine", 3.0), 2.0, 6.0, 3.0),
    (("affine", 3.0, -1.0), 2.0, 5.0, 3.0),
    ("tanh", 1.0, (E - 1 / E) / (E + 1 / E), 4 / (E + 1 / E) ** 2),
    ("scaled_tanh", 1.0, (E - 1 / E) / (E + 1 / E), 4 / (E + 1 / E) ** 2),
    (("scaled_tanh", 3.0, 0.5), 2.0, 3 * (E - 1 / E) / (E + 1 / E), 1.5 * 4 / (E + 1 / E) ** 2),
    ("sigmoid", 1.0, E / (1 + E), E / (1 + E) ** 2),
    # ONNX's and Keras 2's: corners at -2.5 and 2.5
    ("hard_sigmoid", 1.0, 0.7, 0.2),
    ("hard_sigmoid", -2.4, 0.02, 0.2),
    ("hard_sigmoid", -2.5, 0.0, 0.0),
    ("hard_sigmoid", 2.5, 1.0, 0.0),
    ("hard_sigmoid", -4.0, 0.0, 0.0),
    ("hard_sigmoid", 4.0, 1.0, 0.0),
    # Keras 3's, relu6(a + 3) / 6
    (("hard_sigmoid", 1 / 6), 1.0, 4 / 6, 1 / 6),
    (("hard_sigmoid", 1 / 6, 0.5), -2.9, 0.1 / 6, 1 / 6),
    (("hard_sigmoid", 1 / 6, 0.5), 3.5, 1.0, 0.0),
    ("relu", 2.0, 2.0, 1.0),
    ("relu", -2.0, 0.0, 0.0),
    ("relu", 0.0, 0.0, 0.0),
    ("leaky_relu", 2.0, 2.0, 1.0),
    ("leaky_relu", -2.0, -0.02, 0.01),
    ("leaky_relu", 0.0, 0.0, 0.01),
    (("leaky_relu", -0.5), -2.0, 1.0, -0.5),
    ("thresholded_relu", 1.5, 1.5, 1.0),
    ("thresholded_relu", 1.0, 0.0, 0.0),
    (("thresholded_relu", -1.0), -0.5, -0.5, 1.0),
    (("thresholded_relu", -1.0), -1.5, 0.0, 0.0),
    ("elu", 2.0, 2.0, 1.0),
    ("elu", -1.0, 1 / E - 1, 1 / E),
    (("elu", 0.5), -1.0, 0.5 * (1 / E - 1), 0.5 / E),
    (("elu", 0.5), 0.0, 0.0, 0.5),
    ("softplus", 0.0, math.log(2), 0.5),
    ("softplus", 1.0, math.log(1 + E), E / (1 + E)),
    ("softplus", 1000.0, 1000.0, 1.0),
    ("softsign", 3.0, 0.75, 1 / 16),
    ("softsign", -1.0, -0.5, 0.25),
    ("softsign", math.inf, 1.0, 0.0),
    ("softsign", -math.inf, -1.0, 0.0),
]
"""Activation, a, value, slope: from ONNX's formulas, by hand. Where two pieces meet, gatewise's choice of slope."""


def at(activation: Any, a: float, clip: float | None = None) -> tuple[float, float]:
    """Return value and slope at the pre-activation `a`, from an RNN of one unit with this bias."""
    rnn = reference.RNN(1, 1, nonlinearity=activation, clip=clip, dtype=np.float64)
    rnn.load_state_dict({name: np.zeros_like(value) for name, value in rnn.params.items()})
    rnn.params["bias_ih_l0"] = [a]
    y, _, tape = rnn.forward(np.zeros((1, 1)))
    return y.item(), rnn.backward(tape, np.ones((1, 1))).params["bias_hh_l0"].item()


@pytest.mark.parametrize(("activation", "a", "value", "slope"), BY_HAND, ids=str)
def test_values_and_slopes_by_hand(activation: Any, a: float, value: float, slope: float) -> None:
    np.testing.assert_allclose(at(activation, a), (value, slope), rtol=1e-14, atol=1e-16)


def test_by_hand_means_all() -> None:
    assert {entry[0] if isinstance(entry[0], str) else entry[0][0] for entry in BY_HAND} == set(DEFAULTS)
    assert FUNCTIONS.keys() == DEFAULTS.keys()


def test_clip_holds_the_pre_activation() -> None:
    """Beyond clip, the value is that at clip and the slope is 0. A pre-activation equal to clip is not clipped."""
    for activation in draw.ACTIVATIONS:
        for sign in (-1.0, 1.0):
            assert at(activation, 7 * sign, clip=1.25) == (at(activation, 1.25 * sign)[0], 0.0)
            assert at(activation, 1.25 * sign, clip=1.25) == at(activation, 1.25 * sign)
            assert at(activation, 1.0 * sign, clip=1.25) == at(activation, 1.0 * sign)


def test_nan_stays_nan() -> None:
    for activation, clip in itertools.product(draw.ACTIVATIONS, (None, 0.5)):
        assert np.isnan(Nonlinearity(activation, clip)(np.array([np.nan]))).all()


def test_input_forget() -> None:
    """f = 1 - i, so c' = (1 - i) c + i g, computed by hand for one unit; the parameters of f have no gradient."""
    lstm = reference.LSTM(1, 1, peephole=True, input_forget=True, dtype=np.float64, seed=0)
    p = {name: value.ravel() for name, value in lstm.params.items()}
    x, h, c = 0.3, -0.2, 0.7
    a = p["weight_ih_l0"] * x + p["bias_ih_l0"] + p["weight_hh_l0"] * h + p["bias_hh_l0"]
    peep_i, _, peep_o = p["weight_peephole_l0"]
    i = 1 / (1 + math.exp(-(a[0] + peep_i * c)))
    after = (1 - i) * c + i * math.tanh(a[2])
    o = 1 / (1 + math.exp(-(a[3] + peep_o * after)))
    y, (_, c_last), tape = lstm.forward([[x]], ([[h]], [[c]]))
    np.testing.assert_allclose([c_last.item(), y.item()], [after, o * math.tanh(after)], rtol=1e-14)
    grads = lstm.backward(tape, np.ones((1, 1)), (None, np.ones((1, 1)))).params
    assert [grads[name].ravel()[1] for name in p] == [0.0] * len(p)
    assert all(grads[name].ravel()[k] != 0 for name in p for k in (0, 2))


# The two kinds of call that differ most; each cell gets one of them.
VARIANTS = [variant for variant in draw.VARIANTS if variant.name in ("dense", "mask-resets")]


@pytest.mark.parametrize("number", range(len(draw.CHOSEN)), ids=[str(option) for option in draw.CHOSEN])
def test_gradients_are_the_slope_along_a_random_direction(number: int) -> None:
    """Every activation in every role of every cell, with and without clip, input_forget, peepholes and projection."""
    option, variant = draw.CHOSEN[number], VARIANTS[number % 2]
    stack = {"num_layers": 2, "bidirectional": True} if number % 3 == 0 else {}
    option = Option(option.kind, {**option.keywords, **stack}, option.projected)
    for seed in itertools.count():
        case = draw.make(option, variant, n_steps=4, batch=3, seed=seed)
        point = Point(case, case.run(case.layer(reference)).grads)
        rng = np.random.default_rng(seed)
        direction = {name: rng.standard_normal(v.shape) / np.sqrt(v.shape[-1]) for name, v in point.values.items()}
        if check_direction(point, direction):
            break
    assert not np.any(case.usual(point.grads["x"])[~case.unmasked])
