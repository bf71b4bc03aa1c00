"""Weight files, and the commands that show and convert them: round trips, and errors for bad files."""

from __future__ import annotations

import importlib
import json
import os
import struct
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import draw
import gatewise as gw
import gatewise.weights as gws
from draw import Option
from gatewise.cli import main
from gatewise.files.suffixes import SUFFIXES
from gatewise.weights import registry
from gatewise.weights.contents import Contents
from gatewise.weights.finding import find
from gatewise.weights.registry import FORMATS, Format

pytest.importorskip("safetensors", reason="writes .safetensors files, and safetensors is not installed")

os.environ.setdefault("KERAS_BACKEND", "torch")
MORE = [
    Option(
        "LSTM", {"num_layers": 3, "bidirectional": True, "batch_first": True, "dropout": 0.3, "zoneout": (0.1, 0.2)}
    ),
    Option("GRU", {"bias": False, "recurrent_dropout": 0.25}),
    *draw.FEW_CHOSEN,
]


def same(a: Any, b: Any) -> None:
    """Check that two layers have the same kind, options and weights, bit for bit."""
    assert repr(a) == repr(b)
    assert list(a.params) == list(b.params)
    for name, array in a.params.items():
        assert b.params[name].dtype == array.dtype
        np.testing.assert_array_equal(b.params[name], array)


@pytest.mark.interop("safetensors", "every layer with its options; other arrays", reads="exact", writes="exact")
@pytest.mark.parametrize("option", [*draw.CELLS, *MORE], ids=str)
def test_round_trip(option: Option, tmp_path: Path, dtype: Any) -> None:
    case = draw.make(option, draw.VARIANTS[0])
    layers = {"": case.layer(gw, dtype), "model.encoder": case.layer(gw, dtype)}
    others = {"head.weight": np.arange(6).reshape(2, 3), "weight": np.ones(2)}
    gws.save(layers, tmp_path / "w.safetensors", others)
    weights = gws.load(tmp_path / "w.safetensors")
    assert set(weights.layers) == set(layers)
    for name, layer in layers.items():
        same(weights.layers[name], layer)
    assert set(weights.others) == set(others)
    for name, array in others.items():
        np.testing.assert_array_equal(weights.others[name], array)


@pytest.mark.interop("PyTorch", "state-dict files (weights_only=True), .pt and .safetensors", reads="exact")
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_state_dicts_of_pytorch(kind: str, suffix: str, tmp_path: Path) -> None:
    """The names and shapes of the arrays tell a layer's kind and sizes."""
    torch = pytest.importorskip("torch", reason="writes PyTorch's state dicts, and it is not installed")
    options: dict[str, Any] = {"num_layers": 2, "bidirectional": True, **({"proj_size": 2} if kind == "LSTM" else {})}
    module = torch.nn.ModuleDict(
        {"rnn": getattr(torch.nn, kind)(3, 4, **options), "head": torch.nn.Linear(4, 1, dtype=torch.float64)}
    )
    path = tmp_path / f"state{suffix}"
    if suffix == ".pt":
        torch.save(module.state_dict(), path)
    else:
        from safetensors.torch import save_file

        save_file(module.state_dict(), path)
    weights = gws.load(path)
    want = getattr(gw, kind)(3, 4, **options)
    want.load_state_dict(module["rnn"].state_dict())
    same(weights.layers["rnn"], want)
    assert sorted(weights.others) == ["head.bias", "head.weight"]


@pytest.mark.interop("safetensors", "float16 weights, as float32", reads="exact")
def test_float16_is_widened_to_float32(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    half = {name: array.astype(np.float16) for name, array in gw.GRU(3, 4).state_dict().items()}
    save_file(half, tmp_path / "half.safetensors")
    layer = gws.load(tmp_path / "half.safetensors").layers[""]
    assert layer.dtype == np.float32
    np.testing.assert_array_equal(layer.params["weight_hh_l0"], half["weight_hh_l0"].astype(np.float32))


def test_pickles_that_run_code_are_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="reads PyTorch's files, and it is not installed")

    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "done"),)

    torch.save({"weight_ih_l0": Evil()}, tmp_path / "evil.pt")
    expected = (
        r"evil\.pt: this pickle holds something else; expected a state dict, as torch\.save\(module\.state_dict\(\)"
    )
    with pytest.raises(ValueError, match=expected):
        gws.load(tmp_path / "evil.pt")
    assert not (tmp_path / "done").exists()
    torch.save(torch.nn.GRU(2, 3), tmp_path / "module.pt")
    with pytest.raises(ValueError, match=r"module\.pt: this pickle holds something else; expected"):
        gws.load(tmp_path / "module.pt")
    (tmp_path / "half.pt").write_bytes((tmp_path / "module.pt").read_bytes()[:900])
    with pytest.raises(ValueError, match=r"half\.pt: damaged; expected a state dict"):
        gws.load(tmp_path / "half.pt")


