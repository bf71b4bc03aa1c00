"""The training of a forecaster's model, and the examples from which it learns."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence

import numpy as np

from .. import optimizers
from ..files.errors import InputError
from ..training.callbacks import Callback, EarlyStopping
from ..training.history import History
from ..training.run import Run
from .inputs import Observed
from .predictor import Predictor, model_input
from .settings import Training
from .windows import Floats, Origins, Singles, Split, targets

Examples = tuple[Singles, Singles, Floats | None]
"""x (M, n, 1 + C), y, and the weight of each prediction or None, as `Sequential.fit` takes them."""


def learn(
    predictor: Predictor,
    training: Training,
    observed: Sequence[Observed],
    splits: Sequence[Split],
    callbacks: Iterable[Callback],
    verbose: bool,
) -> History:
    """Train the predictor's model on all series together.

    Raises
    ------
    InputError
        If a loss is no longer finite.
    """
    x, y, weight = _joined(predictor, observed, [split.train for split in splits])
    validation = _joined(predictor, observed, [split.validation for split in splits])
    clip_norm = None if math.isinf(training.clip) else training.clip
    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # a loss that is not finite is an error here
        return predictor.model.fit(
            x,
            y,
            sample_weight=weight,
            validation_data=validation,
            epochs=training.epochs,
            batch_size=training.batch_size,
            optimizer=optimizers.Adam(training.lr, clip_norm=clip_norm),
            callbacks=[_RaiseIfDiverged(training.lr), EarlyStopping("val_loss", training.patience), *callbacks],
            verbose=verbose,
        )


def _joined(predictor: Predictor, observed: Sequence[Observed], origins: Sequence[Origins]) -> Examples:
    """The examples of all series."""
    each = [_examples(predictor, one, rows) for one, rows in zip(observed, origins, strict=True)]
    x, y, weight = zip(*each, strict=True)
    return np.concatenate(x), np.concatenate(y), None if weight[0] is None else np.concatenate(weight)


def _examples(predictor: Predictor, observed: Observed, origins: Origins) -> Examples:
    """The examples that one series yields."""
    settings, scaling = predictor.settings, predictor.scaling
    read = observed.windows(origins, settings.window)
    last = read.values[:, -1]
    x = model_input(scaling.apply(read.values, last), scaling.standardize(read.covariates))
    future = scaling.apply(targets(observed.values, origins, settings.horizon), last).astype(np.float32)
    if settings.mode == "direct":
        return x, future, None
    # Teacher forcing (Williams and Zipser 1989): after the window, the model reads the true values. Only predictions
    # after the window count: within it, values are differences from its last one, which the model has not read yet.
    x = np.concatenate([x, future[:, :-1, None]], axis=1)
    y = np.zeros(x.shape[:2], np.float32)
    y[:, settings.window - 1 :] = future
    return x, y, (np.arange(x.shape[1]) >= settings.window - 1) * np.ones(len(x))[:, None]


class _RaiseIfDiverged(Callback):
    """Ends training with an error if a loss is not finite."""

    def __init__(self, lr: float) -> None:
        self.lr = lr

    def on_epoch_end(self, run: Run) -> None:
        """Check the losses of the epoch."""
        if not all(math.isfinite(values[-1]) for values in run.history.history.values()):
            raise InputError(f"lr: training with {self.lr} diverged in epoch {run.epoch}; try a smaller learning rate")
