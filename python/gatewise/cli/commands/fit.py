"""The options and the help of ``gatewise fit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import fit as job
from ..options import DEFAULT_CELL, Cell, DataFile, Names, Text, Threads
from ..preflight import set_threads


def fit(
    data: DataFile,
    target: Annotated[
        Names,
        typer.Option(help="What to predict: a column of a CSV file (repeat for several), or an array of an NPZ file."),
    ] = None,
    group: Annotated[Text, typer.Option(help="Column with the sequence ID; each row is one time step.")] = None,
    time: Annotated[
        Text, typer.Option(help="Column by which to sort the steps of a sequence (default: the order of the file).")
    ] = None,
    features: Annotated[
        Names,
        typer.Option(help="Input column (repeat for several; default: all numeric columns except row numbers)."),
    ] = None,
    per_step: Annotated[
        bool, typer.Option("--per-step", help="Predict one target per step (default: one per sequence).")
    ] = False,
    task: Annotated[
        job.Task, typer.Option(help="Whether to predict classes or numbers.", case_sensitive=True)
    ] = job.Task.auto,
    cell: Annotated[Cell, typer.Option(help="Type of recurrent layer.")] = DEFAULT_CELL,
    hidden: Annotated[int, typer.Option(min=1, help="Hidden units per layer.")] = 32,
    layers: Annotated[int, typer.Option(min=1, help="Number of recurrent layers.")] = 1,
    bidirectional: Annotated[
        bool, typer.Option("--bidirectional", help="Read the sequences in both directions.")
    ] = False,
    dropout: Annotated[
        float, typer.Option(min=0.0, max=0.9, help="Dropout probability after each recurrent layer.")
    ] = 0.0,
    epochs: Annotated[int, typer.Option(min=1, help="Maximum number of epochs.")] = 100,
    batch_size: Annotated[int, typer.Option(min=1, help="Batch size, in sequences.")] = 32,
    lr: Annotated[float, typer.Option(help="Learning rate of Adam.")] = 0.003,
    clip: Annotated[float, typer.Option(help="Maximum gradient norm; larger gradients are scaled down to it.")] = 1.0,
    validation: Annotated[
        float, typer.Option(min=0.0, max=0.9, help="Fraction of the sequences to use as validation set.")
    ] = 0.2,
    patience: Annotated[
        int, typer.Option(min=1, help="Stop after this many epochs without a lower validation loss.")
    ] = 15,
    balanced: Annotated[bool, typer.Option("--balanced", help="Weight classes inversely to their frequency.")] = False,
    seed: Annotated[
        int, typer.Option(min=0, help="Random seed, for the weights, the order and the validation set.")
    ] = 0,
    out: Annotated[
        Path, typer.Option(help="Model file to write; a plot is written next to it, with the suffix .png.")
    ] = Path("model.safetensors"),
    threads: Threads = None,
) -> None:
    """Fit a recurrent network to sequences, to predict one target per sequence or, with --per-step, one per step.

    \b
    How a CSV file is read:
      with --group                rows with the same ID are the steps of one sequence
      without --group             each row is one sequence, its columns are the steps
      --per-step without --group  the rows are the steps of a single sequence
    Arrays of an NPZ file:
      x        (N, T, features) or (N, T)
      y        (N,), or (N, T) with --per-step
      lengths  (N,), if the sequences have different lengths

    Text targets are classes, and so are whole numbers with at most 20 different values. Other numbers are predicted as
    numbers. Features are standardized. The model file stores the scaling, so you can give predict and evaluate files in
    the original units.

    \b
    Examples:
      gatewise fit gestures.csv --group recording --time t --target gesture
      gatewise fit data.npz --cell gru --hidden 64 --layers 2 --out gru.safetensors
      gatewise fit machine.csv --group run --target temperature --per-step
    """
    plan = job.FitSettings(
        features=features or [], targets=target or [], group=group, time=time, per_step=per_step, task=task.value,
        cell=cell.value, hidden=hidden, layers=layers, bidirectional=bidirectional, dropout=dropout, epochs=epochs,
        batch_size=batch_size, lr=lr, clip=clip, validation=validation, patience=patience, balanced=balanced, seed=seed,
    )  # fmt: skip
    set_threads(threads)
    job.fit(data, plan, out)
