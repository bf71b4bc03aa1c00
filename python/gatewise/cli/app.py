"""The commands of ``gatewise`` and their options; imported only once typer is known to be there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

import gatewise as gw

from ..forecasting.settings import Settings, Training
from ..weights.registry import formats_in_words
from . import convert as conversion
from . import forecast as job
from . import models
from .shared import set_threads

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
NETWORK, TRAINING = Settings(), Training()

# typer reads these annotations at run time, and its older versions know Optional but not `| None`.
Count = Optional[int]  # noqa: UP045
Number = Optional[float]  # noqa: UP045
Text = Optional[str]  # noqa: UP045
File = Optional[Path]  # noqa: UP045


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
    """Recurrent networks on the CPU.

    \b
    Examples:
      gatewise forecast                          train on the series that comes along, write forecast/
      gatewise forecast sales.csv --column units
      gatewise forecast sales.csv --model forecast/model.safetensors --steps 24
      gatewise fit gestures.csv --group recording --target gesture
      gatewise predict model.safetensors new.csv
      gatewise evaluate model.safetensors test.csv
      gatewise info model.onnx
      gatewise convert state_dict.pt layer.onnx
      gatewise bench                             how fast this machine is
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def forecast(
    csv: Annotated[
        File, typer.Argument(help="CSV file with a header line. Default: the series that comes along.")
    ] = None,
    column: Annotated[Text, typer.Option(help="Column of the values. Default: the only one of numbers.")] = None,
    date_column: Annotated[Text, typer.Option(help="Column of the dates. Default: the first one of dates.")] = None,
    covariate: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(metavar="NAME", help="Column of numbers to read beside the values; may be given again."),
    ] = None,
    cell: Annotated[Text, typer.Option(help=f"lstm or gru (default {NETWORK.cell}).")] = None,
    hidden: Annotated[Count, typer.Option(min=1, help=f"Hidden units (default {NETWORK.hidden_size}).")] = None,
    layers: Annotated[Count, typer.Option(min=1, help=f"Recurrent layers (default {NETWORK.num_layers}).")] = None,
    window: Annotated[Count, typer.Option(min=1, help=f"Values read (default: {job.WINDOW_RULE}).")] = None,
    horizon: Annotated[Count, typer.Option(min=1, help=f"Values to forecast (default {NETWORK.horizon}).")] = None,
    season: Annotated[Count, typer.Option(min=1, help="Steps of a season (default: as the dates suggest).")] = None,
    mode: Annotated[
        Text, typer.Option(help=f"direct (a horizon at once) or autoregressive (default {NETWORK.mode}).")
    ] = None,
    epochs: Annotated[Count, typer.Option(min=1, help=f"Passes at most (default {TRAINING.epochs}).")] = None,
    batch_size: Annotated[Count, typer.Option(min=1, help=f"Windows a step (default {TRAINING.batch_size}).")] = None,
    lr: Annotated[Number, typer.Option(help=f"Adam's step size (default {TRAINING.lr}).")] = None,
    clip: Annotated[Number, typer.Option(help=f"Largest norm of the gradients (default {TRAINING.clip}).")] = None,
    seed: Annotated[Count, typer.Option(min=0, help=f"Of weights and order (default {TRAINING.seed}).")] = None,
    holdout: Annotated[Count, typer.Option(min=1, help=f"Last rows held out (default: {job.HOLDOUT_RULE}).")] = None,
    steps: Annotated[Count, typer.Option(min=1, help=f"Steps past the end (default: {job.STEPS_RULE}).")] = None,
    model: Annotated[File, typer.Option(help="Forecast further with this saved model instead of training.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("forecast"),
    threads: Annotated[Count, typer.Option(min=1, help="Threads at most (default: what the machine allows).")] = None,
) -> None:
    """Train an LSTM or GRU on a series and forecast it, or forecast further with a saved model.

    The end of the series is held out. The errors of the network's forecasts of it (RMSE, MAE, MASE, sMAPE) are printed
    beside those of the naive forecast (the last value, repeated) and of the seasonal-naive one (the last season,
    repeated).

    \b
    Training writes to the folder --out:
      forecast.png       the series, the forecasts, the losses, the errors
      forecast.csv       the forecast past the end of the series
      model.safetensors  the trained model
    With --model, it writes further.png and further.csv instead.

    \b
    Examples:
      gatewise forecast
      gatewise forecast load.csv --column MW --season 24 --window 168 --horizon 24 --cell gru
      gatewise forecast load.csv --model forecast/model.safetensors --steps 48
    """
    source = job.Source(csv, column, date_column, tuple(covariate or ()))
    chosen = {
        "cell": cell, "hidden": hidden, "layers": layers, "window": window, "horizon": horizon, "season": season,
        "mode": mode, "epochs": epochs, "batch_size": batch_size, "lr": lr, "clip": clip, "seed": seed,
        "holdout": holdout,
    }  # fmt: skip
    given = {name: value for name, value in chosen.items() if value is not None}
    set_threads(threads)
    if model is None:
        job.train_and_compare(source, given, steps, out)
    else:
        job.forecast_further(source, model, given, steps, out)


def info(path: Annotated[Path, typer.Argument(help=f"The file ({formats_in_words()}).")]) -> None:
    """Show what a file of weights or a model holds: its layers, inputs, outputs and other arrays.

    \b
    Example:
      gatewise info model.keras
    """
    conversion.show(path)


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help=f"The file to read ({formats_in_words()}).")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write (.safetensors or .onnx).")],
    layer: Annotated[Text, typer.Option(help="Take this layer alone, by the name that info shows.")] = None,
) -> None:
    """Take the recurrent layers out of a file, and write them as another.

    A model that gatewise saved becomes an ONNX file as a whole; of other files an ONNX file takes one layer.

    \b
    Examples:
      gatewise convert model.safetensors model.onnx
      gatewise convert state_dict.pt weights.safetensors
      gatewise convert model.keras layer.onnx --layer lstm
    """
    conversion.convert(source, target, layer)


for command, short_help in (
    (forecast, "Train on a series and forecast it"),
    (models.fit, "Fit a model to labelled sequences"),
    (models.evaluate, "Compare a model's answers with the right ones"),
    (models.predict, "Answer sequences with a fitted model"),
    (info, "Show what a file of a model or weights holds"),
    (convert, "Write a file's layers or model as another"),
    (models.bench, "Time this machine, beside PyTorch"),
):
    app.command(short_help=short_help)(command)
