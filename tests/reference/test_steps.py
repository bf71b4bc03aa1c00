"""The steps of the NumPy reference against formulas for one unit, and its cells."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import draw
from draw import CELLS, Option
from gatewise import reference
from gatewise._core.state import parts

EPS = np.finfo(np.float64).eps

# One unit and one input, computed with math.exp: a step has at most 50 operations that round.
BY_HAND = 50 * EPS
X, H, C = 0.75, -0.5, 1.25


def sigma(a: float) -> float:
    return 1.0 / (1.0 + math.exp(-a))


def one_unit(kind: str, **keywords: Any) -> tuple[Any, list[float], list[float], list[float]]:
    """Return a layer of one unit, and per gate its input weight, its recurrent weight and the sum of its biases."""
    layer = getattr(reference, kind)(1, 1, dtype=np.float64, seed=3, **keywords)
    w, u = layer.params["weight_ih_l0"][:, 0], layer.params["weight_hh_l0"][:, 0]
    return layer, w.tolist(), u.tolist(), (layer.params["bias_ih_l0"] + layer.params["bias_hh_l0"]).tolist()


@pytest.mark.parametrize(("nonlinearity", "phi"), [("tanh", math.tanh), ("relu", lambda a: max(a, 0.0))])
def test_rnn_step_by_hand(nonlinearity: str, phi: Any) -> None:
    rnn, w, u, b = one_unit("RNN", nonlinearity=nonlinearity)
    rnn.params["bias_hh_l0"] = rnn.params["bias_hh_l0"] + 1.0  # so that the relu is not 0
    y, h = rnn([[X]], [[H]])
    expected = phi(w[0] * X + u[0] * H + b[0] + 1.0)
    assert expected > 0
    assert y == h
    assert h.item() == pytest.approx(expected, rel=BY_HAND)


def test_lstm_step_by_hand() -> None:
    lstm, w, u, b = one_unit("LSTM", peephole=True)
    p_i, p_f, p_o = lstm.params["weight_peephole_l0"][:, 0].tolist()
    a_i, a_f, a_g, a_o = (w[k] * X + u[k] * H + b[k] for k in range(4))
    i, f, g = sigma(a_i + p_i * C), sigma(a_f + p_f * C), math.tanh(a_g)
    c = f * C + i * g
    o = sigma(a_o + p_o * c)
    y, (h, c_after), tape = lstm.forward([[X]], ([[H]], [[C]]))
    assert c_after.item() == pytest.approx(c, rel=BY_HAND)
    assert y.item() == h.item() == pytest.approx(o * math.tanh(c), rel=BY_HAND)

    grads = lstm.backward(tape, d_state=(None, [[1.0]]))  # the gradient of c, which does not pass through o
    delta_i, delta_f = g * i * (1 - i), C * f * (1 - f)
    d_p = grads.params["weight_peephole_l0"][:, 0].tolist()
    assert d_p == pytest.approx([delta_i * C, delta_f * C, 0.0], rel=BY_HAND)
    assert grads.state[1].item() == pytest.approx(f + delta_i * p_i + delta_f * p_f, rel=BY_HAND)

    grads = lstm.backward(tape, d_state=([[1.0]], None))
    delta_o = math.tanh(c) * o * (1 - o)
    assert grads.params["weight_peephole_l0"][2].item() == pytest.approx(delta_o * c, rel=BY_HAND)


@pytest.mark.parametrize("reset_after", [True, False])
def test_gru_step_by_hand(reset_after: bool) -> None:
    gru, w, u, _ = one_unit("GRU", reset_after=reset_after)
    b, c = gru.params["bias_ih_l0"].tolist(), gru.params["bias_hh_l0"].tolist()
    r, z = (sigma(w[k] * X + b[k] + u[k] * H + c[k]) for k in (0, 1))
    inner = r * (u[2] * H + c[2]) if reset_after else u[2] * (r * H) + c[2]
    n = math.tanh(w[2] * X + b[2] + inner)
    y, h = gru([[X]], [[H]])
    assert y.item() == h.item() == pytest.approx((1 - z) * n + z * H, rel=BY_HAND)


def test_projection_by_hand() -> None:
    lstm = reference.LSTM(2, 3, proj_size=1, dtype=np.float64, seed=0)
    plain = reference.LSTM(2, 3, dtype=np.float64)
    own = {name: value for name, value in lstm.state_dict().items() if name != "weight_hr_l0"}
    # h = 0 before the first step, so there the mask of W_hh has no effect.
    plain.load_state_dict({**own, "weight_hh_l0": np.zeros((12, 3))})
    m, _ = plain([[X, H]])
    y, _ = lstm([[X, H]])
    assert y.item() == pytest.approx((lstm.params["weight_hr_l0"] @ m[0]).item(), rel=BY_HAND)


def test_relu_has_slope_0_at_0() -> None:
    rnn = reference.RNN(1, 1, bias=False, nonlinearity="relu")
    rnn.load_state_dict({"weight_ih_l0": [[1.0]], "weight_hh_l0": [[1.0]]})
    _, _, tape = rnn.forward([[0.0]])
    np.testing.assert_array_equal(rnn.backward(tape, dy=[[1.0]]).x, [[0.0]])


@pytest.mark.parametrize("cell", [cell for cell in CELLS if not cell.projected], ids=str)
def test_a_cell_is_a_layer_of_one_step(cell: Option) -> None:
    case = draw.make(cell, draw.VARIANTS[0], n_steps=3)
    layer = case.layer(reference)
    single = getattr(reference, f"{cell.kind}Cell")(3, 5, dtype=np.float64, **cell.keywords)
    single.load_state_dict({name.removesuffix("_l0"): value for name, value in case.params.items()})
    _, final = layer(case.x, case.state)

    def stepped(x: Any, state: Any) -> Any:
        for x_t in x:
            state = single(x_t, state)
        return state

    lstm = cell.kind == "LSTM"
    rows = [part[0] for part in case.state] if lstm else case.state[0]
    for got, want in zip(parts(stepped(case.x, rows)), parts(final), strict=True):
        np.testing.assert_array_equal(got, want[0])
    row = [part[1] for part in rows] if lstm else rows[1]
    for got, want in zip(parts(stepped(case.x[:, 1], row)), parts(final), strict=True):
        # A single row uses another BLAS routine: 3 steps of sums of 10 terms and about 10 operations.
        np.testing.assert_allclose(got, want[0, 1], rtol=0, atol=60 * EPS)
    zeros = layer(case.x[:1])[1]
    for got, want in zip(parts(single(case.x[0])), parts(zeros), strict=True):
        np.testing.assert_array_equal(got, want[0])
