"""The options and the help of ``gatewise predict`` and ``gatewise evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import predict as job
from ..options import DataFile, File, Model, Threads
from ..preflight import set_threads


def predict(
    model: Model,
    data: DataFile,
    out: Annotated[Path, typer.Option(help="The .csv or .npz file to write.")] = Path("predictions.csv"),
    threads: Threads = None,
) -> None:
    """Predict the targets of the sequences in a file, with a model that gatewise fit wrote.

    The file must have the columns or arrays to which the model was fitted. It may have the targets as well; they are
    not read.

    \b
    Examples:
      gatewise predict model.safetensors new.csv
      gatewise predict model.safetensors new.npz --out predictions.npz
    """
    set_threads(threads)
    job.predict(model, data, out)


def evaluate(
    model: Model,
    data: DataFile,
    plot: Annotated[
        File, typer.Option(help="Also write a plot of predictions against targets, to this .png file.")
    ] = None,
    threads: Threads = None,
) -> None:
    """Compare a model's predictions with the targets in a file.

    The command prints the loss, and the accuracy of classes or the RMSE and MAE of numbers.

    \b
    Examples:
      gatewise evaluate model.safetensors test.csv
      gatewise evaluate model.safetensors test.npz --plot test.png
    """
    set_threads(threads)
    job.evaluate(model, data, plot)
