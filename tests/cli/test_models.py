"""``gatewise fit``, ``predict``, ``evaluate``, ``info`` and ``bench``: what they learn, write and print."""

from __future__ import annotations

import csv
import os
import re
import signal
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import pytest

import gatewise as gw
from commands import GROUPED, QUICK, Capture, arrays, failure, gestures, png_size, start
from gatewise.cli import main
from gatewise.cli.data import reading
from gatewise.cli.data.sequences import Columns

pytestmark = pytest.mark.usefixtures("own_folder")


def table(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_classes_are_learnt_from_a_csv_file(capsys: Capture) -> None:
    assert main(["fit", gestures(), *GROUPED, "--hidden", "16", "--epochs", "60"]) == 0
    out, err = capsys.readouterr()
    for text in ("60 sequences, 6 to 12 steps each, 2 features", "circle (20), rest (40)", "Validation  12 sequences"):
        assert text in out
    assert "Not used    who (not numeric)" in out
    assert "val_loss" in err
    assert png_size("model.png") == (1200, 500)
    assert sorted(os.listdir()) == ["gestures.csv", "model.png", "model.safetensors"]

    assert main(["evaluate", "model.safetensors", gestures("new.csv", seed=1), "--plot", "new.png"]) == 0
    out = capsys.readouterr().out
    words = dict(line.split()[:2] for line in out.splitlines()[:2])
    assert float(words["accuracy"]) > 0.9
    assert 0.0 < float(words["loss"]) < 0.3
    assert "always predicting the most frequent class, 'rest': 0.6667" in out
    assert png_size("new.png") == (650, 500)

    # Relabel some "rest" sequences as circles: recall of circles falls, precision stays high.
    renamed = re.sub(r"^(r[1-9]*[147],.*)rest$", r"\1circle", Path("new.csv").read_text(), flags=re.MULTILINE)
    Path("wrong.csv").write_text(renamed)
    assert main(["evaluate", "model.safetensors", "wrong.csv"]) == 0
    circles = capsys.readouterr().out.splitlines()[3].split()

    assert main(["predict", "model.safetensors", "new.csv"]) == 0
    told = {row["recording"]: row for row in table("predictions.csv")}
    right = {row["recording"]: row["gesture"] for row in table("new.csv")}
    assert told.keys() == right.keys()
    assert list(told) == list(right)  # the rows are in the order of the file
    found = np.mean([told[name]["gesture"] == answer for name, answer in right.items()])
    assert found == pytest.approx(float(words["accuracy"]), abs=1e-3)
    called = {row["recording"] for row in table("wrong.csv") if row["gesture"] == "circle"}
    given = {name for name, row in told.items() if row["gesture"] == "circle"}
    hits = len(called & given)
    assert circles == [
        "circle",
        f"{len(called)}",
        f"{hits / len(called):.0%}",
        f"{len(given)}",
        f"{hits / len(given):.0%}",
    ]
    assert circles[2] != circles[4]
    for row in told.values():
        p = float(row["probability circle"])
        assert p + float(row["probability rest"]) == pytest.approx(1.0)
        assert (row["gesture"] == "circle") == (p > 0.5)


def test_the_model_alone_reproduces_what_predict_writes() -> None:
    """The notes hold everything needed to get from a file to the model's input and back."""
    assert main(["fit", arrays(), *QUICK, "--cell", "gru", "--layers", "2", "--bidirectional", "--dropout", "0.1"]) == 0
    assert main(["predict", "model.safetensors", "data.npz", "--out", "a/p.npz"]) == 0
    model = gw.load("model.safetensors")
    notes = model.notes["gatewise fit"]
    with np.load("data.npz") as data, np.load("a/p.npz") as told:
        x = (data["x"] - notes["mean"]) / notes["scale"]
        y = model.predict(x.astype(np.float32), lengths=data["lengths"])
        assert told["sequence"].tolist() == list(range(80))
        # The batches differ from those of the command, so the last layer's product may round differently.
        np.testing.assert_allclose(told["y"], y[:, 0] * notes["target_scale"] + notes["target_mean"], rtol=1e-5)


def test_quantities_are_learnt_in_their_own_units(capsys: Capture) -> None:
    assert main(["fit", arrays(), "--hidden", "16", "--epochs", "80", "--lr", "0.01"]) == 0
    capsys.readouterr()
    assert main(["predict", "model.safetensors", "data.npz", "--out", "p.npz"]) == 0
    assert main(["evaluate", "model.safetensors", "data.npz"]) == 0
    line = capsys.readouterr().out.splitlines()[-1].split()
    with np.load("data.npz") as data, np.load("p.npz") as told:
        error, y = told["y"] - data["y"], data["y"]
    assert line[0] == "y"
    assert float(line[1]) == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-3)
    assert float(line[2]) == pytest.approx(np.mean(np.abs(error)), rel=1e-3)
    assert float(line[1]) < 0.5 * np.std(y)
    assert float(line[3]) == pytest.approx(np.std(y), rel=0.05)


