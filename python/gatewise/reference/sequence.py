"""One layer in one direction over time: at each step reset, mask, cell; and backpropagation through time.

The loop does not depend on the cell, nor the cell on the loop. At each step the loop passes only the rows of unmasked
sequences to the cell, so that nothing is read at masked steps.
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
class Schedule:
    """Which steps of which sequences are unmasked, and where sequences are cut; the same for all layers and directions.

    taken : bool (T, B), the unmasked steps.
    resets : bool (T, B), a cut between the steps t - 1 and t; False at or past a sequence's length.
    repeats : whether the output of a masked step repeats the last unmasked one (with a mask) or is 0 (with lengths).
    """

    taken: Array
    resets: Array
    repeats: bool

    def order(self, reverse: bool) -> Iterator[tuple[int, Array, Array]]:
        """For each step, in the order of this direction: t, the sequences to reset before it, the unmasked ones."""
        n_steps = len(self.taken)
        for t in reversed(range(n_steps)) if reverse else range(n_steps):
            # The step before is t + 1 in a reverse direction, and resets[t + 1] cuts between the two.
            first = t + 1 if reverse else t
            cut = np.flatnonzero(self.resets[first : first + 1])
            yield t, cut, np.flatnonzero(self.taken[t])


class TapeStep(NamedTuple):
    """Step t: the sequences that were reset, the unmasked ones, what the cell kept for backward, and the new states."""

    t: int
    cut: Array
    rows: Array
    kept: Any
    state: Rows


def run(
    cell: Cell, x: Array, initial: Rows, schedule: Schedule, noise: Noise, reverse: bool
) -> tuple[Array, Rows, list[TapeStep]]:
    """Run a cell over x (T, B, I) from the initial states; return y (T, B, Y), the final states and the steps."""
    state = [np.array(part) for part in initial]
    shown = np.zeros_like(state[0])  # the last output, which masked steps repeat
    y = np.zeros((len(x), *shown.shape), shown.dtype)
    scale = noise.scale(initial[0])
    steps = []
    for t, cut, rows in schedule.order(reverse):
        for part in (*state, shown):
            part[cut] = 0
        before = tuple(part[rows] for part in state)
        from_cell, kept = cell.forward(x[t, rows], *before, scale=None if scale is None else scale[rows])
        new = noise.zone_out(t, rows, before, from_cell)
        for part, value in zip(state, new, strict=True):
            part[rows] = value
        shown[rows] = new[0]
        if schedule.repeats:
            y[t] = shown
        else:
            y[t, rows] = new[0]
        steps.append(TapeStep(t, cut, rows, kept, new))
    return y, tuple(state), steps


def run_backward(
    cell: Cell,
    steps: Sequence[TapeStep],
    d_x: Array,
    dy: Array,
    d_final: Rows,
    schedule: Schedule,
    noise: Noise,
    grads: dict[str, Array],
    d_steps: Rows,
) -> Rows:
    """Backpropagation through time (Werbos 1990): go through the steps of `run`, the last first.

    dy (T, B, Y), d_final : the gradients of y and of the final states.
    d_x (T, B, I), grads : the gradients of x and of the parameters are added to these.
    d_steps : receives the gradients of the states after every unmasked step, (T, B, Y) and (T, B, H); may be empty.

    Returns the gradients of the initial states. Nothing passes a cut: gradients are set to zero, not multiplied by 0,
    so that not even NaN crosses.
    """
    d_state = [np.array(part) for part in d_final]
    d_shown = np.zeros_like(d_state[0])
    scale = noise.scale(d_final[0])
    for t, cut, rows, kept, _ in reversed(steps):
        if schedule.repeats:  # y[t] repeats the output of the last unmasked step: collect dy until that step
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
