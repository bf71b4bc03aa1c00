"""The typer application: the list of commands. It is imported only if typer is installed."""

from __future__ import annotations

from typing import Annotated

import typer

import gatewise as gw

from .commands.bench import bench
from .commands.fit import fit
from .commands.forecast import forecast
from .commands.predict import evaluate, predict
from .commands.weight_files import convert, info

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gatewise {gw.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def gatewise(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Train and run recurrent neural networks on CPUs.

    \b
    Examples:
      gatewise forecast                          train on the bundled series, write results to forecast/
      gatewise forecast sales.csv --column units
      gatewise forecast sales.csv --model forecast/model.safetensors --steps 24
      gatewise fit gestures.csv --group recording --target gesture
      gatewise predict model.safetensors new.csv
      gatewise evaluate model.safetensors test.csv
      gatewise info model.onnx
      gatewise convert state_dict.pt layer.onnx
      gatewise bench                             measure the speed of this machine
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


for command, short_help in (
    (forecast, "Train on a time series and forecast it."),
    (fit, "Fit a model to labelled sequences."),
    (evaluate, "Compare a model's predictions with targets."),
    (predict, "Predict the targets of new sequences."),
    (info, "Show what a model or weight file contains."),
    (convert, "Convert a model or weight file."),
    (bench, "Measure the speed of this machine."),
):
    app.command(short_help=short_help)(command)
