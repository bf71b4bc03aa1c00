"""The NumPy reference: central differences prove every gradient, and dense runs of the pieces every limit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import draw
from draw import Array, Case, Option, Variant, parts
from gatewise import reference
from gatewise.reference.cells import GRUKept, LSTMKept, RNNKept
from gatewise.reference.layers import Tape

EPS = np.finfo(np.float64).eps
STEP = 1e-4


def chain(case: Case) -> int:
    """How many roundings may lie behind one output: in every step of every layer a dot product for each half of a
    pre-activation, and some ten operations in the cell."""
    o = case.options
    terms = o["input_size"] + 2 * o["hidden_size"] * (1 + o["bidirectional"]) + 10
    return int(terms * o["num_layers"] * max(1, case.taken.shape[0]))


class Point:
    """Everything that a loss depends on: x, the initial state's parts and the parameters, moved together."""

    def __init__(self, case: Case, grads: Any) -> None:
        self.case = case
        zeros = tuple(np.zeros_like(part) for part in parts(grads.state))
        self.values = {"x": case.x, **case.params}
        self.grads = {"x": grads.x, **grads.params}
        for k, part in enumerate(zeros if case.state is None else parts(case.state)):
            self.values[f"state{k}"], self.grads[f"state{k}"] = part, parts(grads.state)[k]

    def moved(self, direction: dict[str, Array], by: float) -> Case:
        """The case at this point plus `by` times the direction; names that it lacks stay."""
        now = {name: v + by * direction[name] if name in direction else v for name, v in self.values.items()}
        state = tuple(now[name] for name in ("state0", "state1") if name in now)
        return self.case.replace(
            x=now["x"],
            params={name: now[name] for name in self.case.params},
            state=state if self.case.kind == "LSTM" else state[0],
        )


def loss(case: Case) -> tuple[float, float, Tape]:
    """The scalar whose gradients dy and d_state are, the sum of its terms' sizes, and the tape."""
    y, final, tape = case.forward(case.layer(reference))
    terms = []
    if case.dy is not None:
        y, dy = case.usual(y), case.usual(case.dy)
        terms.append((dy * y)[case.taken if case.lengths is not None else ...].ravel())
    if case.d_state is not None:
        pairs = zip(parts(case.d_state), parts(final), strict=True)
        terms += [(d * value).ravel() for d, value in pairs if d is not None]
    flat = np.concatenate([*terms, np.zeros(1)])
    return float(flat.sum()), float(np.abs(flat).sum()), tape


