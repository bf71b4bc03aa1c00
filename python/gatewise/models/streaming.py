"""Prediction step by step: the recurrent layers' streams, and the other layers between them."""

from __future__ import annotations

import copy
from typing import Any

from numpy.typing import ArrayLike

from .._core.parameters import Array
from .._core.state import State
from ..nn.base import ModelLayer
from ..nn.flow import TOKENS, Call
from ..nn.network import Network, read
from ..nn.recurrent import RecurrentLayer


class Stateless:
    """A layer without a state, step by step."""

    def __init__(self, layer: ModelLayer, batch_size: int | None) -> None:
        self._layer = copy.deepcopy(layer)  # with the current weights
        self._insert: Any = (None, None) if batch_size is None else (slice(None), None)
        self._drop: Any = (0, 0) if batch_size is None else (slice(None), 0)

    def step(self, x: Array) -> Array:
        """Return the output of one step, x being a sequence of one step."""
        y, _, _ = self._layer.forward(x[self._insert], Call(), None)
        one: Array = y[self._drop]
        return one


class ModelStream:
    """A model's stream, which `Sequential.stream` makes. Only one thread at a time may use it."""

    def __init__(self, model: Network, batch_size: int | None) -> None:
        if model.one_answer:
            raise ValueError("stream: expected a model with one prediction per step, got one with one per sequence")
        self._flow, self._dtype = model.flows[0], model.dtype
        batch = () if batch_size is None else (batch_size,)
        self._shape = batch if self._flow.kind == TOKENS else (*batch, self._flow.features)
        self._streams: list[Any] = []  # of the recurrent layers
        self._steps: list[Any] = []  # of all layers: the streams above, and `Stateless` for the others
        for layer in model.model_layers:
            if isinstance(layer, RecurrentLayer):
                self._streams.append(layer.layer.stream(batch_size))
                self._steps.append(self._streams[-1])
            else:
                self._steps.append(Stateless(layer, batch_size))

    def step(self, x: ArrayLike) -> Array:
        """Return the predictions of one step.

        x : numbers (B, features) or tokens (B,), without B if the stream's batch size is None.

        Raises
        ------
        ValueError, TypeError : x has another shape or type.
        """
        y = read(x, self._flow, self._dtype)
        if y.shape != self._shape:
            raise ValueError(f"x: expected {self._shape}, got {y.shape}")
        if self._flow.kind != TOKENS:
            y = y.astype(self._dtype, copy=False)
        for one in self._steps:
            y = one.step(y)
        return y

    def reset(self, rows: ArrayLike | None = None) -> None:
        """Set the states to zero, of all sequences or of these rows."""
        for stream in self._streams:
            stream.reset(rows)

    @property
    def state(self) -> list[State]:
        """The state of each recurrent layer. Assign states to continue from them."""
        return [stream.state for stream in self._streams]

    @state.setter
    def state(self, states: list[State]) -> None:
        if len(states) != len(self._streams):
            raise ValueError(f"state: expected a list of {len(self._streams)}, got one of {len(states)}")
        for stream, state in zip(self._streams, states, strict=True):
            stream.state = state
