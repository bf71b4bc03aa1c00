"""From a series to examples: windows, their targets, how both are scaled, and which part each belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.errors import InputError

Floats = NDArray[np.float64]
Origins = NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """The origins of each part. An origin is the first row to be forecast: its window ends before it.

    train, validation : (M,) each. Every target belongs to one part only; windows may reach back into the part before.
    """

    train: Origins
    validation: Origins

    @classmethod
    def of(cls, length: int, window: int, horizon: int) -> Split:
        """Cut a series: the last seventh of its rows (at least `horizon`) to validate, the rest to train on.

        Raises
        ------
        InputError : a part would have no example.
        """
        validation = max(horizon, length // 7)
        training = length - validation
        if training < window + horizon:
            raise InputError(
                f"series: expected more rows for window {window}, horizon {horizon}, got {length}: without "
                f"{validation} rows to validate, {max(training, 0)} are left to train on, and one example needs "
                f"{window + horizon}"
            )
        return cls(np.arange(window, training - horizon + 1), np.arange(training, length - horizon + 1))


def windows(values: Floats, origins: Origins, window: int) -> Floats:
    """(M, window, ...): the values before each origin."""
    taken: Floats = values[origins[:, None] + np.arange(-window, 0)]
    return taken


def targets(values: Floats, origins: Origins, horizon: int) -> Floats:
    """(M, horizon): the values from each origin on."""
    taken: Floats = values[origins[:, None] + np.arange(horizon)]
    return taken


@dataclass(frozen=True)
class Scaling:
    """Values as differences from the last one of their window, in units of `scale`; covariates less their `means`, in
    units of their `spreads`.

    The difference lets a network follow a series that leaves the range it was trained on. `scale` is the root mean
    square error of the naive forecast over the series of `fit`, so that a mean squared error of 1 is as good as naive.
    """

    scale: float
    means: tuple[float, ...] = ()
    spreads: tuple[float, ...] = ()

    @classmethod
    def of(cls, series: Sequence[Floats], horizon: int, covariates: Sequence[Floats] = ()) -> Scaling:
        """The one scale of these series (N,), and of the covariates (N, C) of each, which are to be learnt from.

        Raises
        ------
        InputError : the values never change, or their squares overflow.
        """
        squares = []
        with np.errstate(over="ignore"):
            for values in series:
                origins = np.arange(1, len(values) - horizon + 1)
                squares.append((targets(values, origins, horizon) - values[origins - 1, None]) ** 2)
            scale = float(np.sqrt(np.mean(np.concatenate(squares))))
        if not 0.0 < scale < np.inf:
            constant = all(np.ptp(values) == 0.0 for values in series)
            found = f"the constant {series[0][0]}" if constant else f"changes whose mean square is {scale**2}"
            raise InputError(f"series: expected values that change, by amounts whose squares are finite, got {found}")
        if not covariates:
            return cls(scale)
        beside = np.concatenate(covariates)
        spreads = np.std(beside, axis=0)
        # What never changes tells nothing, and is only moved to 0.
        return cls(scale, tuple(np.mean(beside, axis=0).tolist()), tuple(np.where(spreads > 0, spreads, 1.0).tolist()))

    @classmethod
    def read(cls, described: dict[str, Any]) -> Scaling:
        """One that came out of a file.

        Raises
        ------
        InputError : its numbers cannot be.
        """
        scale, *parts = described["scale"], described["means"], described["spreads"]
        numbers = [scale, *parts[0], *parts[1]]
        if not all(isinstance(number, float) and np.isfinite(number) for number in numbers):
            raise InputError(f"scaling: expected finite numbers, got {described}")
        if len(parts[0]) != len(parts[1]) or not min(scale, *parts[1], 1.0) > 0.0:
            raise InputError(f"scaling: expected as many means as spreads, and numbers > 0, got {described}")
        return cls(scale, tuple(parts[0]), tuple(parts[1]))

    def standardize(self, covariates: Floats) -> Floats:
        """(..., C) covariates as numbers of about the size of 1."""
        standard: Floats = (covariates - np.array(self.means)) / np.array(self.spreads)
        return standard

    def apply(self, values: Floats, last: Floats) -> Floats:
        """(M, n) values in units of the scale, from (M,) last values of their windows."""
        return (values - last[:, None]) / self.scale

    def invert(self, scaled: Floats, last: Floats) -> Floats:
        """The values again."""
        return scaled * self.scale + last[:, None]
