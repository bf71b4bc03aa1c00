"""Forecast series with recurrent networks, and compare the forecasts with naive ones.

`Forecaster` fits a network to a series, forecasts it and measures past forecasts. ``gatewise forecast`` does this on
the command line. ``pip install "gatewise[forecast]"`` installs what this package uses: pandas for dates and CSV files,
safetensors for model files, and matplotlib for plots.

>>> from gatewise.forecasting import Forecaster, bundled
>>> series = bundled()  # 732 months of sea temperatures
>>> forecaster = Forecaster(hidden_size=8, season=12, epochs=5).fit(series.head(612))
>>> errors = forecaster.backtest(series).table()
>>> errors["LSTM"]["RMSE"] < errors["naive"]["RMSE"]
True
"""

from __future__ import annotations

from ..files.errors import InputError
from ..files.libraries import MissingLibrary
from .baselines import Evaluation, naive, seasonal_naive
from .forecaster import Forecaster
from .reading import bundled, read_csv
from .series import Series

__all__ = [
    "Evaluation",
    "Forecaster",
    "InputError",
    "MissingLibrary",
    "Series",
    "bundled",
    "naive",
    "read_csv",
    "seasonal_naive",
]
