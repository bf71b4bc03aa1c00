"""Values and covariates as a network reads them: shifted, and scaled to about the size of 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..files.errors import InputError
from .inputs import Observed
from .windows import Floats, targets


@dataclass(frozen=True)
class Scaling:
    """The units in which a network reads and forecasts.

    A value becomes its difference from the last value of its window, divided by `scale`. The difference lets a network
    follow a series that leaves the range it was trained on. `scale` is the root mean square error of the naive forecast
    over the series of `fit`: a mean squared error of 1 is as good as naive. A covariate becomes (covariate - mean) /
    spread.
    """

    scale: float
    means: tuple[float, ...] = ()
    spreads: tuple[float, ...] = ()

    @classmethod
    def of(cls, observed: Sequence[Observed], horizon: int) -> Scaling:
        """Compute one scaling for all series that a network is to learn from.

        Raises
        ------
        InputError
            If the values never change, or so little that the squares of the changes are 0.
        """
        squares = []
        for one in observed:
            origins = np.arange(1, len(one) - horizon + 1)
            squares.append((targets(one.values, origins, horizon) - one.values[origins - 1, None]) ** 2)
        scale = float(np.sqrt(np.mean(np.concatenate(squares))))
        if scale == 0.0:
            if all(np.ptp(one.values) == 0.0 for one in observed):
                raise InputError(f"series: expected values that change, got the constant {observed[0].values[0]}")
            raise InputError("series: expected larger changes; the squares of these are rounded to 0")
        covariates = np.concatenate([one.covariates for one in observed])
        if not covariates.shape[1]:
            return cls(scale)
        spreads = np.std(covariates, axis=0)
        # A covariate that never changes carries no information: it is only shifted to 0.
        spreads = np.where(spreads > 0, spreads, 1.0)
        return cls(scale, tuple(np.mean(covariates, axis=0).tolist()), tuple(spreads.tolist()))

    @classmethod
    def read(cls, described: dict[str, Any]) -> Scaling:
        """Check a scaling that was read from a file.

        Raises
        ------
        InputError
            If its numbers are impossible.
        """
        scale, means, spreads = described["scale"], described["means"], described["spreads"]
        if not all(isinstance(number, float) and np.isfinite(number) for number in (scale, *means, *spreads)):
            raise InputError(f"scaling: expected finite numbers, got {described}")
        if len(means) != len(spreads) or not min(scale, *spreads, 1.0) > 0.0:
            raise InputError(f"scaling: expected as many means as spreads, and numbers > 0, got {described}")
        return cls(scale, tuple(means), tuple(spreads))

    def standardize(self, covariates: Floats) -> Floats:
        """Shift and scale covariates (..., C)."""
        standard: Floats = (covariates - np.array(self.means)) / np.array(self.spreads)
        return standard

    def apply(self, values: Floats, last: Floats) -> Floats:
        """Shift and scale values (M, n), given the last values (M,) of their windows."""
        return (values - last[:, None]) / self.scale

    def invert(self, scaled: Floats, last: Floats) -> Floats:
        """Undo `apply`."""
        return scaled * self.scale + last[:, None]
