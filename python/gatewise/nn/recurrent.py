"""The core's layers as parts of a model."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._core.base import Gradients
from .._core.parameters import Array
from ..layers import GRU, LSTM, RNN
from .base import SEQUENCES, Call, Flow, ModelLayer

Layer = RNN | LSTM | GRU


class RecurrentLayer(ModelLayer):
    """An `RNN`, `LSTM` or `GRU`, batch_first, whose parameters live in the model's arrays."""

    def __init__(self, layer: Layer) -> None:
        if not layer.batch_first:
            raise ValueError(
                f"parts: expected layers with batch_first=True, as a model's data are (B, T, features), got {layer!r}"
            )
        self.layer = layer
        self.shapes = {name: array.shape for name, array in layer.params.items()}

    @property
    def output_size(self) -> int:
        """D Y, the number of features of y."""
        return self.directions * (self.layer.proj_size or self.layer.hidden_size)

    @property
    def directions(self) -> int:
        """D."""
        return 2 if self.layer.bidirectional else 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """The layer's."""
        return self.layer.dtype

    def first_flow(self) -> Flow:
        """Sequences of the layer's input size."""
        return Flow(SEQUENCES, self.layer.input_size)

    def flow(self, flow: Flow) -> Flow:
        """Sequences of the layer's output size."""
        if flow.kind != SEQUENCES or flow.features != self.layer.input_size:
            raise ValueError(f"sequences (B, T, {self.layer.input_size})")
        return Flow(SEQUENCES, self.output_size, self.directions)

    def initial_values(self, init: str, seed: Any) -> Mapping[str, Array]:
        """Those of the layer's `reset_parameters`."""
        self.layer.reset_parameters(init, seed=seed)
        return self.layer.params

    @property
    def bound(self) -> bool:
        """Whether the layer has adopted arrays."""
        return self.layer.params.adopted

    def bind(self, params: Mapping[str, Array]) -> None:
        """The layer adopts them."""
        self.layer.adopt(params)

    def forward(self, x: Array, call: Call, keep: bool) -> tuple[Array, Any]:
        """The layer's forward, or, in inference, its call."""
        state = None if call.states is None else call.states[len(call.final_states)]
        steps: dict[str, Any] = {"lengths": call.lengths, "mask": call.mask, "resets": call.resets}
        if not keep:
            y, final = self.layer(x, state, **steps)
            call.final_states.append(final)
            return y, None
        key = None if call.rng is None else int(call.rng.integers(2**64, dtype=np.uint64))
        y, final, tape = self.layer.forward(x, state, **steps, checkpoint=call.checkpoint, key=key)
        call.final_states.append(final)
        return y, tape

    def backward(self, tape: Any, dy: Array, grads: Gradients, wrt_x: bool) -> Array | None:
        """Backpropagation through time; no gradient crosses the initial state."""
        back = self.layer.backward(tape, dy, wrt_x=wrt_x)
        np.copyto(grads.flat, back.flat)
        return back.x

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, the seed apart."""
        return config(self.layer)

    def __repr__(self) -> str:
        return repr(self.layer)


def config(layer: Layer) -> dict[str, Any]:
    """The arguments that a layer was made with, the seed apart."""
    return {name: getattr(layer, name) for name in inspect.signature(type(layer)).parameters if name != "seed"}
