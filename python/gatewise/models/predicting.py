"""Prediction batch by batch, with states carried in and out, and answers back in the data's order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core.base import State
from .._core.parameters import Array
from ..nn.base import Call
from ..nn.network import Network
from ..nn.recurrent import RecurrentLayer
from ..training.data import Batch, Batches, Ragged, data_of


def predict(
    model: Network,
    x: Any,
    size: int,
    lengths: Any,
    mask: Any,
    resets: Any,
    state: list[State] | None,
    wants_state: bool,
) -> Any:
    """See `Sequential.predict`."""
    data = data_of(x, None, None, lengths, mask, resets)
    if isinstance(data, Batches):
        raise TypeError(f"x: expected an array or a list of sequences, got {type(x).__name__}")
    _check_state(model, state)
    answers: list[Array] = []
    finals: list[list[State]] = []
    order: list[Array] = []
    everyone = np.arange(data.sequences or 0)
    for batch in data.batches(size, None) if data.sequences else [Batch(np.asarray(data.x), index=slice(0, 0))]:
        call = Call(batch.lengths, batch.mask, batch.resets)
        if state is not None:
            call.states = [_each(lambda half, rows=batch.index: half[:, rows], one) for one in state]
        y = model.run(batch.x, call, None)
        ragged = isinstance(data, Ragged) and not model.one_answer
        answers += [one[:length] for one, length in zip(y, batch.lengths, strict=True)] if ragged else [y]  # type: ignore[arg-type]
        finals.append(call.final_states)
        order.append(everyone[batch.index])
    back = np.argsort(np.concatenate(order))
    result = [answers[i] for i in back] if ragged else np.concatenate(answers)[back]
    if not wants_state:
        return result
    return result, [
        _each(lambda *halves: np.concatenate(halves, axis=1)[:, back], *one) for one in zip(*finals, strict=True)
    ]


def _each(function: Callable[..., Array], *states: State) -> State:
    """The function on h, or on h and on c."""
    return tuple(map(function, *states)) if isinstance(states[0], (tuple, list)) else function(*states)


def _check_state(model: Network, state: Any) -> None:
    recurrent = [part for part in model.model_layers if isinstance(part, RecurrentLayer)]
    if state is not None and (not isinstance(state, (list, tuple)) or len(state) != len(recurrent)):
        raise ValueError(f"state: expected a list of {len(recurrent)}, one for each recurrent part, got {state!r:.60}")
