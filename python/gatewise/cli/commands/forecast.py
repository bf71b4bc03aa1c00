"""The options and the help of ``gatewise forecast``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...files.errors import alternatives
from ...forecasting.settings import GATED_CELLS, Settings, Training
from .. import forecast as job
from ..options import Count, File, Names, Number, Text, Threads
from ..preflight import set_threads

NETWORK, TRAINING = Settings(), Training()


def forecast(
    csv: Annotated[
        File, typer.Argument(metavar="CSV", help="CSV file with a header line (default: the bundled series).")
    ] = None,
    column: Annotated[Text, typer.Option(help="Column with the values (default: the only numeric column).")] = None,
    date_column: Annotated[
        Text, typer.Option(help="Column with the dates (default: the first column of dates).")
    ] = None,
    covariate: Annotated[
        Names,
        typer.Option(metavar="NAME", help="Numeric column that the network reads as well. You can repeat this option."),
    ] = None,
    cell: Annotated[
        Text, typer.Option(help=f"Type of recurrent layer: {alternatives(GATED_CELLS)} (default: {NETWORK.cell}).")
    ] = None,
    hidden: Annotated[
        Count, typer.Option(min=1, help=f"Hidden units per layer (default: {NETWORK.hidden_size}).")
    ] = None,
    layers: Annotated[
        Count, typer.Option(min=1, help=f"Number of recurrent layers (default: {NETWORK.num_layers}).")
    ] = None,
    window: Annotated[
        Count, typer.Option(min=1, help=f"Number of past values to read (default: {job.WINDOW_RULE}).")
    ] = None,
    horizon: Annotated[
        Count, typer.Option(min=1, help=f"Number of values to forecast (default: {NETWORK.horizon}).")
    ] = None,
    season: Annotated[
        Count, typer.Option(min=1, help="Length of a season, in rows (default: inferred from the dates).")
    ] = None,
    mode: Annotated[
        Text,
        typer.Option(
            help="direct (forecasts all values of the horizon at once) or autoregressive (one after another) "
            f"(default: {NETWORK.mode})."
        ),
    ] = None,
    epochs: Annotated[
        Count, typer.Option(min=1, help=f"Maximum number of epochs (default: {TRAINING.epochs}).")
    ] = None,
    batch_size: Annotated[
        Count, typer.Option(min=1, help=f"Batch size, in windows (default: {TRAINING.batch_size}).")
    ] = None,
    lr: Annotated[Number, typer.Option(help=f"Learning rate of Adam (default: {TRAINING.lr}).")] = None,
    clip: Annotated[
        Number,
        typer.Option(help=f"Maximum gradient norm; larger gradients are scaled down to it (default: {TRAINING.clip})."),
    ] = None,
    seed: Annotated[Count, typer.Option(min=0, help=f"Random seed (default: {TRAINING.seed}).")] = None,
    holdout: Annotated[
        Count,
        typer.Option(min=1, help=f"Number of rows at the end to hold out for testing (default: {job.HOLDOUT_RULE})."),
    ] = None,
    steps: Annotated[
        Count, typer.Option(min=1, help=f"Number of rows to forecast beyond the end (default: {job.STEPS_RULE}).")
    ] = None,
    model: Annotated[File, typer.Option(help="Forecast with this saved model instead of training a new one.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("forecast"),
    threads: Threads = None,
) -> None:
    """Train an LSTM or GRU on a time series and forecast it, or forecast with a saved model.

    The end of the series is held out for testing. The command prints the errors of the network's forecasts there
    (RMSE, MAE, MASE, sMAPE), and those of two baselines: the naive forecast repeats the last value, the seasonal naive
    forecast repeats the last season.

    \b
    Training writes to the folder --out:
      forecast.png       the series, the forecasts, the losses and the errors
      forecast.csv       the forecast beyond the end of the series
      model.safetensors  the trained model
    With --model, the command writes further.png and further.csv instead.

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
        job.forecast_with_model(source, model, given, steps, out)
