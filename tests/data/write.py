"""Write the files that tests/project/test_written_files.py reads, each with its inputs and results in an .npz file.

The files in this folder were written by version 0.1.0 at commit 8d90082, with the instruction set x86-64-v3. They stay
as they are: the test shows that later versions read them. For another version, write into another folder:

    python tests/data/write.py FOLDER

The .npz files also contain the sensitivity of each result: how much it changes, relative to the size of the change, if
all parameters and inputs are multiplied by random numbers close to 1. The test derives its tolerances from it.
"""

from __future__ import annotations

import copy
import csv
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gatewise as gw
import gatewise.weights
from gatewise.cli import main
from gatewise.forecasting import Forecaster
from gatewise.training.callbacks import Checkpoint, EarlyStopping

Array = NDArray[Any]
CHANGE = 2.0**-10
DRAWS = 3
NOTES = {"classes": ["é", "no"], "mean": 0.1, "of": {"rows": 3}}

MODELS: dict[str, Callable[[], gw.Sequential]] = {
    "lstm": lambda: gw.Sequential(
        gw.LSTM(3, 5, num_layers=2, dropout=0.1, bidirectional=True, proj_size=2, peephole=True, batch_first=True),
        gw.Dropout(0.2),
        gw.LSTM(
            4,
            3,
            batch_first=True,
            activations=(("hard_sigmoid", 0.2, 0.5), "softsign", "tanh"),
            clip=3.0,
            input_forget=True,
            zoneout=(0.1, 0.2),
        ),
        gw.LastStep(),
        gw.Linear(3, 2),
        seed=0,
    ),
    "gru": lambda: gw.Sequential(
        gw.Embedding(9, 4),
        gw.GRU(4, 5, reset_after=False, recurrent_dropout=0.1, batch_first=True),
        gw.GRU(5, 4, bias=False, zoneout=0.1, batch_first=True),
        gw.MeanOverSteps(),
        gw.Linear(4, 3, bias=False),
        seed=1,
    ),
    "rnn": lambda: gw.Sequential(
        gw.RNN(3, 4, nonlinearity="relu", batch_first=True, dtype=np.float64),
        gw.RNN(4, 3, nonlinearity=("leaky_relu", 0.1), bidirectional=True, batch_first=True, dtype=np.float64),
        gw.Flatten(6),
        gw.Linear(36, 2, dtype=np.float64),
        seed=2,
    ),
}


def changed(value: Array, rng: np.random.Generator) -> Array:
    """Change every number of a float array by a random share of about CHANGE; return other arrays as they are."""
    if value.dtype.kind != "f":
        return value
    return (value * (1 + CHANGE * rng.standard_normal(value.shape))).astype(value.dtype)


def with_sensitivity(run: Callable[[Any], dict[str, Array]]) -> dict[str, Array]:
    """Return the results of ``run`` with the sensitivity of each, which calls with changed arrays measure."""
    results = run(lambda value: value)
    found = {name: float(np.abs(value).max()) for name, value in results.items()}
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        for name, value in run(lambda value: changed(np.asarray(value), rng)).items():  # noqa: B023
            found[name] = max(found[name], float(np.abs(value - results[name]).max()) / CHANGE)
    return {**results, **{f"sensitivity.{name}": np.float64(value) for name, value in found.items()}}


def with_changes(model: gw.Sequential, change: Any) -> gw.Sequential:
    other = copy.deepcopy(model)
    other.load_state_dict({name: change(value) for name, value in model.state_dict().items()})
    return other


def outputs(model: gw.Sequential, data: dict[str, Array], change: Any) -> dict[str, Array]:
    """Return the output of each layer of the model: ``y.1`` of the first, and so on."""
    model = with_changes(model, change)
    data = {**data, "x": change(data["x"])}
    first = [gw.Sequential(*copy.deepcopy(model.parts[:k])) for k in range(1, len(model.parts) + 1)]
    return {f"y.{k}": part(**data) for k, part in enumerate(first, 1)}


def inputs(name: str) -> dict[str, Array]:
    rng = np.random.default_rng(3)
    if name == "gru":
        return {"x": rng.integers(0, 9, (4, 6)), "lengths": np.array([6, 2, 5, 1])}
    if name == "rnn":
        return {"x": rng.standard_normal((4, 6, 3))}
    return {"x": rng.standard_normal((4, 6, 3)).astype(np.float32), "lengths": np.array([3, 6, 1, 4])}


def write_models(folder: Path) -> None:
    for name, make in MODELS.items():
        model, data = make(), inputs(name)
        model.notes = NOTES
        model.save(folder / f"{name}.safetensors")
        results = with_sensitivity(lambda change: outputs(model, data, change))  # noqa: B023
        np.savez_compressed(folder / f"{name}.npz", **data, **results)


def make_layers() -> dict[str, Any]:
    return {
        "encoder": gw.LSTM(3, 4, num_layers=2, bidirectional=True, proj_size=2, peephole=True, dropout=0.2, seed=0),
        "decoder": gw.GRU(3, 4, reset_after=False, activations=("hard_sigmoid", "relu"), clip=2.0, seed=1),
    }


def write_layers(folder: Path) -> None:
    layers = make_layers()
    others = {"head.weight": np.arange(6.0).reshape(2, 3), "steps": np.array([3])}
    gatewise.weights.save(layers, folder / "layers.safetensors", others)
    x = np.random.default_rng(4).standard_normal((5, 2, 3)).astype(np.float32)

    def run(change: Any) -> dict[str, Array]:
        results = {}
        for name, layer in layers.items():
            other = copy.deepcopy(layer)
            other.load_state_dict({key: change(value) for key, value in layer.state_dict().items()})
            results[name] = other(change(x))[0]
        return results

    np.savez_compressed(folder / "layers.npz", x=x, **others, **with_sensitivity(run))


