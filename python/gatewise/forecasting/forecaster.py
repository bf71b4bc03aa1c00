"""The model: a recurrent layer that reads a window, and a linear head that turns its last output into a forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

import gatewise as gw

from .errors import ForecastError
from .windows import Floats, Scaling

Array = NDArray[Any]
CELLS = {"lstm": "LSTM", "gru": "GRU"}
CHUNK = 512  # windows predicted at once: bounds the memory of a long held-out end


@dataclass(frozen=True)
class Settings:
    """What a forecaster is made of.

    cell : "lstm" or "gru".  hidden_size, num_layers : of the recurrent layer.
    window : how many values it reads.  horizon : how many it forecasts at once.
    season : the steps of a season, used by the seasonal-naive forecast beside it; 1: none.
    """

    cell: str = "lstm"
    hidden_size: int = 32
    num_layers: int = 1
    window: int = 36
    horizon: int = 6
    season: int = 1

    def __post_init__(self) -> None:
        if self.cell not in CELLS:
            raise ForecastError(f"cell: expected {' or '.join(CELLS)}, got {self.cell!r}")
        for name in ("hidden_size", "num_layers", "window", "horizon", "season"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ForecastError(f"{name}: expected an integer >= 1, got {value!r}")


class Forecaster:
    """A network that forecasts the next `horizon` values from the last `window`, all at once.

    Parameters
    ----------
    settings : sizes and cell.
    scaling : how windows are scaled, taken from the training part.
    seed : of the initial weights, U(-1/sqrt(H), 1/sqrt(H)) all of them.
    dtype : float32 or float64.

    Raises
    ------
    ForecastError : the sizes need more memory than there is.
    """

    def __init__(self, settings: Settings, scaling: Scaling, seed: int = 0, dtype: DTypeLike = np.float32) -> None:
        self.settings = settings
        self.scaling = scaling
        hidden, horizon = settings.hidden_size, settings.horizon
        layer_rng, head_rng = np.random.default_rng(seed).spawn(2)
        bound = 1.0 / np.sqrt(hidden)
        try:
            layer = getattr(gw, CELLS[settings.cell])
            self.layer = layer(1, hidden, settings.num_layers, batch_first=True, dtype=dtype, seed=layer_rng)
            self.head_weight: Array = head_rng.uniform(-bound, bound, (horizon, hidden)).astype(dtype)  # (horizon, H)
            self.head_bias: Array = head_rng.uniform(-bound, bound, horizon).astype(dtype)  # (horizon,)
        except (MemoryError, ValueError) as error:
            raise ForecastError(f"hidden, layers: {error}") from error

    @property
    def parameters(self) -> dict[str, Array]:
        """Name to copy: the layer's parameters as ``net.*``, then ``head.weight`` and ``head.bias``."""
        net = {f"net.{name}": value for name, value in self.layer.state_dict().items()}
        return {**net, "head.weight": self.head_weight.copy(), "head.bias": self.head_bias.copy()}

    def assign(self, values: dict[str, Array]) -> None:
        """Set all parameters, named as in `parameters`."""
        self.layer.load_state_dict(values, prefix="net.")
        self.head_weight = values["head.weight"].copy()
        self.head_bias = values["head.bias"].copy()

    def scaled_forecast(self, x: Array) -> Array:
        """(B, window) scaled values -> (B, horizon) scaled forecasts."""
        y, _ = self.layer(x[..., None])
        forecast: Array = y[:, -1] @ self.head_weight.T + self.head_bias
        return forecast

    def loss_and_gradients(self, x: Array, target: Array) -> tuple[float, dict[str, Array]]:
        """The mean squared error over (B, horizon) and its gradient for every parameter.

        x : (B, window), target : (B, horizon), both scaled and of the layer's dtype.
        """
        y, _, tape = self.layer.forward(x[..., None])
        last = y[:, -1]  # (B, H)
        difference = last @ self.head_weight.T + self.head_bias - target
        d_output = difference * (2.0 / difference.size)  # (B, horizon)
        dy = np.zeros_like(y)
        dy[:, -1] = d_output @ self.head_weight
        gradients = {f"net.{name}": value for name, value in self.layer.backward(tape, dy, wrt_x=False).params.items()}
        gradients["head.weight"] = d_output.T @ last
        gradients["head.bias"] = d_output.sum(axis=0)
        return float(np.mean(difference**2)), gradients

    def predict(self, windows: Floats) -> Floats:
        """(M, window) values -> (M, horizon) forecasts, both in the series' units."""
        last = windows[:, -1]
        # Held-out values far beyond those of the training part may overflow; their forecasts are bad, not an error.
        with np.errstate(over="ignore"):
            x = self.scaling.apply(windows, last).astype(self.layer.dtype)
        pieces = [self.scaled_forecast(x[start : start + CHUNK]) for start in range(0, len(x), CHUNK)]
        return self.scaling.invert(np.concatenate(pieces).astype(np.float64), last)

    def forecast(self, values: Floats, steps: int) -> Floats:
        """The `steps` values after `values`: a horizon at a time, each read as if it had come.

        Raises
        ------
        ForecastError : there are fewer values than one window, steps < 1, or the values overflow once scaled.
        """
        if len(values) < self.settings.window:
            raise ForecastError(
                f"series: expected at least one window of {self.settings.window} values, got {len(values)}"
            )
        if steps < 1:
            raise ForecastError(f"steps: expected an integer >= 1, got {steps}")
        window, horizon = self.settings.window, self.settings.horizon
        if np.ptp(values[-window:]) / self.scaling.scale > np.finfo(self.layer.dtype).max:
            raise ForecastError(
                "series: expected values of a size like those the model was trained on, got far larger ones"
            )
        known = np.empty(window + -(-steps // horizon) * horizon)
        known[:window] = values[-window:]
        for start in range(0, len(known) - window, horizon):
            known[start + window : start + window + horizon] = self.predict(known[None, start : start + window])
        return known[window : window + steps]
