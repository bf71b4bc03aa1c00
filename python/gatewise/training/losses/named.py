"""Losses and metrics by the names that `Sequential.fit` takes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..._core.parameters import Array
from . import classification, regression
from .base import Loss

_PUBLIC = [getattr(module, name) for module in (regression, classification) for name in module.__all__]
KINDS: dict[str, type[Loss]] = {
    str(loss.name): loss for loss in _PUBLIC if isinstance(loss, type) and issubclass(loss, Loss)
}
"""Name to the class of every loss in these modules."""

Metric = Callable[[Array, Array, Array | None], float]
"""A function of targets, predictions and weights."""


def get(loss: str | Loss) -> Loss:
    """Return a loss by its name.

    All of its arguments have their default values.

    Parameters
    ----------
    loss : str or Loss
        "mse", "mae", "huber", "bce" or "cross_entropy". A loss is returned as it is.

    Returns
    -------
    Loss
        The loss.

    Raises
    ------
    ValueError
        If there is no loss of this name.

    See Also
    --------
    metric : The same for metrics.

    Examples
    --------
    >>> import gatewise as gw
    >>> gw.losses.get("cross_entropy")
    CrossEntropy()
    """
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str) or loss not in KINDS:
        raise ValueError(f"loss: expected one of {', '.join(KINDS)}, or a Loss, got {loss!r}")
    return KINDS[loss]()


def accuracy(y: Array, prediction: Array, weight: Array | None) -> float:
    """Return the share of correct classes.

    The predicted class is the one with the largest logit. For a single logit it is 1 if the logit is above 0.

    Parameters
    ----------
    y : array
        Classes, or probabilities of all classes.
    prediction : array of shape (..., C)
        Logits.
    weight : array or None
        Weight of each prediction.

    Returns
    -------
    float
        The share, from 0 to 1.

    See Also
    --------
    CrossEntropy : The loss for several classes.
    BinaryCrossEntropy : The loss for two classes.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> gw.losses.accuracy(np.array([1, 1]), np.array([[1.0, 2.0], [3.0, 0.0]]), None)
    0.5
    """
    if prediction.shape[-1] == 1:
        correct = (prediction[..., 0] > 0.0) == (y.reshape(prediction.shape[:-1]) > 0.5)
    else:
        classes = y.argmax(axis=-1) if y.shape == prediction.shape else y.reshape(prediction.shape[:-1])
        correct = prediction.argmax(axis=-1) == classes
    return float(np.average(correct, weights=weight)) if correct.size and (weight is None or weight.any()) else 0.0


def _value_of(loss: Loss) -> Metric:
    return lambda y, prediction, weight: loss(prediction, y, weight).value


METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    **{name: _value_of(loss()) for name, loss in sorted(KINDS.items()) if loss.is_metric},
}


def metric(given: str | Metric) -> tuple[str, Metric]:
    """Return the name and the function of a metric.

    The name of a function is its ``__name__``.

    Parameters
    ----------
    given : str or callable
        "accuracy", "mae", "mse", or a function ``f(y, prediction, weight)`` of arrays.

    Returns
    -------
    name : str
        The name, under which the history has the metric.
    function : callable
        The function.

    Raises
    ------
    ValueError
        If there is no metric of this name.

    See Also
    --------
    get : The same for losses.

    Examples
    --------
    >>> import gatewise as gw
    >>> name, function = gw.losses.metric("accuracy")
    >>> function is gw.losses.accuracy
    True
    """
    if callable(given):
        return getattr(given, "__name__", type(given).__name__), given
    if given in METRICS:
        return given, METRICS[given]
    raise ValueError(f"metrics: expected {', '.join(map(repr, METRICS))} or functions, got {given!r}")
