"""Prediction: batch by batch in memory that does not grow with their number, answers and states in the data's order."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gatewise as gw
from fitting import RAGGED, X


def peak(call: Callable[[], Any]) -> int:
    """The bytes that a call holds at the most."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_grows_with_the_answers_alone() -> None:
    model = gw.Sequential(gw.Linear(1, 1), gw.LastStep(), seed=0)
    few, many = (peak(lambda n=n: model.predict(np.zeros((n, 1, 1)), batch_size=1)) for n in (500, 2000))
    # In proportion to the sequences: not to their square, which would be 16 times as much.
    assert many < 6 * few
    ragged = [np.zeros((1000 + i % 2, 8)) for i in range(40)]
    model = gw.Sequential(gw.Linear(8, 1), gw.LastStep(), seed=0)
    # A batch is padded when its turn comes: it, its copy in the model's dtype and its answers are held, not 40.
    assert peak(lambda: model.predict(ragged, batch_size=1)) < 5 * ragged[0].nbytes


def test_states_of_ragged_sequences_come_in_their_order() -> None:
    model = gw.Sequential(gw.LSTM(2, 4, batch_first=True), gw.Linear(4, 3), gw.GRU(3, 2, batch_first=True), seed=0)
    answers, ((h, c), last) = model.predict(RAGGED, batch_size=3, return_state=True)
    for i, x in enumerate(RAGGED):
        alone, ((h_alone, c_alone), last_alone) = model.predict(x[None], return_state=True)
        # Products by BLAS may round differently in other shapes.
        for one, expected in (
            (answers[i], alone[0]), (h[:, i], h_alone[:, 0]), (c[:, i], c_alone[:, 0]), (last[:, i], last_alone[:, 0])
        ):  # fmt: skip
            np.testing.assert_allclose(one, expected, rtol=1e-5, atol=1e-6)


def test_prediction_with_a_state_goes_on() -> None:
    model = gw.Sequential(
        gw.LSTM(2, 4, batch_first=True), gw.Linear(4, 3), gw.GRU(3, 2, num_layers=2, batch_first=True), seed=0
    )
    whole, final = model.predict(X, return_state=True)
    first, state = model.predict(X[:, :4], batch_size=7, return_state=True)
    rest, last = model.predict(X[:, 4:], batch_size=9, state=state, return_state=True)
    np.testing.assert_allclose(np.concatenate([first, rest], axis=1), whole, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(last[0][1], final[0][1], rtol=1e-6, atol=1e-7)
    with pytest.raises(ValueError, match="state: expected a list of 2, one for each recurrent part, got"):
        model.predict(X, state=state[:1])
