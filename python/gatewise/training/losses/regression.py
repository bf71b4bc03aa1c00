"""Losses of quantities."""

from __future__ import annotations

import numpy as np

from ..._core.parameters import Array
from .base import Loss

__all__ = ["MAE", "MSE", "Huber"]


class MSE(Loss):
    """Mean squared error, the mean of (prediction - y)^2.

    `Sequential.fit` knows it as "mse".

    See Also
    --------
    MAE : Mean absolute error.
    Huber : Squared near 0, absolute beyond.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> gw.losses.MSE()(np.array([[3.0], [1.0]]), [2.0, 3.0]).value
    2.5
    """

    name, is_metric = "mse", True

    def _each(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        d = prediction - target
        return d * d, d + d


class MAE(Loss):
    """Mean absolute error, the mean of |prediction - y|.

    Its derivative at 0 is 0. `Sequential.fit` knows it as "mae".

    See Also
    --------
    MSE : Mean squared error.
    Huber : Squared near 0, absolute beyond.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> gw.losses.MAE()(np.array([[3.0], [1.0]]), [2.0, 3.0]).value
    1.5
    """

    name, is_metric = "mae", True

    def _each(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        d = prediction - target
        return np.abs(d), np.sign(d)


class Huber(Loss):
    """Huber loss: squared near 0 and absolute beyond `delta`.

    With d = prediction - y it is the mean of d^2 / 2 where |d| <= delta, and of delta (|d| - delta / 2)
    elsewhere [1]_. `Sequential.fit` knows it as "huber".

    Parameters
    ----------
    delta : float, default 1.0
        Difference at which the two meet, above 0.

    Raises
    ------
    ValueError
        If `delta` is not above 0.

    See Also
    --------
    MSE : Mean squared error.
    MAE : Mean absolute error.

    References
    ----------
    .. [1] P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35, 1964.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> gw.losses.Huber()(np.array([[3.0], [1.0]]), [2.0, 3.0]).value
    1.0
    """

    name = "huber"

    def __init__(self, delta: float = 1.0) -> None:
        if not delta > 0.0:
            raise ValueError(f"delta: expected a number above 0, got {delta!r}")
        self.delta = float(delta)

    def _each(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        d = prediction - target
        inner = np.clip(d, -self.delta, self.delta)
        return inner * (d - 0.5 * inner), inner
