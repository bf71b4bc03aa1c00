"""The forecasts that a network must beat, and the errors by which they are compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .windows import Floats, Origins, targets


def naive(values: Floats, origins: Origins, horizon: int) -> Floats:
    """(M, horizon): the last value before each origin, repeated."""
    return np.repeat(values[origins - 1, None], horizon, axis=1)


def seasonal_naive(values: Floats, origins: Origins, horizon: int, season: int) -> Floats:
    """(M, horizon): the values of the last season before each origin, repeated; `naive` where the season is 1."""
    repeated: Floats = values[origins[:, None] - season + np.arange(horizon) % season]
    return repeated


@dataclass(frozen=True)
class Evaluation:
    """Forecasts from rolling origins, each over the same horizon, beside what came.

    origins : (M,), truth : (M, horizon), forecasts : name to (M, horizon), all in the series' units.
    scale : the mean absolute difference of values a season apart before the first origin, by which MASE divides.
    """

    origins: Origins
    truth: Floats
    forecasts: dict[str, Floats]
    scale: float

    def rmse(self, name: str) -> float:
        """The root mean square error over all origins and steps."""
        return float(np.sqrt(np.mean((self.forecasts[name] - self.truth) ** 2)))

    def mae(self, name: str) -> float:
        """The mean absolute error over all origins and steps."""
        return float(np.mean(np.abs(self.forecasts[name] - self.truth)))

    def mase(self, name: str) -> float:
        """The mean absolute scaled error (Hyndman and Koehler 2006): `mae` over `scale`."""
        return self.mae(name) / self.scale if self.scale > 0.0 else float("nan")

    def smape(self, name: str) -> float:
        """The symmetric mean absolute percentage error, 0 to 200: 200 |forecast - truth| / (|forecast| + |truth|)."""
        forecast = self.forecasts[name]
        size = np.abs(forecast) + np.abs(self.truth)
        shares = np.divide(np.abs(forecast - self.truth), size, out=np.zeros_like(size), where=size > 0.0)
        return float(200.0 * np.mean(shares))

    def table(self) -> dict[str, dict[str, float]]:
        """The forecasts' errors: ``{"LSTM": {"RMSE": ..., "MAE": ..., "MASE": ..., "sMAPE": ...}, "naive": ...}``."""
        return {
            name: {"RMSE": self.rmse(name), "MAE": self.mae(name), "MASE": self.mase(name), "sMAPE": self.smape(name)}
            for name in self.forecasts
        }

    def rmse_by_step(self, name: str) -> Floats:
        """(horizon,): the root mean square error of each step ahead."""
        error: Floats = np.sqrt(np.mean((self.forecasts[name] - self.truth) ** 2, axis=0))
        return error


def evaluate(values: Floats, origins: Origins, season: int, forecast: Floats, name: str) -> Evaluation:
    """The network's `forecast` (M, horizon) under `name`, beside both naive ones from the same origins."""
    horizon, before = forecast.shape[1], values[: origins[0]]
    forecasts = {
        name: forecast,
        "naive": naive(values, origins, horizon),
        "seasonal naive": seasonal_naive(values, origins, horizon, season),
    }
    scale = float(np.mean(np.abs(before[season:] - before[:-season])))
    return Evaluation(origins, targets(values, origins, horizon), forecasts, scale)
