"""Forecaster: fit a network to a series, forecast it, and measure past forecasts."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import asdict
from os import PathLike
from typing import Any

import numpy as np

from ..files.errors import InputError
from ..models.sequential import Sequential
from ..training.callbacks import Callback
from ..training.history import History
from . import storage
from .baselines import Evaluation, evaluate
from .inputs import Inputs
from .learning import learn
from .plot import draw_forecast
from .predictor import Predictor
from .scaling import Scaling
from .settings import Settings, Training, integer
from .windows import Split


class Forecaster:
    """Forecast a series from its last values with a recurrent network.

    The network is a recurrent layer, such as an LSTM, and a linear layer. It reads each value of a window as its
    difference from the last one, divided by the error of the naive forecast over the series of `fit`. Covariates are
    scaled to about the size of 1 and read together with the values.

    Parameters
    ----------
    cell : str, default "lstm"
        The recurrent layer: the name of a gated cell in lower case, such as "lstm" or "gru".
    hidden_size : int, default 32
        The number of hidden units in a layer.
    num_layers : int, default 1
        The number of recurrent layers.
    window : int, default 36
        The number of values that the network reads.
    horizon : int, default 6
        The number of values that the network learns to forecast.
    season : int, default 1
        The number of steps in a season, for the seasonal naive forecast in `backtest`. 1 means no season.
    mode : {"direct", "autoregressive"}, default "direct"
        How a horizon is forecast. "direct" forecasts all its values at once. "autoregressive" forecasts one value after
        another and reads each as the next step, with the state carried over; in training it reads the true values.
    epochs : int, default 200
        The largest number of passes over the training windows.
    batch_size : int, default 32
        The number of windows in a batch.
    lr : float, default 0.003
        The learning rate of Adam.
    clip : float, default 1.0
        The largest norm of the gradient. A larger gradient is scaled down to it.
    patience : int, default 30
        Training stops after this many epochs without a lower validation loss. The weights of the best epoch are kept.
    seed : int, default 0
        The seed of the initial weights and of the order of the windows.

    Attributes
    ----------
    settings : Settings
        The parameters of the network, `cell` to `mode`.
    training : Training
        The parameters of training, `epochs` to `seed`.
    model : Sequential
        The trained network. Like `scaling` and `history`, it exists after `fit`; after `load`, there is no history.
    scaling : Scaling
        The units in which the network reads and forecasts.
    history : History
        The losses of training. A loss of 1 is that of the naive forecast over the series of `fit`.
    series_name : str
        The name of the series given to `fit`, which the file of a forecaster stores.
    covariate_names : tuple of str
        The names of the covariates, if they were the columns of a ``pandas.DataFrame``.

    Raises
    ------
    InputError
        If an argument has an impossible value. InputError is a ValueError.

    See Also
    --------
    bundled : Return a series to try.
    read_csv : Read a series from a CSV file.

    Notes
    -----
    A fitted forecaster can forecast another series of values of about the same size: pass that series to `predict`.

    Examples
    --------
    >>> from gatewise.forecasting import Forecaster, bundled
    >>> series = bundled()
    >>> forecaster = Forecaster(hidden_size=8, season=12, epochs=5).fit(series.head(600))
    >>> forecaster.predict(3).shape
    (3,)
    >>> errors = forecaster.backtest(series).table()
    >>> errors["LSTM"]["RMSE"] < errors["naive"]["RMSE"]
    True
    """

    model: Sequential
    scaling: Scaling
    history: History

    def __init__(
        self,
        cell: str = "lstm",
        hidden_size: int = 32,
        num_layers: int = 1,
        *,
        window: int = 36,
        horizon: int = 6,
        season: int = 1,
        mode: str = "direct",
        epochs: int = 200,
        batch_size: int = 32,
        lr: float = 0.003,
        clip: float = 1.0,
        patience: int = 30,
        seed: int = 0,
    ) -> None:
        self.settings = Settings(cell, hidden_size, num_layers, window, horizon, season, mode)
        self.training = Training(epochs, batch_size, lr, clip, patience, seed)
        self.series_name, self.covariate_names = "", tuple[str, ...]()
        self._inputs: Inputs | None = None

    @property
    def series(self) -> Any:
        """The series given to `fit`.

        It is a copy in the form in which it was given. A forecaster that was loaded has none: its file stores only the
        name of the series.

        See Also
        --------
        Forecaster.predict : Forecast this series or another one.

        Examples
        --------
        >>> from gatewise.forecasting import Forecaster
        >>> Forecaster().series is None
        True
        """
        return None if self._inputs is None else self._inputs.given

    def fit(
        self,
        series: Any,
        past_covariates: Any = None,
        *,
        callbacks: Iterable[Callback] = (),
        verbose: bool = False,
    ) -> Forecaster:
        """Train the network on one series or several.

        The last seventh of each series, but at least one horizon, is used for validation and not trained on. You can
        end training early with Ctrl-C. The best weights so far are kept then, and ``history.interrupted`` is True.

        Parameters
        ----------
        series : array_like of shape (N,), pandas.Series or DataFrame, Series, or a list
            The series. If a ``pandas.Series`` has dates as its index, forecasts continue them. A list, or a table with
            a series per column, trains one network for all of them; they should have about the same size.
        past_covariates : array_like of shape (N,) or (N, C), pandas.Series or DataFrame, or a list, optional
            Other numbers known up to each time. For several series this is a list, or one object for all of them. Mode
            "autoregressive" does not support covariates.
        callbacks : iterable of Callback, optional
            Callbacks that are called during training.
        verbose : bool, default False
            Whether to show a progress bar.

        Returns
        -------
        Forecaster
            This forecaster.

        Raises
        ------
        InputError
            If the series is too short or constant, the covariates do not fit, or training diverges. The forecaster is
            then as it was before.

        See Also
        --------
        Forecaster.predict : Forecast the values after the end.
        Forecaster.backtest : Compare past forecasts with the observed values.
        gatewise.callbacks : The callbacks of training.

        Examples
        --------
        >>> import numpy as np
        >>> from gatewise.forecasting import Forecaster
        >>> forecaster = Forecaster(hidden_size=4, epochs=2).fit(np.sin(np.arange(100.0)))
        >>> forecaster.history.epochs
        2
        """
        inputs = Inputs.of(*copy.deepcopy((series, past_covariates)))
        settings, observed = self.settings, inputs.observed
        splits = [Split.of(len(one), settings.window, settings.horizon) for one in observed]
        if inputs.covariate_count and settings.mode != "direct":
            raise InputError(
                f"past_covariates: expected none with mode {settings.mode!r}, which would read them after the end of "
                "the series; use mode 'direct'"
            )
        predictor = Predictor.untrained(settings, inputs, self.training.seed)
        history = learn(predictor, self.training, observed, splits, callbacks, verbose)
        # Nothing changes before this line, so that a fit that fails leaves the forecaster as it was.
        self._take(predictor)
        self.history, self._inputs = history, inputs
        return self

    def predict(self, n: int, series: Any = None, past_covariates: Any = None) -> Any:
        """Forecast the values after the end of a series.

        In mode "direct", a forecast of more than one horizon reads its own values as if they had been observed.

        Parameters
        ----------
        n : int
            The number of values to forecast.
        series : array_like of shape (N,), pandas.Series or DataFrame, Series, or a list, optional
            The series to forecast, at least one window long. By default it is the series of `fit`.
        past_covariates : array_like of shape (N,) or (N, C), pandas.Series or DataFrame, or a list, optional
            The covariates of `series`. If `n` exceeds the horizon, they must extend beyond the end of the series by as
            many rows as the forecast reads there. By default they are those of `fit`, if `series` is not given.

        Returns
        -------
        ndarray of shape (n,), pandas.Series or DataFrame, or a list
            The forecast, in the form of the series: for a ``pandas.Series`` one that continues its dates, for several
            series a list or a table.

        Raises
        ------
        InputError
            If the forecaster is not fitted, a series is shorter than one window or far larger than in training, or
            covariates are missing.

        See Also
        --------
        Forecaster.plot : Draw the forecast.

        Examples
        --------
        >>> import numpy as np
        >>> from gatewise.forecasting import Forecaster
        >>> wave = np.sin(np.arange(300) * 0.3)
        >>> forecast = Forecaster(hidden_size=8, window=12, horizon=8, lr=0.02, epochs=20).fit(wave).predict(8)
        >>> bool(abs(forecast - np.sin(np.arange(300, 308) * 0.3)).max() < 0.2)
        True
        """
        predictor, n = self._predictor(), integer("steps", n)
        inputs = self._given_or_own(series, past_covariates)
        return inputs.in_given_form(predictor.after(inputs, n))

    def backtest(
        self, series: Any, past_covariates: Any = None, *, start: int | None = None, stride: int = 1
    ) -> Evaluation:
        """Compare past forecasts with the observed values.

        One horizon is forecast from each of a range of origins, and compared with the naive and the seasonal naive
        forecast. Each forecast reads only values before its origin. The network is not trained again.

        Parameters
        ----------
        series : array_like of shape (N,), pandas.Series or Series
            One whole series: the rows of `fit` and those after them.
        past_covariates : array_like of shape (N,) or (N, C), pandas.Series or pandas.DataFrame, optional
            The covariates of `series`.
        start : int, optional
            The row of the first origin. By default it is the first row after the series of `fit`.
        stride : int, default 1
            The number of rows from one origin to the next.

        Returns
        -------
        Evaluation
            The forecasts of the network, named after its layer ("LSTM"), and of "naive" and "seasonal naive". Its
            ``table()`` has their RMSE, MAE, MASE and sMAPE.

        Raises
        ------
        InputError
            If no horizon fits after `start`, or no window or season before it.

        See Also
        --------
        Evaluation.table : Return the errors of all forecasts.

        Examples
        --------
        >>> from gatewise.forecasting import Forecaster, bundled
        >>> series = bundled()
        >>> forecaster = Forecaster(hidden_size=8, season=12, epochs=2).fit(series.head(600))
        >>> forecaster.backtest(series).truth.shape
        (127, 6)
        """
        predictor, settings = self._predictor(), self.settings
        observed = Inputs.of(series, past_covariates).single()
        predictor.require_covariates(observed)
        start = self._first_origin() if start is None else integer("start", start)
        origins = np.arange(start, len(observed) - settings.horizon + 1, integer("stride", stride))
        if not len(origins):
            raise InputError(
                f"series: expected a horizon of {settings.horizon} values from row {start} on, got {len(observed)} "
                "values in all"
            )
        least = max(settings.window, settings.season + 1)
        if start < least:
            raise InputError(f"start: expected at least {least} rows before the first origin, got {start}")
        forecast = predictor.from_origins(observed, origins)
        return evaluate(observed.values, origins, settings.season, forecast, settings.network)

    def plot(self, n: int, series: Any = None, past_covariates: Any = None, *, axes: Any = None) -> Any:
        """Draw the end of a series and the forecast after it.

        The picture shows four times as many values as are forecast, but at least 60.

        Parameters
        ----------
        n : int
            The number of values to forecast.
        series : array_like of shape (N,), pandas.Series or Series, optional
            The series to forecast, as for `predict`.
        past_covariates : array_like of shape (N,) or (N, C), pandas.Series or pandas.DataFrame, optional
            The covariates of `series`, as for `predict`.
        axes : matplotlib.axes.Axes, optional
            The axes to draw on. By default they are those of a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            The axes. ``axes.figure.savefig("forecast.png")`` writes the picture to a file.

        Raises
        ------
        InputError
            If `predict` raises it, or if there are several series.
        MissingLibrary
            If matplotlib is not installed.

        See Also
        --------
        Forecaster.predict : Return the forecast itself.

        Examples
        --------
        >>> import numpy as np
        >>> from gatewise.forecasting import Forecaster
        >>> forecaster = Forecaster(hidden_size=4, epochs=2).fit(np.sin(np.arange(100.0)))
        >>> axes = forecaster.plot(6)
        >>> axes.get_xlabel()
        'row'
        """
        predictor, n = self._predictor(), integer("steps", n)
        inputs = self._given_or_own(series, past_covariates)
        observed, forecast = inputs.single(), predictor.after(inputs, n)[0]
        return draw_forecast(observed.series, forecast, self.settings.network, axes)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the forecaster to a file.

        The file holds the network, the scaling, the settings and the names of series and covariates, but no values of
        the series. It is written as a whole or not at all.

        Parameters
        ----------
        path : str or PathLike
            The file, named ``*.safetensors``.

        Raises
        ------
        InputError
            If the forecaster is not fitted.
        OSError
            If the file cannot be written.
        MissingLibrary
            If safetensors is not installed.

        See Also
        --------
        Forecaster.load : Read the file.
        gatewise.load : Read only the network from the file.

        Examples
        --------
        >>> import os, tempfile
        >>> import numpy as np
        >>> from gatewise.forecasting import Forecaster
        >>> wave = np.sin(np.arange(100.0))
        >>> forecaster = Forecaster(hidden_size=4, epochs=2).fit(wave)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.safetensors")
        ...     forecaster.save(path)
        ...     loaded = Forecaster.load(path)
        >>> bool((loaded.predict(3, wave) == forecaster.predict(3)).all())
        True
        """
        storage.save(self._predictor(), path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Forecaster:
        """Read a forecaster from a file that `save` wrote.

        The file stores the name of the series, as `series_name`, but not the series: pass it to `predict`.

        Parameters
        ----------
        path : str or PathLike
            The file.

        Returns
        -------
        Forecaster
            A forecaster that forecasts as the saved one did.

        Raises
        ------
        InputError
            If the file is missing, damaged, of another kind or of a later version, or its sizes do not agree.
        MissingLibrary
            If safetensors is not installed.

        See Also
        --------
        Forecaster.save : Write the file.

        Examples
        --------
        >>> import os, tempfile
        >>> from gatewise.forecasting import Forecaster, bundled
        >>> series = bundled()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.safetensors")
        ...     Forecaster(hidden_size=4, epochs=1).fit(series).save(path)
        ...     loaded = Forecaster.load(path)
        >>> loaded.series_name, loaded.predict(3, series).shape
        ('sea surface temperature [°C]', (3,))
        """
        predictor = storage.load(path)
        loaded = cls(**asdict(predictor.settings))
        loaded._take(predictor)
        return loaded

    def _take(self, predictor: Predictor) -> None:
        """Forecast with this predictor from now on."""
        self.model, self.scaling = predictor.model, predictor.scaling
        self.series_name, self.covariate_names = predictor.series_name, predictor.covariate_names

    def _predictor(self) -> Predictor:
        """The predictor that `fit` or `load` set; an error if there is none."""
        if not hasattr(self, "model"):
            raise InputError("call fit() first")
        return Predictor(self.settings, self.scaling, self.model, self.series_name, self.covariate_names)

    def _given_or_own(self, series: Any, past_covariates: Any) -> Inputs:
        """The given series and covariates; those of `fit` in place of None."""
        if series is not None:
            return Inputs.of(series, past_covariates)
        if self._inputs is None:
            raise InputError("series: give the series to forecast, since a loaded forecaster does not have one")
        return self._inputs if past_covariates is None else Inputs.of(self._inputs.given, past_covariates)

    def _first_origin(self) -> int:
        """The first row after the series of `fit`."""
        if self._inputs is None:
            raise InputError("start: give the first origin, since a loaded forecaster has no series")
        if len(self._inputs.observed) > 1:
            raise InputError("start: give the first origin, since fit() was given several series")
        return len(self._inputs.single())
