"""What ``gatewise forecast`` does: read, train or load, print, write."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from .._files import replace_file
from ..forecasting import ForecastError, Result, Series, Settings, Training, bundled, load, read_csv, run, save
from ..forecasting.errors import library
from ..forecasting.job import cut
from ..forecasting.plot import further_figure, training_figure
from ..forecasting.series import BUNDLED_SOURCE
from ..forecasting.training import History
from ..forecasting.windows import Floats
from .shared import prepare_folder

WINDOW_RULE = "three seasons, 24 to 200, at most a quarter of the series"
HOLDOUT_RULE = "a sixth of the series"
STEPS_RULE = "a season, at least the horizon"
OPTION_FIELDS = {"hidden": "hidden_size", "layers": "num_layers"}  # where the option is shorter than the field
SHOWN_STEPS = 24


@dataclass(frozen=True)
class Source:
    """Where the series comes from: a file and its columns, or, without a file, the package."""

    csv: Path | None
    column: str | None
    date_column: str | None

    def read(self, prefer: str = "") -> Series:
        """The series; `prefer` is the column to take if none was asked for."""
        if self.csv is not None:
            return read_csv(self.csv, self.column, self.date_column, prefer=prefer)
        if self.column is not None or self.date_column is not None:
            raise ForecastError("--column, --date-column: expected a CSV file that has them, got none")
        return bundled()

    @property
    def description(self) -> str:
        """Where the series comes from, for the reader."""
        return BUNDLED_SOURCE if self.csv is None else str(self.csv)


def train_and_compare(source: Source, given: Mapping[str, Any], steps: int | None, out: Path) -> None:
    """Train with the options that were given, print the comparison, write picture, forecast and model."""
    for name in ("matplotlib", "safetensors", "tqdm"):  # missing ones must be known before the work, not after it
        library(name)
    series = source.read()
    settings, training, holdout = _plan(len(series), series.season, given)
    prepare_folder(out)
    print(_plan_text(source, series, settings, training, holdout), flush=True)
    with _progress(training.epochs) as on_epoch:
        result = run(series, settings, training, holdout, on_epoch)
    name = settings.cell.upper()
    print(_result_text(result, name))
    further = result.forecaster.forecast(series.values, steps or _steps(settings, series))
    picture = training_figure(series, result.evaluation, result.history, further, name)
    save(result.forecaster, out / "model.safetensors", series.name)
    replace_file(out / "forecast.csv", _csv(series, further))
    replace_file(out / "forecast.png", picture)
    print(f"Wrote {out / 'forecast.png'}, {out / 'forecast.csv'} ({len(further)} steps past the end) and")
    print(f"{out / 'model.safetensors'}, which --model takes to forecast further.")


def forecast_further(source: Source, model: Path, given: Mapping[str, Any], steps: int | None, out: Path) -> None:
    """Forecast from the end of the series with a saved model, print the values, write them and a picture."""
    if given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ForecastError(f"{options}: expected only without --model, which has its own")
    library("matplotlib")
    saved = load(model)
    series = source.read(prefer=saved.series)
    settings = saved.forecaster.settings
    further = saved.forecaster.forecast(series.values, steps or _steps(settings, series))
    prepare_folder(out)
    print(f"Model    {model}: {settings.cell.upper()}, window {settings.window}, trained on {saved.series}")
    print(f"Series   {series.name}, {len(series)} values to {series.labels(len(series) - 1, len(series))[0]}")
    labels = series.labels(len(series), len(series) + len(further))
    for label, value in list(zip(labels, further, strict=True))[:SHOWN_STEPS]:
        print(f"{label:>19}  {value:.6g}")
    if len(further) > SHOWN_STEPS:
        print(f"{'...':>19}  ({len(further) - SHOWN_STEPS} more in the file)")
    replace_file(out / "further.csv", _csv(series, further))
    replace_file(out / "further.png", further_figure(series, further, settings.cell.upper()))
    print(f"Wrote {out / 'further.csv'} and {out / 'further.png'}.")


def _plan(length: int, season: int, given: Mapping[str, Any]) -> tuple[Settings, Training, int]:
    """What was asked for, and for the rest what suits a series of this length and season."""
    options = {OPTION_FIELDS.get(name, name): value for name, value in given.items()}
    season = options.setdefault("season", season)
    options.setdefault("window", max(1, min(max(24, 3 * season), 200, length // 4)))
    holdout = options.pop("holdout", max(options.get("horizon", Settings().horizon), length // 6))
    names = {item.name for item in fields(Settings)}
    settings = Settings(**{name: value for name, value in options.items() if name in names})
    cut(length, settings, holdout)  # too short a series is told before anything is shown
    return settings, Training(**{name: value for name, value in options.items() if name not in names}), holdout


def _steps(settings: Settings, series: Series) -> int:
    """A season past the end, if the series has one to show for it."""
    return max(settings.horizon, settings.season if settings.season <= len(series) else 1)


def _plan_text(source: Source, series: Series, settings: Settings, training: Training, holdout: int) -> str:
    first, last, start = (series.labels(row, row + 1)[0] for row in (0, len(series) - 1, max(0, len(series) - holdout)))
    season = f"season {settings.season}" if settings.season > 1 else "no season (--season gives one)"
    return (
        f"Series    {series.name}, {len(series)} values, {first} to {last}\n"
        f"          ({source.description})\n"
        f"Held out  the last {holdout} values, from {start} on\n"
        f"Network   {settings.cell.upper()}, {settings.num_layers} x {settings.hidden_size} units, "
        f"reads {settings.window} values, forecasts {settings.horizon} at once; {season}; seed {training.seed}"
    )


def _result_text(result: Result, name: str) -> str:
    history, evaluation = result.history, result.evaluation
    origins, horizon = evaluation.truth.shape
    season = result.forecaster.settings.season
    notes = {
        name: "trained on what lies before the held-out end",
        "naive": "the last value, repeated",
        "seasonal naive": f"the last {season} values, repeated" if season > 1 else "no season: the same as naive",
    }
    rows = [
        f"{label:<16}{evaluation.rmse(label):>12.5g}{evaluation.mae(label):>12.5g}   {note}"
        for label, note in notes.items()
    ]
    against = [1.0 - evaluation.rmse(name) / evaluation.rmse(other) for other in ("naive", "seasonal naive")]
    below, seasonal = (f"{abs(share):.0%} {'below' if share >= 0 else 'above'}" for share in against)
    return "\n".join(
        [
            f"Trained {len(history.train)} epochs and kept epoch {history.best_epoch}, whose validation loss is "
            f"{history.best:.4f} (1: the naive forecast's over the training part)",
            "",
            f"Errors on the held-out end: {origins} forecasts, one from each row, each 1 to {horizon} steps ahead",
            f"{'':<16}{'RMSE':>12}{'MAE':>12}",
            *rows,
            f"The {name}'s RMSE is {below} the naive and {seasonal} the seasonal-naive forecast's.",
            "",
        ]
    )


@contextmanager
def _progress(epochs: int) -> Iterator[Any]:
    """A progress bar on stderr that shows the losses; gives what to call after each epoch."""
    with library("tqdm").tqdm(total=epochs, desc="Training", unit="epoch", mininterval=0.2) as bar:

        def on_epoch(history: History) -> None:
            bar.set_postfix_str(
                f"loss {history.train[-1]:.4f}, validation {history.validation[-1]:.4f}, best {history.best:.4f}",
                refresh=False,
            )
            bar.update()

        yield on_epoch


def _csv(series: Series, further: Floats) -> bytes:
    """The forecast as a CSV file: dates or row numbers, and values that read back exactly."""
    text = io.StringIO()
    labels = series.labels(len(series), len(series) + len(further))
    table = {"date" if series.dates is not None else "row": labels, series.name: np.asarray(further)}
    library("pandas").DataFrame(table).to_csv(text, index=False, lineterminator="\n")
    return text.getvalue().encode("utf-8")
