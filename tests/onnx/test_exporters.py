"""ONNX graphs in the forms that Keras's exporter and tf2onnx write."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tolerances import CELL, chain, unit

os.environ.setdefault("KERAS_BACKEND", "torch")
onnx = pytest.importorskip("onnx", reason="reads ONNX files, and the onnx package is not installed")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

import gatewise.onnx as go  # noqa: E402

Array = NDArray[Any]
T, B, INPUTS, H = 4, 2, 3, 5
ATOL = 2 * 2 * T * (chain(INPUTS + H) + CELL) * unit(np.float32)
"""Both libraries round in two layers, and each step passes its roundings on to the next."""


@pytest.mark.interop("ONNX", "models from Keras's exporter (PyTorch backend)", reads="rounding")
@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU", "Bidirectional"])
@pytest.mark.filterwarnings("ignore")  # the exporters emit deprecation warnings
def test_what_keras_exports(kind: str, tmp_path: Path) -> None:
    """``model.export(format="onnx")`` unrolls a layer into the products and activations of every step."""
    pytest.importorskip("torch", reason="Keras exports with PyTorch here, which is not installed")
    keras = pytest.importorskip("keras", reason="Keras exports, and it is not installed")
    layers = keras.layers
    layer = layers.Bidirectional(layers.LSTM(H)) if kind == "Bidirectional" else getattr(layers, kind)(H)
    model = keras.Sequential([keras.Input((T, INPUTS)), layer, layers.Dense(2, activation="softmax")])
    x = np.random.default_rng(0).uniform(-1, 1, (B, T, INPUTS)).astype(np.float32)
    want = keras.ops.convert_to_numpy(model(x))
    model.export(str(tmp_path / "model.onnx"), format="onnx", verbose=False)
    loaded = go.load(tmp_path / "model.onnx")
    (got,) = loaded.run({next(iter(loaded.inputs)): x}).values()
    np.testing.assert_allclose(got, want, rtol=0, atol=ATOL)


class Graph:
    """A graph that is being built. Each call adds a node and returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def __call__(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        names = [f"{operator}_{len(self.nodes)}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value: Any) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def model(self, results: list[str]) -> bytes:
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "steps", INPUTS])
        values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in results]
        graph = helper.make_graph(self.nodes, "tf2onnx", [x], values, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
        inferred = onnx.shape_inference.infer_shapes(model)
        for value in inferred.graph.output:
            value.type.tensor_type.shape.SetInParent()
        return bytes(inferred.SerializeToString())


def zeros_for(graph: Graph, x: str) -> str:
    """Initial states, (1, B, H), with the batch size of x, which is sliced from its shape, cast and concatenated."""
    sizes = graph("Cast", graph("Shape", x), to=TensorProto.INT32)
    first, second = graph.constant([0]), graph.constant([1])
    batch = graph("Squeeze", graph("Slice", sizes, first, second, first), first)
    both = graph("Concat", graph("Unsqueeze", batch, first), graph.constant(np.array([H], np.int32)), axis=0)
    zero = graph("ConstantOfShape", graph("Cast", both, to=TensorProto.INT64), value=onnx.numpy_helper.from_array(
        np.zeros(1, np.float32)))  # fmt: skip
    wide = graph("Expand", zero, graph("Cast", both, to=TensorProto.INT64))
    return str(graph("Unsqueeze", wide, first))


GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


def layer(graph: Graph, kind: str, x: str, inputs: int, direction: str, rng: np.random.Generator) -> tuple[str, str]:
    """The output (B, T, D H) and the last output (B, D H) of a layer that reads (B, T, inputs)."""
    directions = 2 if direction == "bidirectional" else 1
    first = graph.constant([0])

    def weights(*shape: int) -> str:
        return graph.constant(rng.uniform(-0.5, 0.5, (directions, *shape)).astype(np.float32))

    rows = GATES[kind] * H
    steps = graph("Transpose", x, perm=[1, 0, 2])
    zero = zeros_for(graph, x)
    initial = graph("Concat", *[zero] * directions, axis=0)
    states = [initial] * (2 if kind == "LSTM" else 1)
    attributes = {"linear_before_reset": 1} if kind == "GRU" else {}
    parts = [weights(rows, inputs), weights(rows, H), weights(2 * rows)]
    results = graph(
        kind, steps, *parts, "", *states, outputs=1 + len(states), hidden_size=H, direction=direction, **attributes
    )
    if directions == 1:
        y, last = graph("Squeeze", results[0], graph.constant([1])), graph("Squeeze", results[1], first)
    else:
        halves = graph("Split", results[0], graph.constant([1, 1]), outputs=2, axis=1)
        y = graph("Concat", *(graph("Squeeze", half, graph.constant([1])) for half in halves), axis=2)
        ends = graph("Split", results[1], graph.constant([1, 1]), outputs=2, axis=0)
        last = graph("Concat", *(graph("Squeeze", end, first) for end in ends), axis=-1)
    return graph("Transpose", y, perm=[1, 0, 2]), last


@pytest.mark.interop("ONNX", "graphs in the form that tf2onnx writes", reads="rounding")
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("kind", GATES)
def test_patterns_of_tf2onnx(kind: str, direction: str) -> None:
    """tf2onnx rewrites TensorFlow's loop as one operator with initial states whose sizes are computed from x. It keeps
    TensorFlow's reshapes around a Dense layer over steps, its StridedSlice and its GatherV2."""
    runtime = pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime, which is not installed")
    graph, rng = Graph(), np.random.default_rng(0)
    width = 2 * H if direction == "bidirectional" else H
    y, _ = layer(graph, kind, "x", INPUTS, direction, rng)
    again, last = layer(graph, kind, y, width, direction, rng)
    # Dense over steps is a tensordot: reshape to rows, multiply, and reshape back.
    sizes = graph("Shape", again)
    outer = graph("Gather", sizes, graph.constant([0, 1]), axis=0)
    rows = graph("Reshape", again, graph.constant([-1, width]))
    kernel = graph.constant(rng.uniform(-0.5, 0.5, (width, 2)).astype(np.float32))
    shape = graph("Concat", outer, graph.constant([2]), axis=0)
    dense = graph("Add", graph("Reshape", graph("MatMul", rows, kernel), shape), graph.constant(np.ones(2, np.float32)))
    reduced = graph("ReduceProd", graph("Cast", outer, to=TensorProto.FLOAT), axes=[0], keepdims=0)
    end = np.iinfo(np.int64).max
    sliced = graph("Slice", again, graph.constant([-1]), graph.constant([end]), graph.constant([1]))
    padded = graph("Pad", last, graph.constant([0, 1, 0, 2]), graph.constant(np.float32(0.5)), mode="constant")
    names = [dense, last, graph("Squeeze", sliced, graph.constant([1])), reduced, padded]
    content = graph.model(names)
    session = runtime.InferenceSession(content)
    model = go.load(content)
    for shape_of_x in ((B, T, INPUTS), (3, 2, INPUTS)):
        x = rng.uniform(-1, 1, shape_of_x).astype(np.float32)
        for name, want in zip(names, session.run(None, {"x": x}), strict=True):
            got = model.run({"x": x})[name]
            assert got.shape == want.shape
            np.testing.assert_allclose(got, want, rtol=0, atol=2 * ATOL)
