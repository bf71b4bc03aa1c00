"""From a series to examples: windows, their targets, how both are scaled, and which part each belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import ForecastError

Floats = NDArray[np.float64]
Origins = NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """The origins of each part. An origin is the first row to be forecast: its window ends before it.

    train, validation, held_out : (M,) each. Every target belongs to one part only, those of the held-out origins being
        the series' last rows; windows may reach back into the part before.
    """

    train: Origins
    validation: Origins
    held_out: Origins

    @classmethod
    def of(cls, length: int, window: int, horizon: int, held_out: int) -> Split:
        """Cut a series: its last `held_out` rows, before them a seventh of the rest (at least `horizon`) to validate.

        Raises
        ------
        ForecastError : a part would have no example.
        """
        if held_out < horizon:
            raise ForecastError(f"holdout: expected at least the horizon = {horizon} rows, got {held_out}")
        training = length - held_out
        validation = max(horizon, training // 7)
        if training - validation < window + horizon:
            raise ForecastError(
                f"series: expected more rows for window {window}, horizon {horizon} and holdout {held_out}, "
                f"got {length}: without the holdout and {validation} rows to validate, "
                f"{max(training - validation, 0)} are left to train on, and one example needs {window + horizon}"
            )

        def origins(start: int, stop: int) -> Origins:
            return np.arange(start, stop - horizon + 1)

        return cls(
            origins(window, training - validation), origins(training - validation, training), origins(training, length)
        )


def windows(values: Floats, origins: Origins, window: int) -> Floats:
    """(M, window): the values before each origin."""
    taken: Floats = values[origins[:, None] + np.arange(-window, 0)]
    return taken


def targets(values: Floats, origins: Origins, horizon: int) -> Floats:
    """(M, horizon): the values from each origin on."""
    taken: Floats = values[origins[:, None] + np.arange(horizon)]
    return taken


@dataclass(frozen=True)
class Scaling:
    """Values as differences from the last one of their window, in units of `scale`.

    The difference lets a network follow a series that leaves the range it was trained on. `scale` is the root mean
    square error of the naive forecast over the training part, so that a mean squared error of 1 is as good as naive.
    """

    scale: float

    @classmethod
    def of(cls, values: Floats, horizon: int) -> Scaling:
        """The scale of these values, which must be the training part alone.

        Raises
        ------
        ForecastError : the values never change, or their squares overflow.
        """
        origins = np.arange(1, len(values) - horizon + 1)
        with np.errstate(over="ignore"):
            scale = float(np.sqrt(np.mean((targets(values, origins, horizon) - values[origins - 1, None]) ** 2)))
        if not 0.0 < scale < np.inf:
            found = f"the constant {values[0]}" if np.ptp(values) == 0.0 else f"changes whose mean square is {scale**2}"
            raise ForecastError(
                f"series: expected values that change, by amounts whose squares are finite, got {found}"
            )
        return cls(scale)

    def apply(self, values: Floats, last: Floats) -> Floats:
        """(M, n) values in units of the scale, from (M,) last values of their windows."""
        return (values - last[:, None]) / self.scale

    def invert(self, scaled: Floats, last: Floats) -> Floats:
        """The values again."""
        return scaled * self.scale + last[:, None]
