"""The whole job: hold out the end of a series, train on the rest, and compare on what was held out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .baselines import Evaluation, evaluate
from .errors import ForecastError
from .forecaster import Forecaster, Settings
from .series import Series
from .training import History, Training, train
from .windows import Scaling, Split, windows


@dataclass(frozen=True)
class Result:
    """A trained forecaster, how its training went, and its forecasts of the held-out end beside the naive ones.

    In `evaluation` the network's forecast is called by its cell: "LSTM" or "GRU".
    """

    forecaster: Forecaster
    split: Split
    history: History
    evaluation: Evaluation


def cut(length: int, settings: Settings, holdout: int) -> Split:
    """The parts of a series of this length.

    Raises
    ------
    ForecastError : it is too short for a part, or for one season before what is held out.
    """
    split = Split.of(length, settings.window, settings.horizon, holdout)
    if settings.season > length - holdout:
        raise ForecastError(
            f"season: expected at most the {length - holdout} rows before the holdout, got {settings.season}"
        )
    return split


def run(
    series: Series,
    settings: Settings,
    options: Training,
    holdout: int,
    on_epoch: Callable[[History], None] = lambda history: None,
) -> Result:
    """Train on all but the last `holdout` rows and forecast these, from every origin from which a horizon fits.

    The held-out rows enter neither the scale nor training nor the choice of the epoch: each is read only as part of the
    windows of later origins. The same seed gives the same result.

    Raises
    ------
    ForecastError : the series is too short or constant, or training diverges.
    """
    split = cut(len(series), settings, holdout)
    training_rows = len(series) - holdout
    forecaster = Forecaster(settings, Scaling.of(series.values[:training_rows], settings.horizon), options.seed)
    history = train(forecaster, series.values[:training_rows], split, options, on_epoch)
    forecast = forecaster.predict(windows(series.values, split.held_out, settings.window))
    evaluation = evaluate(series.values, split.held_out, settings.season, forecast, settings.cell.upper())
    return Result(forecaster, split, history, evaluation)
