"""Diagnostics: Jacobians against central differences, gradients against products of them, and the data of the plots."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gatewise as gw

Array = NDArray[Any]
LAYERS: dict[str, Any] = {
    "RNN": gw.RNN(3, 4, num_layers=2, seed=0),
    "LSTM": gw.LSTM(3, 4, num_layers=2, proj_size=2, peephole=True, batch_first=True, dropout=0.5, zoneout=0.1, seed=0),
    "GRU": gw.GRU(3, 4, reset_after=False, seed=0),
}
X = np.random.default_rng(0).standard_normal((7, 2, 3))


def batch_of(layer: Any) -> Array:
    return X.swapaxes(0, 1) if layer.batch_first else X


def step(layer: Any, x: Array, state: Array) -> Array:
    """Return the state after one step of one sequence, h and c concatenated, for a single float64 layer."""
    sizes = [layer.proj_size or layer.hidden_size, *([layer.hidden_size] if isinstance(layer, gw.LSTM) else [])]
    halves = [half[None] for half in np.split(state, np.cumsum(sizes)[:-1])]
    _, after = layer(x[None], tuple(halves) if len(halves) == 2 else halves[0])
    return np.concatenate([half[0] for half in (after if isinstance(after, tuple) else (after,))])


@pytest.mark.parametrize("name", LAYERS)
def test_jacobians_are_central_differences(name: str) -> None:
    from gatewise.diagnostics.exact import exact_copy, single_layer

    layer = LAYERS[name]
    flow = gw.gradient_flow(layer, batch_of(layer)[:1] if layer.batch_first else batch_of(layer)[:, :1])[
        type(layer).__name__
    ]
    _, _, tape = exact_copy(layer).forward(X[:, :1])
    for index in range(layer.num_layers):
        alone = single_layer(layer, index)
        inputs = X[:, 0] if index == 0 else tape.hidden[:, index - 1, 0]
        state = np.zeros((alone.proj_size or 4) + (4 if isinstance(alone, gw.LSTM) else 0))
        for t, x in enumerate(inputs):
            h = 1e-5
            columns = [
                (step(alone, x, state + e) - step(alone, x, state - e)) / (2 * h) for e in h * np.eye(len(state))
            ]
            # The truncation error is h² times third derivatives of order 1, the rounding error eps / h.
            assert flow.jacobian[t, index] == pytest.approx(np.linalg.norm(np.array(columns).T, 2), abs=1e-8)
            state = step(alone, x, state)


def test_gradients_of_states_are_products_of_jacobians() -> None:
    """In a linear recurrence of one unit, dL/dh is a power of its only weight."""
    layer = gw.RNN(1, 1, bias=False, nonlinearity="relu", seed=0)
    layer.load_state_dict({"weight_ih_l0": [[1.0]], "weight_hh_l0": [[0.5]]})
    flow = gw.gradient_flow(layer, np.ones((6, 1)))["RNN"]
    np.testing.assert_allclose(flow.h[:, 0], 0.5 ** np.arange(5, -1, -1), rtol=1e-12)
    # The Jacobian of the first step does not vanish, although the state before it is 0.
    np.testing.assert_allclose(flow.jacobian[:, 0], 0.5, rtol=1e-12)
    assert flow.c is None


def test_norms_are_means_over_the_sequences_of_the_cores_gradients() -> None:
    layer = LAYERS["LSTM"]
    dy = np.random.default_rng(1).standard_normal((2, 7, 2))
    flow = gw.gradient_flow({"a": layer}, batch_of(layer), dy)["a"]
    plain = gw.LSTM(3, 4, num_layers=2, proj_size=2, peephole=True, batch_first=True, dtype=np.float64)
    plain.load_state_dict(layer.state_dict())
    _, _, tape = plain.forward(batch_of(layer))
    grads = plain.backward(tape, dy, steps=True)
    assert flow.c is not None
    for got, expected in ((flow.h, grads.h_steps), (flow.c, grads.c_steps)):
        np.testing.assert_allclose(got, np.sqrt((expected**2).sum(axis=3)).mean(axis=2), rtol=1e-12)


def test_an_open_forget_gate_keeps_the_gradient_that_an_rnn_loses() -> None:
    x = np.random.default_rng(0).standard_normal((60, 3, 2))
    lstm = gw.LSTM(2, 16, seed=0)
    bias = np.zeros(64)
    bias[16:32] = 6.0
    lstm.params["bias_ih_l0"] = bias
    flow = gw.gradient_flow({"RNN": gw.RNN(2, 16, seed=0), "LSTM": lstm}, x)
    c = flow["LSTM"].c
    assert c is not None
    assert flow["RNN"].h[0, 0] < 1e-9 * flow["RNN"].h[-1, 0]
    assert c[0, 0] > 0.3 * c[-2, 0]


def test_the_flow_is_plotted() -> None:
    flow = gw.gradient_flow({"RNN": LAYERS["RNN"], "LSTM": gw.LSTM(3, 4, seed=0)}, X)
    upper, lower = flow.plot()
    lines = {line.get_label(): line.get_ydata() for line in upper.get_lines()}
    assert list(lines) == ["RNN, layer 0: h", "RNN, layer 1: h", "LSTM: h", "LSTM: c"]
    np.testing.assert_array_equal(lines["RNN, layer 1: h"], flow["RNN"].h[:, 1])
    assert flow["LSTM"].c is not None
    np.testing.assert_array_equal(lines["LSTM: c"][:-1], flow["LSTM"].c[:-1, 0])
    np.testing.assert_array_equal(lower.get_lines()[2].get_ydata(), flow["LSTM"].jacobian[:, 0])
    assert upper.get_yscale() == lower.get_yscale() == "log"


@pytest.mark.parametrize("name", LAYERS)
def test_gates_follow_the_equations(name: str) -> None:
    layer = LAYERS[name]
    gates = gw.gate_activations(layer, X[:, 0], index=layer.num_layers - 1)
    h, p = gates["h"], {n.removesuffix(f"_l{layer.num_layers - 1}"): v for n, v in layer.params.items()}
    if name == "LSTM":
        i, f, g, o, c = (gates[one] for one in "ifgoc")
        before = np.concatenate([np.zeros((1, 4)), c[:-1]])
        np.testing.assert_allclose(c, f * before + i * g, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(h, (o * np.tanh(c)) @ p["weight_hr"].astype(float).T, rtol=1e-12, atol=1e-14)
    elif name == "GRU":
        z, n = gates["z"], gates["n"]
        before = np.concatenate([np.zeros((1, 4)), h[:-1]])
        np.testing.assert_allclose(h, (1 - z) * n + z * before, rtol=1e-12, atol=1e-14)
        assert ((gates["r"] > 0) & (gates["r"] < 1)).all()
    else:
        assert list(gates.values) == ["h"]
    options = {"num_layers": 2, "proj_size": 2, "peephole": True, "batch_first": True, "dtype": np.float64}
    plain = gw.LSTM(3, 4, **options) if name == "LSTM" else layer.astype(np.float64)
    plain.load_state_dict(layer.state_dict())
    expected = plain(batch_of(layer))[0]
    np.testing.assert_allclose(h, expected[0] if layer.batch_first else expected[:, 0], rtol=1e-12)


def test_the_gates_are_plotted() -> None:
    gates = gw.gate_activations(gw.LSTM(3, 4, seed=0), X[:, 0])
    axes = gates.plot()
    assert len(axes) == 6
    for one, values in zip(axes, gates.values.values(), strict=True):
        np.testing.assert_array_equal(one.get_images()[0].get_array(), values.T)
    assert axes[1].get_title(loc="left") == "forget gate f"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gw.gradient_flow(gw.GRU(3, 4, bidirectional=True), X),
            ValueError,
            "expected unidirectional layers, got a bid",
        ),
        (lambda: gw.gradient_flow(gw.GRU(2, 4), X), ValueError, r"x: expected \(T, B, 2\) or \(T, 2\), not empty, got"),
        (lambda: gw.gradient_flow({"a": 3}, X), TypeError, "layers: expected RNN, LSTM or GRU, got int as 'a'"),
        (lambda: gw.gradient_flow(gw.GRU(3, 4), X, X), ValueError, r"dy: expected \(7, 2, 4\), got \(7, 2, 3\)"),
        (
            lambda: gw.gate_activations(gw.GRU(3, 4), X),
            ValueError,
            r"x: expected one sequence \(T, 3\), got \(7, 2, 3\)",
        ),
        (
            lambda: gw.gate_activations(gw.GRU(3, 4), X[0], 1),
            ValueError,
            "index: expected an integer from 0 to 0, got 1",
        ),
        (lambda: gw.gate_activations(np.tanh, X[0]), TypeError, "layer: expected RNN, LSTM or GRU, got ufunc"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
