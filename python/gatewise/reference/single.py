"""Cells that run one step at a time, for loops of your own."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._core.base import CellBase
from .._core.parameters import convert
from .._core.state import State, join
from .cells import make_step
from .checks import to_state


class ReferenceCell(CellBase):
    """The call of RNNCell, LSTMCell and GRUCell."""

    def __call__(self, x: ArrayLike, state: State | None = None) -> State:
        """Return the state after one more step, as the compiled cells do."""
        o = self._options
        rows = convert("x", x, o.dtype, np.shape(x))
        expected = {2: f"(B, {o.input_size})", 1: f"({o.input_size},)"}
        if rows.ndim not in expected or rows.shape[-1] != o.input_size:
            raise ValueError(f"x: expected {expected.get(rows.ndim, ' or '.join(expected.values()))}, got {rows.shape}")
        before = to_state("state", state, o, rows.shape[:-1])
        step = make_step(o, self.params)
        after, _ = step.forward(np.atleast_2d(rows), *(np.atleast_2d(part) for part in before))
        mine = tuple(part.reshape(old.shape) for part, old in zip(after, before, strict=True))
        return join(mine)
