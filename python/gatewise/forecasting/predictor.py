"""The trained part of a forecaster: its model, and how forecasts are made with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..files.errors import InputError
from ..models.building import recurrent_model
from ..models.sequential import Sequential
from .inputs import Inputs, Observed
from .scaling import Scaling
from .settings import Settings
from .windows import Floats, Origins, Singles, Windows

CHUNK = 512  # windows that are forecast together: bounds the memory of a long backtest


def build_model(settings: Settings, covariates: int, seed: int) -> Sequential:
    """Build the model that these settings describe.

    In mode "direct", the last output of the recurrent layer becomes a whole horizon. In mode "autoregressive", every
    output becomes the next value.

    Raises
    ------
    InputError
        If the model does not fit into memory.
    """
    try:
        return recurrent_model(
            settings.cell,
            1 + covariates,
            settings.hidden_size,
            settings.outputs,
            num_layers=settings.num_layers,
            readout="last" if settings.mode == "direct" else None,
            seed=seed,
        )
    except (MemoryError, ValueError) as error:
        raise InputError(f"hidden, layers: {error}") from error


def model_input(scaled: Floats, covariates: Floats) -> Singles:
    """Join scaled values (M, n) and covariates (M, n, C) to the model's input, (M, n, 1 + C)."""
    return np.concatenate([scaled[..., None], covariates], axis=2).astype(np.float32)


@dataclass(frozen=True)
class Predictor:
    """A model and all that its forecasts need. The file of a forecaster stores these fields."""

    settings: Settings
    scaling: Scaling
    model: Sequential
    series_name: str
    covariate_names: tuple[str, ...]

    @classmethod
    def untrained(cls, settings: Settings, inputs: Inputs, seed: int) -> Predictor:
        """Build a model for these series, and take their scaling and names."""
        scaling = Scaling.of(inputs.observed, settings.horizon)
        model = build_model(settings, inputs.covariate_count, seed)
        return cls(settings, scaling, model, inputs.name, inputs.covariate_names)

    def after(self, inputs: Inputs, steps: int) -> Floats:
        """Forecast the values after the end of each series, (M, steps).

        Raises
        ------
        InputError
            If a series or its covariates are too short, or values are far larger than in training.
        """
        return self._forecast(Windows.stacked(self._end(one, steps) for one in inputs.observed), steps)

    def from_origins(self, observed: Observed, origins: Origins) -> Floats:
        """Forecast one horizon from each origin, (M, horizon)."""
        self.require_covariates(observed)
        return self._forecast(observed.windows(origins, self.settings.window), self.settings.horizon)

    def require_covariates(self, observed: Observed) -> None:
        """Check that there are as many covariates as in training."""
        expected, found = len(self.scaling.means), observed.covariates.shape[1]
        if found != expected:
            raise InputError(f"past_covariates: expected {expected}, as in fit, got {found}")

    def _end(self, observed: Observed, steps: int) -> tuple[Floats, Floats]:
        """The last window (window,), and covariates from its start to the last row read, (rows, C)."""
        self.require_covariates(observed)
        window, horizon, length = self.settings.window, self.settings.horizon, len(observed)
        if length < window:
            raise InputError(f"series: expected at least one window of {window} values, got {length}")
        values = observed.values[-window:]
        if (span := np.ptp(values)) / self.scaling.scale > np.finfo(np.float32).max:
            raise InputError(f"series: expected values of about the size of those in fit, got a range of {span:g}")
        # Only covariates are read after the end, for every horizon but the first.
        after = (-(-steps // horizon) - 1) * horizon
        covariates = observed.covariates
        if not covariates.shape[1]:
            return values, np.empty((window + after, 0))
        if len(covariates) < length + after:
            raise InputError(
                f"past_covariates: expected {length + after} rows, {after} of them after the end of the series, for "
                f"{steps} steps in horizons of {horizon}, got {len(covariates)}"
            )
        return values, covariates[length - window : length + after]

    def _forecast(self, read: Windows, steps: int) -> Floats:
        """Forecast the values after each window, (M, steps)."""
        one_chunk = self._direct if self.settings.mode == "direct" else self._autoregressive
        return np.concatenate([one_chunk(chunk, steps) for chunk in read.chunks(CHUNK)])

    def _direct(self, read: Windows, steps: int) -> Floats:
        """Forecast one horizon after another; each is read as if it had been observed."""
        window, horizon = self.settings.window, self.settings.horizon
        covariates = self.scaling.standardize(read.covariates)
        known = np.concatenate([read.values, np.empty((len(read), -(-steps // horizon) * horizon))], axis=1)
        for start in range(0, known.shape[1] - window, horizon):
            values = known[:, start : start + window]
            x = self._input(values, covariates[:, start : start + window])
            y = self.model.predict(x, batch_size=CHUNK).astype(np.float64)
            known[:, start + window : start + window + horizon] = self.scaling.invert(y, values[:, -1])
        return known[:, window : window + steps]

    def _autoregressive(self, read: Windows, steps: int) -> Floats:
        """Forecast one value after another; each is read as the next step, with the state carried over."""
        x = self._input(read.values, read.covariates[:, : self.settings.window])
        y, state = self.model.predict(x, batch_size=CHUNK, return_state=True)
        found = [y[:, -1]]
        while len(found) < steps:
            y, state = self.model.predict(found[-1][:, None], batch_size=CHUNK, state=state, return_state=True)
            found.append(y[:, -1])
        return self.scaling.invert(np.concatenate(found, axis=1).astype(np.float64), read.values[:, -1])

    def _input(self, values: Floats, covariates: Floats) -> Singles:
        # Values far larger than in training may overflow. Their forecasts are bad, but no error.
        with np.errstate(over="ignore"):
            return model_input(self.scaling.apply(values, values[:, -1]), covariates)