def raw(header: Any, data: bytes, size: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + data


def entry(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


GOOD = {"weight_ih_l0": entry([2, 1], 0, 8), "weight_hh_l0": entry([2, 2], 8, 24)}
BAD_FILES: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("wrong magic", b"PK\x03\x04" * 20),
    ("huge header", raw(GOOD, bytes(24), 2**60)),
    ("header past the end", raw(GOOD, b"", 200)),
    ("truncated", raw(GOOD, bytes(20))),
    ("overlapping", raw({**GOOD, "weight_hh_l0": entry([2, 2], 4, 20)}, bytes(24))),
    ("negative", raw({**GOOD, "weight_ih_l0": entry([2, 1], -8, 0)}, bytes(24))),
    ("size of another shape", raw({**GOOD, "weight_ih_l0": entry([2, 2**50], 0, 8)}, bytes(24))),
    ("unknown dtype", raw({**GOOD, "weight_ih_l0": entry([2, 1], 0, 8, "X7")}, bytes(24))),
    ("NaN", raw(GOOD, b"\xff" * 24)),
    ("nested", raw(b"[" * 100_000, b"")),
    ("five gates", raw({"weight_ih_l0": entry([5, 1], 0, 20), "weight_hh_l0": entry([5, 1], 20, 40)}, bytes(40))),
    ("a million layers", raw({**GOOD, "weight_ih_l9999": entry([2, 2], 24, 40)}, bytes(40))),
    ("options of one's own", raw({"__metadata__": {"gatewise.layers": '{"": {"hidden_size": 9}}'}, **GOOD}, bytes(24))),
    ("no description", raw({"__metadata__": {"gatewise.layers": "[1"}, **GOOD}, bytes(24))),
]


@pytest.mark.parametrize(("name", "content"), BAD_FILES, ids=[name for name, _ in BAD_FILES])
def test_bad_files(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "good.safetensors").write_bytes(raw(GOOD, bytes(24)))
    assert repr(gws.load(tmp_path / "good.safetensors").layers) == "{'': RNN(1, 2, bias=False)}"
    (tmp_path / "bad.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"expected|bad\.safetensors: damaged, or not a"):
        gws.load(tmp_path / "bad.safetensors")


def test_the_registry_agrees_with_its_modules() -> None:
    """Importing the registry must import no optional library."""
    code = (
        "import importlib, sys; from gatewise.weights.registry import FORMATS;"
        "print(*(set(sys.modules) & {*(one.library for one in FORMATS), 'numba', 'keras', 'pandas'}))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == "\n"
    for one in FORMATS:
        pytest.importorskip(one.library, reason=f"the format's module needs {one.library}, which is not installed")
        module = importlib.import_module(f"gatewise.weights.formats.{one.module}")
        assert hasattr(module, "read")
        assert hasattr(module, "write") == one.writable
    suffixes = [suffix for one in FORMATS for suffix in one.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert set(suffixes) <= set(SUFFIXES)


def test_a_new_format_is_one_entry_and_one_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = types.ModuleType("gatewise.weights.formats.npz")
    vars(module)["read"] = lambda path: Contents(find(dict(np.load(path)), {}))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    new = Format((".npz",), "arrays", module="npz", library="numpy", extra="train")
    monkeypatch.setattr(registry, "FORMATS", (*FORMATS, new))
    layer = gw.LSTM(3, 4, seed=0)
    np.savez(tmp_path / "w.npz", **{f"encoder.{name}": value for name, value in layer.state_dict().items()})
    same(gws.load(tmp_path / "w.npz").layers["encoder"], layer)
    pytest.importorskip("typer", reason="the commands need typer, which is not installed")
    assert main(["info", str(tmp_path / "w.npz")]) == 0
    assert main(["convert", str(tmp_path / "w.npz"), str(tmp_path / "w.safetensors")]) == 0
    same(gws.load(tmp_path / "w.safetensors").layers["encoder"], layer)


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"path: expected a name that ends in \.safetensors, .*got .*\.h5"):
        gws.load(tmp_path / "weights.h5")
    with pytest.raises(FileNotFoundError):
        gws.load(tmp_path / "nobody.onnx")
    with pytest.raises(ValueError, match=r"expected a name that ends in \.safetensors"):
        gws.save({}, tmp_path / "weights.onnx")


@pytest.mark.interop("ONNX", "weights of the recurrent nodes", reads="exact", writes="exact")
def test_layers_of_onnx_files(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="reads ONNX files, and the onnx package is not installed")
    import gatewise.onnx

    for layer in (gw.LSTM(3, 4, bidirectional=True, peephole=True), gw.GRU(3, 4, reset_after=False), gw.RNN(3, 4)):
        gatewise.onnx.save(layer, tmp_path / "layer.onnx")
        (found,) = gws.load(tmp_path / "layer.onnx").layers.values()
        same(found, layer)


def test_onnx_nodes_of_one_name(tmp_path: Path) -> None:
    """Nodes share a name if a function is called twice. The later node is then named by its output, or refused."""
    onnx = pytest.importorskip("onnx", reason="reads ONNX files, and the onnx package is not installed")
    import gatewise.onnx

    layers, path = [gw.GRU(3, 4, batch_first=True), gw.GRU(4, 2, batch_first=True)], tmp_path / "two.onnx"
    gatewise.onnx.save(gw.Sequential(*layers), path)
    model = onnx.load(path)
    first, second = (node for node in model.graph.node if node.op_type == "GRU")
    first.name = second.name = "same"
    onnx.save(model, path)
    found = gws.load(path).layers
    assert list(found) == ["same", second.output[0]]
    for one, layer in zip(found.values(), layers, strict=True):
        for name, value in layer.params.items():
            np.testing.assert_array_equal(one.params[name], value)
    first.name = second.output[0]
    second.name = ""
    onnx.save(model, path)
    with pytest.raises(ValueError, match="node '': expected a name or an output whose name no earlier layer has"):
        gws.load(path)


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("typer", "onnx"):
        pytest.importorskip(library, reason=f"the command needs {library}, which is not installed")
    monkeypatch.chdir(tmp_path)
    layers = {"a": gw.LSTM(3, 4, seed=0), "b": gw.GRU(2, 3, bidirectional=True, seed=0)}
    gws.save(layers, "two.safetensors", {"head": np.zeros((2, 2))})
    assert main(["info", "two.safetensors"]) == 0
    printed = capsys.readouterr().out
    assert "a: LSTM(3, 4), 128 parameters (144 stored numbers)" in printed
    assert "b: GRU(2, 3, bidirectional=True)" in printed
    assert "head: float64 (2, 2)" in printed
    assert main(["convert", "two.safetensors", "b.onnx", "--layer", "b"]) == 0
    assert main(["info", "b.onnx"]) == 0
    printed = capsys.readouterr().out
    assert "GRU(2, 3, bidirectional=True)" in printed
    assert "input x: float32 ('T', 'B', 2)" in printed
    assert main(["convert", "b.onnx", "again.safetensors"]) == 0
    (again,) = gws.load("again.safetensors").layers.values()
    same(again, layers["b"])
    for arguments, message in [
        (
            ["convert", "two.safetensors", "x.onnx"],
            "one recurrent layer; choose one of 'a', 'b' with --layer",
        ),
        (["convert", "two.safetensors", "x.onnx", "--layer", "c"], "--layer: expected one of 'a', 'b', got 'c'"),
        (["convert", "two.safetensors", "two.safetensors"], "OUT: expected a file other than IN, got two.safetensors"),
        (["convert", "two.safetensors", "x.h5"], "OUT: expected a name that ends in .safetensors or .onnx, got x.h5"),
        (["info", "two.h5"], "expected a name that ends in .safetensors, .pt, .pth, .onnx or .keras, got two.h5"),
    ]:
        capsys.readouterr()
        assert main(arguments) == 2
        assert message in capsys.readouterr().err
    assert main(["info", "nobody.onnx"]) == 1
    assert not Path("x.onnx").exists()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras's own variables
def test_keras_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for library in ("torch", "keras", "h5py", "typer"):
        pytest.importorskip(library, reason=f"writes .keras files, and {library} is not installed")
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((None, 2)),
            layers.Bidirectional(layers.GRU(3, return_sequences=True)),
            layers.LSTM(4, name="last"),
        ]
    )
    model.save(tmp_path / "model.keras")
    assert main(["info", str(tmp_path / "model.keras")]) == 0
    assert "last: LSTM(6, 4, batch_first=True)" in capsys.readouterr().out
    assert main(["convert", str(tmp_path / "model.keras"), str(tmp_path / "w.safetensors")]) == 0
    found = gws.load(tmp_path / "w.safetensors").layers
    assert sorted(found) == sorted([f"{model.layers[0].name}.{way}" for way in ("forward", "backward")] + ["last"])
    kernel = model.get_layer("last").get_weights()[0]
    np.testing.assert_array_equal(found["last"].params["weight_ih_l0"], kernel.T)
