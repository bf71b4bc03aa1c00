"""Layers agree with ONNX Runtime for every activation, with clip, input_forget and peepholes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import draw
import gatewise as gw
from draw import Case
from gatewise._core.activations import DEFAULTS
from gatewise._core.state import parts
from tolerances import expect, largest

onnx = pytest.importorskip("onnx", reason="compares with ONNX Runtime through a model that onnx makes")
onnxruntime = pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime, which is not installed")

Array = NDArray[Any]
OPTIONS = [option for option in draw.CHOSEN if not option.projected]
# The position of each of ONNX's gates in gatewise's order. ONNX has i, o, f, g and peepholes i, o, f; and z, r, n.
GATES = {"RNN": [0], "LSTM": [0, 3, 1, 2], "GRU": [1, 0, 2]}


def attributes(activations: tuple[Any, ...]) -> dict[str, Any]:
    """ONNX's attributes for checked activations: their names, and all parameters in order of use."""
    names, parameters = [], [[], []]  # type: ignore[var-annotated]
    for activation in activations:
        name, *given = (activation,) if isinstance(activation, str) else activation
        name, given = ("affine", [1.0, 0.0]) if name == "linear" else (name, given)
        names.append("".join(word.capitalize() for word in name.split("_")))
        assert len(given) == len(DEFAULTS[name])
        for values, number in zip(parameters, given, strict=False):
            values.append(number)
    lists = {"activations": names, "activation_alpha": parameters[0], "activation_beta": parameters[1]}
    return {name: value for name, value in lists.items() if value}


def model(case: Case, layer: Any) -> bytes:
    """A model with this layer only. It maps x, h and c to y and the final states."""

    def permuted(name: str, order: list[int]) -> Array:
        return np.concatenate([np.split(case.params[name], len(order))[gate] for gate in order])

    order, kind = GATES[case.kind], case.kind
    tensors = {name: permuted(f"weight_{suffix}_l0", order) for name, suffix in (("W", "ih"), ("R", "hh"))}
    tensors["B"] = np.concatenate([permuted("bias_ih_l0", order), permuted("bias_hh_l0", order)])
    inputs, outputs = ["x", "W", "R", "B", "", "h"], ["y", "h_last"]
    if kind == "LSTM":
        inputs.append("c")
        outputs.append("c_last")
        if layer.peephole:
            inputs.append("P")
            tensors["P"] = permuted("weight_peephole_l0", [0, 2, 1]).ravel()
    settings = attributes((layer.nonlinearity,) if kind == "RNN" else layer.activations)
    settings |= {} if layer.clip is None else {"clip": layer.clip}
    settings |= {"input_forget": 1} if kind == "LSTM" and layer.input_forget else {}
    settings |= {"linear_before_reset": int(layer.reset_after)} if kind == "GRU" else {}
    node = onnx.helper.make_node(kind, inputs, outputs, hidden_size=layer.hidden_size, **settings)

    def value(name: str) -> Any:
        return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None] * (4 if name == "y" else 3))

    graph = onnx.helper.make_graph(
        [node],
        "layer",
        [value(name) for name in ("x", "h", "c") if name in inputs],
        [value(name) for name in outputs],
        [onnx.numpy_helper.from_array(array[None].astype(np.float32), name) for name, array in tensors.items()],
    )
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 22)], ir_version=10)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


@pytest.mark.parametrize("number", range(len(OPTIONS)), ids=[str(option) for option in OPTIONS])
def test_same_outputs(number: int) -> None:
    """gatewise in float64 and ONNX Runtime in float32 differ by no more than the error bound of float32."""
    case = draw.make(OPTIONS[number], draw.Variant("forward", dy=False), seed=number)
    layer = case.layer(gw, np.float64)
    y, state = layer(case.x, case.state)
    halves = dict(zip(("h", "c"), parts(case.state), strict=False))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model(case, layer), options, providers=["CPUExecutionProvider"])
    feeds = {name: array.astype(np.float32) for name, array in {"x": case.x, **halves}.items()}
    theirs = session.run(None, feeds)
    bounds = expect(case)
    for name, ours, other in zip(
        ("y", "state.0", "state.1"), (y, *parts(state)), (theirs[0][:, 0], *theirs[1:]), strict=False
    ):
        error, bound = largest(ours - other), bounds.bound(name, np.float32)
        assert error <= bound, f"{name}: {error:.3g} > {bound:.3g}"
