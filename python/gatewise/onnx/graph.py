"""A graph that grows node by node, and the file that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import DTypeLike
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

import gatewise as gw

OPSET, IR_VERSION = 17, 8
"""Of 2022: what runtimes since then read; nothing newer is needed."""


class Writer:
    """The nodes and constants of a graph that grows."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, TensorProto] = {}

    def constant(self, name: str, value: Any) -> str:
        """Keep an array under this name."""
        self.constants[name] = numpy_helper.from_array(np.array(value, order="C"), name)
        return name

    def integers(self, *values: int) -> str:
        """A constant of integers (int64), named after them."""
        return self.constant("_".join(["integers", *map(str, values)]), np.array(values, np.int64))

    def node(self, operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> str:
        """Add a node, named after its first output, whose name it returns."""
        self.nodes.append(helper.make_node(operator, inputs, outputs, name=f"{operator}_{outputs[0]}", **attributes))
        return outputs[0]

    def model(self, inputs: Sequence[ValueInfoProto], outputs: Sequence[ValueInfoProto]) -> onnx.ModelProto:
        """The whole, checked. An input that is also a constant may be left out by who runs it."""
        graph = helper.make_graph(self.nodes, "gatewise", inputs, outputs, list(self.constants.values()))
        model = helper.make_model(
            graph, producer_name="gatewise", producer_version=gw.__version__, ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )  # fmt: skip
        onnx.checker.check_model(model, full_check=True)
        return model


def tensor(name: str, dtype: DTypeLike, shape: Sequence[int | str]) -> ValueInfoProto:
    """An input or output."""
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
