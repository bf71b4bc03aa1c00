"""ONNX graphs that are built node by node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import DTypeLike
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from .. import __version__

OPSET, IR_VERSION = 17, 8
"""The versions of 2022. All runtimes since then read them, and nothing newer is needed."""


class GraphBuilder:
    """The nodes and constants of a graph that is being built. Methods that add a result return its name."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, TensorProto] = {}

    def constant(self, name: str, value: Any) -> str:
        """Add an array under this name."""
        self.constants[name] = numpy_helper.from_array(np.array(value, order="C"), name)
        return name

    def integers(self, *values: int) -> str:
        """Add an int64 array, named after its values."""
        return self.constant("_".join(["integers", *map(str, values)]), np.array(values, np.int64))

    def node(self, operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> str:
        """Add a node, named after its operator and first output, and return the name of that output."""
        self.nodes.append(helper.make_node(operator, inputs, outputs, name=f"{operator}_{outputs[0]}", **attributes))
        return outputs[0]

    def model(self, inputs: Sequence[ValueInfoProto], outputs: Sequence[ValueInfoProto]) -> onnx.ModelProto:
        """The finished, checked model. An input that is also a constant is optional; the constant is its default."""
        graph = helper.make_graph(self.nodes, "gatewise", inputs, outputs, list(self.constants.values()))
        model = helper.make_model(
            graph, producer_name="gatewise", producer_version=__version__, ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )  # fmt: skip
        onnx.checker.check_model(model, full_check=True)
        return model


def tensor(name: str, dtype: DTypeLike, shape: Sequence[int | str]) -> ValueInfoProto:
    """The description of an input or output; a size may be a name."""
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
