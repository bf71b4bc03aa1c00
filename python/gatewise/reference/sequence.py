"""One layer in one direction over time: at each step reset, mask, cell; and backpropagation through time.

The loop knows no cell, and the cell no loop. A step is a list of rows: the sequences that take it. The cell sees these
rows alone, so that nothing is read where a step is not taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .._core.parameters import Array
from .cells import Cell, Rows
from .noise import Noise


@dataclass(frozen=True)
class Plan:
    """Which sequences do what at which step; the same for every layer and direction.

    taken : bool (T, B).
    resets : bool (T, B): a cut between the steps t - 1 and t, without those at or past a sequence's length.
    repeats : whether the output of a step not taken repeats the last one (a mask) or is 0 (lengths).
    """

    taken: Array
    resets: Array
    repeats: bool

    def order(self, reverse: bool) -> Iterator[tuple[int, Array, Array]]:
        """For each step, as this direction meets them: t, the sequences to reset before it, those that take it."""
        n_steps = len(self.taken)
        for t in reversed(range(n_steps)) if reverse else range(n_steps):
            # A reverse direction comes from step t + 1, and a cut between the two is resets[t + 1].
            first = t + 1 if reverse else t
            cut = np.flatnonzero(self.resets[first : first + 1])
            yield t, cut, np.flatnonzero(self.taken[t])


class Step(NamedTuple):
    """Step t: which sequences were reset, which took it, what the cell kept for backward, and their new state."""

    t: int
    cut: Array
    rows: Array
    kept: Any
    state: Rows


def run(cell: Cell, x: Array, initial: Rows, plan: Plan, noise: Noise, reverse: bool) -> tuple[Array, Rows, list[Step]]:
    """x (T, B, I) and the initial state, (B, Y) and perhaps (B, H), to y (T, B, Y), the final state and the steps."""
    state = [np.array(part) for part in initial]
    shown = np.zeros_like(state[0])  # the output that a mask repeats
    y = np.zeros((len(x), *shown.shape), shown.dtype)
    scale = noise.scale(initial[0])
    steps = []
    for t, cut, rows in plan.order(reverse):
        for part in (*state, shown):
            part[cut] = 0
        before = tuple(part[rows] for part in state)
        from_cell, kept = cell.forward(x[t, rows], *before, scale=None if scale is None else scale[rows])
        new = noise.zone_out(t, rows, before, from_cell)
        for part, value in zip(state, new, strict=True):
            part[rows] = value
        shown[rows] = new[0]
        if plan.repeats:
            y[t] = shown
        else:
            y[t, rows] = new[0]
        steps.append(Step(t, cut, rows, kept, new))
    return y, tuple(state), steps


def run_backward(
    cell: Cell,
    steps: Sequence[Step],
    d_x: Array,
    dy: Array,
    d_final: Rows,
    plan: Plan,
    noise: Noise,
    grads: dict[str, Array],
    d_steps: Rows,
) -> Rows:
    """Backpropagation through time (Werbos 1990): undo the steps of `run`, the last first.

    dy (T, B, Y), d_final : the gradients of y and of the final state.
    d_x (T, B, I), grads : the gradients of x and of the parameters are added to these.
    d_steps : takes the gradients of the state after every step taken, (T, B, Y) and perhaps (T, B, H), or is empty.

    Returns the gradient of the initial state. Where a cut was, nothing passes: gradients are dropped, never multiplied
    by 0, so that not even NaN crosses.
    """
    d_state = [np.array(part) for part in d_final]
    d_shown = np.zeros_like(d_state[0])
    scale = noise.scale(d_final[0])
    for t, cut, rows, kept, _ in reversed(steps):
        if plan.repeats:  # what was shown at t was the output of the last step taken: collect until there
            d_shown += dy[t]
            d_state[0][rows] += d_shown[rows]
            d_shown[rows] = 0
        else:
            d_state[0][rows] += dy[t, rows]
        for whole, part in zip(d_steps, d_state, strict=False):
            whole[t, rows] = part[rows]
        d_from_cell, d_past = noise.zone_out_backward(t, rows, tuple(part[rows] for part in d_state))
        scale_of_rows = None if scale is None else scale[rows]
        d_rows, d_before = cell.backward(kept, *d_from_cell, scale=scale_of_rows, grads=grads)
        d_x[t, rows] += d_rows
        for part, value, past in zip(d_state, d_before, d_past, strict=True):
            part[rows] = value + past
        for part in (*d_state, d_shown):
            part[cut] = 0
    return tuple(d_state)
