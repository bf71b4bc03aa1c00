"""The ONNX model that ONNX Runtime and OpenVINO run."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cases import Case

from ._data import weights

# From PyTorch's order of gates to ONNX's: i f g o to i o f g; r z n to z r n.
ORDER = {"LSTM": [0, 3, 1, 2], "GRU": [1, 0, 2], "RNN": [0]}


def model(case: Case) -> Any:
    """One recurrent node with fixed shapes, its state an input where it is carried, lengths a constant."""
    own, order = weights(case), ORDER[case.cell]

    def permuted(array: Any) -> Any:
        return np.concatenate([array.reshape(len(order), case.H, -1)[gate] for gate in order])

    bias = np.concatenate([permuted(own["bias_ih"]), permuted(own["bias_hh"])]).reshape(1, -1)
    constants = {"W": permuted(own["weight_ih"])[None], "R": permuted(own["weight_hh"])[None], "bias": bias}
    if case.ragged:
        constants["lengths"] = np.array(case.lengths(), np.int32)
    names = ["x", "W", "R", "bias", "lengths" if case.ragged else ""]
    state = [] if case.mode != "step" else ["h"] if case.cell != "LSTM" else ["h", "c"]
    attributes = {"linear_before_reset": 1} if case.cell == "GRU" else {}
    outputs = ["y", *(f"{name}_last" for name in state)]
    node = helper.make_node(case.cell, names + state, outputs, hidden_size=case.H, **attributes)

    def value(name: str, shape: list[int]) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    one = [1, case.B, case.H]
    graph = helper.make_graph(
        [node],
        case.cell,
        [value("x", [case.T, case.B, case.I]), *(value(name, one) for name in state)],
        [value("y", [case.T, 1, case.B, case.H]), *(value(f"{name}_last", one) for name in state)],
        [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def feeds(case: Case, x: Any) -> dict[str, Any]:
    """The inputs of that model."""
    state = [] if case.mode != "step" else ["h"] if case.cell != "LSTM" else ["h", "c"]
    return {"x": x, **{name: np.zeros((1, case.B, case.H), np.float32) for name in state}}


def supported(case: Case) -> bool:
    """Inference in float32."""
    return case.mode != "train" and case.dtype == "float32"