def pre_activations(tape: Tape) -> Iterator[tuple[Any, Array]]:
    """Every activation at every step, and what it is applied to."""
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
    """On which piece of an activation that consists of several each pre-activation lies."""
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
    """Compare the derivative along a direction with central differences; False if a kink is within reach.

    With f(s) the loss at s from the point, d(h) = (f(h) - f(-h)) / 2h is off by h^2 f'''/6 + O(h^4) through truncation.
    d(2h) is off by four times that, so |d(2h) - d(h)| is three times the truncation of d(h): a bound with room for the
    next order. Each f is off by rounding, by at most eps times its terms' sizes times the roundings behind each, which
    d(h) divides by h.
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


@pytest.mark.parametrize("variant", draw.VARIANTS, ids=str)
@pytest.mark.parametrize("option", draw.OPTIONS + draw.NOISY, ids=str)
def test_gradients_are_the_slope_along_a_random_direction(option: Option, variant: Variant) -> None:
    for seed in itertools.count():
        case = draw.make(option, variant, seed=seed)
        point = Point(case, case.run(case.layer(reference)).grads)
        rng = np.random.default_rng(seed)
        # Scaled so that a pre-activation moves at a speed of about 1.
        direction = {name: rng.standard_normal(v.shape) / np.sqrt(v.shape[-1]) for name, v in point.values.items()}
        if check_direction(point, direction):
            break
    assert not np.any(case.usual(point.grads["x"])[~case.taken])


@pytest.mark.parametrize("variant", [v for v in draw.VARIANTS if v.name in ("lengths-resets", "mask-resets")], ids=str)
@pytest.mark.parametrize("noisy", [False, True], ids=["plain", "noisy"])
@pytest.mark.parametrize("cell", draw.CELLS, ids=str)
def test_every_entry_of_every_gradient(cell: Option, noisy: bool, variant: Variant) -> None:
    noise = draw.noises(cell.kind, 0.3, 0.3, recurrent_dropout=0.3) if noisy else {}
    option = Option(cell.kind, {**cell.keywords, **noise, "bidirectional": True}, cell.projected)
    for seed in itertools.count():
        case = draw.make(option, variant, 3, 3, 2, 3, 2, seed=seed)
        point = Point(case, case.run(case.layer(reference)).grads)
        entries = [(name, index) for name, v in point.values.items() for index in np.ndindex(v.shape)]
        if all(check_direction(point, {name: unit(point.values[name], index)}) for name, index in entries):
            break


def unit(like: Array, index: tuple[int, ...]) -> Array:
    """1 at the index, 0 elsewhere."""
    direction = np.zeros_like(like)
    direction[index] = 1.0
    return direction


class Apart:
    """What a case with lengths, masks and resets must give, from dense runs of each sequence's pieces alone.

    A sequence is cut into pieces at its resets; of each piece the taken steps are gathered and run by themselves.
    """

    def __init__(self, case: Case, layer: Any) -> None:
        self.case, self.layer = case, layer
        o = layer._options
        self.n_dirs, self.width = o.directions, o.output_size
        self.x = np.array(case.usual(case.x))
        n_steps, n_batch = self.x.shape[:2]
        sizes = (o.output_size, o.hidden_size)[: 2 if o.cell == "LSTM" else 1]
        shapes = [(o.num_layers * o.directions, n_batch, size) for size in sizes]
        self.dy = self._or_zeros(case.dy, (n_steps, n_batch, self.n_dirs * self.width), case.usual)
        given = (None, None) if case.d_state is None else parts(case.d_state)
        self.d_final = [self._or_zeros(d, shape, self._batch) for d, shape in zip(given, shapes, strict=False)]
        given = (None, None) if case.state is None else parts(case.state)
        self.initial = [self._or_zeros(s, shape, self._batch) for s, shape in zip(given, shapes, strict=False)]
        self.y = np.zeros_like(self.dy)
        self.final = [np.zeros(shape) for shape in shapes]
        self.d_x = np.zeros_like(self.x)
        self.d_initial = [np.zeros(shape) for shape in shapes]
        self.d_params = {name: np.zeros(shape) for name, shape in layer.params.shapes.items()}
        for b in range(n_batch):
            self._sequence(b)

    @staticmethod
    def _or_zeros(given: Any, shape: tuple[int, ...], usual: Any) -> Array:
        return np.zeros(shape) if given is None else np.array(usual(given)).reshape(shape)

    def _batch(self, part: Array) -> Array:
        return part if self.case.batched else part[:, None]

    def _sequence(self, b: int) -> None:
        case, n_steps = self.case, len(self.x)
        end = n_steps if case.lengths is None else int(np.atleast_1d(case.lengths)[b])
        resets = np.zeros(n_steps, bool) if case.resets is None else case.usual(case.resets)[:, b]
        cuts = [t for t in range(1, end) if resets[t]]
        bounds = list(itertools.pairwise([0, *cuts, end]))
        discards = end > 0 and bool(resets[0])
        for k, (start, stop) in enumerate(bounds):
            begins = (k == 0, k == len(bounds) - 1)  # of each direction's order, the piece that `state` enters
            self._piece(b, range(start, stop), (begins[0] and not discards, begins[1]), begins[::-1])

    def _piece(self, b: int, steps: range, begins: tuple[bool, bool], ends: tuple[bool, bool]) -> None:
        taken = [t for t in steps if self.case.taken[t, b]]
        starts, stops = (np.resize(flags[: self.n_dirs], len(self.final[0])) for flags in (begins, ends))
        initial = [np.where(starts[:, None], part[:, b], 0.0)[:, None] for part in self.initial]
        d_final = [np.where(stops[:, None], part[:, b], 0.0)[:, None] for part in self.d_final]
        x, d_y = self.x[taken, b : b + 1], np.zeros((len(taken), 1, self.n_dirs * self.width))
        # Where each output of the piece comes from: the last step taken in the direction's order.
        sources = []
        for d in range(self.n_dirs):
            columns, source = slice(d * self.width, (d + 1) * self.width), None
            for t in reversed(steps) if d else steps:
                source = taken.index(t) if t in taken else source
                if source is not None:
                    sources.append((t, source, columns))
                    d_y[source, 0, columns] += self.dy[t, b, columns]

        lstm = self.case.kind == "LSTM"
        y, final, tape = self.layer.forward(x, tuple(initial) if lstm else initial[0])
        grads = self.layer.backward(tape, d_y, tuple(d_final) if lstm else d_final[0])
        for t, source, columns in sources:
            self.y[t, b, columns] = y[source, 0, columns]
        self.d_x[taken, b] = grads.x[:, 0]
        for whole, part in zip(self.final, parts(final), strict=True):
            whole[stops, b] = part[stops, 0]
        for whole, part in zip(self.d_initial, parts(grads.state), strict=True):
            whole[starts, b] = part[starts, 0]
        for name, grad in grads.params.items():
            self.d_params[name] += grad


@pytest.mark.parametrize("variant", [v for v in draw.VARIANTS if v.steps != "all" or v.resets], ids=str)
@pytest.mark.parametrize("option", [o for o in draw.OPTIONS if not o.keywords.get("dropout")], ids=str)
def test_limits_are_dense_runs_of_the_pieces(option: Option, variant: Variant) -> None:
    case = draw.make(option, variant, n_steps=7, batch=6, seed=1)
    layer = case.layer(reference)
    dense = case.replace(options={**case.options, "batch_first": False}).layer(reference)
    got, want = case.run(layer), Apart(case, dense)
    bound = EPS * chain(case)

    def close(actual: Array, expected: Array, roundings: int = 1) -> None:
        # Products of other shapes round in another order: both sides may be off by the chain's roundings.
        np.testing.assert_allclose(actual, expected, rtol=0, atol=2 * bound * roundings * (1 + np.abs(expected).max()))

    close(case.usual(got.y), want.y)
    close(case.usual(got.grads.x), want.d_x)
    for k, (final, d_initial) in enumerate(zip(parts(got.state), parts(got.grads.state), strict=True)):
        close(final.reshape(want.final[k].shape), want.final[k])
        close(d_initial.reshape(want.d_initial[k].shape), want.d_initial[k])
    for name, grad in got.grads.params.items():
        close(grad, want.d_params[name], roundings=case.taken.size)
