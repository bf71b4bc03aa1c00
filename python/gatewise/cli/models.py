"""The commands for models of labelled sequences, and `gatewise bench`, with their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from . import bench as benching
from . import fit as fitting
from . import predict as predicting
from .shared import set_threads

# typer reads these annotations at run time, and its older versions know Optional but not `| None`.
Count = Optional[int]  # noqa: UP045
Text = Optional[str]  # noqa: UP045
File = Optional[Path]  # noqa: UP045
Names = Optional[list[str]]  # noqa: UP045
Data = Annotated[Path, typer.Argument(metavar="DATA", help="A .csv file with a header line, or an .npz file.")]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A .safetensors file that gatewise fit wrote.")]
Threads = Annotated[Count, typer.Option(min=1, help="Threads at most (default: what the machine allows).")]


def fit(
    data: Data,
    target: Annotated[
        Names, typer.Option(help="What to predict: a column (several times: several), or the array.")
    ] = None,
    group: Annotated[Text, typer.Option(help="Column that tells sequences apart: a row is a step of one.")] = None,
    time: Annotated[Text, typer.Option(help="Column to put the steps in order by; default: as they stand.")] = None,
    features: Annotated[
        Names, typer.Option(help="A column to read (several times: several); default: all numbers but an index.")
    ] = None,
    per_step: Annotated[
        bool, typer.Option("--per-step", help="Every step has its answer; default: a sequence has one.")
    ] = False,
    task: Annotated[fitting.Task, typer.Option(help="Whether answers are classes or quantities.")] = fitting.Task.auto,
    cell: Annotated[fitting.Cell, typer.Option(help="Kind of the recurrent layers.")] = fitting.Cell.lstm,
    hidden: Annotated[int, typer.Option(min=1, help="Units of a layer.")] = 32,
    layers: Annotated[int, typer.Option(min=1, help="Recurrent layers.")] = 1,
    bidirectional: Annotated[bool, typer.Option("--bidirectional", help="Read backwards too.")] = False,
    dropout: Annotated[
        float, typer.Option(min=0.0, max=0.9, help="Share of a layer's outputs dropped in training.")
    ] = 0.0,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the data at most.")] = 100,
    batch_size: Annotated[int, typer.Option(min=1, help="Sequences a step.")] = 32,
    lr: Annotated[float, typer.Option(help="Adam's step size.")] = 0.003,
    clip: Annotated[float, typer.Option(help="Largest norm of the gradients.")] = 1.0,
    validation: Annotated[float, typer.Option(min=0.0, max=0.9, help="Share of the sequences held out.")] = 0.2,
    patience: Annotated[
        int, typer.Option(min=1, help="Stop after so many epochs without a better loss on the held-out.")
    ] = 15,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="Give rare classes as much weight as frequent ones.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and what is held out.")] = 0,
    out: Annotated[Path, typer.Option(help="Where the model goes; a picture with the suffix .png beside it.")] = Path(
        "model.safetensors"
    ),
    threads: Threads = None,
) -> None:
    """Fit a recurrent network to labelled sequences: one answer a sequence or, with --per-step, one a step.

    \b
    In a CSV file
      with --group        rows with the same id are the steps of a sequence
      without             each row is a sequence, its columns are the steps
      with --per-step     and no --group, all rows are the steps of one sequence
    In an NPZ file        x (N, T, features) or (N, T); y (N,), or (N, T) with --per-step; lengths (N,) if they differ

    Answers of text, and whole numbers of at most 20 kinds, are taken for classes, others for quantities. Numbers are
    scaled, and the scaling is saved with the model, so that predict and evaluate take files as they are.

    \b
    Examples:
      gatewise fit gestures.csv --group recording --time t --target gesture
      gatewise fit data.npz --cell gru --hidden 64 --layers 2 --out gru.safetensors
      gatewise fit machine.csv --group run --target temperature --per-step
    """
    plan = fitting.Plan(
        features or [], target or [], group, time, per_step, task.value, cell.value, hidden, layers, bidirectional,
        dropout, epochs, batch_size, lr, clip, validation, patience, balanced, seed,
    )  # fmt: skip
    set_threads(threads)
    fitting.fit(data, plan, out)


def predict(
    model: Model,
    data: Data,
    out: Annotated[Path, typer.Option(help="A .csv or .npz file.")] = Path("predictions.csv"),
    threads: Threads = None,
) -> None:
    """Answer the sequences of a file with a model that gatewise fit wrote.

    The file has the columns or arrays that the model was fitted to; answers in it are not read.

    \b
    Examples:
      gatewise predict model.safetensors new.csv
      gatewise predict model.safetensors new.npz --out answers.npz
    """
    set_threads(threads)
    predicting.predict(model, data, out)


def evaluate(
    model: Model,
    data: Data,
    plot: Annotated[File, typer.Option(help="Write a picture of the answers, a .png file.")] = None,
    threads: Threads = None,
) -> None:
    """Compare a model's answers with those in a file: loss, and accuracy or RMSE and MAE.

    \b
    Examples:
      gatewise evaluate model.safetensors test.csv
      gatewise evaluate model.safetensors test.npz --plot test.png
    """
    set_threads(threads)
    predicting.evaluate(model, data, plot)


def bench(
    cell: Annotated[fitting.Cell, typer.Option(help="Kind of the layer.")] = fitting.Cell.lstm,
    sizes: Annotated[
        Names,
        typer.Option(
            metavar="T,B,I,H",
            help=f"Steps, sequences, features, units (several times: several; default: {' '.join(benching.SIZES)}).",
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.0, max=60.0, help="Time for each line and library.")] = 0.3,
    threads: Threads = None,
) -> None:
    """Time a layer on this machine: forward, training, and a step of a stream; beside PyTorch where it is installed.

    \b
    Examples:
      gatewise bench --threads 1
      gatewise bench --cell gru --sizes 50,32,32,64 --sizes 1,1,16,16
    """
    set_threads(threads)
    benching.bench(cell.value, sizes or [], seconds)
