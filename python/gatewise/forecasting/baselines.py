"""The forecasts that a network must beat, and the errors by which forecasts are compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .windows import Floats, Origins, targets


def naive(values: Floats, origins: Origins, horizon: int) -> Floats:
    """Repeat the last value before each origin.

    A forecaster is useful only if it beats this forecast.

    Parameters
    ----------
    values : ndarray of shape (N,)
        The series.
    origins : ndarray of shape (M,), int
        The first row of each forecast, at least 1.
    horizon : int
        The number of values in a forecast.

    Returns
    -------
    ndarray of shape (M, horizon)
        The forecasts.

    See Also
    --------
    seasonal_naive : Repeat the last season instead.
    Forecaster.backtest : Compare a network with both.

    Examples
    --------
    >>> import numpy as np
    >>> from gatewise.forecasting import naive
    >>> naive(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2, 3]), horizon=2)
    array([[2., 2.],
           [3., 3.]])
    """
    return np.repeat(values[origins - 1, None], horizon, axis=1)


def seasonal_naive(values: Floats, origins: Origins, horizon: int, season: int) -> Floats:
    """Repeat the last season before each origin.

    With a season of 1 it is the same as `naive`.

    Parameters
    ----------
    values : ndarray of shape (N,)
        The series.
    origins : ndarray of shape (M,), int
        The first row of each forecast, at least `season`.
    horizon : int
        The number of values in a forecast.
    season : int
        The number of steps in a season.

    Returns
    -------
    ndarray of shape (M, horizon)
        The forecasts.

    See Also
    --------
    naive : Repeat the last value instead.
    Series.season : Suggest a season from the dates.

    Examples
    --------
    >>> import numpy as np
    >>> from gatewise.forecasting import seasonal_naive
    >>> seasonal_naive(np.array([1.0, 2.0, 3.0, 4.0]), np.array([4]), horizon=3, season=2)
    array([[3., 4., 3.]])
    """
    repeated: Floats = values[origins[:, None] - season + np.arange(horizon) % season]
    return repeated


@dataclass(frozen=True)
class Evaluation:
    """Forecasts from several origins, and the observed values.

    `Forecaster.backtest` returns one. All numbers are in the units of the series.

    Parameters
    ----------
    origins : ndarray of shape (M,), int
        The first row of each forecast.
    truth : ndarray of shape (M, horizon)
        The observed values.
    forecasts : dict of str to ndarray of shape (M, horizon)
        The forecasts by their names.
    scale : float
        The mean absolute difference between values one season apart, before the first origin. `mase` divides by it.

    See Also
    --------
    Forecaster.backtest : Forecast from past origins.

    Examples
    --------
    >>> import numpy as np
    >>> from gatewise.forecasting import Evaluation
    >>> evaluation = Evaluation(np.array([4]), np.array([[5.0, 6.0]]), {"mine": np.array([[5.0, 8.0]])}, scale=1.0)
    >>> evaluation.mae("mine")
    1.0
    """

    origins: Origins
    truth: Floats
    forecasts: dict[str, Floats]
    scale: float

    def rmse(self, name: str) -> float:
        """Return the root mean square error of a forecast.

        The mean is over all origins and steps.

        Parameters
        ----------
        name : str
            The name of the forecast.

        Returns
        -------
        float
            The error, in the units of the series.

        See Also
        --------
        Evaluation.rmse_by_step : Return the error of each step ahead.

        Examples
        --------
        >>> import numpy as np
        >>> from gatewise.forecasting import Evaluation
        >>> Evaluation(np.array([4]), np.array([[5.0]]), {"mine": np.array([[8.0]])}, scale=1.0).rmse("mine")
        3.0
        """
        return float(np.sqrt(np.mean((self.forecasts[name] - self.truth) ** 2)))

    def mae(self, name: str) -> float:
        """Return the mean absolute error of a forecast.

        The mean is over all origins and steps.

        Parameters
        ----------
        name : str
            The name of the forecast.

        Returns
        -------
        float
            The error, in the units of the series.

        See Also
        --------
        Evaluation.mase : Return the error relative to the seasonal naive forecast.

        Examples
        --------
        >>> import numpy as np
        >>> from gatewise.forecasting import Evaluation
        >>> Evaluation(np.array([4]), np.array([[5.0, 6.0]]), {"mine": np.array([[5.0, 8.0]])}, scale=1.0).mae("mine")
        1.0
        """
        return float(np.mean(np.abs(self.forecasts[name] - self.truth)))

    def mase(self, name: str) -> float:
        """Return the mean absolute scaled error of a forecast.

        It is the mean absolute error divided by `scale`: 1 is the error that the seasonal naive forecast made one step
        ahead, before the first origin.

        Parameters
        ----------
        name : str
            The name of the forecast.

        Returns
        -------
        float
            The error, or NaN if `scale` is 0.

        See Also
        --------
        Evaluation.mae : Return the error in the units of the series.

        References
        ----------
        Hyndman and Koehler 2006, Another look at measures of forecast accuracy.

        Examples
        --------
        >>> import numpy as np
        >>> from gatewise.forecasting import Evaluation
        >>> Evaluation(np.array([4]), np.array([[5.0]]), {"mine": np.array([[8.0]])}, scale=2.0).mase("mine")
        1.5
        """
        return self.mae(name) / self.scale if self.scale > 0.0 else float("nan")

    def smape(self, name: str) -> float:
        """Return the symmetric mean absolute percentage error of a forecast.

        It is the mean of 200 |forecast - truth| / (|forecast| + |truth|), from 0 to 200. Where both are 0 it counts 0.

        Parameters
        ----------
        name : str
            The name of the forecast.

        Returns
        -------
        float
            The error in percent.

        See Also
        --------
        Evaluation.mase : Return an error that suits series around 0 as well.

        Examples
        --------
        >>> import numpy as np
        >>> from gatewise.forecasting import Evaluation
        >>> Evaluation(np.array([4]), np.array([[5.0]]), {"mine": np.array([[3.0]])}, scale=1.0).smape("mine")
        50.0
        """
        forecast = self.forecasts[name]
        size = np.abs(forecast) + np.abs(self.truth)
        shares = np.divide(np.abs(forecast - self.truth), size, out=np.zeros_like(size), where=size > 0.0)
        return float(200.0 * np.mean(shares))

    def table(self) -> dict[str, dict[str, float]]:
        """Return the errors of all forecasts.

        The errors are those of `rmse`, `mae`, `mase` and `smape`.

        Returns
        -------
        dict of str to dict of str to float
            For each forecast its errors, named "RMSE", "MAE", "MASE" and "sMAPE".

        See Also
        --------
        Forecaster.backtest : Forecast from past origins.

        Examples
        --------
        >>> import numpy as np
        >>> from gatewise.forecasting import Evaluation
        >>> Evaluation(np.array([4]), np.array([[5.0]]), {"mine": np.array([[3.0]])}, scale=1.0).table()
        {'mine': {'RMSE': 2.0, 'MAE': 2.0, 'MASE': 2.0, 'sMAPE': 50.0}}
        """
        return {
            name: {"RMSE": self.rmse(name), "MAE": self.mae(name), "MASE": self.mase(name), "sMAPE": self.smape(name)}
            for name in self.forecasts
        }

    def rmse_by_step(self, name: str) -> Floats:
        """Return the root mean square error of each step ahead.

        The mean is over all origins. It shows how fast a forecast gets worse.

        Parameters
        ----------
        name : str
            The name of the forecast.

        Returns
        -------
        ndarray of shape (horizon,)
            The errors, in the units of the series.

        See Also
        --------
        Evaluation.rmse : Return the error over all steps.

        Examples
        --------
        >>> import numpy as np
        >>> from gatewise.forecasting import Evaluation
        >>> forecasts = {"mine": np.array([[5.0, 8.0]])}
        >>> Evaluation(np.array([4]), np.array([[5.0, 6.0]]), forecasts, scale=1.0).rmse_by_step("mine")
        array([0., 2.])
        """
        error: Floats = np.sqrt(np.mean((self.forecasts[name] - self.truth) ** 2, axis=0))
        return error


def evaluate(values: Floats, origins: Origins, season: int, forecast: Floats, name: str) -> Evaluation:
    """Compare a network's `forecast` (M, horizon), called `name`, with both naive forecasts from the same origins."""
    horizon, before = forecast.shape[1], values[: origins[0]]
    forecasts = {
        name: forecast,
        "naive": naive(values, origins, horizon),
        "seasonal naive": seasonal_naive(values, origins, horizon, season),
    }
    scale = float(np.mean(np.abs(before[season:] - before[:-season])))
    return Evaluation(origins, targets(values, origins, horizon), forecasts, scale)
