"""Training: Adam on the mean squared error, with gradient clipping and early stopping."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .errors import ForecastError
from .forecaster import Array, Forecaster
from .windows import Floats, Origins, Split, targets, windows


@dataclass(frozen=True)
class Training:
    """How to train.

    epochs : at most so many passes over the training windows.  batch_size : windows a step.
    lr : Adam's step size.  clip : the largest norm that all gradients together may have.
    patience : stop after so many epochs without a lower validation loss.  seed : of weights and order.
    """

    epochs: int = 200
    batch_size: int = 32
    lr: float = 0.003
    clip: float = 1.0
    patience: int = 30
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("patience", 1), ("seed", 0)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise ForecastError(f"{name}: expected an integer >= {least}, got {value!r}")
        for name in ("lr", "clip"):
            if not getattr(self, name) > 0.0:
                raise ForecastError(f"{name}: expected a number > 0, got {getattr(self, name)!r}")
        if math.isinf(self.lr):
            raise ForecastError(f"lr: expected a finite number, got {self.lr!r}")


@dataclass
class History:
    """The losses of each epoch, and the epoch (from 1) of the lowest validation loss, whose weights were kept."""

    train: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    best_epoch: int = 0

    @property
    def best(self) -> float:
        """The lowest validation loss."""
        return self.validation[self.best_epoch - 1] if self.best_epoch else math.inf


class Adam:
    """Kingma and Ba 2015, Algorithm 1, with its defaults."""

    def __init__(self, lr: float, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> None:
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.step = 0
        self.mean: dict[str, Array] = {}
        self.square: dict[str, Array] = {}

    def update(self, parameters: dict[str, Array], gradients: dict[str, Array]) -> dict[str, Array]:
        """The parameters after one step down these gradients."""
        self.step += 1
        updated = {}
        for name, g in gradients.items():
            m = self.mean[name] = self.beta1 * self.mean.get(name, 0.0) + (1.0 - self.beta1) * g
            v = self.square[name] = self.beta2 * self.square.get(name, 0.0) + (1.0 - self.beta2) * g * g
            m_hat = m / (1.0 - self.beta1**self.step)
            v_hat = v / (1.0 - self.beta2**self.step)
            updated[name] = parameters[name] - self.lr * m_hat / (np.sqrt(v_hat) + self.eps)
        return updated


def clip_by_norm(gradients: dict[str, Array], limit: float) -> dict[str, Array]:
    """The gradients, shrunk together where their joint norm exceeds `limit` (Pascanu, Mikolov and Bengio 2013)."""
    norm = math.sqrt(sum(float(np.sum(np.square(g, dtype=np.float64))) for g in gradients.values()))
    return gradients if norm <= limit else {name: g * (limit / norm) for name, g in gradients.items()}


def train(
    forecaster: Forecaster,
    values: Floats,
    split: Split,
    options: Training,
    on_epoch: Callable[[History], None] = lambda history: None,
) -> History:
    """Train the forecaster in place; in the end it has the weights of the lowest validation loss.

    This loop does no more than forecasting needs, and gives way to the package's general training once that exists.

    values : (N,) the series, of which only the rows of ``split.train`` and ``split.validation`` are read.
    on_epoch : called after every epoch with the history so far.

    Raises
    ------
    ForecastError : the loss is no longer finite.
    """
    x, target = _examples(forecaster, values, split.train)
    x_validation, target_validation = _examples(forecaster, values, split.validation)
    rng = np.random.default_rng(options.seed)
    adam = Adam(options.lr)
    history = History()
    parameters = best = forecaster.parameters
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch in range(1, options.epochs + 1):
            total = 0.0
            order = rng.permutation(len(x))
            for start in range(0, len(order), options.batch_size):
                batch = order[start : start + options.batch_size]
                loss, gradients = forecaster.loss_and_gradients(x[batch], target[batch])
                total += loss * len(batch)
                parameters = adam.update(parameters, clip_by_norm(gradients, options.clip))
                forecaster.assign(parameters)
            history.train.append(total / len(x))
            error = forecaster.scaled_forecast(x_validation) - target_validation
            history.validation.append(float(np.mean(error**2)))
            if not math.isfinite(history.train[-1] + history.validation[-1]):
                raise ForecastError(
                    f"lr: expected a step size that converges; with {options.lr} epoch {epoch} diverged"
                )
            if history.validation[-1] < history.best:
                history.best_epoch, best = epoch, parameters
            on_epoch(history)
            if epoch - history.best_epoch >= options.patience:
                break
    forecaster.assign(best)
    return history


def _examples(forecaster: Forecaster, values: Floats, origins: Origins) -> tuple[Array, Array]:
    """Scaled windows (M, window) and targets (M, horizon) in the layer's dtype."""
    settings, scaling = forecaster.settings, forecaster.scaling
    x = windows(values, origins, settings.window)
    target = targets(values, origins, settings.horizon)
    dtype = forecaster.layer.dtype
    return scaling.apply(x, x[:, -1]).astype(dtype), scaling.apply(target, x[:, -1]).astype(dtype)
