"""The base class of losses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..._core.configured import Configured
from ..._core.parameters import Array


class Value(NamedTuple):
    """Value of a loss and its gradient.

    A loss returns it.

    Parameters
    ----------
    value : float
        Weighted mean of the losses of a batch.
    gradient : array
        Its gradient with respect to the predictions.
    weight : float
        Sum of the weights.

    See Also
    --------
    Loss : What returns it.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> gw.losses.MSE()(np.array([[3.0]]), np.array([[1.0]]))
    Value(value=4.0, gradient=array([[4.]]), weight=1.0)
    """

    value: float
    gradient: Array
    weight: float


class Loss(Configured, ABC):
    """Base class of losses.

    A loss is the mean over all predictions. With weights it is the weighted mean, so an integer weight acts like
    repetition. The target of a prediction with weight 0 is not read.

    See Also
    --------
    Sequential.fit : Training with a loss.
    get : Finds a loss by its name.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> isinstance(gw.losses.MSE(), gw.losses.Loss)
    True
    """

    name: ClassVar[str | None] = None
    """The name by which `fit` knows the loss with its defaults."""
    is_metric: ClassVar[bool] = False
    """Whether the loss is a metric, too, of the same name."""

    def __call__(self, prediction: Array, y: ArrayLike, weight: Array | None = None) -> Value:
        """Compute the loss and its gradient.

        Predictions, targets and weights are those of one batch.

        Parameters
        ----------
        prediction : array of shape (B, features) or (B, T, features)
            Predictions.
        y : array_like
            Targets, shaped like the predictions. The axis of a single feature may be missing.
        weight : array of shape (B,) or (B, T), optional
            Weight of each prediction. By default all weights are 1.

        Returns
        -------
        Value
            The ``value``, its ``gradient`` with respect to the predictions, and the sum of weights, ``weight``.

        Raises
        ------
        ValueError, TypeError
            If targets or weights do not fit the predictions.

        See Also
        --------
        Sequential.evaluate : The loss of a model on data.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> gw.losses.MAE()(np.array([[3.0], [1.0]]), [2.0, 2.0]).gradient
        array([[ 0.5],
               [-0.5]])
        """
        target = self._target(prediction, np.asarray(y))
        if weight is not None:
            if weight.shape != prediction.shape[:-1]:
                raise ValueError(f"sample_weight: expected {prediction.shape[:-1]}, got {weight.shape}")
            weight = weight.reshape(weight.shape + (1,) * (target.ndim - weight.ndim))
            target = np.where(weight != 0, target, target.dtype.type(0))
        weight = self._weighted(target, weight)
        each, d = self._each(prediction, target)
        if weight is None:
            total = float(each.size)
            d *= d.dtype.type(1.0 / total if total else 0.0)
            return Value(float(np.add.reduce(each, axis=None, dtype=np.float64)) / max(total, 1.0), d, total)
        weight = np.broadcast_to(weight, each.shape)
        total = float(weight.sum(dtype=np.float64))
        share = (weight / (total or 1.0)).astype(d.dtype)
        d *= share.reshape(share.shape + (1,) * (d.ndim - share.ndim))
        return Value(float(np.sum(each * share, dtype=np.float64)), d, total)

    def _target(self, prediction: Array, y: Array) -> Array:
        """Return the targets in the predictions' shape and dtype."""
        if y.shape != prediction.shape:
            if prediction.shape[-1] != 1 or y.shape != prediction.shape[:-1]:
                raise ValueError(f"y: expected {prediction.shape}, got {y.shape}")
            y = y[..., None]
        if y.dtype.kind not in "fiub":
            raise TypeError(f"y: expected numbers, got {y.dtype}")
        return y.astype(prediction.dtype, copy=False)

    def _weighted(self, target: Array, weight: Array | None) -> Array | None:
        """Return the weights, multiplied by the weights of the targets' classes if the loss has any."""
        return weight

    @abstractmethod
    def _each(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        """Return the loss of each prediction and its derivative, both as new arrays."""
