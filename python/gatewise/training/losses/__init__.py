"""Losses and metrics of `Sequential.fit`, and `softmax`, which turns logits into probabilities.

A loss works on its own, too:

>>> import numpy as np, gatewise as gw
>>> loss = gw.losses.CrossEntropy()
>>> value, gradient, weight = loss(np.zeros((1, 2)), np.array([1]))
>>> round(value, 4), gradient.tolist()
(0.6931, [[0.5, -0.5]])
"""

from . import classification, regression
from .base import Loss, Value
from .classification import *  # noqa: F403  (every loss that the module exports)
from .named import KINDS, Metric, accuracy, get, metric
from .regression import *  # noqa: F403

__all__ = ["KINDS", "Loss", "Metric", "Value", "accuracy", "get", "metric"]
__all__ += regression.__all__
__all__ += classification.__all__
