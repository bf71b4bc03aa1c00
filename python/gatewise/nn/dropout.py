"""Dropout between the layers of a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.checks import checked_probability
from .._core.gradients import Gradients
from .._core.parameters import Array
from .._core.state import State
from .base import ModelLayer
from .flow import TOKENS, Call, DataShape


class Dropout(ModelLayer):
    """Dropout of elements during training.

    In training each element is set to zero with probability `p`, and the others are scaled by 1 / (1 - p)
    (Srivastava et al. 2014). In inference the layer returns its input.

    Parameters
    ----------
    p : float, default 0.5
        Probability of dropping an element, 0 <= p < 1.

    See Also
    --------
    Sequential.fit : Training, in which the layer drops elements.
    LSTM : A recurrent layer with dropout between its own layers and steps.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> model = gw.Sequential(gw.Linear(1, 6, seed=0), gw.Dropout(0.5), seed=4)
    >>> y, _ = model.forward(np.ones((1, 1, 1)))  # as in training
    >>> int((y == 0.0).sum())
    2
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = checked_probability("p", p)

    def flow(self, flow: DataShape) -> DataShape:
        if flow.kind == TOKENS:
            raise ValueError("numbers")
        return flow

    def forward(self, x: Array, call: Call, state: State) -> tuple[Array, State, Any]:
        if call.rng is None or self.p == 0.0:
            return x, None, None
        kept = call.rng.random(x.shape, np.float32) >= self.p
        factor = kept * x.dtype.type(1.0 / (1.0 - self.p))
        return x * factor, None, factor

    def backward(self, tape: Any, dy: Array, grads: Gradients, wrt_x: bool) -> Array | None:
        return dy if tape is None else dy * tape
