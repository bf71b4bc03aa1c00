"""`gatewise.Sequential` as an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

import gatewise as gw

from ..nn.base import ModelLayer
from ..nn.flow import TOKENS, VECTORS, DataShape
from ..nn.recurrent import RecurrentLayer
from .graph import GraphBuilder, tensor
from .stack import write_stack

EVERY_STEP = np.iinfo(np.int32).max
"""The default of the input `lengths`: longer than any sequence, so that every step counts."""


def to_model(model: Any) -> onnx.ModelProto:
    """The ONNX model with inputs x and, optionally, lengths, and output y."""
    builder = _SequentialBuilder(model)
    for index, layer in enumerate(model.model_layers):
        try:
            builder.add(index, layer)
        except (TypeError, ValueError) as error:
            raise type(error)(f"layer {index}, {layer!r}: {error}") from None
    return builder.model()


class _SequentialBuilder:
    """The graph of the layers added so far; `y` is the name of the last one's output."""

    def __init__(self, model: Any) -> None:
        layers = model.model_layers
        self.flows: list[DataShape] = model.flows
        self.dtype = model.dtype
        self.steps: int | str = next((layer.steps for layer in layers if isinstance(layer, gw.Flatten)), "T")
        self.graph = graph = GraphBuilder()
        graph.constant("lengths", np.full(1, EVERY_STEP, np.int32))
        graph.node("Shape", ["x"], ["sizes"])
        batch = graph.node("Gather", ["sizes", graph.integers(0)], ["batch"])
        steps = graph.node("Gather", ["sizes", graph.integers(1)], ["steps"])
        graph.node("Cast", [steps], ["steps_32"], to=onnx.TensorProto.INT32)
        graph.node("Min", ["lengths", "steps_32"], ["lengths_within"])
        graph.node("Expand", ["lengths_within", batch], ["lengths_each"])  # [B]
        self.y = "x" if isinstance(layers[0], RecurrentLayer) else self._without_padding()

    def add(self, index: int, layer: ModelLayer) -> None:
        """Add the nodes of a layer; names of its results begin with its index."""
        if type(layer) not in METHODS:
            known = ", ".join(known.__name__ for known in METHODS if known is not RecurrentLayer)
            raise TypeError(f"expected a recurrent layer, {known}, got a layer that has no ONNX operators")
        self.y = METHODS[type(layer)](self, index, layer)

    def model(self) -> onnx.ModelProto:
        """The finished model."""
        self.graph.node("Identity", [self.y], ["y"])
        first, last = self.flows[0], self.flows[-1]
        steps: list[int | str] = ["B", self.steps]
        tokens = first.kind == TOKENS
        x = tensor("x", np.int64, steps) if tokens else tensor("x", self.dtype, [*steps, first.features])
        y = [*(steps[:1] if last.kind == VECTORS else steps), last.features]
        return self.graph.model([x, tensor("lengths", np.int32, ["B or 1"])], [tensor("y", self.dtype, y)])

    def _valid(self) -> str:
        """Which steps count, bool [B, T]; the nodes are added once."""
        graph = self.graph
        if not any(node.output[0] == "valid" for node in graph.nodes):
            start, step = (graph.constant(f"range_{i}", np.array(i, np.int32)) for i in (0, 1))
            graph.node("Squeeze", ["steps_32"], ["limit"])
            graph.node("Range", [start, "limit", step], ["times"])
            self._column("lengths_each", "lengths_column")
            graph.node("Less", ["times", "lengths_column"], ["valid"])
        return "valid"

    def _column(self, name: str, output: str) -> str:
        """[..., n] as [..., n, 1]."""
        return self.graph.node("Unsqueeze", [name, self.graph.integers(-1)], [output])

    def _without_padding(self) -> str:
        """x with zeros at the steps that do not count."""
        tokens = self.flows[0].kind == TOKENS
        valid = self._valid() if tokens else self._column(self._valid(), "valid_x")
        return self.graph.node("Where", [valid, "x", self._zero(np.int64 if tokens else self.dtype)], ["x_valid"])

    def _zero(self, dtype: Any) -> str:
        return self.graph.constant(f"zero_{np.dtype(dtype)}", np.zeros((), dtype))

    def dropout(self, index: int, layer: gw.Dropout) -> str:
        return self.y  # acts in training only

    def embedding(self, index: int, layer: gw.Embedding) -> str:
        weight = self.graph.constant(f"{index}.weight", layer.params["weight"])
        return self.graph.node("Gather", [weight, self.y], [f"{index}.y"])

    def recurrent(self, index: int, layer: RecurrentLayer) -> str:
        steps = self.graph.node("Transpose", [self.y], [f"{index}.x_steps"], perm=[1, 0, 2])
        y, _ = write_stack(self.graph, layer.layer, steps, "lengths_each", prefix=f"{index}.")
        return self.graph.node("Transpose", [y], [f"{index}.y"], perm=[1, 0, 2])

    def linear(self, index: int, layer: gw.Linear) -> str:
        weight = self.graph.constant(f"{index}.weight", layer.params["weight"].T)
        y = self.graph.node("MatMul", [self.y, weight], [f"{index}.products"])
        if not layer.bias:
            return y
        return self.graph.node("Add", [y, self.graph.constant(f"{index}.bias", layer.params["bias"])], [f"{index}.y"])

    def last_step(self, index: int, layer: gw.LastStep) -> str:
        """The last valid step of a forward direction, and the first of a reverse one; zeros if no step is valid."""
        graph, flow = self.graph, self.flows[index]
        lengths = graph.node("Cast", ["lengths_each"], [f"{index}.lengths"], to=onnx.TensorProto.INT64)
        last = graph.node("Sub", [lengths, graph.integers(1)], [f"{index}.last_or_none"])
        last = graph.node("Max", [last, graph.integers(0)], [f"{index}.last"])
        places = self._column(last, f"{index}.places")
        y = graph.node("GatherND", [self.y, places], [f"{index}.at_last"], batch_dims=1)
        if flow.directions == 2:
            half = flow.features // 2
            zero, middle, end = (graph.integers(size) for size in (0, half, flow.features))
            axis = graph.integers(1)
            forward = graph.node("Slice", [y, zero, middle, axis], [f"{index}.forward"])
            first = graph.node("Gather", [self.y, graph.constant("first", np.array(0))], [f"{index}.first"], axis=1)
            reverse = graph.node("Slice", [first, middle, end, axis], [f"{index}.reverse"])
            y = graph.node("Concat", [forward, reverse], [f"{index}.both"], axis=1)
        nonempty = self._column(graph.node("Greater", [lengths, graph.integers(0)], [f"{index}.any"]), f"{index}.taken")
        return graph.node("Where", [nonempty, y, self._zero(self.dtype)], [f"{index}.y"])

    def mean(self, index: int, layer: gw.MeanOverSteps) -> str:
        graph = self.graph
        element = onnx.helper.np_dtype_to_tensor_dtype(self.dtype)
        valid = self._column(self._valid(), f"{index}.valid")
        kept = graph.node("Where", [valid, self.y, self._zero(self.dtype)], [f"{index}.kept"])
        total = graph.node("ReduceSum", [kept, graph.integers(1)], [f"{index}.sum"], keepdims=0)
        one = graph.constant("one_length", np.array(1, np.int32))
        steps = graph.node("Max", ["lengths_column", one], [f"{index}.steps"])
        count = graph.node("Cast", [steps], [f"{index}.count"], to=element)
        return graph.node("Div", [total, count], [f"{index}.y"])

    def flatten(self, index: int, layer: gw.Flatten) -> str:
        wide = self.graph.integers(0, self.flows[index + 1].features)  # in Reshape, 0 keeps an axis
        return self.graph.node("Reshape", [self.y, wide], [f"{index}.y"])


METHODS: dict[type[ModelLayer], Callable[[_SequentialBuilder, int, Any], str]] = {
    gw.Dropout: _SequentialBuilder.dropout,
    gw.Embedding: _SequentialBuilder.embedding,
    gw.Flatten: _SequentialBuilder.flatten,
    gw.LastStep: _SequentialBuilder.last_step,
    gw.Linear: _SequentialBuilder.linear,
    gw.MeanOverSteps: _SequentialBuilder.mean,
    RecurrentLayer: _SequentialBuilder.recurrent,
}
"""Class of a layer to the method that adds its nodes and returns the name of its output."""
