"""ONNX files: ONNX Runtime runs what gatewise writes, gatewise runs what exporters write, and bad files are refused."""

from __future__ import annotations

import io
import itertools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import draw
import gatewise as gw
from draw import Case, Option, Variant
from gatewise._core.state import parts
from tolerances import CELL, chain, expect, largest, unit

onnx = pytest.importorskip("onnx", reason="reads and writes ONNX files, and the onnx package is not installed")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

import gatewise.onnx as go  # noqa: E402

Array = NDArray[Any]

CELLS = [cell for cell in draw.CELLS if not cell.projected]
STACKS: list[dict[str, Any]] = [
    {},
    {"bidirectional": True, "bias": False},
    {"num_layers": 2, "batch_first": True},
    {"num_layers": 3, "bidirectional": True, "dropout": 0.3},
]
OPTIONS = [Option(cell.kind, {**cell.keywords, **stack}) for cell, stack in itertools.product(CELLS, STACKS)]
CHOSEN = [Option(option.kind, option.keywords) for option in draw.FEW_CHOSEN]
READ_BACK = [(option, dtype) for option in OPTIONS for dtype in (np.float32, np.float64)]
# Other activations are read back in float32 only, since their parameters are float32 in the file.
READ_BACK += [(option, np.float32) for option in draw.CHOSEN if not option.projected]
LENGTHS = Variant("lengths", "lengths")


def written(layer: Any) -> bytes:
    file = io.BytesIO()
    go.save(layer, file)
    return file.getvalue()


def feeds_of(case: Case, dtype: Any) -> dict[str, Array]:
    """The inputs of the written model."""
    named = zip(("x", "h_0", "c_0"), (case.x, *parts(case.state)), strict=False)
    return {"lengths": np.asarray(case.lengths, np.int32), **{name: array.astype(dtype) for name, array in named}}


def case_of(option: Option) -> Case:
    """A ragged case without dropout. It has no empty sequences, which ONNX leaves undefined. Padding is 0, since other
    runtimes read it."""
    case = draw.make(option, LENGTHS, n_steps=6, batch=4)
    options = {**case.options, "dropout": 0.0}
    case = case.replace(x=np.nan_to_num(case.x), dy=np.nan_to_num(case.dy), options=options, key=None)
    return case.replace(lengths=np.maximum(case.lengths, 1))


@pytest.mark.interop("ONNX", "layers, run by ONNX Runtime", writes="rounding")
@pytest.mark.parametrize("option", [*OPTIONS, *CHOSEN], ids=str)
def test_onnx_runtime_runs_what_is_written(option: Option) -> None:
    """Its results are within the bounds of the exact ones."""
    runtime = pytest.importorskip("onnxruntime", reason="runs written files in ONNX Runtime, which is not installed")
    case = case_of(option)
    want = expect(case)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(written(case.layer(gw, np.float32)), options)
    feeds = feeds_of(case, np.float32)
    names = ["y", "state.0", "state.1"]
    for name, got in zip(names, session.run(None, feeds), strict=False):
        assert got.shape == want.values[name].shape
        assert largest(got - want.values[name]) <= want.bound(name, np.float32), name


@pytest.mark.interop("ONNX", "layers, saved and loaded again, float32 and float64", reads="exact", writes="exact")
@pytest.mark.parametrize(("option", "dtype"), READ_BACK, ids=[f"{o}-{d.__name__}" for o, d in READ_BACK])
def test_layers_read_back_are_bit_identical(option: Option, dtype: Any, tmp_path: Path) -> None:
    case = case_of(option)
    layer = case.layer(gw, dtype)
    go.save(layer, tmp_path / "layer.onnx")
    model = go.load(tmp_path / "layer.onnx")
    y, state = layer(case.x.astype(dtype), draw.cast(case.state, dtype), lengths=case.lengths)
    results = model.run(feeds_of(case, dtype))
    assert list(results) == list(model.outputs)
    for got, want in zip(results.values(), (y, *parts(state)), strict=True):
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, want)


