"""The work of ``gatewise forecast``: read, train or load a model, print, write."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..files.errors import InputError
from ..files.libraries import library
from ..files.writing import replace_file
from ..forecasting import Evaluation, Forecaster, Series, bundled, read_csv
from ..forecasting.plot import further_figure, training_figure
from ..forecasting.reading import BUNDLED_SOURCE, read_covariates
from ..forecasting.windows import Floats, Split
from .preflight import prepare_folder, require
from .words import counted

WINDOW_RULE = "three seasons, but 24 to 200 and at most a quarter of the series"
HOLDOUT_RULE = "a sixth of the series, but at least the horizon"
STEPS_RULE = "one season, but at least the horizon; with covariates the horizon"
OPTION_FIELDS = {"hidden": "hidden_size", "layers": "num_layers"}  # options with another name than their field
SHOWN_STEPS = 24


@dataclass(frozen=True)
class Source:
    """The source of the series: a CSV file and its columns, or the bundled series if there is no file."""

    csv: Path | None
    column: str | None
    date_column: str | None
    covariates: tuple[str, ...] = ()

    def read(self, prefer: str = "") -> Series:
        """Return the series. `prefer` is the column to read if the options name none."""
        if self.csv is not None:
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                series = read_csv(self.csv, self.column, self.date_column, prefer=prefer)
            for warning in told:
                print(f"Warning   {warning.message}")
            return series
        if self.column is not None or self.date_column is not None or self.covariates:
            raise InputError("--column, --date-column, --covariate: these options need a CSV file")
        return bundled()

    def read_covariates(self, names: tuple[str, ...]) -> Any:
        """Return these columns as a ``pandas.DataFrame``; None if there are none."""
        if not names:
            return None
        if self.csv is None:
            raise InputError(f"csv: the model needs a CSV file with the covariates {', '.join(names)}")
        return read_covariates(self.csv, names)

    @property
    def description(self) -> str:
        """The source, for the user."""
        return BUNDLED_SOURCE if self.csv is None else str(self.csv)


def train_and_compare(source: Source, given: Mapping[str, Any], steps: int | None, out: Path) -> None:
    """Train with the options given, print the comparison, and write plot, forecast and model."""
    require("matplotlib", "pandas", "safetensors", "tqdm")
    if source.covariates and given.get("mode") == "autoregressive":
        raise InputError("--covariate: not available with --mode autoregressive, which would need future covariates")
    series, covariates = source.read(), source.read_covariates(source.covariates)
    forecaster, holdout = _plan(len(series), series.season, given)
    steps = _steps(forecaster, series, source.covariates, steps)
    before = len(series) - holdout
    prepare_folder(out)
    print(_plan_text(source, series, forecaster, holdout), flush=True)
    forecaster.fit(series.head(before), None if covariates is None else covariates.iloc[:before], verbose=True)
    if forecaster.history.interrupted:
        raise KeyboardInterrupt
    evaluation = forecaster.backtest(series, covariates)
    print(_result_text(forecaster, evaluation))
    future = forecaster.predict(steps, series, covariates)
    name = forecaster.settings.network
    picture = training_figure(series, evaluation, forecaster.history, future, name)
    forecaster.save(out / "model.safetensors")
    replace_file(out / "forecast.csv", _csv(series, future))
    replace_file(out / "forecast.png", picture)
    print(f"Wrote {out / 'forecast.png'}, {out / 'forecast.csv'} ({counted(len(future), 'step')} beyond the end)")
    print(f"and {out / 'model.safetensors'}; pass the latter to --model to forecast without training.")


def forecast_with_model(source: Source, model: Path, given: Mapping[str, Any], steps: int | None, out: Path) -> None:
    """Forecast beyond the end of the series with a saved model, print the values, and write them and a plot."""
    if given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise InputError(f"{options}: not available with --model; a saved model has settings of its own")
    require("matplotlib", "pandas", "safetensors")
    forecaster = Forecaster.load(model)
    series = source.read(prefer=forecaster.series_name)
    covariates = source.read_covariates(forecaster.covariate_names)
    settings = forecaster.settings
    steps = _steps(forecaster, series, forecaster.covariate_names, steps)
    future = forecaster.predict(steps, series, covariates)
    prepare_folder(out)
    print(f"Model    {model}: {settings.network}, window {settings.window}, trained on {forecaster.series_name}")
    print(f"Series   {series.name}, {len(series)} values to {series.labels(len(series) - 1, len(series))[0]}")
    labels = series.labels(len(series), len(series) + len(future))
    for label, value in list(zip(labels, future, strict=True))[:SHOWN_STEPS]:
        print(f"{label:>19}  {value:.6g}")
    if len(future) > SHOWN_STEPS:
        print(f"{'...':>19}  ({len(future) - SHOWN_STEPS} more in the file)")
    replace_file(out / "further.csv", _csv(series, future))
    replace_file(out / "further.png", further_figure(series, future, settings.network))
    print(f"Wrote {out / 'further.csv'} and {out / 'further.png'}.")


def _plan(length: int, season: int, given: Mapping[str, Any]) -> tuple[Forecaster, int]:
    """Return a forecaster and the number of rows to hold out.

    Options that are not given get values which suit a series of this length and season. An error says if the series is
    too short.
    """
    options = {OPTION_FIELDS.get(name, name): value for name, value in given.items()}
    season = options.setdefault("season", season)
    options.setdefault("window", max(1, min(max(24, 3 * season), 200, length // 4)))
    holdout = options.pop("holdout", None)
    forecaster = Forecaster(**options)
    settings = forecaster.settings
    holdout = max(settings.horizon, length // 6) if holdout is None else holdout
    if holdout < settings.horizon:
        raise InputError(f"holdout: expected at least the horizon = {settings.horizon} rows, got {holdout}")
    if holdout >= length:
        raise InputError(f"holdout: expected fewer than the {length} rows of the series, got {holdout}")
    Split.of(length - holdout, settings.window, settings.horizon)
    if season >= length - holdout:
        raise InputError(
            f"season: expected fewer than the {length - holdout} rows before the held-out ones, got {season}"
        )
    return forecaster, holdout


def _steps(forecaster: Forecaster, series: Series, covariates: tuple[str, ...], asked: int | None) -> int:
    """Return the number of steps to forecast beyond the end, or raise an error if there are too many.

    Nobody knows the covariates beyond the end, so they limit the forecast to the horizon.
    """
    season, horizon = forecaster.settings.season, forecaster.settings.horizon
    if asked is not None:
        if covariates and asked > horizon:
            raise InputError(
                f"--steps: expected at most the horizon, {horizon}, because the covariate {', '.join(covariates)} is "
                f"not known beyond the end of the series, got {asked}"
            )
        return asked
    return horizon if covariates else max(horizon, season if season <= len(series) else 1)


def _plan_text(source: Source, series: Series, forecaster: Forecaster, holdout: int) -> str:
    first, last, start = (series.labels(row, row + 1)[0] for row in (0, len(series) - 1, max(0, len(series) - holdout)))
    settings = forecaster.settings
    season = f"season {settings.season}" if settings.season > 1 else "no season (set one with --season)"
    how = "at once" if settings.mode == "direct" else "one after another"
    reads = f"{settings.window} values" + "".join(f", {name}" for name in source.covariates)
    return (
        f"Series    {series.name}, {len(series)} values, {first} to {last}\n"
        f"          ({source.description})\n"
        f"Held out  the last {holdout} values, from {start}\n"
        f"Network   {settings.network}, {counted(settings.num_layers, 'layer')} of {settings.hidden_size} units; "
        f"reads {reads}; forecasts {settings.horizon} {how}; {season}; seed {forecaster.training.seed}"
    )


def _result_text(forecaster: Forecaster, evaluation: Evaluation) -> str:
    history, season = forecaster.history, forecaster.settings.season
    origins, horizon = evaluation.truth.shape
    errors, name = evaluation.table(), forecaster.settings.network
    best = history.best_epoch or history.epochs
    notes = {
        name: "trained on the values before the held-out ones",
        "naive": "repeats the last value",
        "seasonal naive": f"repeats the last {season} values" if season > 1 else "no season: the same as naive",
    }
    rows = [
        f"{label:<16}" + "".join(f"{value:>11.4g}" for value in errors[label].values()) + f"   {note}"
        for label, note in notes.items()
    ]
    against = [1.0 - errors[name]["RMSE"] / errors[other]["RMSE"] for other in ("naive", "seasonal naive")]
    naive, seasonal = (f"{abs(share):.0%} {'lower' if share >= 0 else 'higher'}" for share in against)
    return "\n".join(
        [
            f"Trained {counted(history.epochs, 'epoch')} and kept epoch {best}, the best: "
            f"validation loss {history.history['val_loss'][best - 1]:.3g} (naive forecast = 1)",
            "",
            f"Errors on the held-out values: {counted(origins, 'forecast')}, one from each row, "
            f"each 1 to {horizon} steps ahead",
            " " * 16 + "".join(f"{metric:>11}" for metric in errors[name]),
            *rows,
            f"RMSE of the {name}: {naive} than naive, {seasonal} than seasonal naive.",
            "",
        ]
    )


def _csv(series: Series, future: Floats) -> bytes:
    """Return the forecast as a CSV file of dates or row numbers and exact values."""
    text = io.StringIO()
    labels = series.labels(len(series), len(series) + len(future))
    table = {"date" if series.dates is not None else "row": labels, series.name: np.asarray(future)}
    library("pandas", "cli").DataFrame(table).to_csv(text, index=False, lineterminator="\n")
    return text.getvalue().encode("utf-8")
