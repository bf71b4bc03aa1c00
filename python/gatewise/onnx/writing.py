"""Layers as ONNX files that other runtimes run: one operator for each layer, reshapes between them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

import gatewise as gw

from .._files import replace_file
from . import activations
from .gates import to_onnx

OPSET, IR_VERSION = 17, 8
"""Of 2022: what runtimes since then read; nothing newer is needed."""


class Writer:
    """The nodes and constants of a graph that grows."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Keep an array under this name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> None:
        """Add a node, named after its first output."""
        self.nodes.append(helper.make_node(operator, inputs, outputs, name=f"{operator}_{outputs[0]}", **attributes))


def save(layer: Any, path: str | os.PathLike[str] | BinaryIO) -> None:
    """Write a layer as an ONNX file (operator set 17, layout 0), weights inside.

    The graph's inputs are ``x``, lying as the layer takes it, ``lengths`` (int32, (B,)), ``h_0`` and, for an LSTM,
    ``c_0``; its outputs ``y``, ``h_n`` and ``c_n``, shaped like the layer's results. Dropout is left out: files are for
    inference. ONNX Runtime runs float32 only: ``layer.astype("float32")`` converts. A sequence of length 0 is undefined
    in ONNX; the layer, and `load`, give its initial state.

    Parameters
    ----------
    layer : an RNN, LSTM or GRU, stacked, bidirectional, with peepholes or not.
    path : where to write, or an open binary file.

    Raises
    ------
    TypeError : something else than a layer. ValueError : an option that ONNX does not have, named. OSError : the file
        cannot be written.

    >>> import io, gatewise as gw, gatewise.onnx
    >>> gatewise.onnx.save(gw.LSTM(3, 4, peephole=True), io.BytesIO())
    """
    content = to_model(layer).SerializeToString()
    if hasattr(path, "write"):
        path.write(content)
    else:
        replace_file(Path(path), content)


def to_model(layer: Any) -> onnx.ModelProto:
    """The model that `save` writes."""
    kind = next((kind for kind in ("RNN", "LSTM", "GRU") if type(layer) is getattr(gw, kind)), None)
    if kind is None:
        raise TypeError(f"layer: expected an RNN, LSTM or GRU, got {type(layer).__name__}")
    if layer.proj_size:
        raise ValueError(f"proj_size: expected 0, since ONNX has no projection, got {layer.proj_size}")
    if np.any(layer.zoneout):
        raise ValueError(f"zoneout: expected 0, since ONNX mixes no old state into the new, got {layer.zoneout}")
    writer, states = Writer(), ("h", "c") if kind == "LSTM" else ("h",)
    D, H, L = 1 + layer.bidirectional, layer.hidden_size, layer.num_layers
    x = "x"
    if layer.batch_first:
        writer.node("Transpose", [x], ["x_steps"], perm=[1, 0, 2])
        x = "x_steps"
    for half in states:
        parts = [f"{half}_0_l{index}" for index in range(L)]
        if L == 1:
            writer.node("Identity", [f"{half}_0"], parts)
        else:
            writer.constant(f"{half}_split", np.full(L, D, np.int64))
            writer.node("Split", [f"{half}_0", f"{half}_split"], parts, axis=0)
    writer.constant("joined", np.array([0, 0, D * H], np.int64))  # 0: the size that is there
    for index in range(L):
        x = _write_layer(writer, layer, kind, index, x, states)
    for half in states:
        writer.node("Concat", [f"{half}_n_l{index}" for index in range(L)], [f"{half}_n"], axis=0)
    if layer.batch_first:
        writer.node("Transpose", [x], ["y"], perm=[1, 0, 2])
    else:
        writer.node("Identity", [x], ["y"])
    return _model(writer, layer, states)


def _write_layer(writer: Writer, layer: Any, kind: str, index: int, x: str, states: Sequence[str]) -> str:
    """Add one layer of the stack and give the name of its output [T, B, D H]."""
    suffixes = [f"_l{index}", f"_l{index}_reverse"][: 1 + layer.bidirectional]
    arrays = to_onnx(kind, layer.params, suffixes)
    names = {name: writer.constant(f"{name}_l{index}", array) for name, array in arrays.items()}
    inputs = [x, names["W"], names["R"], names.get("B", ""), "lengths", *(f"{half}_0_l{index}" for half in states)]
    if "P" in names:
        inputs.append(names["P"])
    outputs = [f"Y_l{index}", *(f"{half}_n_l{index}" for half in states)]
    writer.node(kind, inputs, outputs, **_attributes(layer, kind))
    writer.node("Transpose", [outputs[0]], [f"y_steps_l{index}"], perm=[0, 2, 1, 3])
    writer.node("Reshape", [f"y_steps_l{index}", "joined"], [f"y_l{index}"])
    return f"y_l{index}"


def _attributes(layer: Any, kind: str) -> dict[str, Any]:
    """What the operator is told besides its weights."""
    directions = 1 + layer.bidirectional
    each = [layer.nonlinearity] if kind == "RNN" else list(layer.activations)
    attributes = {
        "hidden_size": layer.hidden_size,
        "direction": "bidirectional" if layer.bidirectional else "forward",
        **activations.write(each * directions),
    }
    if layer.clip is not None:
        attributes["clip"] = layer.clip
    if kind == "LSTM" and layer.input_forget:
        attributes["input_forget"] = 1
    if kind == "GRU":
        attributes["linear_before_reset"] = int(layer.reset_after)
    return attributes


def _model(writer: Writer, layer: Any, states: Sequence[str]) -> onnx.ModelProto:
    element = helper.np_dtype_to_tensor_dtype(layer.dtype)
    D, H = 1 + layer.bidirectional, layer.hidden_size
    steps = ["B", "T"] if layer.batch_first else ["T", "B"]
    rows = [layer.num_layers * D, "B", H]

    def tensor(name: str, shape: Sequence[Any], kind: int = element) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, shape)

    inputs = [tensor("x", [*steps, layer.input_size]), tensor("lengths", ["B"], TensorProto.INT32)]
    inputs += [tensor(f"{half}_0", rows) for half in states]
    outputs = [tensor("y", [*steps, D * H]), *(tensor(f"{half}_n", rows) for half in states)]
    graph = helper.make_graph(writer.nodes, "gatewise", inputs, outputs, writer.constants)
    model = helper.make_model(
        graph, producer_name="gatewise", producer_version=gw.__version__, ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )  # fmt: skip
    onnx.checker.check_model(model, full_check=True)
    return model
