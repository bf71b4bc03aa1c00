"""Forecast a series with a recurrent network: windows, an LSTM or GRU with a linear head, Adam, and honest comparison.

The command ``gatewise forecast`` is this package on the command line. It builds on gatewise's public interface alone.
Reading CSV files needs pandas, model files safetensors, pictures matplotlib: ``pip install "gatewise[forecast]"``.

>>> from gatewise import forecasting
>>> series = forecasting.bundled()
>>> result = forecasting.run(series, forecasting.Settings(season=12), forecasting.Training(epochs=40), holdout=120)
>>> result.evaluation.rmse("LSTM") < result.evaluation.rmse("seasonal naive")
True
"""

from __future__ import annotations

from .baselines import Evaluation, naive, seasonal_naive
from .errors import ForecastError, MissingLibrary
from .forecaster import Forecaster, Settings
from .job import Result, run
from .series import Series, bundled, read_csv
from .storage import Saved, load, save
from .training import History, Training, train
from .windows import Scaling, Split

__all__ = [
    "Evaluation",
    "ForecastError",
    "Forecaster",
    "History",
    "MissingLibrary",
    "Result",
    "Saved",
    "Scaling",
    "Series",
    "Settings",
    "Split",
    "Training",
    "bundled",
    "load",
    "naive",
    "read_csv",
    "run",
    "save",
    "seasonal_naive",
    "train",
]
