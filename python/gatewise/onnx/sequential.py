"""`gatewise.Sequential` as a graph: what each of its parts becomes."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

import gatewise as gw

from ..nn.base import TOKENS, VECTORS, Flow
from ..nn.recurrent import RecurrentLayer
from .graph import Writer, tensor
from .stack import write_stack

EVERY_STEP = np.iinfo(np.int32).max
"""The length that stands for all steps."""


def to_model(model: Any) -> onnx.ModelProto:
    """The graph of a model: x, and lengths where they are given, to y."""
    graph = _Graph(model)
    for index, part in enumerate(model.model_layers):
        try:
            graph.write(index, part)
        except (TypeError, ValueError) as error:
            raise type(error)(f"part {index}, {part!r}: {error}") from None
    return graph.whole()


class _Graph:
    """The parts written so far; `y` is the name of what the last of them gives."""

    def __init__(self, model: Any) -> None:
        self.flows: list[Flow] = model.flows
        self.dtype = model.dtype
        self.steps: int | str = next((part.steps for part in model.parts if isinstance(part, gw.Flatten)), "T")
        self.writer = writer = Writer()
        writer.constant("lengths", np.full(1, EVERY_STEP, np.int32))
        writer.node("Shape", ["x"], ["sizes"])
        batch = writer.node("Gather", ["sizes", writer.integers(0)], ["batch"])
        steps = writer.node("Gather", ["sizes", writer.integers(1)], ["steps"])
        writer.node("Cast", [steps], ["steps_32"], to=onnx.TensorProto.INT32)
        writer.node("Min", ["lengths", "steps_32"], ["lengths_within"])
        writer.node("Expand", ["lengths_within", batch], ["lengths_each"])  # [B]
        self.y = "x" if isinstance(model.model_layers[0], RecurrentLayer) else self._without_padding()

    def write(self, index: int, part: Any) -> None:
        """Add a part."""
        if isinstance(part, gw.Dropout):
            return
        if isinstance(part, RecurrentLayer):
            self.y = self._recurrent(index, part.layer)
        elif type(part) is gw.Embedding:
            weight = self.writer.constant(f"{index}.weight", part.params["weight"])
            self.y = self.writer.node("Gather", [weight, self.y], [f"{index}.y"])
        elif type(part) is gw.Linear:
            self.y = self._linear(index, part)
        elif type(part) is gw.LastStep:
            self.y = self._last_step(index)
        elif type(part) is gw.MeanOverSteps:
            self.y = self._mean(index)
        elif type(part) is gw.Flatten:
            wide = self.writer.integers(0, self.flows[index + 1].features)
            self.y = self.writer.node("Reshape", [self.y, wide], [f"{index}.y"])
        else:
            raise TypeError("expected a part that gatewise has")

    def whole(self) -> onnx.ModelProto:
        """The file's content."""
        self.writer.node("Identity", [self.y], ["y"])
        first, last = self.flows[0], self.flows[-1]
        steps: list[int | str] = ["B", self.steps]
        tokens = first.kind == TOKENS
        x = tensor("x", np.int64, steps) if tokens else tensor("x", self.dtype, [*steps, first.features])
        y = [*(steps[:1] if last.kind == VECTORS else steps), last.features]
        return self.writer.model([x, tensor("lengths", np.int32, ["B or 1"])], [tensor("y", self.dtype, y)])

    def _valid(self) -> str:
        """Which steps count, bool [B, T]."""
        writer = self.writer
        if not any(node.output[0] == "valid" for node in writer.nodes):
            start, step = (writer.constant(f"range_{i}", np.array(i, np.int32)) for i in (0, 1))
            writer.node("Squeeze", ["steps_32"], ["limit"])
            writer.node("Range", [start, "limit", step], ["times"])
            self._column("lengths_each", "lengths_column")
            writer.node("Less", ["times", "lengths_column"], ["valid"])
        return "valid"

    def _column(self, name: str, output: str) -> str:
        """[..., n] as [..., n, 1]."""
        return self.writer.node("Unsqueeze", [name, self.writer.integers(-1)], [output])

    def _without_padding(self) -> str:
        """x with zeros at the steps that do not count."""
        tokens = self.flows[0].kind == TOKENS
        valid = self._valid() if tokens else self._column(self._valid(), "valid_x")
        return self.writer.node("Where", [valid, "x", self._zero(np.int64 if tokens else self.dtype)], ["x_valid"])

    def _zero(self, dtype: Any) -> str:
        return self.writer.constant(f"zero_{np.dtype(dtype)}", np.zeros((), dtype))

    def _recurrent(self, index: int, layer: Any) -> str:
        steps = self.writer.node("Transpose", [self.y], [f"{index}.x_steps"], perm=[1, 0, 2])
        y, _ = write_stack(self.writer, layer, steps, "lengths_each", prefix=f"{index}.")
        return self.writer.node("Transpose", [y], [f"{index}.y"], perm=[1, 0, 2])

    def _linear(self, index: int, part: Any) -> str:
        weight = self.writer.constant(f"{index}.weight", part.params["weight"].T)
        y = self.writer.node("MatMul", [self.y, weight], [f"{index}.products"])
        if not part.bias:
            return y
        return self.writer.node("Add", [y, self.writer.constant(f"{index}.bias", part.params["bias"])], [f"{index}.y"])

    def _last_step(self, index: int) -> str:
        """Of the forward direction the last valid step, of a reverse one the first; zeros where there is none."""
        writer, flow = self.writer, self.flows[index]
        lengths = writer.node("Cast", ["lengths_each"], [f"{index}.lengths"], to=onnx.TensorProto.INT64)
        last = writer.node("Sub", [lengths, writer.integers(1)], [f"{index}.last_or_none"])
        last = writer.node("Max", [last, writer.integers(0)], [f"{index}.last"])
        places = self._column(last, f"{index}.places")
        y = writer.node("GatherND", [self.y, places], [f"{index}.at_last"], batch_dims=1)
        if flow.directions == 2:
            half = flow.features // 2
            zero, middle, end = (writer.integers(size) for size in (0, half, flow.features))
            axis = writer.integers(1)
            forward = writer.node("Slice", [y, zero, middle, axis], [f"{index}.forward"])
            first = writer.node("Gather", [self.y, writer.constant("first", np.array(0))], [f"{index}.first"], axis=1)
            reverse = writer.node("Slice", [first, middle, end, axis], [f"{index}.reverse"])
            y = writer.node("Concat", [forward, reverse], [f"{index}.both"], axis=1)
        taken = writer.node("Greater", [lengths, writer.integers(0)], [f"{index}.any"])
        return writer.node("Where", [self._column(taken, f"{index}.taken"), y, self._zero(self.dtype)], [f"{index}.y"])

    def _mean(self, index: int) -> str:
        writer = self.writer
        element = onnx.helper.np_dtype_to_tensor_dtype(self.dtype)
        valid = self._column(self._valid(), f"{index}.valid")
        kept = writer.node("Where", [valid, self.y, self._zero(self.dtype)], [f"{index}.kept"])
        total = writer.node("ReduceSum", [kept, writer.integers(1)], [f"{index}.sum"], keepdims=0)
        one = writer.constant("one_length", np.array(1, np.int32))
        steps = writer.node("Max", ["lengths_column", one], [f"{index}.steps"])
        count = writer.node("Cast", [steps], [f"{index}.count"], to=element)
        return writer.node("Div", [total, count], [f"{index}.y"])
