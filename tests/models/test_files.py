"""Model files: their contents, complete replacement, and errors for damaged files, other formats and later versions."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gatewise as gw

pytest.importorskip("safetensors", reason='model files are safetensors: pip install "gatewise[train]"')

from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from gatewise.files import writing

MODELS = {
    "sequences": lambda: gw.Sequential(
        gw.LSTM(3, 4, num_layers=2, dropout=0.1, bidirectional=True, proj_size=2, peephole=True, batch_first=True),
        gw.Dropout(0.2), gw.GRU(4, 3, reset_after=False, bias=False, batch_first=True),
        gw.RNN(3, 2, nonlinearity="relu", batch_first=True), gw.LastStep(), gw.Linear(2, 5, bias=False), seed=0,
    ),
    "tokens": lambda: gw.Sequential(
        gw.Embedding(9, 4, dtype=np.float64), gw.GRU(4, 3, dtype=np.float64, batch_first=True), gw.Flatten(6),
        gw.Linear(18, 2, dtype=np.float64), seed=0,
    ),
    "options": lambda: gw.Sequential(
        gw.LSTM(3, 4, batch_first=True, recurrent_dropout=0.1, zoneout=(0.1, 0.2), clip=3.0,
                activations=(("hard_sigmoid", 0.2, 0.5), "tanh", "tanh")),
        gw.RNN(4, 2, nonlinearity=("leaky_relu", 0.1), batch_first=True), seed=0,
    ),
    "mean": lambda: gw.Sequential(gw.RNN(3, 2, batch_first=True), gw.MeanOverSteps(), seed=0),
}  # fmt: skip


def example(name: str) -> Any:
    rng = np.random.default_rng(0)
    return rng.integers(0, 9, (4, 6)) if name == "tokens" else rng.standard_normal((4, 6, 3))


@pytest.mark.parametrize("name", MODELS)
def test_a_loaded_model_is_bit_identical(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model = MODELS[name]()
    model.save(path)
    loaded = gw.load(path)
    assert repr(loaded) == repr(model)
    np.testing.assert_array_equal(loaded(example(name)), model(example(name)))
    first = path.read_bytes()
    loaded.save(path)
    assert path.read_bytes() == first
    assert [one.name for one in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_file_holds_the_notes(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model = MODELS["mean"]()
    model.notes = {"classes": ["é", "no"], "mean": np.float64(0.1), "of": {"rows": 3}}
    model.save(path)
    for same in (gw.load(path), pickle.loads(pickle.dumps(model))):
        assert same.notes == {"classes": ["é", "no"], "mean": 0.1, "of": {"rows": 3}}
    rewritten(path, lambda d: d.pop("notes"))  # as in files from before there were notes
    assert gw.load(path).notes == {}
    model.notes = {"classes": {1, 2}}
    with pytest.raises(TypeError, match="notes: expected text, numbers, lists and dicts, got set"):
        model.save(path)
    assert gw.load(path).notes == {}


def test_a_crash_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.safetensors"
    MODELS["mean"]().save(path)
    before = path.read_bytes()

    def crash(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(writing.os, "replace", crash)
    with pytest.raises(OSError, match="the disk is full"):
        MODELS["tokens"]().save(path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["model.safetensors"]


def test_suffixes_of_other_formats_and_missing_folders_are_refused(tmp_path: Path) -> None:
    model = MODELS["mean"]()
    with pytest.raises(ValueError, match=r"path: expected a name that ends in \.safetensors, got m\.pt"):
        model.save("m.pt")
    model.save(tmp_path / "model.v2")
    assert gw.load(tmp_path / "model.v2").parts
    path = tmp_path / "nowhere" / "model.safetensors"
    with pytest.raises(FileNotFoundError) as told:
        model.save(path)
    assert told.value.filename == str(path)
    assert ".tmp" not in str(told.value)


def rewritten(path: Path, change: Any) -> None:
    """Change the description in a file."""
    with safe_open(str(path), framework="np") as file:
        description = json.loads(file.metadata()["gatewise.model"])
    change(description)
    save_file(load_file(path), path, {"gatewise.model": json.dumps(description)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(version=2), "expected format version 1, got 2; a newer gatewise may read it"),
        (lambda d: d.pop("parts"), "expected the configuration of a model in the metadata, got: KeyError"),
        (lambda d: d.update(notes=3), "expected the configuration of a model in the metadata, got: TypeError"),
        (lambda d: d.update(parts=3), "expected a model whose configuration and arrays agree"),
        (
            lambda d: d["parts"][0].update(hidden_size=10**9),
            "hidden_size, num_layers: expected sizes whose weights fit into memory, got 3, 1000000000 and 1",
        ),
        (lambda d: d["parts"][0].update(num_layers=10**9), r"fit into memory|0.weight_ih_l1: expected"),
        (lambda d: d["parts"][0].update(num_layers=10**5), r"0.weight_ih_l1: expected \(2, 2\), got None"),
        (lambda d: d["parts"][0].update(hidden_size="2"), "expected a model whose configuration and arrays agree"),
        (lambda d: d["parts"][0].update(kind="os.system"), "expected one of RNN, LSTM, GRU, Dropout, Embedding"),
        (lambda d: d["parts"][0].update(surprise=1), "unexpected keyword argument 'surprise'"),
        (lambda d: d["parts"][0].pop("kind"), "expected a model whose configuration and arrays agree"),
        (lambda d: d["parts"][0].update(bidirectional=True), r"0.weight_ih_l0_reverse: expected \(2, 3\), got None"),
        (lambda d: d["parts"][0].update(dtype="float64"), "expected float64, got float32"),
    ],
)
def test_descriptions_that_do_not_fit_are_refused(change: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    MODELS["mean"]().save(path)
    rewritten(path, change)
    with pytest.raises(ValueError, match=message):
        gw.load(path)


def test_damaged_files_and_other_formats_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    MODELS["mean"]().save(path)
    whole = path.read_bytes()
    for content in (b"", b"\x80\x04pickle", whole[: len(whole) // 2], whole[:-1], b"\xff" * 100):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"damaged, or not a \.safetensors file"):
            gw.load(path)
    save_file({"a": np.zeros(3)}, path)
    with pytest.raises(ValueError, match=r"expected a model written by gatewise, got another \.safetensors file"):
        gw.load(path)
    with pytest.raises(FileNotFoundError):
        gw.load(tmp_path / "none.safetensors")
