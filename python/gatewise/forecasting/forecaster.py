"""Forecaster: fit on a series, predict what comes, and see how well it would have done before."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Iterable
from dataclasses import asdict
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

import gatewise as gw

from ..files.errors import InputError
from . import network, storage
from .baselines import Evaluation, evaluate
from .inputs import answers, as_series, covariate_rows, pairs
from .series import Series
from .settings import Settings, Training, integer
from .windows import Floats, Scaling, Split, windows

if TYPE_CHECKING:
    from ..training.callbacks import Callback
    from ..training.history import History


class Forecaster:
    """Forecasts a series from its last values with an LSTM or GRU and a linear layer.

    The network reads a window of values as differences from its last one, in units of the naive forecast's error over
    the series of `fit`; covariates, scaled to about 1, stand beside them.

    Parameters
    ----------
    cell : "lstm" or "gru".
    hidden_size, num_layers : of the recurrent layer.
    window : how many values it reads.
    horizon : how many it learns to forecast.
    season : the steps of a season, for the seasonal naive forecast beside it; 1: none.
    mode : "direct", all of a horizon at once, or "autoregressive", one value after another: each is read as the next
        step, the state carried along, as in training the true ones are.
    epochs : at most so many passes over the training windows; fewer where the validation loss has not sunk for
        `patience` epochs. The weights of its lowest are kept.
    batch_size, lr, clip : windows a step of Adam, its step size, and the largest norm of its gradients.
    seed : of the initial weights and the order of windows.

    Attributes
    ----------
    model : the `gatewise.Sequential` that it has trained.
    history : the `History` of its losses; 1 is the naive forecast's over the series of `fit`.
    scaling : what the series is scaled by.
    series, series_name : a copy of what was given to `fit` (None in a forecaster that was loaded), and its name.
    covariate_names : those of the columns of `fit`'s covariates, if they were a ``DataFrame``.

    Raises
    ------
    InputError : an argument cannot be; it is a ValueError.

    >>> from gatewise.forecasting import Forecaster, bundled
    >>> series = bundled()
    >>> forecaster = Forecaster(season=12, epochs=20).fit(series.head(600))
    >>> forecaster.predict(3).shape
    (3,)
    >>> errors = forecaster.backtest(series).table()
    >>> errors["LSTM"]["RMSE"] < errors["naive"]["RMSE"]
    True
    """

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
        self.series: Any = None
        self.series_name, self.covariate_names = "", tuple[str, ...]()
        self._past_covariates: Any = None

    def fit(
        self,
        series: Any,
        past_covariates: Any = None,
        *,
        callbacks: Iterable[Callback] = (),
        verbose: bool = False,
    ) -> Forecaster:
        """Train; the last seventh of the series, at least a horizon, is not trained on but validated with.

        Parameters
        ----------
        series : (N,) numbers: an array, a ``pandas.Series`` (whose dates are kept if its index has some) or a `Series`;
            or several, of about one size, for one model: a list of these, or a ``DataFrame`` with one a column.
        past_covariates : (N,) or (N, C) numbers known up to each time: an array, ``pandas.Series`` or ``DataFrame``; of
            several series a list, or one for all. With mode "direct" alone. Default: none.
        callbacks : see `gatewise.callbacks`.
        verbose : whether a bar shows progress.

        Returns
        -------
        self. Ctrl-C ends training early, and leaves what is best so far; ``history.interrupted`` tells.

        Raises
        ------
        InputError : the series is too short or constant, or training diverges. The forecaster is then as it was before.
        """
        given, beside = pairs(series, past_covariates)
        settings, options = self.settings, self.training
        splits = [Split.of(len(one), settings.window, settings.horizon) for one in given]
        count = beside[0].shape[1]
        if any(one.shape[1] != count for one in beside):
            raise InputError(f"past_covariates: expected {count} for each series, as for the first, got others")
        if count and settings.mode != "direct":
            raise InputError("past_covariates: expected none with mode 'autoregressive', which reads behind the end")
        values = [one.values for one in given]
        scaling = Scaling.of(values, settings.horizon, beside)
        model = network.make(settings, count, options.seed)
        data, validation = (
            network.examples(settings, scaling, values, beside, origins)
            for origins in ([split.train for split in splits], [split.validation for split in splits])
        )
        history = self._train(model, data, validation, callbacks, verbose)
        # Only now, so that a fit that fails leaves the forecaster as it was.
        self.series, self._past_covariates = copy.deepcopy((series, past_covariates))
        self.model, self.scaling, self.history = model, scaling, history
        self.series_name = ", ".join(dict.fromkeys(one.name for one in given))
        first = past_covariates[0] if isinstance(past_covariates, (list, tuple)) else past_covariates
        self.covariate_names = tuple(map(str, getattr(first, "columns", ())))
        return self

    def _train(
        self,
        model: gw.Sequential,
        data: tuple[Any, ...],
        validation: tuple[Any, ...],
        callbacks: Iterable[Callback],
        verbose: bool,
    ) -> History:
        options = self.training
        stop = gw.callbacks.EarlyStopping("val_loss", options.patience)
        weight = data[2] if len(data) > 2 else None
        with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)  # of a loss that is not finite: that is an error here
            return model.fit(
                data[0],
                data[1],
                sample_weight=weight,
                validation_data=validation,
                epochs=options.epochs,
                batch_size=options.batch_size,
                optimizer=gw.optimizers.Adam(options.lr, clip_norm=None if math.isinf(options.clip) else options.clip),
                callbacks=[_Diverged(options.lr), stop, *callbacks],
                verbose=verbose,
            )

    def predict(self, n: int, series: Any = None, past_covariates: Any = None) -> Any:
        """The `n` values after the series' end.

        Parameters
        ----------
        n : how many. Beyond the horizon a direct forecast is read as if it had come.
        series : what to forecast, with at least a window of values, or several; default: the series of `fit`.
        past_covariates : those of `series`, and, where n exceeds the horizon, of the steps behind it that are read too.

        Returns
        -------
        forecast : (n,) float64; of a ``pandas.Series`` one that goes on with its dates; of several series a list, of a
            ``DataFrame`` one.

        Raises
        ------
        InputError : the forecaster is not fitted, a series is shorter than a window or far larger than what the
            model was trained on, or covariates are missing.

        >>> import numpy as np
        >>> from gatewise.forecasting import Forecaster
        >>> wave = np.sin(np.arange(300) * 0.3)
        >>> forecast = Forecaster(hidden_size=16, window=24, horizon=8, epochs=60).fit(wave).predict(8)
        >>> bool(abs(forecast - np.sin(np.arange(300, 308) * 0.3)).max() < 0.2)
        True
        """
        self._require_fitted()
        if series is None:
            if self.series is None:
                raise InputError("series: expected one, since a loaded forecaster has none of its own, got None")
            series = self.series
            past_covariates = self._past_covariates if past_covariates is None else past_covariates
        n = integer("steps", n)
        given, beside = pairs(series, past_covariates)
        read = [self._read(one, rows, n) for one, rows in zip(given, beside, strict=True)]
        values, covariates = (np.stack(parts) for parts in zip(*read, strict=True))
        return answers(series, given, network.forecast(self.model, self.settings, self.scaling, values, covariates, n))

    def _read(self, series: Series, covariates: Floats, n: int) -> tuple[Floats, Floats]:
        """What is read to forecast: the last window, and covariates from its start as far as `n` steps need them."""
        window, horizon, length = self.settings.window, self.settings.horizon, len(series)
        self._require_covariates(covariates)
        if length < window:
            raise InputError(f"series: expected at least one window of {window} values, got {length}")
        values = series.values[-window:]
        if np.ptp(values) / self.scaling.scale > np.finfo(np.float32).max:
            raise InputError(
                "series: expected values of a size like those the model was trained on, got far larger ones"
            )
        read_behind = (-(-n // horizon) - 1) * horizon
        if not covariates.shape[1]:
            return values, np.empty((window + read_behind, 0))
        if len(covariates) < length + read_behind:
            raise InputError(
                f"past_covariates: expected {length + read_behind} rows, {read_behind} behind the series, for {n} "
                f"steps in horizons of {horizon}, got {len(covariates)}"
            )
        return values, covariates[length - window : length + read_behind]

    def backtest(
        self, series: Any, past_covariates: Any = None, *, start: int | None = None, stride: int = 1
    ) -> Evaluation:
        """Forecasts of one horizon from rolling origins, beside the naive and the seasonal naive one.

        The model stays as `fit` left it, and each forecast reads only what lies before its origin.

        Parameters
        ----------
        series, past_covariates : one whole series, the part of `fit` and what came after it.
        start : the first origin, a row; default: the first behind the series of `fit`, if that was one.
        stride : rows from one origin to the next.

        Returns
        -------
        Evaluation : its forecasts are called "LSTM" or "GRU", "naive" and "seasonal naive"; ``table()`` has RMSE, MAE,
            MASE and sMAPE of each.

        Raises
        ------
        InputError : no horizon fits behind `start`, or no window or season before it.
        """
        self._require_fitted()
        given, settings = as_series(series), self.settings
        beside = covariate_rows(past_covariates, len(given))
        self._require_covariates(beside)
        if start is None:
            if self.series is None:
                raise InputError("start: expected the first origin, as a loaded forecaster has no series, got none")
            start = len(as_series(self.series))
        start, stride = integer("start", start), integer("stride", stride)
        origins = np.arange(start, len(given) - settings.horizon + 1, stride)
        if not len(origins):
            raise InputError(
                f"series: expected a horizon of {settings.horizon} values behind row {start}, got {len(given)} in all"
            )
        least = max(settings.window, settings.season + 1)
        if start < least:
            raise InputError(f"start: expected at least {least} rows before the first origin, got {start}")
        read = windows(given.values, origins, settings.window)
        read_beside = windows(beside, origins, settings.window)
        found = network.forecast(self.model, settings, self.scaling, read, read_beside, settings.horizon)
        return evaluate(given.values, origins, settings.season, found, settings.cell.upper())

    def plot(self, n: int, series: Any = None, past_covariates: Any = None, *, axes: Any = None) -> Any:
        """Draw the end of a series and the forecast of `n` steps after it, with matplotlib.

        Parameters
        ----------
        n, series, past_covariates : as for `predict`, of one series.
        axes : matplotlib Axes to draw on; default: those of a new figure.

        Returns
        -------
        axes : ``axes.figure.savefig("forecast.png")`` writes the picture.
        """
        from .plot import draw_forecast

        found = self.predict(n, series, past_covariates)
        given = as_series(self.series if series is None else series)
        return draw_forecast(given, np.ravel(found), self.settings.cell.upper(), axes)

    def save(self, path: str | PathLike[str]) -> None:
        """Write model, scaling and settings to a .safetensors file, which appears whole or not at all.

        `Forecaster.load` reads it; to `gatewise.load` it is the model. The series is not in it, but its name is.

        Raises
        ------
        InputError : the forecaster is not fitted.
        OSError : the file cannot be written.
        MissingLibrary : safetensors is not installed.
        """
        self._require_fitted()
        storage.save(self, path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Forecaster:
        """Read a file that `save` wrote. `predict` then needs the series, whose name ``series_name`` has.

        Raises
        ------
        InputError : it is missing, damaged, of another kind or of a later version, or its sizes do not agree.
        MissingLibrary : safetensors is not installed.
        """
        settings, scaling, model, series_name, covariate_names = storage.load(path)
        loaded = cls(**asdict(settings))
        loaded.scaling, loaded.model = scaling, model
        loaded.series_name, loaded.covariate_names = series_name, covariate_names
        return loaded

    def _require_fitted(self) -> None:
        if not hasattr(self, "model"):
            raise InputError("forecaster: expected one that is fitted, got a new one: call fit first")

    def _require_covariates(self, covariates: Floats) -> None:
        expected = len(self.scaling.means)
        if covariates.shape[1] != expected:
            raise InputError(f"past_covariates: expected {expected}, as in fit, got {covariates.shape[1]}")


class _Diverged(gw.callbacks.Callback):
    """Ends a training whose losses are no numbers."""

    def __init__(self, lr: float) -> None:
        self.lr = lr

    def on_epoch_end(self, run: Any) -> None:
        """Look at the losses of the epoch."""
        if not all(math.isfinite(values[-1]) for values in run.history.history.values()):
            raise InputError(f"lr: expected a step size that converges; with {self.lr} epoch {run.epoch} diverged")
