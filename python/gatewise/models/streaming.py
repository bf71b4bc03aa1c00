"""Step-by-step prediction: the recurrent layers' streams, and the other parts between them."""

from __future__ import annotations

import copy
from typing import Any

from numpy.typing import ArrayLike

from .._core.base import State
from .._core.parameters import Array
from ..nn.base import TOKENS, Call, ModelLayer
from ..nn.network import Network, read
from ..nn.recurrent import RecurrentLayer


class ModelStream:
    """What `Sequential.stream` makes. One thread at a time may use it."""

    def __init__(self, model: Network, batch_size: int | None) -> None:
        if model.one_answer:
            raise ValueError("stream: expected a model with an answer a step, got one with an answer a sequence")
        self._batch_size, self._flow, self._dtype = batch_size, model.flows[0], model.dtype
        batch = () if batch_size is None else (batch_size,)
        self._shape = batch if self._flow.kind == TOKENS else (*batch, self._flow.features)
        self._steps: list[Any] = [
            part.layer.stream(batch_size) if isinstance(part, RecurrentLayer) else copy.deepcopy(part)
            for part in model.model_layers
        ]

    def step(self, x: ArrayLike) -> Array:
        """One step: (B, features), or tokens (B,), to (B, answers); without B where batch_size is None.

        Raises
        ------
        ValueError, TypeError : x has another shape, or is of another kind.
        """
        y = read(x, self._flow, self._dtype)
        if y.shape != self._shape:
            raise ValueError(f"x: expected {self._shape}, got {y.shape}")
        if self._flow.kind != TOKENS:
            y = y.astype(self._dtype, copy=False)
        for part in self._steps:
            if not isinstance(part, ModelLayer):
                y = part.step(y)
            elif self._batch_size is None:
                y = part.forward(y[None, None], Call(), False)[0][0, 0]
            else:
                y = part.forward(y[:, None], Call(), False)[0][:, 0]
        return y

    def reset(self, rows: ArrayLike | None = None) -> None:
        """Begin anew from zeros, in all sequences or in these rows."""
        for stream in self._streams:
            stream.reset(rows)

    @property
    def state(self) -> list[State]:
        """The state of each recurrent part; assigning one goes on from there."""
        return [stream.state for stream in self._streams]

    @state.setter
    def state(self, states: list[State]) -> None:
        if len(states) != len(self._streams):
            raise ValueError(f"state: expected a list of {len(self._streams)}, got one of {len(states)}")
        for stream, state in zip(self._streams, states, strict=True):
            stream.state = state

    @property
    def _streams(self) -> list[Any]:
        return [part for part in self._steps if not isinstance(part, ModelLayer)]
