"""Compare the gradients of the NumPy reference with central differences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from draw import Array, Case
from gatewise import reference
from gatewise._core.state import join, parts
from gatewise.reference.cells import GRUKept, LSTMKept, RNNKept
from gatewise.reference.layers import Tape

EPS = np.finfo(np.float64).eps
STEP = 1e-4


def chain(case: Case) -> int:
    """Count the roundings that may affect one output.

    Every step of every layer has a dot product for each half of a pre-activation, and about ten operations in the cell.
    """
    o = case.options
    terms = o["input_size"] + 2 * o["hidden_size"] * (1 + o["bidirectional"]) + 10
    return int(terms * o["num_layers"] * max(1, case.unmasked.shape[0]))


class Point:
    """All inputs of a loss as one point: x, the arrays of the initial state and the parameters."""

    def __init__(self, case: Case, grads: Any) -> None:
        self.case = case
        zeros = tuple(np.zeros_like(part) for part in parts(grads.state))
        self.values = {"x": case.x, **case.params}
        self.grads = {"x": grads.x, **grads.params}
        for k, part in enumerate(zeros if case.state is None else parts(case.state)):
            self.values[f"state{k}"], self.grads[f"state{k}"] = part, parts(grads.state)[k]

    def moved(self, direction: dict[str, Array], by: float) -> Case:
        """Return the case at this point plus `by` times the direction, which may leave out names."""
        now = {name: v + by * direction[name] if name in direction else v for name, v in self.values.items()}
        state = tuple(now[name] for name in ("state0", "state1") if name in now)
        return self.case.replace(
            x=now["x"],
            params={name: now[name] for name in self.case.params},
            state=join(state),
        )


def loss(case: Case) -> tuple[float, float, Tape]:
    """Return the scalar with the gradients dy and d_state, the sum of its terms' absolute values, and the tape."""
    y, final, tape = case.forward(case.layer(reference))
    terms = []
    if case.dy is not None:
        y, dy = case.usual(y), case.usual(case.dy)
        terms.append((dy * y)[case.unmasked if case.lengths is not None else ...].ravel())
    if case.d_state is not None:
        pairs = zip(parts(case.d_state), parts(final), strict=True)
        terms += [(d * value).ravel() for d, value in pairs if d is not None]
    flat = np.concatenate([*terms, np.zeros(1)])
    return float(flat.sum()), float(np.abs(flat).sum()), tape


def pre_activations(tape: Tape) -> Iterator[tuple[Any, Array]]:
    """Yield every activation of every step, with its pre-activation."""
    cell: Any
    for cell, steps in tape.runs:
        for step in steps:
            kept = step.kept
            if isinstance(kept, RNNKept):
                yield cell.phi, kept.a
                continue
            *gates, candidate = kept.a if isinstance(kept, GRUKept) else np.array(kept.a)[[0, 1, 3, 2]]
            yield from ((cell.gate, a) for a in gates)
            yield cell.candidate, candidate
            if isinstance(kept, LSTMKept):
                yield cell.cell, kept.c


def pieces(tape: Tape) -> bytes:
    """Return, for activations that are defined in pieces, the piece of each pre-activation."""
    sides = []
    for phi, a in pre_activations(tape):
        if phi.clip is not None:
            sides += [a > phi.clip, a < -phi.clip]
        if phi.name in ("relu", "leaky_relu", "elu", "softsign"):
            sides += [a > 0]
        if phi.name == "thresholded_relu":
            sides += [a > phi.alpha]
        if phi.name == "hard_sigmoid":
            sides += [phi.alpha * a + phi.beta > bound for bound in (0, 1)]
    return b"".join(side.tobytes() for side in sides)


def check_direction(point: Point, direction: dict[str, Array]) -> bool:
    """Compare the derivative along a direction with central differences; return False if a kink is too close.

    Let f(s) be the loss at distance s from the point. The truncation error of d(h) = (f(h) - f(-h)) / 2h is
    h^2 f'''/6 + O(h^4). That of d(2h) is four times as large, so |d(2h) - d(h)| is three times the truncation error of
    d(h), and a bound that leaves room for the next order. The rounding error of each f is at most eps times the size of
    its terms times the number of roundings in each; in d(h) it is divided by h.
    """
    f = {s: loss(point.moved(direction, s * STEP)) for s in (-2, -1, 1, 2)}
    if len({pieces(tape) for _, _, tape in f.values()}) > 1:
        return False
    d1, d2 = (f[1][0] - f[-1][0]) / (2 * STEP), (f[2][0] - f[-2][0]) / (4 * STEP)
    rounding = EPS * chain(point.case) * max(size for _, size, _ in f.values()) / STEP
    exact = [(point.grads[name] * v).ravel() for name, v in direction.items()]
    derivative, scale = sum(e.sum() for e in exact), sum(np.abs(e).sum() for e in exact)
    tolerance = abs(d2 - d1) + rounding
    assert abs(derivative - d1) <= tolerance
    # The bound must be tight enough to see a missing term.
    assert tolerance <= 1e-5 * (1 + scale)
    return True
