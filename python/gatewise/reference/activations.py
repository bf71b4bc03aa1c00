"""Activations: the value of each, and below it its slope, from the pre-activation a and the value y.

Names, formulas and default parameters are those of ONNX's RNN, LSTM and GRU (operator set 22), with "linear" added.
Where two pieces meet, the slope is that of the left piece: relu'(0) = 0, leaky_relu'(0) = elu'(0) = alpha. The slope of
hard_sigmoid is 0 at both of its corners. PyTorch has the same slopes. thresholded_relu, which jumps, is 0 at a = alpha,
as in ONNX's operator of that name, ONNX Runtime and Keras.

Several hard sigmoids are in use, all of the form alpha a + beta, clipped to [0, 1]. ONNX and Keras 2 have alpha = 0.2
and beta = 0.5, the defaults. Keras 3 and PyTorch have relu6(a + 3) / 6, which is ("hard_sigmoid", 1 / 6, 0.5).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .._core.activations import Activation, with_parameters
from .._core.parameters import Array


def sigmoid(a: Array) -> Array:
    """1 / (1 + exp(-a)), from exp(-|a|), which cannot overflow."""
    e = np.exp(-np.abs(a))
    s: Array = np.where(a >= 0, 1, e) / (1 + e)
    return s


def softsign(a: Array) -> Array:
    """a / (1 + |a|), and its limits 1 and -1 at infinity."""
    size = np.minimum(np.abs(a), 1e30)
    y: Array = np.copysign(size / (1 + size), a)
    return y


class Function(NamedTuple):
    """value(a, alpha, beta) and slope(a, y, alpha, beta)."""

    value: Callable[[Array, float, float], Array]
    slope: Callable[[Array, Array, float, float], Array]


FUNCTIONS = {
    "linear": Function(
        lambda a, alpha, beta: a,
        lambda a, y, alpha, beta: np.ones_like(a),
    ),
    "affine": Function(
        lambda a, alpha, beta: alpha * a + beta,
        lambda a, y, alpha, beta: np.full_like(a, alpha),
    ),
    "tanh": Function(
        lambda a, alpha, beta: np.tanh(a),
        lambda a, y, alpha, beta: 1 - y**2,
    ),
    "scaled_tanh": Function(
        lambda a, alpha, beta: alpha * np.tanh(beta * a),
        lambda a, y, alpha, beta: alpha * beta * (1 - np.tanh(beta * a) ** 2),
    ),
    "sigmoid": Function(
        lambda a, alpha, beta: sigmoid(a),
        lambda a, y, alpha, beta: y * (1 - y),
    ),
    "hard_sigmoid": Function(
        lambda a, alpha, beta: np.clip(alpha * a + beta, 0, 1),
        lambda a, y, alpha, beta: np.where((y > 0) & (y < 1), np.full_like(a, alpha), 0),
    ),
    "relu": Function(
        lambda a, alpha, beta: np.maximum(a, 0),
        lambda a, y, alpha, beta: np.where(a > 0, np.ones_like(a), 0),
    ),
    "leaky_relu": Function(
        lambda a, alpha, beta: np.where(a >= 0, a, alpha * a),
        lambda a, y, alpha, beta: np.where(a > 0, np.ones_like(a), alpha),
    ),
    "thresholded_relu": Function(
        lambda a, alpha, beta: np.where(a <= alpha, 0, a),  # NaN stays NaN
        lambda a, y, alpha, beta: np.where(a > alpha, np.ones_like(a), 0),
    ),
    "elu": Function(
        lambda a, alpha, beta: np.where(a >= 0, a, alpha * np.expm1(np.minimum(a, 0))),
        lambda a, y, alpha, beta: np.where(a > 0, np.ones_like(a), alpha * np.exp(np.minimum(a, 0))),
    ),
    "softplus": Function(
        lambda a, alpha, beta: np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a))),
        lambda a, y, alpha, beta: sigmoid(a),
    ),
    "softsign": Function(
        lambda a, alpha, beta: softsign(a),
        lambda a, y, alpha, beta: (1 / (1 + np.abs(a))) ** 2,
    ),
}


class Nonlinearity:
    """An activation with its parameters. Pre-activations are first clipped to [-clip, clip].

    As in PyTorch, the slope of the clipping is 1 at both bounds and 0 beyond.
    """

    def __init__(self, activation: Activation, clip: float | None = None) -> None:
        self.name, self.alpha, self.beta = with_parameters(activation)
        self.function = FUNCTIONS[self.name]
        self.clip = clip

    def __call__(self, a: Array) -> Array:
        """The value at the pre-activation a."""
        return self.function.value(self._held(a), self.alpha, self.beta)

    def slope(self, a: Array, y: Array) -> Array:
        """The derivative of the value y at a, by a."""
        slope = self.function.slope(self._held(a), y, self.alpha, self.beta)
        return slope if self.clip is None else np.where(np.abs(a) > self.clip, 0, slope)

    def _held(self, a: Array) -> Array:
        return a if self.clip is None else np.clip(a, -self.clip, self.clip)
