"""What turns sequences into one answer: the last valid step, the mean, or all steps of a fixed length side by side."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.base import Gradients
from .._core.options import checked_size
from .._core.parameters import Array
from .base import SEQUENCES, VECTORS, Call, Flow, ModelLayer


class _Reducing(ModelLayer):
    """From sequences to vectors."""

    def flow(self, flow: Flow) -> Flow:
        """Vectors, from sequences."""
        if flow.kind != SEQUENCES:
            raise ValueError("sequences (B, T, features)")
        return Flow(VECTORS, flow.features)


class LastStep(_Reducing):
    """Each sequence's last valid step: (B, T, F) becomes (B, F); zeros where no step is valid.

    Behind a bidirectional layer: the last step of each direction, which for the reverse one is the sequence's first.

    >>> import numpy as np, gatewise as gw
    >>> gw.Sequential(gw.GRU(2, 3, batch_first=True, seed=0), gw.LastStep())(np.zeros((4, 5, 2))).shape
    (4, 3)
    """

    _forward_features: int

    def flow(self, flow: Flow) -> Flow:
        """Vectors, from sequences."""
        self._forward_features = flow.features // flow.directions
        return super().flow(flow)

    def forward(self, x: Array, call: Call, keep: bool) -> tuple[Array, Any]:
        """The forward direction's last valid step, the reverse one's first."""
        batch, steps, features = x.shape
        if steps == 0:
            return np.zeros((batch, features), x.dtype), (x.shape, None)
        half, rows, (first, last, none) = self._forward_features, np.arange(batch), _ends(call.valid(steps))
        y = x[rows, last]
        if half < features:
            y[:, half:] = x[rows, first, half:]
        y[none] = 0.0
        return y, (x.shape, (rows, first, last, none))

    def backward(self, tape: Any, dy: Array, grads: Gradients, wrt_x: bool) -> Array:
        """The gradient stands at those steps, zeros at the others."""
        shape, steps = tape
        d_x = np.zeros(shape, dy.dtype)
        if steps is not None:
            half, (rows, first, last, none) = self._forward_features, steps
            d_x[rows, last, :half] = dy[:, :half]
            d_x[rows, first, half:] = dy[:, half:]
            d_x[none] = 0.0
        return d_x


def _ends(valid: Array | None) -> tuple[Any, Any, Any]:
    """The first and the last valid step of each sequence, and which sequences have none."""
    if valid is None:
        return 0, -1, slice(0)
    return valid.argmax(axis=1), -1 - valid[:, ::-1].argmax(axis=1), ~valid.any(axis=1)


class MeanOverSteps(_Reducing):
    """The mean of each sequence's valid steps: (B, T, F) becomes (B, F); zeros where no step is valid."""

    def forward(self, x: Array, call: Call, keep: bool) -> tuple[Array, Any]:
        """The sum of the valid steps over their number."""
        valid = call.valid(x.shape[1])
        if valid is None:
            weights = np.full((*x.shape[:2], 1), 1.0 / max(x.shape[1], 1), x.dtype)
        else:
            weights = (valid / np.maximum(valid.sum(axis=1, keepdims=True), 1)).astype(x.dtype)[..., None]
        return np.sum(x * weights, axis=1), weights

    def backward(self, tape: Any, dy: Array, grads: Gradients, wrt_x: bool) -> Array:
        """Every valid step has its share."""
        d_x: Array = dy[:, None] * tape
        return d_x


class Flatten(_Reducing):
    """All steps side by side: (B, steps, F) becomes (B, steps F).

    Parameters
    ----------
    steps : the length that all sequences have.
    """

    def __init__(self, steps: int) -> None:
        self.steps = checked_size("steps", steps, 1)

    def flow(self, flow: Flow) -> Flow:
        """Vectors, from sequences."""
        return Flow(VECTORS, super().flow(flow).features * self.steps)

    def forward(self, x: Array, call: Call, keep: bool) -> tuple[Array, Any]:
        """A view."""
        if x.shape[1] != self.steps:
            raise ValueError(
                f"x: expected sequences of {self.steps} steps, as Flatten({self.steps}) does, got {x.shape[1]}"
            )
        return x.reshape(len(x), self.steps * x.shape[2]), x.shape

    def backward(self, tape: Any, dy: Array, grads: Gradients, wrt_x: bool) -> Array:
        """A view."""
        return dy.reshape(tape)
