"""Prediction batch by batch, from given states to final states, in the order of the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.parameters import Array
from .._core.state import State, map_state
from ..nn.network import Network
from ..training.batch import Batch
from ..training.data import Ragged, Sequences


def predict(
    model: Network, data: Sequences, size: int, state: list[State] | None
) -> tuple[Array | list[Array], list[State]]:
    """Return the predictions and the final state of each recurrent layer.

    state : the initial state of each recurrent layer; None for zeros.
    """
    states = _by_layer(model, state)
    ragged = isinstance(data, Ragged) and not model.one_answer
    predictions: list[Array] = []
    finals: list[dict[int, State]] = []
    order: list[Array] = []
    everyone = np.arange(len(data))
    for batch in data.batches(size, None) if len(data) else [Batch(np.asarray(data.x), rows=slice(0, 0))]:
        initial = {index: map_state(lambda part, rows=batch.rows: part[:, rows], one) for index, one in states.items()}
        y, final, _ = model.run(batch.x, batch.call(), initial)
        if ragged:
            assert batch.lengths is not None
            predictions += [one[:length] for one, length in zip(y, batch.lengths, strict=True)]
        else:
            predictions.append(y)
        finals.append(final)
        order.append(everyone[batch.rows])
    back = np.argsort(np.concatenate(order))
    result = [predictions[i] for i in back] if ragged else np.concatenate(predictions)[back]
    joined = [
        map_state(lambda *parts: np.concatenate(parts, axis=1)[:, back], *(final[index] for final in finals))
        for index in finals[0]
    ]
    return result, joined


def _by_layer(model: Network, state: Any) -> dict[int, State]:
    """Return the given states by the number of their layer."""
    if state is None:
        return {}
    if not isinstance(state, (list, tuple)) or len(state) != len(model.recurrent):
        raise ValueError(
            f"state: expected a list of {len(model.recurrent)}, one for each recurrent layer, got {state!r:.60}"
        )
    return dict(zip(model.recurrent, state, strict=True))
