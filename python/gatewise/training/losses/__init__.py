"""Losses and metrics of `Sequential.fit`, and `softmax`, which turns logits into probabilities.

A loss works on its own, too:

>>> import numpy as np, gatewise as gw
>>> loss = gw.losses.CrossEntropy()
>>> value, gradient, weight = loss(np.zeros((1, 2)), np.array([1]))
>>> round(value, 4), gradient.tolist()
(0.6931, [[0.5, -0.5]])
"""

from .base import Loss, Value
from .classification import BinaryCrossEntropy, CrossEntropy, softmax
from .named import KINDS, Metric, accuracy, get, metric
from .regression import MAE, MSE, Huber

__all__ = [
    "KINDS",
    "MAE",
    "MSE",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Huber",
    "Loss",
    "Metric",
    "Value",
    "accuracy",
    "get",
    "metric",
    "softmax",
]
