"""The work of ``gatewise predict`` and ``gatewise evaluate``."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from .._core.parameters import Array
from ..files.errors import InputError
from ..files.libraries import library
from ..files.suffixes import chosen_suffix, require_suffix
from ..files.writing import replace_file
from . import preprocessing
from .data import reading
from .data.sequences import LabelledSequences
from .pictures import draw
from .preflight import prepare_folder, require
from .preprocessing import Preprocessing
from .scoring import score

SHOWN = 10  # predictions to print


def predict(model_path: Path, path: Path, out: Path) -> None:
    """Write the model's predictions for the sequences of a file, and print the first ones."""
    suffix = chosen_suffix("--out", out, [".csv", ".npz"])
    require("pandas", "safetensors")
    model, fitted = preprocessing.load(model_path)
    data = _read(path, fitted, with_targets=False)
    prepare_folder(out.parent)
    table = _table(fitted, data, fitted.outputs_of(model, data))
    pandas = library("pandas", "cli")
    if suffix == ".csv":
        replace_file(out, pandas.DataFrame(table).to_csv(index=False, lineterminator="\n").encode("utf-8"))
    else:
        replace_file(out, _npz(table))
    print(pandas.DataFrame({name: values[:SHOWN] for name, values in table.items()}).to_string(index=False))
    count = len(data.position)
    if count > SHOWN:
        print(f"... and {count - SHOWN} more")
    print(f"Wrote {count} prediction{'' if count == 1 else 's'} to {out}.")


def evaluate(model_path: Path, path: Path, plot: Path | None) -> None:
    """Print how good the model's predictions for the sequences of a file are."""
    require("safetensors")
    if plot is not None:
        require_suffix("--plot", plot, ".png")
        require("matplotlib")
        prepare_folder(plot.parent)
    model, fitted = preprocessing.load(model_path)
    scores = score(model, fitted, _read(path, fitted, with_targets=True), path)
    print(scores.text)
    if plot is not None:
        replace_file(plot, draw(fitted, scores, path.name))
        print(f"Wrote {plot}.")


def _read(path: Path, fitted: Preprocessing, with_targets: bool) -> LabelledSequences:
    text = fitted.task == "classification"
    data = reading.read(path, reading.load(path), fitted.columns, text, with_targets)
    expected, got = len(fitted.mean), data.x[0].shape[1]
    if got != expected:
        raise InputError(f"{path}: expected {expected} features, as the model was fitted to, got {got}")
    return data


def _table(fitted: Preprocessing, data: LabelledSequences, outputs: Array) -> dict[str, Array]:
    """Return the columns to write by their headers, with rows in the order of the file."""
    columns = dict(data.labels)
    columns |= dict(zip(fitted.target_names, fitted.predictions(outputs).T, strict=True))
    if fitted.task == "classification":
        names = [f"probability {name}" for name in fitted.classes]
        columns |= dict(zip(names, fitted.probabilities(outputs).T, strict=True))
    order = np.argsort(data.position)
    return {name: values[order] for name, values in columns.items()}


def _npz(arrays: dict[str, Array]) -> bytes:
    """Return what numpy.savez writes; unlike it, this takes an array of the name "file"."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return buffer.getvalue()
