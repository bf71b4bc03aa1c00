"""What ``gatewise forecast`` does: read, train or load, print, write."""

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
from .shared import prepare_folder, require

WINDOW_RULE = "three seasons, 24 to 200, at most a quarter of the series"
HOLDOUT_RULE = "a sixth of the series"
STEPS_RULE = "a season, at least the horizon; with covariates the horizon"
OPTION_FIELDS = {"hidden": "hidden_size", "layers": "num_layers"}  # where the option is shorter than the field
SHOWN_STEPS = 24


@dataclass(frozen=True)
class Source:
    """Where the series comes from: a file and its columns, or, without a file, the package."""

    csv: Path | None
    column: str | None
    date_column: str | None
    covariates: tuple[str, ...] = ()

    def read(self, prefer: str = "") -> Series:
        """The series; `prefer` is the column to take if none was asked for."""
        if self.csv is not None:
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                series = read_csv(self.csv, self.column, self.date_column, prefer=prefer)
            for warning in told:
                print(f"Warning   {warning.message}")
            return series
        if self.column is not None or self.date_column is not None or self.covariates:
            raise InputError("--column, --date-column, --covariate: expected a CSV file that has them, got none")
        return bundled()

    def read_covariates(self, names: tuple[str, ...]) -> Any:
        """These columns, as a ``pandas.DataFrame``, or None where there are none."""
        if not names:
            return None
        if self.csv is None:
            raise InputError(f"csv: expected a file with the covariates {', '.join(names)}, got none")
        return read_covariates(self.csv, names)

    @property
    def description(self) -> str:
        """Where the series comes from, for the reader."""
        return BUNDLED_SOURCE if self.csv is None else str(self.csv)


def train_and_compare(source: Source, given: Mapping[str, Any], steps: int | None, out: Path) -> None:
    """Train with the options that were given, print the comparison, write picture, forecast and model."""
    require("matplotlib", "pandas", "safetensors", "tqdm")
    if source.covariates and given.get("mode") == "autoregressive":
        raise InputError("--covariate: expected none with --mode autoregressive, which reads behind the series' end")
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
    further = forecaster.predict(steps, series, covariates)
    name = forecaster.settings.network
    picture = training_figure(series, evaluation, forecaster.history, further, name)
    forecaster.save(out / "model.safetensors")
    replace_file(out / "forecast.csv", _csv(series, further))
    replace_file(out / "forecast.png", picture)
    print(f"Wrote {out / 'forecast.png'}, {out / 'forecast.csv'} ({len(further)} steps past the end) and")
    print(f"{out / 'model.safetensors'}, which --model takes to forecast further.")


def forecast_further(source: Source, model: Path, given: Mapping[str, Any], steps: int | None, out: Path) -> None:
    """Forecast from the end of the series with a saved model, print the values, write them and a picture."""
    if given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise InputError(f"{options}: expected only without --model, which has its own")
    require("matplotlib", "pandas", "safetensors")
    forecaster = Forecaster.load(model)
    series = source.read(prefer=forecaster.series_name)
    covariates = source.read_covariates(forecaster.covariate_names)
    settings = forecaster.settings
    steps = _steps(forecaster, series, forecaster.covariate_names, steps)
    further = forecaster.predict(steps, series, covariates)
    prepare_folder(out)
    print(f"Model    {model}: {settings.network}, window {settings.window}, trained on {forecaster.series_name}")
    print(f"Series   {series.name}, {len(series)} values to {series.labels(len(series) - 1, len(series))[0]}")
    labels = series.labels(len(series), len(series) + len(further))
    for label, value in list(zip(labels, further, strict=True))[:SHOWN_STEPS]:
        print(f"{label:>19}  {value:.6g}")
    if len(further) > SHOWN_STEPS:
        print(f"{'...':>19}  ({len(further) - SHOWN_STEPS} more in the file)")
    replace_file(out / "further.csv", _csv(series, further))
    replace_file(out / "further.png", further_figure(series, further, settings.network))
    print(f"Wrote {out / 'further.csv'} and {out / 'further.png'}.")


