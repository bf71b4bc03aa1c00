"""The network of a forecaster: what it is made of, what examples it learns from, and how it rolls a forecast out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import gatewise as gw

from ..files.errors import InputError
from .settings import CELLS, Settings
from .windows import Floats, Origins, Scaling, targets, windows

CHUNK = 512  # windows predicted at once: bounds the memory of a long backtest


def make(settings: Settings, covariates: int, seed: int) -> gw.Sequential:
    """Direct: the layer's last output becomes a whole horizon. Autoregressive: every output becomes the next value.

    Raises
    ------
    InputError : the sizes need more memory than there is.
    """
    try:
        layer = getattr(gw, CELLS[settings.cell])(
            1 + covariates, settings.hidden_size, settings.num_layers, batch_first=True
        )
        if settings.mode == "direct":
            return gw.Sequential(layer, gw.LastStep(), gw.Linear(settings.hidden_size, settings.horizon), seed=seed)
        return gw.Sequential(layer, gw.Linear(settings.hidden_size, 1), seed=seed)
    except (MemoryError, ValueError) as error:
        raise InputError(f"hidden, layers: {error}") from error


def examples(
    settings: Settings,
    scaling: Scaling,
    series: Sequence[Floats],
    covariates: Sequence[Floats],
    origins: Sequence[Origins],
) -> tuple[Any, ...]:
    """What `Sequential.fit` takes, of all series together: x, y and, where not every answer is to count, weights."""
    each = [_examples(settings, scaling, *one) for one in zip(series, covariates, origins, strict=True)]
    return tuple(np.concatenate(parts) for parts in zip(*each, strict=True))


def _examples(
    settings: Settings, scaling: Scaling, values: Floats, covariates: Floats, origins: Origins
) -> tuple[Any, ...]:
    x = windows(values, origins, settings.window)
    last = x[:, -1]
    future = scaling.apply(targets(values, origins, settings.horizon), last).astype(np.float32)
    read = _inputs(scaling.apply(x, last), windows(scaling.standardize(covariates), origins, settings.window))
    if settings.mode == "direct":
        return read, future
    # Teacher forcing (Williams and Zipser 1989): behind the window it reads what came. Only what comes behind the
    # window is to be learnt: within it, values are differences from its last one, which is still to come.
    read = np.concatenate([read, future[:, :-1, None]], axis=1)
    y = np.zeros(read.shape[:2], np.float32)
    y[:, settings.window - 1 :] = future
    return read, y, (np.arange(read.shape[1]) >= settings.window - 1) * np.ones(len(read))[:, None]


def forecast(
    model: gw.Sequential, settings: Settings, scaling: Scaling, values: Floats, covariates: Floats, steps: int
) -> Floats:
    """(M, steps), the values that follow each of M windows.

    values : (M, window).  covariates : (M, window + what lies behind it, C); a direct forecast of more than one horizon
        reads each horizon as if it had come, beside the covariates of the same time.
    """
    pieces = [
        _forecast(model, settings, scaling, values[rows], covariates[rows], steps)
        for start in range(0, len(values), CHUNK)
        for rows in [slice(start, start + CHUNK)]
    ]
    return np.concatenate(pieces)


def _forecast(
    model: gw.Sequential, settings: Settings, scaling: Scaling, values: Floats, covariates: Floats, steps: int
) -> Floats:
    window, horizon = settings.window, settings.horizon
    if settings.mode == "autoregressive":
        last = values[:, -1]
        y, state = model.predict(_scaled(scaling, values), batch_size=CHUNK, return_state=True)
        found = [y[:, -1]]
        while len(found) < steps:
            y, state = model.predict(found[-1][:, None], batch_size=CHUNK, state=state, return_state=True)
            found.append(y[:, -1])
        return scaling.invert(np.concatenate(found, axis=1).astype(np.float64), last)
    beside = scaling.standardize(covariates)
    known = np.concatenate([values, np.empty((len(values), -(-steps // horizon) * horizon))], axis=1)
    for start in range(0, known.shape[1] - window, horizon):
        read = known[:, start : start + window]
        x = _scaled(scaling, read, beside[:, start : start + window])
        y = model.predict(x, batch_size=CHUNK).astype(np.float64)
        known[:, start + window : start + window + horizon] = scaling.invert(y, read[:, -1])
    return known[:, window : window + steps]


def _scaled(scaling: Scaling, values: Floats, beside: Floats | None = None) -> Any:
    # Values far beyond those of the training part may overflow; their forecasts are bad, not an error.
    with np.errstate(over="ignore"):
        return _inputs(scaling.apply(values, values[:, -1]), beside)


def _inputs(scaled: Floats, beside: Floats | None) -> Any:
    """(M, window, 1 + C) in the model's dtype."""
    read = scaled[..., None] if beside is None else np.concatenate([scaled[..., None], beside], axis=2)
    return read.astype(np.float32)
