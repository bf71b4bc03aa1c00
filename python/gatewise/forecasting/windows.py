"""Windows of a series, the values after them, and the division of a series into training and validation data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..files.errors import InputError

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
"""The type of a model's inputs and predictions."""
Origins = NDArray[np.intp]
"""Rows (M,) from which forecasts start: an origin is the first row to be forecast, and its window ends before it."""


def windows(values: Floats, origins: Origins, window: int) -> Floats:
    """The `window` values before each origin, (M, window, ...)."""
    taken: Floats = values[origins[:, None] + np.arange(-window, 0)]
    return taken


def targets(values: Floats, origins: Origins, horizon: int) -> Floats:
    """The `horizon` values from each origin on, (M, horizon)."""
    taken: Floats = values[origins[:, None] + np.arange(horizon)]
    return taken


@dataclass(frozen=True)
class Windows:
    """The input of a network for M forecasts.

    values : (M, window).
    covariates : (M, window + rows after it, C); rows after the window are there if a forecast needs them.
    """

    values: Floats
    covariates: Floats

    @classmethod
    def stacked(cls, each: Iterable[tuple[Floats, Floats]]) -> Windows:
        """Combine single windows: pairs of values (window,) and covariates (rows, C)."""
        values, covariates = zip(*each, strict=True)
        return cls(np.stack(values), np.stack(covariates))

    def __len__(self) -> int:
        return len(self.values)

    def chunks(self, size: int) -> Iterator[Windows]:
        """Divide the windows into chunks of `size`, the last one smaller."""
        for start in range(0, len(self), size):
            rows = slice(start, start + size)
            yield Windows(self.values[rows], self.covariates[rows])


@dataclass(frozen=True)
class Split:
    """The origins of training and validation examples.

    train, validation : (M,) each. No target belongs to both. A validation window may reach back into training rows.
    """

    train: Origins
    validation: Origins

    @classmethod
    def of(cls, length: int, window: int, horizon: int) -> Split:
        """Use the last seventh of a series, but at least `horizon` rows, for validation and the rest for training.

        Raises
        ------
        InputError
            If there would be no example for training.
        """
        first = length - max(horizon, length // 7)
        example = window + horizon
        if first < example:
            # The smallest length for which length - horizon and length - length // 7 reach the rows of one example.
            least = max(example + horizon, example + (example - 1) // 6)
            raise InputError(
                f"the series needs at least {least} rows for window {window}, horizon {horizon}; got {length}"
            )
        return cls(np.arange(window, first - horizon + 1), np.arange(first, length - horizon + 1))
