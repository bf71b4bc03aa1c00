"""The recurrent layers of the core as layers of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .._core.checks import generator
from .._core.compiled_layer import CompiledLayer
from .._core.gradients import Gradients
from .._core.initial import draw_initial
from .._core.options import Options
from .._core.parameters import Array, size_of
from .._core.state import State, parts
from ..layers import KINDS
from .base import Costs, ModelLayer, Shape
from .flow import SEQUENCES, Call, DataShape


class RecurrentLayer(ModelLayer):
    """An `RNN`, `LSTM` or `GRU` with batch_first, whose parameters are the model's."""

    def __init__(self, layer: CompiledLayer) -> None:
        if not layer.batch_first:
            raise ValueError(
                f"layers: expected layers with batch_first=True, as a model's data are (B, T, features), got {layer!r}"
            )
        self.layer = layer
        self.params = layer.params

    @property
    def shapes(self) -> Mapping[str, Shape]:
        return self.layer.params.shapes

    @property
    def class_name(self) -> str:
        return type(self.layer).__name__

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.layer.dtype

    def config(self) -> dict[str, Any]:
        return self.layer.config()

    def first_flow(self) -> DataShape:
        return DataShape(SEQUENCES, self.layer.input_size)

    def flow(self, flow: DataShape) -> DataShape:
        if flow.kind != SEQUENCES or flow.features != self.layer.input_size:
            raise ValueError(f"sequences (B, T, {self.layer.input_size})")
        return output_flow(self.layer)

    def initial_values(self, init: str, seed: Any) -> Mapping[str, Array]:
        return draw_initial(init, self.layer._options, self.shapes, generator(seed))

    @property
    def bound(self) -> bool:
        return self.layer.params.adopted

    def bind(self, params: Mapping[str, Array], flow: DataShape) -> None:
        self.layer.adopt(params)

    def forward(self, x: Array, call: Call, state: State) -> tuple[Array, State, Any]:
        steps: dict[str, Any] = {"lengths": call.lengths, "mask": call.mask, "resets": call.resets}
        if not call.keep:
            return *self.layer(x, state, **steps), None
        key = None if call.rng is None else int(call.rng.integers(2**64, dtype=np.uint64))
        return self.layer.forward(x, state, **steps, checkpoint=call.checkpoint, key=key)

    def backward(self, tape: Any, dy: Array, grads: Gradients, wrt_x: bool) -> Array | None:
        # No gradient passes through the initial state.
        back = self.layer.backward(tape, dy, wrt_x=wrt_x)
        np.copyto(grads.flat, back.flat)
        return back.x

    def costs(self) -> Costs:
        matrices = (s for name, s in self.shapes.items() if len(s) == 2 and "peephole" not in name)
        tapes = []
        for steps in (1, 17):  # the difference is that of 16 steps
            y, state, tape = self.layer.forward(np.zeros((1, steps, self.layer.input_size), self.dtype), key=0)
            tapes.append(tape.nbytes + y.nbytes)
        return Costs(
            parameters=keras_parameters(self.layer),
            stored_numbers=size_of(self.shapes),
            flops=2 * sum(rows * columns for rows, columns in matrices),
            state_bytes=sum(part.nbytes for part in parts(state)),
            tape_bytes=(tapes[1] - tapes[0]) // 16,
        )

    def __repr__(self) -> str:
        return repr(self.layer)


def output_flow(layer: CompiledLayer) -> DataShape:
    """Return the kind and size of a layer's output."""
    directions, size = layer._options.directions, layer._options.output_size
    return DataShape(SEQUENCES, directions * size, directions)


def keras_parameters(layer: CompiledLayer) -> int:
    """Return the number of parameters as Keras counts them.

    The two biases of an RNN, of an LSTM, and of a GRU that resets before the product act as one, and Keras has one.
    """
    redundant = not getattr(layer, "reset_after", False)
    shapes = layer.params.shapes.items()
    return size_of({name: shape for name, shape in shapes if not (redundant and name.startswith("bias_hh"))})


def parameter_shapes(kind: str, config: Mapping[str, Any]) -> Iterator[tuple[str, Shape]]:
    """Yield name and shape of each parameter that a layer of this kind and configuration has.

    They come layer by layer, since a damaged file may claim any number of layers.
    """
    options = Options(KINDS[kind], config)
    for layer in range(options.num_layers):
        yield from options.layer_parameter_shapes(layer).items()