def test_what_onnx_does_not_have_is_named() -> None:
    with pytest.raises(ValueError, match="proj_size: expected 0, since ONNX has no such option, got 2"):
        go.save(gw.LSTM(3, 4, proj_size=2), io.BytesIO())
    with pytest.raises(ValueError, match=r"zoneout: expected 0\.0, since ONNX has no such option, got 0\.1"):
        go.save(gw.GRU(3, 4, zoneout=0.1), io.BytesIO())
    with pytest.raises(TypeError, match="layer: expected RNN, LSTM, GRU or Sequential, got LSTMCell"):
        go.save(gw.LSTMCell(3, 4), io.BytesIO())
    with pytest.raises(ValueError, match=r"path: expected a name that ends in \.onnx, got layer\.pt"):
        go.save(gw.LSTM(3, 4), "layer.pt")


def test_feeds_have_names() -> None:
    file = io.BytesIO()
    go.save(gw.LSTM(3, 4), file)
    with pytest.raises(TypeError, match="feeds: expected a mapping of names to arrays, got ndarray"):
        go.load(file.getvalue()).run(np.zeros(3))


# PyTorch's new exporter does not export nn.RNN.
EXPORTED = [("LSTM", True), ("GRU", True), ("RNN", False), ("LSTM", False), ("GRU", False)]


