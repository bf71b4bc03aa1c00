"""Compare results bit by bit, and rearrange or pad the batch of a case."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

import draw
from draw import Case, Option
from tolerances import named

Array = NDArray[Any]

VARIANTS = {variant.name: variant for variant in draw.VARIANTS}
STACKS: list[dict[str, Any]] = [{}, {"num_layers": 2, "bidirectional": True, "batch_first": True}]
OPTIONS = [Option(cell.kind, {**cell.keywords, **stack}, cell.projected) for cell in draw.CELLS for stack in STACKS]
OPTIONS += [
    Option(cell.kind, {**cell.keywords, **stack}, cell.projected)
    for cell, stack in zip(draw.FEW_CHOSEN, itertools.cycle(STACKS), strict=False)
]
THREADS = [1, 2, 3, 5]
WIDE = [(1, 9, 40, 70), (64, 20, 64, 48), (5, 7, 3, 200), (3, 1, 9, 260), (600, 2, 5, 40), (20, 2, 5, 300)]
"""(B, T, I, H) with few and many sequences and units, so that threads divide either the sequences or the units."""


def bits(array: Array) -> Array:
    """Return the bits of an array as integers; every NaN has the same bits."""
    array = np.ascontiguousarray(array)
    return np.where(np.isnan(array), array.dtype.type(np.nan), array).view(f"u{array.dtype.itemsize}")


def assert_same_bits(got: dict[str, Array], want: dict[str, Array]) -> None:
    assert got.keys() == want.keys()
    for name, value in want.items():
        assert got[name].shape == value.shape, f"{name}: {got[name].shape}, expected {value.shape}"
        different = np.argwhere(bits(got[name]) != bits(value))
        assert len(different) == 0, f"{name}: {len(different)} of {value.size} differ, first at {different[0]}"


def own(results: dict[str, Array]) -> dict[str, Array]:
    """Select the results of single sequences: everything except the gradients of the parameters."""
    return {name: value for name, value in results.items() if not name.startswith("grads.params")}


def run(case: Case, layer: Any) -> dict[str, Array]:
    return named(case.run(layer))


def gather(case: Case, rows: Array) -> Case:
    """Return the case whose batch consists of these sequences of a batched case, in this order."""

    def state(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(state(half) for half in value)
        return None if value is None else value[:, rows]

    def steps(array: Array | None) -> Array | None:
        return None if array is None else case.lay(case.usual(array)[:, rows])

    return case.replace(
        x=steps(case.x),
        mask=steps(case.mask),
        resets=steps(case.resets),
        dy=steps(case.dy),
        lengths=None if case.lengths is None else case.lengths[rows],
        state=state(case.state),
        d_state=state(case.d_state),
    )


def gathered(case: Case, results: dict[str, Array], rows: Array) -> dict[str, Array]:
    """Select the results of these sequences from the results of a case."""
    return {
        name: value[:, rows] if "state" in name else case.lay(case.usual(value)[:, rows])
        for name, value in own(results).items()
    }


def padded(case: Case, extra: int) -> Case:
    """Append this many steps of NaN to a case, past the end of every sequence."""

    def pad(array: Array | None, value: float) -> Array | None:
        if array is None:
            return None
        usual = case.usual(array)
        return case.lay(np.concatenate([usual, np.full((extra, *usual.shape[1:]), value, usual.dtype)]))

    n_steps, batch = case.usual(case.x).shape[:2]
    lengths = np.full(batch, n_steps) if case.lengths is None else case.lengths
    # A reset past the end of a sequence has no effect.
    return case.replace(x=pad(case.x, np.nan), dy=pad(case.dy, np.nan), resets=pad(case.resets, True), lengths=lengths)


def halves(state: Any) -> dict[str, Array]:
    return dict(zip(("h", "c"), state if isinstance(state, tuple) else (state,), strict=False))
