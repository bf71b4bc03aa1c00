"""A series and small forecasters for the tests of forecasting."""

from __future__ import annotations

from typing import Any

import numpy as np

from gatewise.forecasting import Forecaster


def wave(length: int) -> np.ndarray:
    """A season of 12, a drift, and noise."""
    rows = np.arange(length)
    noise = np.random.default_rng(0).standard_normal(length)
    values: np.ndarray = np.sin(2 * np.pi * rows / 12) + 0.01 * rows + 0.1 * noise
    return values


def fitted(values: Any, cell: str = "lstm", **options: Any) -> Forecaster:
    sizes = {"hidden_size": 4, "window": 12, "horizon": 3, "season": 12, "epochs": 3}
    return Forecaster(cell, **{**sizes, **options}).fit(values)
