"""The ONNX model that ONNX Runtime and OpenVINO run."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cases import Case

from ._data import suffixes, weights

# From PyTorch's gate order to ONNX's: i f g o to i o f g; r z n to z r n.
ORDER = {"LSTM": [0, 3, 1, 2], "GRU": [1, 0, 2], "RNN": [0]}


def model(case: Case) -> Any:
    """One recurrent node per layer, with fixed shapes.

    The state is an input if the case carries it; lengths are a constant.
    """
    own, order, constants = weights(case), ORDER[case.cell], {}
    if case.ragged:
        constants["lengths"] = np.array(case.lengths(), np.int32)
    state = [] if case.mode != "step" else ["h"] if case.cell != "LSTM" else ["h", "c"]
    attributes: dict[str, Any] = {"linear_before_reset": 1} if case.cell == "GRU" else {}
    if case.directions == 2:
        attributes["direction"] = "bidirectional"

    def of_directions(layer: int, *names: str) -> Any:
        """The parameters of both directions, (D, ...), in ONNX's gate order; several are concatenated."""

        def permuted(array: Any) -> Any:
            return np.concatenate([array.reshape(len(order), case.H, -1)[gate] for gate in order])

        parts = [[permuted(own[name + suffix]) for name in names] for suffix in suffixes(case, layer)]
        return np.stack([np.concatenate(each) for each in parts])

    nodes = []
    for layer in range(case.layers):
        w, r, b, y = (f"{name}{layer}" for name in "WRBy")
        constants |= {w: of_directions(layer, "weight_ih"), r: of_directions(layer, "weight_hh")}
        constants[b] = of_directions(layer, "bias_ih", "bias_hh")[..., 0]
        names = ["x" if layer == 0 else f"x{layer}", w, r, b, "lengths" if case.ragged else ""]
        outputs = [y, *(f"{name}_last" for name in state)]
        nodes.append(helper.make_node(case.cell, names + state, outputs, hidden_size=case.H, **attributes))
        if layer + 1 < case.layers:  # [T, D, B, H] to [T, B, D·H]
            constants["shape"] = np.array([case.T, case.B, -1])
            nodes.append(helper.make_node("Transpose", [y], [f"{y}t"], perm=[0, 2, 1, 3]))
            nodes.append(helper.make_node("Reshape", [f"{y}t", "shape"], [f"x{layer + 1}"]))

    def value(name: str, shape: list[int]) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    one = [1, case.B, case.H]
    graph = helper.make_graph(
        nodes,
        case.cell,
        [value("x", [case.T, case.B, case.I]), *(value(name, one) for name in state)],
        [value(y, [case.T, case.directions, case.B, case.H]), *(value(f"{name}_last", one) for name in state)],
        [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def feeds(case: Case, x: Any) -> dict[str, Any]:
    """The inputs of the model."""
    state = [] if case.mode != "step" else ["h"] if case.cell != "LSTM" else ["h", "c"]
    return {"x": x, **{name: np.zeros((1, case.B, case.H), np.float32) for name in state}}


def supported(case: Case) -> bool:
    """Whether the case is supported: only inference in float32 is."""
    return case.mode != "train" and case.dtype == "float32"