@pytest.mark.interop("ONNX", "models from both of PyTorch's exporters", reads="rounding")
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("kind", "dynamo"), EXPORTED)
def test_what_pytorch_exports(kind: str, dynamo: bool, bidirectional: bool, tmp_path: Path) -> None:
    """PyTorch has two exporters; one of them writes the weights into a second file."""
    torch = pytest.importorskip("torch", reason="exports from PyTorch, which is not installed")
    if dynamo:
        pytest.importorskip("onnxscript", reason="PyTorch's exporter needs onnxscript, which is not installed")

    class Model(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.rnn = getattr(torch.nn, kind)(3, 5, 2, batch_first=True, bidirectional=bidirectional)
            self.head = torch.nn.Linear(10 if bidirectional else 5, 2)

        def forward(self, x: Any) -> Any:
            y, state = self.rnn(x)
            return self.head(y).softmax(-1), state[0] if isinstance(state, tuple) else state

    module, x = Model().eval(), torch.randn(2, 6, 3)
    path, names = tmp_path / "model.onnx", {"input_names": ["x"], "output_names": ["y", "h"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporters emit deprecation warnings
        size = {0: torch.export.Dim.DYNAMIC}
        dynamic = {"dynamic_shapes": (size,)} if dynamo else {"dynamic_axes": {"x": {0: "batch"}}}
        torch.onnx.export(module, (x,), str(path), dynamo=dynamo, verbose=False, **names, **dynamic)
    model = go.load(path)
    x = torch.randn(4, 6, 3)
    want = [value.detach().numpy() for value in module(x)]
    for got, other in zip(model.run({"x": x.numpy()}).values(), want, strict=True):
        # Roundings pass through two layers and six steps; all values are below 1.
        np.testing.assert_allclose(got, other, rtol=0, atol=2 * 2 * 6 * (chain(10) + CELL) * unit(np.float32))
    if dynamo:
        with pytest.raises(ValueError, match="expected its data in the bytes, got external data"):
            go.load(path.read_bytes())


def graph_of(nodes: list[Any], inputs: dict[str, Any], outputs: list[str], constants: dict[str, Array]) -> Any:
    """A model. ONNX infers the shapes of its outputs."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "test", values, results, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    inferred = onnx.shape_inference.infer_shapes(model)
    for value in inferred.graph.output:
        if not value.type.tensor_type.HasField("shape"):
            value.type.tensor_type.shape.SetInParent()
    return inferred


@pytest.mark.interop("ONNX", "other operators in models with recurrent operators", reads="rounding")
def test_operators_around_recurrent_ones() -> None:
    """The operators that exporters write between recurrent layers give ONNX Runtime's results."""
    runtime = pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime, which is not installed")
    rng = np.random.default_rng(0)
    constants = {
        "w": rng.standard_normal((4, 6)).astype(np.float32),
        "b": rng.standard_normal(6).astype(np.float32),
        "g": rng.standard_normal((6, 4)).astype(np.float32),
        **{name: np.array(value, np.int64) for name, value in {
            "one": [1], "two": [2], "rows": [0, 2], "flat": [-1, 6], "start": [1], "end": [3], "axis0": [0], "zero": 0,
        }.items()},
    }  # fmt: skip
    steps = [
        ("MatMul", ["x", "w"], {}), ("Add", ["", "b"], {}), ("Tanh", [""], {}),
        ("Transpose", [""], {"perm": [1, 0, 2]}),
        ("Unsqueeze", ["", "one"], {}), ("Squeeze", ["", "one"], {}), ("Slice", ["", "start", "end", "axis0"], {}),
        ("Gather", ["", "rows"], {"axis": 1}), ("Reshape", ["", "flat"], {}), ("Gemm", ["", "g"], {"alpha": 0.5}),
        ("Sigmoid", [""], {}), ("Relu", [""], {}), ("Softplus", [""], {}), ("Elu", [""], {}),
        ("HardSigmoid", [""], {}),
        ("Softmax", [""], {"axis": -1}), ("Log", [""], {}), ("Neg", [""], {}), ("Sqrt", [""], {}),
        ("Flatten", [""], {}),
    ]  # fmt: skip
    nodes, last = [], ""
    for number, (operator, inputs, attributes) in enumerate(steps):
        given = [last if name == "" else name for name in inputs]
        nodes.append(helper.make_node(operator, given, [f"r{number}"], **attributes))
        last = f"r{number}"
    for operator, inputs, output, attributes in [
        ("Shape", ["x"], "shape", {}), ("Gather", ["shape", "zero"], "batch", {}),
        ("Unsqueeze", ["batch", "axis0"], "batch1", {}), ("Concat", ["batch1", "two"], "sizes", {"axis": 0}),
        ("ConstantOfShape", ["sizes"], "zeros", {}), ("Expand", ["zeros", "sizes"], "wide", {}),
        ("Cast", ["wide"], "cast", {"to": TensorProto.FLOAT}), ("ReduceMean", ["x"], "mean", {"axes": [1, 2]}),
        ("Mul", ["cast", "mean"], "product", {}), ("Split", ["x"], "left", {"axis": 2}),
    ]:  # fmt: skip
        outputs = [output, "right"] if operator == "Split" else [output]
        nodes.append(helper.make_node(operator, inputs, outputs, **attributes))
    nodes.append(helper.make_node("Sub", ["left", "right"], ["difference"]))
    nodes.append(helper.make_node("Where", ["condition", "left", "right"], ["chosen"]))
    nodes.insert(-1, helper.make_node("Greater", ["left", "right"], ["condition"]))
    outputs = [last, "product", "difference", "chosen"]
    file = graph_of(nodes, {"x": [3, 5, 4]}, outputs, constants).SerializeToString()
    x = rng.standard_normal((3, 5, 4)).astype(np.float32)
    feeds = {"x": x}
    got, want = go.load(file).run(feeds), runtime.InferenceSession(file).run(None, feeds)
    for name, other in zip(outputs, want, strict=True):
        assert got[name].shape == other.shape
        np.testing.assert_allclose(got[name], other, rtol=1e-5, atol=1e-6)  # a few roundings, one of Log near 0


LSTM = gw.LSTM(3, 4, num_layers=2, seed=0)
FEEDS = {"x": np.ones((5, 2, 3)), "lengths": [5, 3], "h_0": np.zeros((2, 2, 4)), "c_0": np.zeros((2, 2, 4))}


def test_feeds_are_checked() -> None:
    model = go.load(written(LSTM))
    results = model.run(FEEDS)
    assert all(array.flags.writeable and array.flags.owndata for array in results.values())
    for change, error, message in [
        ({"x": np.ones((5, 2, 4))}, ValueError, r"x: expected \(T, B, 3\), .*got \(5, 2, 4\)"),
        ({"lengths": [5, 3, 1]}, ValueError, r"lengths: expected \(B\), B = 2, got \(3,\)"),
        ({"lengths": [5.0, 3.0]}, TypeError, "lengths: expected numbers that convert to int32, got float64"),
        ({"x": np.ones((5, 2, 3), complex)}, TypeError, "x: expected numbers that convert to float32, got complex128"),
        ({"extra": 1}, ValueError, "feeds: expected x, lengths, h_0, c_0, got x, lengths, h_0, c_0, extra"),
        ({"lengths": [6, 3]}, ValueError, r"node 'LSTM_Y_l0' \(LSTM\): lengths: "),
    ]:
        with pytest.raises(error, match=message):
            model.run({**FEEDS, **change})


def test_truncated_and_damaged_files() -> None:
    """Any bytes give a model or a clear error, and no more memory is allocated than the file can fill."""
    content = written(LSTM)
    rng = np.random.default_rng(0)
    cuts = [content[:size] for size in rng.integers(0, len(content), 60)]
    flips = []
    for _ in range(150):
        damaged = bytearray(content)
        for place in rng.integers(0, len(damaged), 3):
            damaged[place] = rng.integers(256)
        flips.append(bytes(damaged))
    refused = 0
    for damaged in (*cuts, *flips, b"", b"not a model", b"\x93NUMPY" * 10):
        try:
            go.load(damaged).run(FEEDS)
        except (ValueError, TypeError, MemoryError):
            refused += 1
    assert refused > len(cuts)


def changed(change: Any) -> bytes:
    model = onnx.load_model_from_string(written(LSTM))
    change(model.graph)
    return bytes(model.SerializeToString())


def external(tensor: Any, **entries: Any) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))


def initializer(graph: Any, name: str = "W_l0") -> Any:
    return next(tensor for tensor in graph.initializer if tensor.name == name)


def swap_dims(graph: Any) -> None:
    initializer(graph).dims[:] = [1, 3, 16]


BAD_GRAPHS: list[tuple[str, Any, str]] = [
    ("huge size", lambda g: initializer(g).dims.__setitem__(0, 2**50), "tensor 'W_l0': expected .* bytes for"),
    (
        "negative size",
        lambda g: initializer(g).dims.__setitem__(0, -1),
        r"tensor 'W_l0': expected sizes >= 0, got \(-1,",
    ),
    ("swapped sizes", swap_dims, "W"),
    ("cycle", lambda g: g.node[0].input.__setitem__(0, g.node[-1].output[0]), "expected a valid ONNX model"),
    ("unknown input", lambda g: g.node[0].input.__setitem__(0, "nobody"), "expected a valid ONNX model, .*nobody"),
    ("two of a name", lambda g: g.node[1].output.__setitem__(0, g.node[0].output[0]), "expected a valid ONNX model"),
    ("unknown operator", lambda g: setattr(g.node[0], "op_type", "NonMaxSuppression"), "NonMaxSuppression"),
    ("other domain", lambda g: setattr(g.node[0], "domain", "com.example"), "com.example"),
    ("no weights", lambda g: initializer(g).ClearField("raw_data"), "tensor 'W_l0': expected 48 numbers"),
    ("strings", lambda g: setattr(initializer(g), "data_type", TensorProto.STRING), "tensor 'W_l0': expected numbers"),
    ("unknown type", lambda g: setattr(initializer(g), "data_type", 99), "tensor 'W_l0': expected numbers"),
    ("NaN", lambda g: setattr(initializer(g), "raw_data", b"\xff" * 192), "W: expected finite weights"),
    ("external bytes", lambda g: external(initializer(g), location="w"), "external data; load the model from its path"),
]


@pytest.mark.parametrize(("name", "change", "message"), BAD_GRAPHS, ids=[name for name, _, _ in BAD_GRAPHS])
def test_bad_graphs(name: str, change: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        go.load(changed(change)).run(FEEDS)


BAD_DATA: list[tuple[dict[str, Any], str]] = [
    ({"location": "../secret"}, "in the model's folder, got '../secret'"),
    ({"location": "/etc/passwd"}, "in the model's folder, got '/etc/passwd'"),
    ({"location": "link"}, "in the model's folder, got 'link'"),
    ({"location": ""}, "in the model's folder, got ''"),
    ({"location": "missing"}, "in the model's folder, got 'missing'"),
    ({"location": "data", "offset": -4}, "within the 192 of 'data', got 192 from -4 on"),
    ({"location": "data", "offset": 4}, "within the 192 of 'data', got 192 from 4 on"),
    ({"location": "data", "length": 100}, "expected 192 bytes of external data .* got 100"),
    ({"location": "data", "offset": "x"}, "expected offset and length of external data as integers"),
]


@pytest.mark.parametrize(("entries", "message"), BAD_DATA, ids=[message for _, message in BAD_DATA])
def test_bad_external_data(entries: dict[str, Any], message: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for path in (tmp_path / "secret", folder / "data"):
        path.write_bytes(bytes(192))
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "bad.onnx").write_bytes(changed(lambda graph: external(initializer(graph), **entries)))
    (folder / "good.onnx").write_bytes(changed(lambda graph: external(initializer(graph), location="data")))
    go.load(folder / "good.onnx").run(FEEDS)
    with pytest.raises(ValueError, match=message):
        go.load(folder / "bad.onnx")


HUGE = np.array([2**20, 2**20, 2**10], np.int64)
GROWING: list[tuple[str, list[Any], dict[str, Array]]] = [
    ("ConstantOfShape", [helper.make_node("ConstantOfShape", ["n"], ["y"])], {"n": HUGE}),
    ("Expand", [helper.make_node("Expand", ["x", "n"], ["y"])], {"n": HUGE[[2, 0, 1]]}),
    ("Pad", [helper.make_node("Pad", ["x", "n"], ["y"])], {"n": np.array([0, 0, 2**20, 2**20], np.int64)}),
    ("Tile", [helper.make_node("Tile", ["x", "n"], ["y"])], {"n": HUGE[:2]}),
    (
        "broadcast",
        [helper.make_node("Reshape", ["x", "n"], ["t"]), helper.make_node("Add", ["x", "t"], ["y"])],
        {"n": np.array([2**20, 1, 1], np.int64)},
    ),
    (
        "MatMul",
        [helper.make_node("Transpose", ["x"], ["t"]), helper.make_node("MatMul", ["t", "x"], ["y"])],
        {},
    ),
    (
        "Concat",
        [helper.make_node("Concat", [f"r{i}" if i else "x"] * 2, [f"r{i + 1}"], axis=0) for i in range(60)]
        + [helper.make_node("Identity", ["r60"], ["y"])],
        {},
    ),
]


@pytest.mark.parametrize(("name", "nodes", "constants"), GROWING, ids=[name for name, _, _ in GROWING])
def test_results_do_not_outgrow_memory(name: str, nodes: list[Any], constants: dict[str, Array]) -> None:
    """A small file with huge results is refused before they are allocated."""
    shape: list[Any] = [1, 2**20]
    values = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    results = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None])]
    if name in ("ConstantOfShape", "Expand", "broadcast"):
        results = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None, None])]
    tensors = [numpy_helper.from_array(array, key) for key, array in constants.items()]
    graph = helper.make_graph(nodes, "test", values, results, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    loaded = go.load(model.SerializeToString())
    with pytest.raises(MemoryError, match="expected results of at most"):
        loaded.run({"x": np.zeros(shape, np.float32)})
