"""Errors of ``gatewise fit``, ``predict``, ``evaluate`` and ``bench``: one line that says what was expected."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gatewise as gw
from commands import GROUPED, QUICK, Capture, arrays, failure, gestures
from gatewise.cli import main

pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.csv"], "nowhere.csv: cannot read this CSV file: No such file or directory"),
        (["nowhere.npz"], "nowhere.npz: cannot read this NPZ file: No such file or directory"),
        (["gestures.parquet"], "DATA: expected a name that ends in .csv, .tsv, .txt or .npz, got gestures.parquet"),
        (["gestures.csv"], "--target: this option is required; choose a column to predict: 'recording', 't', 'x'"),
        (["gestures.csv", "--target", "z"], "--target: expected one of 'recording', 't', 'x', 'y', 'who', "),
        (["counted.csv", "--target", "y"], "besides 'y', got only 'id', which number the rows"),
        (["gestures.csv", *GROUPED, "--features", "who"], "gestures.csv: who, row 1: expected a finite number, got '"),
        (["gestures.csv", *GROUPED, "--features", "t"], "expected each column once, got 'gesture', 'recording', "),
        (["gestures.csv", "--target", "gesture", "--time", "t"], "--time: this option needs --group or --per-step"),
        (["gestures.csv", "--target", "gesture", "--group", "who"], "expected the same target in all rows of who ann"),
        (["gestures.csv", "--target", "who", "--group", "recording"], "expected 2 or more classes, got 1: 'ann'"),
        (["gestures.csv", *GROUPED, "--task", "regression"], "gesture, row 1: expected a finite number, got '"),
        (["gestures.csv", *GROUPED, "--target", "x"], "x, row "),
        (["gestures.csv", *GROUPED, "--hidden", "99999999"], "--hidden, --layers: "),
        (["gestures.csv", *GROUPED, "--lr", "-1"], "--lr, --clip: lr: expected a number from 0"),
        (["gestures.csv", *GROUPED, "--cell", "lstn"], "'--cell': 'lstn' is not one of 'rnn', 'lstm', 'gru'\n"),
        (["gestures.csv", *GROUPED, "--validation", "0.95"], "0.95"),
        (["gestures.csv", *GROUPED, "--hidden=much"], "'much'"),
        (["gestures.csv", *GROUPED, "--task", "ranking"], "--task"),
        (["gestures.csv", *GROUPED, "--out", "model.h5"], "expected a name that ends in .safetensors, got model.h5"),
        (["gestures.csv", *GROUPED, "--out", "gestures.csv/m.safetensors"], "--out: cannot write to the folder"),
        (["data.npz", "--group", "a"], "--group, --time: these options need a CSV file, got 'a' with an NPZ file"),
        (["data.npz", "--target", "z"], "--target: expected one of the arrays 'x', 'y', 'lengths', got 'z'"),
        (["data.npz", "--balanced"], "--balanced: this option needs classes, but the targets are numbers"),
        (["data.npz", "--per-step"], "y: expected (80, 12) or (80, 12, targets), got (80,)"),
        (["data.npz", "--task", "classification"],
         "--target: expected at most 40 classes for 80 targets, got 80; if the targets are quantities, use --task"),
    ],
)  # fmt: skip
def test_errors_of_fit(arguments: list[str], message: str, capsys: Capture) -> None:
    gestures()
    arrays()
    Path("counted.csv").write_text("id,y\n1,0.5\n2,0.25\n3,0.75\n")
    assert message in failure(["fit", *arguments], capsys)
    assert sorted(os.listdir()) == ["counted.csv", "data.npz", "gestures.csv"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": np.zeros((80, 12, 2), complex)}, "x: expected numbers (N, T, features) or (N, T), got complex128"),
        ({"x": np.zeros((0, 12, 2))}, "x: expected numbers (N, T, features) or (N, T), got float64 (0, 12, 2)"),
        ({"x": np.full((80, 12, 2), np.inf)}, "x: expected finite numbers, got [inf inf] in [0, 0]"),
        ({"x": np.full((80, 12, 2), 1e300)}, "features: expected numbers whose squares are finite"),
        ({"y": np.full(80, np.nan)}, "y: expected finite numbers, got nan"),
        ({"y": np.zeros(79)}, "y: expected (80,) or (80, targets), got (79,)"),
        ({"y": np.zeros((80, 12))}, "y: expected (80,), got (80, 12); for one target per step use --per-step"),
        ({"lengths": np.full(80, 13)}, "lengths: expected 80 integers from 1 to 12, got int64 (80,) from 13 to 13"),
        ({"lengths": np.full(80, 0.5)}, "lengths: expected 80 integers from 1 to 12, got float64 (80,)"),
        ({"y": np.array([{}] * 80)}, "y: expected an array of numbers or text, got objects"),
    ],
)
def test_arrays_that_do_not_fit(given: dict[str, Any], message: str, capsys: Capture) -> None:
    assert message in failure(["fit", arrays(**given), *QUICK], capsys)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda whole: b"", "not an NPZ file; numpy.savez writes one"),
        (lambda whole: b"\x80\x04pickle", "not an NPZ file; numpy.savez writes one"),
        (lambda whole: whole[: len(whole) // 2], "this NPZ file is damaged"),
        (lambda whole: whole[:500] + bytes(50) + whole[550:], "this NPZ file is damaged"),
    ],
)
def test_damaged_arrays(damage: Callable[[bytes], bytes], message: str, capsys: Capture) -> None:
    path = Path(arrays())
    path.write_bytes(damage(path.read_bytes()))
    assert f"data.npz: {message}" in failure(["fit", "data.npz", *QUICK], capsys)


def test_models_and_files_that_do_not_go_together(capsys: Capture) -> None:
    assert main(["fit", gestures(), *GROUPED, *QUICK]) == 0
    arrays()
    gw.Sequential(gw.RNN(2, 2, batch_first=True), seed=0).save("own.safetensors")
    whole = Path("model.safetensors").read_bytes()
    Path("half.safetensors").write_bytes(whole[: len(whole) // 2])
    lines = Path("gestures.csv").read_text().splitlines()
    Path("other.csv").write_text("\n".join(lines).replace("circle", "square"))
    Path("less.csv").write_text("\n".join(line.rsplit(",", 4)[0] for line in lines))
    Path("bare.csv").write_text("\n".join(line.rsplit(",", 1)[0] for line in lines))
    capsys.readouterr()
    for command, model, data, message in (
        ("predict", "nowhere", "gestures.csv", "nowhere: expected a model file, got: No such file or directory"),
        ("predict", "half.safetensors", "gestures.csv", "damaged, or not a .safetensors file"),
        ("predict", "gestures.csv", "gestures.csv", "damaged, or not a .safetensors file"),
        ("predict", "own.safetensors", "gestures.csv", "expected a model that gatewise fit wrote, got"),
        ("predict", "model.safetensors", "data.npz", "data.npz: expected a CSV file, like the one to which the model"),
        ("predict", "model.safetensors", "less.csv", "less.csv: expected the column 'x', 'y', got 'recording', 't'"),
        ("evaluate", "model.safetensors", "bare.csv", "bare.csv: expected the column 'gesture', got 'recording'"),
        ("evaluate", "model.safetensors", "other.csv",
         "other.csv: gesture: expected the model's classes, 'circle', 'rest', got 'square'"),
    ):  # fmt: skip
        assert message in failure([command, model, data], capsys)
    Path("gaps.csv").write_text("\n".join([lines[0], *(line.rsplit(",", 1)[0] + "," for line in lines[1:])]))
    for data in ("bare.csv", "gaps.csv"):  # predict does not read the targets
        assert main(["predict", "model.safetensors", data]) == 0
    capsys.readouterr()
    assert "--out: expected a name that ends in .csv or .npz" in failure(
        ["predict", "model.safetensors", "bare.csv", "--out", "p.txt"], capsys
    )
    assert "--plot: expected a name that ends in .png" in failure(
        ["evaluate", "model.safetensors", "gestures.csv", "--plot", "p.gif"], capsys
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda notes: notes.pop("columns"),
        lambda notes: notes.update(columns=3),
        lambda notes: notes["columns"].update(per_step=True),
        lambda notes: notes["columns"].update(layout="circles"),
        lambda notes: notes["columns"].update(features=[1, 2]),
        lambda notes: notes["columns"].update(features=None),
        lambda notes: notes.update(mean=[0.0]),
        lambda notes: notes.update(scale=[float("nan"), 1.0]),
        lambda notes: notes.update(classes=["circle"]),
        lambda notes: notes.update(task="regression"),
        lambda notes: notes.update(surprise=1),
    ],
)
def test_notes_that_do_not_agree_with_the_model(change: Callable[[dict[str, Any]], Any], capsys: Capture) -> None:
    assert main(["fit", gestures(), *GROUPED, *QUICK]) == 0
    model = gw.load("model.safetensors")
    change(model.notes["gatewise fit"])
    model.save("model.safetensors")
    capsys.readouterr()
    message = failure(["predict", "model.safetensors", "gestures.csv"], capsys)
    assert "model.safetensors: the notes of this file do not agree with its model: " in message
    assert not Path("predictions.csv").exists()
    json.dumps(model.notes)


def test_arrays_of_other_features_are_refused(capsys: Capture) -> None:
    assert main(["fit", arrays(), *QUICK]) == 0
    arrays("three.npz", x=np.zeros((80, 12, 3)))
    capsys.readouterr()
    message = failure(["predict", "model.safetensors", "three.npz"], capsys)
    assert "three.npz: expected 2 features, as the model was fitted to, got 3" in message


NEEDS = [
    (["fit", "gestures.csv", *GROUPED], ["matplotlib", "pandas", "safetensors", "tqdm"]),
    (["predict", "model.safetensors", "data.npz"], ["pandas", "safetensors"]),
    (["evaluate", "model.safetensors", "data.npz", "--plot", "p.png"], ["matplotlib", "safetensors"]),
    (["forecast", "--model", "model.safetensors"], ["matplotlib", "pandas", "safetensors"]),
]


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        pytest.param(arguments, missing, id=f"{arguments[0]}-{missing}")
        for arguments, libraries in NEEDS
        for missing in libraries
    ],
)
def test_a_missing_library_is_reported(
    arguments: list[str], missing: str, uninstall: Callable[[str], None], capsys: Capture
) -> None:
    """The error comes before anything is read, and names an extra that installs everything the command may need."""
    gestures()
    uninstall(missing)
    message = failure(arguments, capsys, code=1)
    assert message == f'gatewise: {missing} is not installed; pip install "gatewise[cli]" installs it\n'
    assert os.listdir() == ["gestures.csv"]


def test_divergence_is_reported_and_nothing_is_written(capsys: Capture) -> None:
    assert main(["fit", arrays(), *QUICK, "--lr", "1e30"]) == 2
    assert "gatewise: training diverged: loss: " in capsys.readouterr().err.splitlines()[-1]
    assert os.listdir() == ["data.npz"]


@pytest.mark.parametrize(
    ("lr", "validation", "loss"), [("1e30", "0", "inf"), ("1e30", "0.2", "inf"), ("1e40", "0", "nan")]
)
def test_divergence_in_the_last_step_is_reported_and_nothing_is_written(
    lr: str, validation: str, loss: str, capsys: Capture
) -> None:
    """All sequences are one batch, so the only training loss is computed before the only optimizer step."""
    options = ["--hidden", "8", "--epochs", "1", "--batch-size", "80", "--lr", lr, "--validation", validation]
    assert main(["fit", arrays(), *options]) == 2
    told = f"the loss after 1 epoch is {loss}; give a learning rate smaller than {lr[:2]}+{lr[2:]}"
    assert f"--lr: training diverged: {told}" in capsys.readouterr().err.splitlines()[-1]
    assert os.listdir() == ["data.npz"]


@pytest.mark.parametrize(("count", "share", "options"), [(3, "0.9", []), (4, "0.9", []), (1, "0.6", ["--per-step"])])
def test_a_validation_set_of_all_sequences_is_refused(
    count: int, share: str, options: list[str], capsys: Capture
) -> None:
    x = np.random.default_rng(0).standard_normal((count, 5, 2))
    np.savez("few.npz", x=x, y=x[:, :, 0] if options else x[:, 0, 0])
    message = failure(["fit", "few.npz", "--validation", share, "--out", "new/model.safetensors", *options], capsys)
    assert f"--validation: the fraction {share} of {count} seq" in message
    assert os.listdir() == ["few.npz"]


@pytest.mark.parametrize(("sizes", "got"), [("1,2,3", "'1,2,3'"), ("a,b,c,d", "'a,b,c,d'"), ("1,1,0,1", "'1,1,0,1'")])
def test_sizes_that_bench_refuses(sizes: str, got: str, capsys: Capture) -> None:
    assert f"--sizes: expected T,B,I,H as in 100,1,40,64, integers >= 1, got {got}" in failure(
        ["bench", "--sizes", sizes], capsys
    )