def untrained(seed: int) -> gw.Sequential:
    return gw.Sequential(
        gw.GRU(2, 5, num_layers=2, dropout=0.3, batch_first=True),
        gw.Dropout(0.2),
        gw.RNN(5, 1, batch_first=True),
        gw.LastStep(),
        seed=seed,
    )


def trained(model: gw.Sequential, x: Array, y: Array, epochs: int, path: Path, **options: Any) -> dict[str, Array]:
    """Train the model with a checkpoint after every epoch; return its parameters and the history."""
    history = model.fit(
        x,
        y,
        epochs=epochs,
        batch_size=4,
        optimizer=gw.optimizers.Adam(gw.schedules.Exponential(0.01, 0.9)),
        validation_split=0.2,
        callbacks=[Checkpoint(path), EarlyStopping(patience=50)],
        verbose=False,
        **options,
    )
    return {"params": model.flat_params.copy(), **{name: np.array(v) for name, v in history.history.items()}}


def write_checkpoint(folder: Path) -> None:
    """Write a checkpoint after two epochs, and the results of four epochs without interruption."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((20, 6, 2)).astype(np.float32)
    y = x.sum(axis=(1, 2))[:, None]
    path = folder / "checkpoint.safetensors"
    model = untrained(seed=0)
    results = with_sensitivity(lambda change: trained(with_changes(model, change), change(x), change(y), 4, path))
    trained(copy.deepcopy(model), x, y, 2, path)
    np.savez_compressed(folder / "checkpoint.npz", x=x, y=y, **results)


def changed_file(path: Path, change: Any, folder: str) -> Path:
    """Write a copy of a model file with changed parameters, and return its path."""
    model = with_changes(gw.load(path), change)
    model.save(Path(folder) / path.name)
    return Path(folder) / path.name


def write_forecaster(folder: Path) -> None:
    rows = np.arange(60)
    series = np.sin(2 * np.pi * rows / 12) + 0.01 * rows
    forecaster = Forecaster("gru", hidden_size=4, window=12, horizon=3, season=12, epochs=2, seed=0).fit(series)
    path = folder / "forecaster.safetensors"
    forecaster.save(path)

    def run(change: Any) -> dict[str, Array]:
        with tempfile.TemporaryDirectory() as other:
            return {"forecast": Forecaster.load(changed_file(path, change, other)).predict(8, change(series))}

    np.savez_compressed(folder / "forecaster.npz", series=series, **with_sensitivity(run))


def predictions(path: Path) -> tuple[list[str], Array]:
    """Return the text and the probabilities in a file of ``gatewise predict``."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    text = [value for row in rows for name, value in row.items() if not name.startswith("probability")]
    numbers = [[float(v) for name, v in row.items() if name.startswith("probability")] for row in rows]
    return text, np.array(numbers)


def write_command(folder: Path) -> None:
    """Write a classifier of ``gatewise fit``, its data, and the predictions of ``gatewise predict``."""
    rng = np.random.default_rng(6)
    lines = ["recording,t,x,y,gesture"]
    for recording in range(18):
        circle, start = recording % 3 == 0, rng.uniform(0, 6)
        for step in range(int(rng.integers(4, 8))):
            x, y = np.array([np.cos(step + start), np.sin(step + start)]) * circle + 0.1 * rng.standard_normal(2)
            lines.append(f"r{recording},{step},{1000 + 100 * x:.3f},{y:.3f},{'circle' if circle else 'rest'}")
    data, path = folder / "command.csv", folder / "command.safetensors"
    data.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with tempfile.TemporaryDirectory() as other:
        columns = ["--target", "gesture", "--group", "recording", "--time", "t"]
        sizes = ["--hidden", "4", "--epochs", "2", "--cell", "gru", "--bidirectional"]
        assert main(["fit", str(data), *columns, *sizes, "--out", f"{other}/model.safetensors"]) == 0
        path.write_bytes((Path(other) / "model.safetensors").read_bytes())

        def run(change: Any) -> dict[str, Array]:
            model = changed_file(path, change, other)
            assert main(["predict", str(model), str(data), "--out", f"{other}/p.csv"]) == 0
            return {"probabilities": predictions(Path(other) / "p.csv")[1]}

        results = with_sensitivity(run)
        run(lambda value: value)
        text = predictions(Path(other) / "p.csv")[0]
    np.savez_compressed(folder / "command.npz", text=np.array(text), **results)


def write_graph(folder: Path) -> None:
    model = gw.Sequential(
        gw.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True),
        gw.GRU(8, 3, reset_after=False, batch_first=True),
        gw.LastStep(),
        seed=0,
    )
    from gatewise import onnx

    onnx.save(model, folder / "graph.onnx")
    data = inputs("lstm")
    lengths = data["lengths"].astype(np.int32)
    results = with_sensitivity(lambda change: {"y": with_changes(model, change)(change(data["x"]), lengths=lengths)})
    np.savez_compressed(folder / "graph.npz", x=data["x"], lengths=lengths, **results)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for write in (
        write_models,
        write_layers,
        write_checkpoint,
        write_forecaster,
        write_command,
        write_graph,
    ):
        write(folder)