def test_the_scaling_is_that_of_the_training_set(capsys: Capture) -> None:
    assert main(["fit", arrays(), *QUICK, "--seed", "3", "--validation", "0.25"]) == 0
    notes = gw.load("model.safetensors").notes["gatewise fit"]
    kept = np.sort(np.random.default_rng(3).permutation(80)[20:])
    with np.load("data.npz") as data:
        x, y, valid = data["x"][kept], data["y"][kept], np.arange(12) < data["lengths"][kept, None]
    np.testing.assert_allclose(notes["mean"], x[valid].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(notes["scale"], x[valid].std(axis=0), rtol=1e-12)
    np.testing.assert_allclose([*notes["target_mean"], *notes["target_scale"]], [y.mean(), y.std()], rtol=1e-12)


@pytest.mark.parametrize("time", ["{}", "{}.5", "2024-01-{:02d}"])
def test_one_target_per_step_in_a_csv_file(time: str) -> None:
    """The targets are running sums, so they can be learnt only if the steps are in the right order."""
    rng = np.random.default_rng(0)
    walks = [rng.standard_normal(4 + run) for run in range(8)]
    rows = [
        [run, time.format(t + 5), x, 30 + 2 * total]
        for run, walk in enumerate(walks)
        for t, (x, total) in enumerate(zip(walk, walk.cumsum(), strict=True))
    ]
    order = rng.permutation(len(rows))
    lines = [",".join(map(str, rows[i])) for i in order]
    Path("runs.csv").write_text("\n".join(["run,t,x,y", *lines]))
    arguments = ["--target", "y", "--group", "run", "--time", "t", "--per-step", "--epochs", "200", "--lr", "0.02"]
    assert main(["fit", "runs.csv", *arguments, "--validation", "0", "--cell", "rnn"]) == 0
    assert main(["predict", "model.safetensors", "runs.csv"]) == 0
    told = table("predictions.csv")
    assert [(row["row"], row["run"], row["t"]) for row in told] == [
        (str(place + 1), str(rows[i][0]), str(rows[i][1])) for place, i in enumerate(order)
    ]
    error = [float(row["y"]) - rows[i][3] for row, i in zip(told, order, strict=True)]
    assert np.std(error) < 0.2 * np.std([row[3] for row in rows])


@pytest.mark.parametrize("y", ["numbers", "classes"])
def test_one_target_per_step_in_an_npz_file(y: str, capsys: Capture) -> None:
    arrays(per_step=True)
    with np.load("data.npz") as data:
        running = data["y"]
    if y == "classes":
        arrays(per_step=True, y=np.where(running > 50, "high", "low"))
    assert main(["fit", "data.npz", "--per-step", "--hidden", "16", "--epochs", "30", "--lr", "0.01"]) == 0
    assert main(["predict", "model.safetensors", "data.npz", "--out", "p.npz"]) == 0
    with np.load("data.npz") as data, np.load("p.npz") as told:
        sequence, step = np.nonzero(np.arange(12) < data["lengths"][:, None])
        assert told["sequence"].tolist() == sequence.tolist()
        assert told["step"].tolist() == step.tolist()
        right = data["y"][sequence, step]
        if y == "classes":
            assert np.mean(told["y"] == right) > 0.85
        else:
            assert np.corrcoef(told["y"], right)[0, 1] > 0.9


def test_without_groups_each_row_is_a_sequence(capsys: Capture) -> None:
    rng = np.random.default_rng(0)
    waves = [np.sin(np.arange(16) / (1 + 2 * (i % 2)) + rng.uniform(0, 6)) for i in range(60)]
    lines = [",".join([*(f"{v:.3f}" for v in wave), f"{10 - i % 2}.0"]) for i, wave in enumerate(waves)]
    Path("waves.csv").write_text("\n".join([",".join([*(f"t{t}" for t in range(16)), "kind"]), *lines]))
    assert main(["fit", "waves.csv", "--target", "kind", "--epochs", "60", "--lr", "0.01", "--balanced"]) == 0
    assert "60 sequences (one per row), 16 steps each" in capsys.readouterr().out
    assert main(["predict", "model.safetensors", "waves.csv"]) == 0
    told = table("predictions.csv")
    assert list(told[0]) == [
        "row",
        "kind",
        "probability 9",
        "probability 10",
    ]  # sorted as numbers; the class 10.0 is named 10
    assert np.mean([row["kind"] == str(10 - i % 2) for i, row in enumerate(told)]) > 0.9


def test_a_column_of_row_numbers_is_not_a_feature(capsys: Capture) -> None:
    """An index that pandas wrote is no information about new data, and neither is an ID that counts rows."""
    gestures()
    header, *rows = Path("gestures.csv").read_text().splitlines()
    numbered = [f"{3 * i % 7},{row},{i + 5}" for i, row in enumerate(rows)]
    Path("indexed.csv").write_text("\n".join([f",{header},id", *numbered]))
    assert main(["fit", "gestures.csv", *GROUPED, *QUICK, "--out", "a.safetensors"]) == 0
    assert main(["fit", "indexed.csv", *GROUPED, *QUICK, "--out", "b.safetensors"]) == 0
    told = "Not used    Unnamed: 0, id (row numbers, or no name; use --features to include)"
    assert told in capsys.readouterr().out
    assert Path("a.safetensors").read_bytes() == Path("b.safetensors").read_bytes()
    for data in ("gestures.csv", "indexed.csv"):
        assert main(["evaluate", "b.safetensors", data]) == 0
        assert main(["predict", "b.safetensors", data]) == 0

    named = ["--features", "x", "--features", "id", "--features", "Unnamed: 0"]
    assert main(["fit", "indexed.csv", *GROUPED, *QUICK, *named]) == 0
    out = capsys.readouterr().out
    assert "Not used" not in out.split("Features")[1]
    assert "3 features" in out


def test_several_targets_have_several_lines(capsys: Capture) -> None:
    arguments = ["--target", "x", "--target", "y", "--features", "t", "--group", "recording", "--per-step"]
    assert main(["fit", gestures(), *arguments, *QUICK]) == 0
    assert main(["evaluate", "model.safetensors", "gestures.csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[-2:]] == ["x", "y"]
    assert main(["predict", "model.safetensors", "gestures.csv"]) == 0
    assert list(table("predictions.csv")[0]) == ["row", "recording", "x", "y"]


def test_two_runs_write_identical_files_and_another_seed_does_not() -> None:
    for out, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert main(["fit", gestures(), *GROUPED, *QUICK, "--seed", seed, "--out", f"{out}/m.safetensors"]) == 0
    for name in ("m.safetensors", "m.png"):
        assert Path("a", name).read_bytes() == Path("b", name).read_bytes() != Path("c", name).read_bytes()


def test_predictions_in_npz_files_have_the_names_of_columns() -> None:
    gestures()
    header, rows = Path("gestures.csv").read_text().split("\n", 1)
    Path("gestures.csv").write_text(f"{header.replace('recording', 'file')}\n{rows}")
    assert main(["fit", "gestures.csv", "--target", "gesture", "--group", "file", *QUICK]) == 0
    for out in ("p.csv", "p.npz"):
        assert main(["predict", "model.safetensors", "gestures.csv", "--out", out]) == 0
    with np.load("p.npz") as told:
        assert told.files == ["file", "gesture", "probability circle", "probability rest"]
        for index, row in enumerate(table("p.csv")):
            assert all(row[name] == str(told[name][index]) for name in ("file", "gesture"))
            np.testing.assert_allclose(told["probability rest"][index], float(row["probability rest"]), rtol=1e-12)


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (np.arange(80) % 3, "3 classes, 0 (27), 1 (27), 2 (26)"),
        (np.arange(80) % 2 == 0, "2 classes, False (40), True (40)"),
        (np.arange(80), "numbers"),
        (np.arange(80) % 3 + 0.5, "numbers"),
    ],
)
def test_whether_targets_are_classes_or_numbers(y: Any, task: str, capsys: Capture) -> None:
    assert main(["fit", arrays(y=y), *QUICK]) == 0
    assert f"Target      y, one per sequence: {task} (--task changes this)" in capsys.readouterr().out


def test_steps_are_sorted_by_time() -> None:
    for times in (["10", "9", "-1", "1e1"], ["2024-10-01", "2024-09-30", "2023-12-31", "2024-10-01"]):
        lines = [f"{time},{group},{place}" for place, (time, group) in enumerate(zip(times, "baab", strict=True))]
        Path("t.csv").write_text("\n".join(["t,g,y", *lines]))
        content = reading.load(Path("t.csv"))
        columns = reading.choose(content, ["y"], ["g"], None, "t", per_step=True)
        read = reading.read(Path("t.csv"), content, columns, None)
        assert [one.ravel().tolist() for one in read.x] == [[2.0, 1.0, 0.0, 3.0]]
        assert read.targets is not None
        assert read.targets.ravel().tolist() == ["a", "a", "b", "b"]
        grouped = Columns("groups", ["y"], ["g"], "g", "t")
        read = reading.read(Path("t.csv"), content, grouped, None)
        assert [one.ravel().tolist() for one in read.x] == [[0.0, 3.0], [2.0, 1.0]]
        assert read.labels["g"].tolist() == ["b", "a"]


def test_the_printed_loss_is_that_of_the_validation_set(capsys: Capture) -> None:
    assert main(["fit", arrays(), "--hidden", "8", "--epochs", "1", "--seed", "3", "--validation", "0.25"]) == 0
    out, err = capsys.readouterr()
    told = float(next(line.split()[1] for line in out.splitlines() if line.startswith("loss")))
    assert float(re.findall(r"val_loss ([\d.]+)", err)[-1]) == told
    model = gw.load("model.safetensors")
    notes = model.notes["gatewise fit"]
    held = np.random.default_rng(3).permutation(80)[:20]
    with np.load("data.npz") as data:
        x = ((data["x"][held] - notes["mean"]) / notes["scale"]).astype(np.float32)
        y = (data["y"][held] - notes["target_mean"]) / notes["target_scale"]
        loss = model.evaluate(x, y, lengths=data["lengths"][held])["loss"]
    assert told == pytest.approx(loss, rel=1e-3)


def test_info_shows_layers_and_notes(capsys: Capture) -> None:
    name = gestures()
    Path(name).write_text(Path(name).read_text().replace("circle", "$_$"))  # a formula that matplotlib cannot read
    assert main(["fit", name, *GROUPED, *QUICK]) == 0
    assert "370 parameters (402 stored numbers); seed" in capsys.readouterr().out
    assert main(["info", "model.safetensors"]) == 0
    out = capsys.readouterr().out
    assert next(line for line in out.splitlines() if line.startswith("total")).split()[1:3] == ["370", "402"]
    assert main(["convert", "model.safetensors", "layers.safetensors"]) == 0
    assert "Layer types and notes were not written: this format stores arrays only." in capsys.readouterr().out
    before = Path("model.safetensors").read_bytes()
    Path("link.safetensors").symlink_to("model.safetensors")
    for target in ("model.safetensors", "link.safetensors"):
        message = failure(["convert", "model.safetensors", target], capsys)
        assert message == f"gatewise: OUT: expected a file other than IN, got {target}\n"
    assert Path("model.safetensors").read_bytes() == before
    for text in (
        "LSTM(2, 8, batch_first=True)",
        "Notes of gatewise fit:",
        '  classes: ["$_$", "rest"]',
        '    time: "t"',
    ):
        assert text in out
    model = gw.load("model.safetensors")
    model.notes = {"long": "x" * 1000}
    model.save("model.safetensors")
    assert main(["info", "model.safetensors"]) == 0
    assert len(capsys.readouterr().out.splitlines()[-1]) < 120


def test_balanced_raises_the_probability_of_a_rare_class() -> None:
    rng = np.random.default_rng(0)
    y = (np.arange(200) % 10 == 0).astype(int)
    x = rng.standard_normal((200, 5, 1)) + 0.7 * y[:, None, None]
    np.savez("rare.npz", x=x, y=y)
    given = []
    for option in ([], ["--balanced"]):
        assert main(["fit", "rare.npz", "--hidden", "8", "--epochs", "40", "--validation", "0", *option]) == 0
        assert main(["predict", "model.safetensors", "rare.npz", "--out", "p.npz"]) == 0
        with np.load("p.npz") as told:
            given.append(told["probability 1"].mean())
    assert given[0] < 0.2 < given[1]


def test_bench_prints_one_line_per_size_and_measurement(capsys: Capture) -> None:
    before = gw.get_num_threads()
    arguments = ["--cell", "gru", "--sizes", "5,2,3,4", "--sizes", "7,1,2,8", "--seconds", "0.001", "--threads", "1"]
    try:
        assert main(["bench", *arguments]) == 0
    finally:
        gw.set_num_threads(before)
    out = capsys.readouterr().out
    assert "1 thread, float32" in out
    lines = [line.split() for line in out.splitlines() if line.startswith("     ")]
    assert [line[:2] for line in lines] == [
        [size, kind] for size in ("5,2,3,4", "7,1,2,8") for kind in ("forward", "training", "step")
    ]
    units = {"s": 1.0, "ms": 1e-3, "µs": 1e-6}
    for line, flops in zip(lines, (1680, 5040, 336, 3360, 10080, 480), strict=True):
        seconds, speed = float(line[2]) * units[line[3]], float(line[4])
        assert speed == pytest.approx(flops / seconds / 1e9, rel=0.02, abs=0.06)


@pytest.mark.parametrize("command", ["fit", "predict", "evaluate", "bench"])
def test_help_has_examples(command: str, capsys: Capture) -> None:
    assert main([command, "--help"]) == 0
    assert f"gatewise {command} " in capsys.readouterr().out.split("Examples:")[1]


@pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to another process on Windows")
def test_ctrl_c_leaves_a_usable_model() -> None:
    gestures()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job may ignore the signal
    try:
        process = start("fit", "gestures.csv", *GROUPED, "--epochs", "100000", "--patience", "100000")
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stderr
    seen = ""
    while "epoch" not in seen:
        seen += process.stderr.read(1)
    sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith("\ngatewise: interrupted\n")
    assert "Traceback" not in err
    assert "Wrote model.safetensors and model.png" in out
    assert main(["evaluate", "model.safetensors", "gestures.csv"]) == 0