def _plan(length: int, season: int, given: Mapping[str, Any]) -> tuple[Forecaster, int]:
    """What was asked for, and for the rest what suits a series of this length and season; and the rows held out.

    Too short a series is told before anything is shown.
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
        raise InputError(f"season: expected fewer than the {length - holdout} rows before the holdout, got {season}")
    return forecaster, holdout


def _steps(forecaster: Forecaster, series: Series, covariates: tuple[str, ...], asked: int | None) -> int:
    """What was asked for, or a season past the end, if the series has one to show for it; nobody has covariates there.

    Too many steps are told before anything is trained.
    """
    season, horizon = forecaster.settings.season, forecaster.settings.horizon
    if asked is not None:
        if covariates and asked > horizon:
            raise InputError(
                f"--steps: expected at most the horizon, {horizon}, with --covariate {', '.join(covariates)}, which "
                f"ends with the series, got {asked}"
            )
        return asked
    return horizon if covariates else max(horizon, season if season <= len(series) else 1)


def _plan_text(source: Source, series: Series, forecaster: Forecaster, holdout: int) -> str:
    first, last, start = (series.labels(row, row + 1)[0] for row in (0, len(series) - 1, max(0, len(series) - holdout)))
    settings = forecaster.settings
    season = f"season {settings.season}" if settings.season > 1 else "no season (--season gives one)"
    how = "at once" if settings.mode == "direct" else "one after another"
    reads = f"{settings.window} values" + "".join(f", {name}" for name in source.covariates)
    return (
        f"Series    {series.name}, {len(series)} values, {first} to {last}\n"
        f"          ({source.description})\n"
        f"Held out  the last {holdout} values, from {start} on\n"
        f"Network   {settings.network}, {settings.num_layers} x {settings.hidden_size} units, "
        f"reads {reads}, forecasts {settings.horizon} {how}; {season}; seed {forecaster.training.seed}"
    )


def _result_text(forecaster: Forecaster, evaluation: Evaluation) -> str:
    history, season = forecaster.history, forecaster.settings.season
    origins, horizon = evaluation.truth.shape
    errors, name = evaluation.table(), forecaster.settings.network
    best = history.best_epoch or history.epochs
    notes = {
        name: "trained on what lies before the held-out end",
        "naive": "the last value, repeated",
        "seasonal naive": f"the last {season} values, repeated" if season > 1 else "no season: the same as naive",
    }
    rows = [
        f"{label:<16}" + "".join(f"{value:>11.4g}" for value in errors[label].values()) + f"   {note}"
        for label, note in notes.items()
    ]
    against = [1.0 - errors[name]["RMSE"] / errors[other]["RMSE"] for other in ("naive", "seasonal naive")]
    below, seasonal = (f"{abs(share):.0%} {'below' if share >= 0 else 'above'}" for share in against)
    return "\n".join(
        [
            f"Trained {history.epochs} epochs and kept epoch {best}, whose validation loss is "
            f"{history.history['val_loss'][best - 1]:.4f} (1: the naive forecast's over the training part)",
            "",
            f"Errors on the held-out end: {origins} forecasts, one from each row, each 1 to {horizon} steps ahead",
            " " * 16 + "".join(f"{metric:>11}" for metric in errors[name]),
            *rows,
            f"The {name}'s RMSE is {below} the naive and {seasonal} the seasonal-naive forecast's.",
            "",
        ]
    )


def _csv(series: Series, further: Floats) -> bytes:
    """The forecast as a CSV file: dates or row numbers, and values that read back exactly."""
    text = io.StringIO()
    labels = series.labels(len(series), len(series) + len(further))
    table = {"date" if series.dates is not None else "row": labels, series.name: np.asarray(further)}
    library("pandas", "cli").DataFrame(table).to_csv(text, index=False, lineterminator="\n")
    return text.getvalue().encode("utf-8")
