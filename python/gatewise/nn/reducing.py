"""Layers that reduce a sequence to one vector: its last valid step, the mean of its steps, or all its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._core.checks import checked_size
from .._core.gradients import Gradients
from .._core.parameters import Array
from .._core.state import State
from .base import ModelLayer
from .flow import SEQUENCES, VECTORS, Call, DataShape


class _Reducing(ModelLayer):
    """A layer that reduces a sequence to one vector."""

    def flow(self, flow: DataShape) -> DataShape:
        if flow.kind != SEQUENCES:
            raise ValueError("sequences (B, T, features)")
        return DataShape(VECTORS, flow.features)


class LastStep(_Reducing):
    """The last valid step of each sequence.

    Sequences (B, T, F) become vectors (B, F). A sequence without a valid step becomes zeros. Directly after a
    bidirectional layer, each direction contributes its own last step; the last step of the reverse direction is the
    first one of the sequence.

    See Also
    --------
    MeanOverSteps : The mean of all valid steps.
    Flatten : All steps of sequences of one length.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> gw.Sequential(gw.GRU(2, 3, batch_first=True, seed=0), gw.LastStep())(np.zeros((4, 5, 2))).shape
    (4, 3)
    """

    _forward_features: int

    def bind(self, params: Mapping[str, Array], flow: DataShape) -> None:
        # The features after these are those of the reverse direction.
        self._forward_features = flow.features // flow.directions

    def forward(self, x: Array, call: Call, state: State) -> tuple[Array, State, Any]:
        batch, steps, features = x.shape
        if steps == 0:
            return np.zeros((batch, features), x.dtype), None, (x.shape, None)
        half, rows, (first, last, none) = self._forward_features, np.arange(batch), _ends(call.valid(steps))
        y = x[rows, last]
        if half < features:
            y[:, half:] = x[rows, first, half:]
        y[none] = 0.0
        return y, None, (x.shape, (rows, first, last, none))

    def backward(self, tape: Any, dy: Array, grads: Gradients, wrt_x: bool) -> Array:
        shape, steps = tape
        d_x = np.zeros(shape, dy.dtype)
        if steps is not None:
            half, (rows, first, last, none) = self._forward_features, steps
            d_x[rows, last, :half] = dy[:, :half]
            d_x[rows, first, half:] = dy[:, half:]
            d_x[none] = 0.0
        return d_x


def _ends(valid: Array | None) -> tuple[Any, Any, Any]:
    """Return the first and the last valid step of each sequence, and which sequences have none."""
    if valid is None:
        return 0, -1, slice(0)
    return valid.argmax(axis=1), -1 - valid[:, ::-1].argmax(axis=1), ~valid.any(axis=1)


class MeanOverSteps(_Reducing):
    """The mean over the valid steps of each sequence.

    Sequences (B, T, F) become vectors (B, F). A sequence without a valid step becomes zeros.

    See Also
    --------
    LastStep : The last valid step.
    Flatten : All steps of sequences of one length.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> gw.Sequential(gw.GRU(2, 3, batch_first=True, seed=0), gw.MeanOverSteps())(np.zeros((4, 5, 2))).shape
    (4, 3)
    """

    def forward(self, x: Array, call: Call, state: State) -> tuple[Array, State, Any]:
        valid = call.valid(x.shape[1])
        if valid is None:
            weights = np.full((*x.shape[:2], 1), 1.0 / max(x.shape[1], 1), x.dtype)
        else:
            weights = (valid / np.maximum(valid.sum(axis=1, keepdims=True), 1)).astype(x.dtype)[..., None]
        return np.sum(x * weights, axis=1), None, weights

    def backward(self, tape: Any, dy: Array, grads: Gradients, wrt_x: bool) -> Array:
        d_x: Array = dy[:, None] * tape
        return d_x


class Flatten(_Reducing):
    """All steps of a sequence, concatenated.

    Sequences (B, steps, F) become vectors (B, steps F).

    Parameters
    ----------
    steps : int
        Length of every sequence.

    See Also
    --------
    LastStep : The last valid step of sequences of any length.
    MeanOverSteps : The mean of all valid steps of sequences of any length.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> gw.Sequential(gw.GRU(2, 3, batch_first=True, seed=0), gw.Flatten(5))(np.zeros((4, 5, 2))).shape
    (4, 15)
    """

    def __init__(self, steps: int) -> None:
        self.steps = checked_size("steps", steps, 1)

    def flow(self, flow: DataShape) -> DataShape:
        return DataShape(VECTORS, super().flow(flow).features * self.steps)

    def forward(self, x: Array, call: Call, state: State) -> tuple[Array, State, Any]:
        if x.shape[1] != self.steps:
            raise ValueError(f"x: expected sequences of {self.steps} steps for {self!r}, got {x.shape[1]}")
        return x.reshape(len(x), self.steps * x.shape[2]), None, x.shape

    def backward(self, tape: Any, dy: Array, grads: Gradients, wrt_x: bool) -> Array:
        return dy.reshape(tape)
