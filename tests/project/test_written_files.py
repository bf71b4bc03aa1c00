"""Files that an earlier version wrote can be read, and give the same results.

tests/data/write.py wrote the files and the expected results. Results of the core are bit-identical on every instruction
set with fused multiply-add. The products of `Linear` are computed by NumPy's BLAS, which rounds differently on other
processors. They, and all results without fused multiply-add, agree within twice the bound that tolerances.py explains.
"""

from __future__ import annotations

import copy
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gatewise as gw
import gatewise.weights
from bits import assert_same_bits
from gatewise.cli import main
from gatewise.forecasting import Forecaster
from paths import DATA
from tolerances import CELL, chain, largest, unit

for library in ("safetensors", "pandas", "typer", "tqdm", "matplotlib"):
    pytest.importorskip(library, reason='the files need: pip install "gatewise[cli]"')

Array = NDArray[Any]
WRITE = runpy.run_path(str(DATA / "write.py"))
"""The script that wrote the files: the models and layers that it made."""


def stored(name: str) -> dict[str, Array]:
    with np.load(DATA / f"{name}.npz") as file:
        return dict(file)


def fused() -> bool:
    """Return whether this test's instruction set has fused multiply-add, like the one that wrote the files."""
    config = gw.show_config(mode="dicts")
    assert config is not None
    return bool(config["instruction set"] != "x86-64")


def roundings(params: dict[str, Array]) -> int:
    """Count the roundings on the longest path through all layers with these parameters.

    Each matrix has those of a chain, and each recurrent matrix also those of a cell.
    """
    names = [name for name, value in params.items() if value.ndim == 2 and "peephole" not in name]
    return sum(chain(params[name].shape[1]) + CELL * ("weight_hh" in name) for name in names)


def assert_near(got: Array, want: dict[str, Array], name: str, n: int, dtype: Any = np.float32) -> None:
    """Assert that two results differ by at most twice the bound: each is within the bound of the exact result."""
    assert got.shape == want[name].shape
    assert largest(got - want[name]) <= 2 * n * unit(dtype) * float(want[f"sensitivity.{name}"])


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_models(isa: str, name: str) -> None:
    model, want = gw.load(DATA / f"{name}.safetensors"), stored(name)
    assert model.notes == WRITE["NOTES"]
    assert repr(model) == repr(WRITE["MODELS"][name]())
    data = {key: want[key] for key in ("x", "lengths") if key in want}
    for count in range(1, len(model.parts) + 1):
        first = gw.Sequential(*copy.deepcopy(model.parts[:count]))
        y, key = first(**data), f"y.{count}"
        assert y.dtype == want[key].dtype
        if fused() and not isinstance(model.parts[count - 1], gw.Linear):
            assert_same_bits({key: y}, {key: want[key]})
        assert_near(y, want, key, roundings(first.params), y.dtype)


def test_layers_and_other_arrays(isa: str) -> None:
    weights, want = gatewise.weights.load(DATA / "layers.safetensors"), stored("layers")
    assert set(weights.others) == {"head.weight", "steps"}
    for name, array in weights.others.items():
        assert array.dtype == want[name].dtype
        np.testing.assert_array_equal(array, want[name])
    made = WRITE["make_layers"]()
    assert {name: repr(layer) for name, layer in weights.layers.items()} == {name: repr(made[name]) for name in made}
    for name, layer in weights.layers.items():
        y, _ = layer(want["x"])
        if fused():
            assert_same_bits({name: y}, {name: want[name]})
        assert_near(y, want, name, roundings(layer.params))


def test_a_checkpoint_is_resumed(isa: str, tmp_path: Path) -> None:
    """Two more epochs after the two of the checkpoint give the same parameters as four epochs at once."""
    want = stored("checkpoint")
    model = WRITE["untrained"](seed=99)
    checkpoint, new = DATA / "checkpoint.safetensors", tmp_path / "new.safetensors"
    got = WRITE["trained"](model, want["x"], want["y"], 4, new, resume=checkpoint)
    assert got.keys() == {"params", "loss", "val_loss"}
    if fused():
        assert_same_bits({"params": got["params"]}, {"params": want["params"]})
    # Each of the 16 updates adds the roundings of forward, backward, sums over 4 sequences of 6 steps, and Adam.
    n = 16 * (2 * roundings(model.params) + 24 + 20)
    for name, value in got.items():
        assert_near(value, want, name, n)


def test_a_forecaster(isa: str) -> None:
    forecaster, want = Forecaster.load(DATA / "forecaster.safetensors"), stored("forecaster")
    n = roundings(gw.load(DATA / "forecaster.safetensors").params)
    assert_near(forecaster.predict(8, want["series"]), want, "forecast", n)


def test_a_model_of_gatewise_fit(isa: str, tmp_path: Path) -> None:
    import pandas

    path, want = DATA / "command.safetensors", stored("command")
    assert main(["predict", str(path), str(DATA / "command.csv"), "--out", str(tmp_path / "p.csv")]) == 0
    table = pandas.read_csv(tmp_path / "p.csv")
    probabilities = [name for name in table if name.startswith("probability")]
    text = table.drop(columns=probabilities).to_numpy()
    assert text.ravel().tolist() == want["text"].tolist()
    assert_near(table[probabilities].to_numpy(), want, "probabilities", roundings(gw.load(path).params))


def test_a_graph(isa: str) -> None:
    pytest.importorskip("onnx", reason="reads an ONNX file, and the onnx package is not installed")
    import gatewise.onnx

    want = stored("graph")
    model = gatewise.onnx.load(DATA / "graph.onnx")
    y = model.run({"x": want["x"], "lengths": want["lengths"]})["y"]
    if fused():
        assert_same_bits({"y": y}, {"y": want["y"]})
    assert_near(y, want, "y", 3 * (chain(8) + CELL))


def test_every_file_is_read() -> None:
    names = {"lstm", "gru", "rnn", "layers", "checkpoint", "forecaster", "command", "graph"}
    assert {path.stem for path in DATA.iterdir()} == {*names, "names", "write"}
