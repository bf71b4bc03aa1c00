"""Forecast a series with a recurrent network, and compare honestly with what forecasts itself.

`Forecaster` fits, predicts and backtests; the command ``gatewise forecast`` is it on the command line. It builds on
gatewise's public interface alone. Dates and CSV files need pandas, model files safetensors, pictures matplotlib:
``pip install "gatewise[forecast]"``.

>>> from gatewise.forecasting import Forecaster, bundled
>>> series = bundled()  # 732 months of sea temperatures
>>> forecaster = Forecaster(season=12, epochs=40).fit(series.head(612))
>>> errors = forecaster.backtest(series).table()
>>> errors["LSTM"]["RMSE"] < errors["seasonal naive"]["RMSE"]
True
"""

from __future__ import annotations

from ..files.errors import InputError
from ..files.libraries import MissingLibrary
from .baselines import Evaluation, naive, seasonal_naive
from .forecaster import Forecaster
from .series import Series, bundled, read_csv

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
