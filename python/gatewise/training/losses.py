"""Losses: a number to make small, and its gradient; and `softmax`, the probabilities behind logits.

>>> import numpy as np, gatewise as gw
>>> loss = gw.losses.CrossEntropy()
>>> value, gradient, weight = loss(np.zeros((1, 2)), np.array([1]))
>>> round(value, 4), gradient.tolist()
(0.6931, [[0.5, -0.5]])
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._core.parameters import Array


def softmax(logits: ArrayLike) -> Array:
    """The probabilities that logits z stand for, exp(z) / Σ exp(z) over the last axis; of any size without overflow.

    Parameters
    ----------
    logits : (..., C) numbers.

    Returns
    -------
    probabilities : (..., C), of the dtype of the logits, or float64 if they are no floats; each row sums to 1.

    Raises
    ------
    ValueError : there is no last axis to go over.
    TypeError : they are no real numbers.

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


class Value(NamedTuple):
    """The weighted mean of a batch's losses, its gradient with respect to the predictions, and the weights' sum."""

    value: float
    gradient: Array
    weight: float


class Loss(ABC):
    """What losses have in common: the mean over all answers, weighted where there are weights.

    Called with predictions (B, features), or (B, T, features) with an answer a step; targets; and weights, (B,) or
    (B, T), or None. A weight of 0 takes an answer out: its target is not read. Integer weights equal repetition.
    """

    def __call__(self, prediction: Array, y: ArrayLike, weight: Array | None = None) -> Value:
        """Value, gradient and the sum of the weights.

        Raises
        ------
        ValueError, TypeError : targets or weights do not fit the predictions.
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
        """The targets in the predictions' shape and dtype; where there is one feature its axis may be missing."""
        if y.shape != prediction.shape:
            if prediction.shape[-1] != 1 or y.shape != prediction.shape[:-1]:
                raise ValueError(f"y: expected {prediction.shape}, got {y.shape}")
            y = y[..., None]
        if y.dtype.kind not in "fiub":
            raise TypeError(f"y: expected numbers, got {y.dtype}")
        return y.astype(prediction.dtype, copy=False)

    def _weighted(self, target: Array, weight: Array | None) -> Array | None:
        """The weights times those of classes, if the loss has any."""
        return weight

    @abstractmethod
    def _each(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        """Each single loss, and its derivative; both new arrays."""

    def config(self) -> dict[str, Any]:
        """Kind and arguments."""
        return {"kind": type(self).__name__, **vars(self)}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


class MSE(Loss):
    """Mean squared error, (prediction - y)^2."""

    def _each(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        d = prediction - target
        return d * d, d + d


class MAE(Loss):
    """Mean absolute error, |prediction - y|; its derivative at 0 is 0."""

    def _each(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        d = prediction - target
        return np.abs(d), np.sign(d)


class Huber(Loss):
    """Squared near 0, absolute beyond `delta` (Huber 1964): d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2).

    Parameters
    ----------
    delta : where the two meet, above 0.
    """

    def __init__(self, delta: float = 1.0) -> None:
        if not delta > 0.0:
            raise ValueError(f"delta: expected a number above 0, got {delta!r}")
        self.delta = float(delta)

    def _each(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        d = prediction - target
        inner = np.clip(d, -self.delta, self.delta)
        return inner * (d - 0.5 * inner), inner


class BinaryCrossEntropy(Loss):
    """Binary cross-entropy of logits z: -y log s(z) - (1 - y) log(1 - s(z)), s the logistic function, y from 0 to 1.

    Parameters
    ----------
    class_weight : the weights of y = 0 and y = 1, as a pair or ``{0: ..., 1: ...}``.
    """

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
    """Softmax cross-entropy of logits: -log softmax(z)[y].

    Targets are classes, integers without the feature axis, or probabilities of all classes.

    Parameters
    ----------
    class_weight : a weight for each class, as a sequence or ``{class: weight}`` (others 1). As in PyTorch, the loss is
        divided by the sum of the weights met.
    """

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
    # The sum of rows that were rounded to half precision is this near.
    wrong = ~((rows >= 0.0).all(axis=-1) & (np.abs(sums - 1.0) <= 1e-3))
    if wrong.any():
        got = f"{rows[wrong][0].min():g} and more with a sum of {sums[wrong][0]:g}"
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


KINDS: dict[str, type[Loss]] = {
    "mse": MSE,
    "mae": MAE,
    "huber": Huber,
    "bce": BinaryCrossEntropy,
    "cross_entropy": CrossEntropy,
}


def get(loss: str | Loss) -> Loss:
    """The loss of this name ("mse", "mae", "huber", "bce", "cross_entropy"), with its defaults, or the one given."""
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str) or loss not in KINDS:
        raise ValueError(f"loss: expected one of {', '.join(KINDS)}, or a Loss, got {loss!r}")
    return KINDS[loss]()


Metric = Callable[[Array, Array, Array | None], float]


def accuracy(y: Array, prediction: Array, weight: Array | None) -> float:
    """The share of right classes, from logits: the largest of several, or whether a single one is above 0."""
    if prediction.shape[-1] == 1:
        right = (prediction[..., 0] > 0.0) == (y.reshape(prediction.shape[:-1]) > 0.5)
    else:
        classes = y.argmax(axis=-1) if y.shape == prediction.shape else y.reshape(prediction.shape[:-1])
        right = prediction.argmax(axis=-1) == classes
    return float(np.average(right, weights=weight)) if right.size and (weight is None or weight.any()) else 0.0


def metric(given: str | Metric) -> tuple[str, Metric]:
    """Name and function of a metric."""
    if callable(given):
        return getattr(given, "__name__", type(given).__name__), given
    if given == "accuracy":
        return given, accuracy
    if given in ("mse", "mae"):
        loss = get(given)
        return given, lambda y, prediction, weight: loss(prediction, y, weight).value
    raise ValueError(f"metrics: expected 'accuracy', 'mae', 'mse' or functions, got {given!r}")
