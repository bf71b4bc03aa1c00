"""Losses of classes, and `softmax`, which turns logits into probabilities."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from ..._core.parameters import Array
from .base import Loss

__all__ = ["BinaryCrossEntropy", "CrossEntropy", "softmax"]


def softmax(logits: ArrayLike) -> Array:
    """Return the probabilities of logits.

    For logits z these are exp(z) / sum(exp(z)), over the last axis. Logits of any size do not overflow.

    Parameters
    ----------
    logits : array_like of shape (..., C)
        Logits of C classes.

    Returns
    -------
    array of shape (..., C)
        Probabilities, which sum to 1 over the last axis. They have the dtype of the logits, or float64 if that is no
        floating-point type.

    Raises
    ------
    ValueError
        If there is no last axis.
    TypeError
        If the logits are not real numbers.

    See Also
    --------
    CrossEntropy : The loss of logits.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> gw.losses.softmax(np.array([[0.0, 0.0], [1000.0, 0.0]], np.float32))
    array([[0.5, 0.5],
           [1. , 0. ]], dtype=float32)
    """
    z = np.asarray(logits)
    if z.dtype.kind not in "fiub":
        raise TypeError(f"logits: expected real numbers, got {z.dtype}")
    if not z.ndim:
        raise ValueError("logits: expected (..., C), got ()")
    z = z if z.dtype.kind == "f" else z.astype(np.float64)
    powers: Array = np.exp(z - z.max(axis=-1, keepdims=True, initial=-np.inf))
    powers /= powers.sum(axis=-1, keepdims=True)
    return powers


class BinaryCrossEntropy(Loss):
    """Binary cross-entropy of logits.

    With a logit z and a target y from 0 to 1 it is the mean of -y log s(z) - (1 - y) log(1 - s(z)), where s is the
    logistic function. `Sequential.fit` knows it as "bce".

    Parameters
    ----------
    class_weight : pair or mapping, optional
        Weights of y = 0 and y = 1, as a pair or as ``{0: ..., 1: ...}``. By default both are 1.

    Raises
    ------
    ValueError
        If the weights are not two numbers of at least 0.

    See Also
    --------
    CrossEntropy : The loss for several classes.
    accuracy : The share of correct classes.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> gw.losses.BinaryCrossEntropy()(np.array([[0.0]]), [1]).gradient
    array([[-0.5]])
    """

    name = "bce"

    def __init__(self, class_weight: ArrayLike | Mapping[int, float] | None = None) -> None:
        self.class_weight = _class_weights(class_weight, 2)

    def _weighted(self, target: Array, weight: Array | None) -> Array | None:
        if self.class_weight is None:
            return weight
        zero, one = self.class_weight
        own: Array = zero + (one - zero) * target
        return own if weight is None else own * weight

    def _each(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        if target.size and not (target.min() >= 0.0 and target.max() <= 1.0):
            raise ValueError(f"y: expected numbers from 0 to 1, got {target.min()} to {target.max()}")
        small = np.exp(-np.abs(prediction))
        each = np.maximum(prediction, 0.0) - prediction * target + np.log1p(small)
        logistic = np.where(prediction >= 0.0, 1.0, small) / (1.0 + small)
        return each, (logistic - target).astype(prediction.dtype, copy=False)


class CrossEntropy(Loss):
    """Softmax cross-entropy of logits.

    With logits z and a class y it is the mean of -log softmax(z)[y]. Targets are classes, integers without the feature
    axis, or probabilities of all classes. `Sequential.fit` knows it as "cross_entropy".

    Parameters
    ----------
    class_weight : sequence or mapping, optional
        Weight of each class, as a sequence or as ``{class: weight}``; classes that are missing there have weight 1. As
        in PyTorch, the loss is divided by the sum of the weights of the batch. By default all weights are 1.

    Raises
    ------
    ValueError
        If the weights are not numbers of at least 0.

    See Also
    --------
    BinaryCrossEntropy : The loss for two classes and one logit.
    softmax : The probabilities of logits.
    accuracy : The share of correct classes.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> gw.losses.CrossEntropy()(np.array([[0.0, 0.0]]), [1]).gradient
    array([[ 0.5, -0.5]])
    """

    name = "cross_entropy"

    def __init__(self, class_weight: ArrayLike | Mapping[int, float] | None = None) -> None:
        self.class_weight = _class_weights(class_weight)

    def _target(self, prediction: Array, y: Array) -> Array:
        if prediction.shape[-1] < 2:
            raise ValueError(
                f"prediction: expected logits of at least 2 classes, got {prediction.shape}; a single one is for bce"
            )
        if y.dtype.kind in "iub":
            if y.shape == (*prediction.shape[:-1], 1):
                y = y[..., 0]
            if y.shape != prediction.shape[:-1]:
                raise ValueError(f"y: expected classes {prediction.shape[:-1]}, got {y.shape}")
            return y
        if y.dtype.kind != "f":
            raise TypeError(f"y: expected classes as integers, or probabilities, got {y.dtype}")
        if y.shape != prediction.shape:
            raise ValueError(
                f"y: expected classes as integers {prediction.shape[:-1]}, or probabilities {prediction.shape}, "
                f"got {y.dtype} {y.shape}"
            )
        return y.astype(prediction.dtype, copy=False)

    def _weighted(self, target: Array, weight: Array | None) -> Array | None:
        if weight is not None and target.dtype.kind == "f":
            weight = weight[..., 0]
        if target.dtype.kind == "f":
            _require_probabilities(target if weight is None else target[weight != 0])
        if self.class_weight is None:
            return weight
        classes = int(target.max(initial=0)) + 1 if target.dtype.kind != "f" else target.shape[-1]
        weights = np.ones(max(classes, len(self.class_weight)))
        weights[: len(self.class_weight)] = self.class_weight
        own: Array = weights[target] if target.dtype.kind != "f" else target @ weights[:classes]
        return own if weight is None else own * weight

    def _each(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        z = prediction - prediction.max(axis=-1, keepdims=True, initial=-np.inf)
        d = np.exp(z)
        total = d.sum(axis=-1, keepdims=True)
        d /= total
        log_total = np.log(total[..., 0])
        if target.dtype.kind == "f":
            return log_total * target.sum(axis=-1) - np.sum(z * target, axis=-1), d * target.sum(
                -1, keepdims=True
            ) - target
        classes = prediction.shape[-1]
        if target.size and not (target.min() >= 0 and target.max() < classes):
            wrong = target[(target < 0) | (target >= classes)][0]
            raise ValueError(f"y: expected classes from 0 to {classes - 1}, got {wrong}")
        index = target.astype(np.intp)[..., None]
        each = log_total - np.take_along_axis(z, index, axis=-1)[..., 0]
        np.put_along_axis(d, index, np.take_along_axis(d, index, axis=-1) - d.dtype.type(1), axis=-1)
        return each, d


def _require_probabilities(rows: Array) -> None:
    sums = rows.sum(axis=-1)
    # Rows that were rounded to half precision have sums this near to 1.
    wrong = ~((rows >= 0.0).all(axis=-1) & (np.abs(sums - 1.0) <= 1e-3))
    if wrong.any():
        got = f"a smallest one of {rows[wrong][0].min():g} and a sum of {sums[wrong][0]:g}"
        raise ValueError(f"y: expected probabilities of at least 0 with a sum of 1, got {got}")


def _class_weights(weights: ArrayLike | Mapping[int, float] | None, classes: int | None = None) -> list[float] | None:
    if weights is None:
        return None
    if isinstance(weights, Mapping):
        size = classes or max((int(name) for name in weights), default=-1) + 1
        weights = [float(weights.get(index, 1.0)) for index in range(size)]
    array = np.asarray(weights, float)
    if array.ndim != 1 or (classes and len(array) != classes) or not (array >= 0.0).all():
        raise ValueError(f"class_weight: expected {classes or 'C'} numbers of at least 0, got {weights!r}")
    return [float(weight) for weight in array]
