"""Prediction: memory that only grows with the predictions, states in the order of the data, and streams."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gatewise as gw
from fitting import RAGGED, X

F64: dict[str, Any] = {"batch_first": True, "dtype": np.float64}
RNG = np.random.default_rng(3)


def peak(call: Callable[[], Any]) -> int:
    """Return the largest number of bytes that a call holds."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_only_grows_with_the_predictions() -> None:
    model = gw.Sequential(gw.Linear(1, 1), gw.LastStep(), seed=0)
    few, many = (peak(lambda n=n: model.predict(np.zeros((n, 1, 1)), batch_size=1)) for n in (500, 2000))
    # Memory is proportional to the number of sequences. Their square would give 16 times as much.
    assert many < 6 * few
    ragged = [np.zeros((1000 + i % 2, 8)) for i in range(40)]
    model = gw.Sequential(gw.Linear(8, 1), gw.LastStep(), seed=0)
    # Each batch is padded when it is needed. Memory holds one batch, its copy in the model's dtype and its predictions.
    assert peak(lambda: model.predict(ragged, batch_size=1)) < 5 * ragged[0].nbytes


def test_states_of_ragged_sequences_have_the_order_of_the_data() -> None:
    model = gw.Sequential(gw.LSTM(2, 4, batch_first=True), gw.Linear(4, 3), gw.GRU(3, 2, batch_first=True), seed=0)
    y, ((h, c), last) = model.predict(RAGGED, batch_size=3, return_state=True)
    for i, x in enumerate(RAGGED):
        alone, ((h_alone, c_alone), last_alone) = model.predict(x[None], return_state=True)
        # BLAS may round products of other shapes differently.
        for one, expected in (
            (y[i], alone[0]), (h[:, i], h_alone[:, 0]), (c[:, i], c_alone[:, 0]), (last[:, i], last_alone[:, 0])
        ):  # fmt: skip
            np.testing.assert_allclose(one, expected, rtol=1e-5, atol=1e-6)


def test_prediction_continues_from_a_state() -> None:
    model = gw.Sequential(
        gw.LSTM(2, 4, batch_first=True), gw.Linear(4, 3), gw.GRU(3, 2, num_layers=2, batch_first=True), seed=0
    )
    whole, final = model.predict(X, return_state=True)
    first, state = model.predict(X[:, :4], batch_size=7, return_state=True)
    rest, last = model.predict(X[:, 4:], batch_size=9, state=state, return_state=True)
    np.testing.assert_allclose(np.concatenate([first, rest], axis=1), whole, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(last[0][1], final[0][1], rtol=1e-6, atol=1e-7)
    with pytest.raises(ValueError, match="state: expected a list of 2, one for each recurrent layer, got"):
        model.predict(X, state=state[:1])


@pytest.mark.parametrize("batch_size", [4, None])
@pytest.mark.parametrize("name", ["tokens", "numbers"])
def test_a_stream_steps_as_the_model_runs(name: str, batch_size: int | None) -> None:
    layers: list[Any] = [gw.LSTM(3, 4, num_layers=2, **F64), gw.Dropout(0.5), gw.Linear(4, 2, dtype=np.float64)]
    if name == "tokens":
        layers.insert(0, gw.Embedding(7, 3, dtype=np.float64))
    model = gw.Sequential(*layers, gw.GRU(2, 3, **F64), seed=0)
    x = RNG.integers(0, 7, (4, 6)) if name == "tokens" else RNG.standard_normal((4, 6, 3))
    stream = model.stream(batch_size)
    expected = model(x)
    for _ in range(2):
        for t in range(6):
            y = stream.step(x[0, t] if batch_size is None else x[:, t])
            np.testing.assert_allclose(y, expected[0, t] if batch_size is None else expected[:, t], rtol=1e-12)
        stream.reset()
    middle = stream.state
    assert len(middle) == 2
    with pytest.raises(ValueError, match="state: expected a list of 2, got one of 1"):
        stream.state = middle[:1]
    with pytest.raises(
        ValueError, match="stream: expected a model with one prediction per step, got one with one per seq"
    ):
        gw.Sequential(gw.GRU(2, 3, **F64), gw.MeanOverSteps()).stream()


def test_a_stream_keeps_its_snapshot_of_the_parameters() -> None:
    model = gw.Sequential(gw.Embedding(7, 3), gw.GRU(3, 4, batch_first=True), gw.Linear(4, 2), seed=0)
    tokens = RNG.integers(0, 7, (4, 6))
    expected, stream = model(tokens), model.stream(4)
    model.load_state_dict({name: value + 1.0 for name, value in model.state_dict().items()})
    for t in range(6):
        np.testing.assert_allclose(stream.step(tokens[:, t]), expected[:, t], rtol=1e-5, atol=1e-6)


def test_steps_of_another_shape_or_type_are_refused() -> None:
    numbers = gw.Sequential(gw.Linear(3, 2), gw.Dropout(0.5), seed=0)
    tokens = gw.Sequential(gw.Embedding(7, 3), seed=0)
    assert numbers.stream(2).step(np.zeros((2, 3))).dtype == np.float32
    for model, size, x, message in (
        (numbers, 2, np.zeros((3, 3)), r"x: expected \(2, 3\), got \(3, 3\)"),
        (numbers, 2, np.zeros((2, 3, 1)), r"x: expected \(2, 3\), got \(2, 3, 1\)"),
        (numbers, None, np.zeros((1, 3)), r"x: expected \(3,\), got \(1, 3\)"),
        (tokens, 2, np.zeros(3, int), r"x: expected \(2,\), got \(3,\)"),
        (tokens, None, [1], r"x: expected \(\), got \(1,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            model.stream(size).step(x)
    for model, x, message in (
        (numbers, np.zeros((1, 3), complex), "x: expected numbers that convert to float32, got complex128"),
        (tokens, [0.5], "x: expected integers, got float64"),
    ):
        with pytest.raises(TypeError, match=message):
            model.stream().step(x)
