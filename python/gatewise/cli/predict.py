"""What ``gatewise predict`` and ``gatewise evaluate`` do."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from ..files.errors import InputError
from ..files.libraries import library
from ..files.writing import replace_file
from . import preparing, tables
from .judging import judge
from .pictures import draw
from .preparing import Preparation
from .shared import prepare_folder, require
from .tables import Array, Sequences

SHOWN = 10


def predict(model_path: Path, path: Path, out: Path) -> None:
    """Write the model's answers to the sequences of a file, and show the first."""
    if out.suffix.lower() not in (".csv", ".npz"):
        raise InputError(f"--out: expected a name that ends in .csv or .npz, got {out}")
    require("pandas", "safetensors")
    model, preparation = preparing.load(model_path)
    data = _read(path, preparation, answers=False)
    prepare_folder(out.parent)
    table = _table(preparation, data, preparation.outputs_of(model, data))
    if out.suffix.lower() == ".csv":
        content = library("pandas", "cli").DataFrame(table).to_csv(index=False, lineterminator="\n").encode("utf-8")
    else:
        content = _npz(table)
    replace_file(out, content)
    print(library("pandas", "cli").DataFrame({n: v[:SHOWN] for n, v in table.items()}).to_string(index=False))
    count = len(data.place)
    print(f"{f'... {count - SHOWN} more; ' if count > SHOWN else ''}wrote {out}, {count} answers.")


def evaluate(model_path: Path, path: Path, plot: Path | None) -> None:
    """Print how good the model's answers to the sequences of a file are."""
    require("safetensors")
    if plot is not None:
        if plot.suffix.lower() != ".png":
            raise InputError(f"--plot: expected a name that ends in .png, got {plot}")
        require("matplotlib")
        prepare_folder(plot.parent)
    model, preparation = preparing.load(model_path)
    data = _read(path, preparation, answers=True)
    judgement = judge(model, preparation, data, path)
    print(judgement.text)
    if plot is not None:
        replace_file(plot, draw(preparation, judgement, path.name))
        print(f"Wrote {plot}.")


def _read(path: Path, preparation: Preparation, answers: bool) -> Sequences:
    text = preparation.task == "classification"
    data = tables.read(path, tables.load(path), preparation.columns, text, answers)
    expected, got = len(preparation.mean), data.x[0].shape[1]
    if got != expected:
        raise InputError(f"{path}: expected {expected} features, as the model was fitted to, got {got}")
    return data


def _table(preparation: Preparation, data: Sequences, outputs: Array) -> dict[str, Array]:
    """Header to column, in the order of the file."""
    columns = dict(data.names)
    columns |= dict(zip(preparation.answer_names, preparation.answers(outputs).T, strict=True))
    if preparation.task == "classification":
        names = [f"probability {name}" for name in preparation.classes]
        columns |= dict(zip(names, preparation.probabilities(outputs).T, strict=True))
    back = np.argsort(data.place)
    return {name: values[back] for name, values in columns.items()}


def _npz(arrays: dict[str, Array]) -> bytes:
    """As numpy.savez, which takes no array of the name file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return buffer.getvalue()
