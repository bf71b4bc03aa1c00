"""The state of a layer, cell or stream: one array h, or a tuple (h, c) of an LSTM.

Code that works on every kind of cell takes a state apart with `parts` and puts it together with `join`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .parameters import Array

State = Any
"""A state as callers pass and get it: an array for a cell with one state, a tuple of arrays for a cell with several."""


def parts(state: State) -> tuple[Array, ...]:
    """The arrays of a state, in the cell's order: (h,) or (h, c)."""
    return tuple(state) if isinstance(state, (tuple, list)) else (state,)


def join(arrays: Sequence[Array | None]) -> State:
    """The state of these arrays: the inverse of `parts`. None stands for zeros."""
    return tuple(arrays) if len(arrays) > 1 else arrays[0]


def map_state(function: Callable[..., Array], *states: State) -> State:
    """Apply a function to h, and to c if there is one; `function` takes one array of each state."""
    return join([function(*arrays) for arrays in zip(*map(parts, states), strict=True)])
