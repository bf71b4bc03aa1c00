"""The NumPy reference: gradients against central differences, and lengths, masks and resets against dense calls."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import draw
from differences import EPS, Point, chain, check_direction
from draw import Array, Case, Option, Variant
from gatewise import reference
from gatewise._core.state import parts


@pytest.mark.parametrize("variant", draw.VARIANTS, ids=str)
@pytest.mark.parametrize("option", draw.OPTIONS + draw.NOISY, ids=str)
def test_gradients_are_the_slope_along_a_random_direction(option: Option, variant: Variant) -> None:
    for seed in itertools.count():
        case = draw.make(option, variant, seed=seed)
        point = Point(case, case.run(case.layer(reference)).grads)
        rng = np.random.default_rng(seed)
        # Scaled so that pre-activations change at a rate of about 1.
        direction = {name: rng.standard_normal(v.shape) / np.sqrt(v.shape[-1]) for name, v in point.values.items()}
        if check_direction(point, direction):
            break
    assert not np.any(case.usual(point.grads["x"])[~case.unmasked])


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
    """Return an array that is 1 at the index and 0 elsewhere."""
    direction = np.zeros_like(like)
    direction[index] = 1.0
    return direction


class Apart:
    """Results of a case with lengths, masks and resets, computed by dense calls for single sequences.

    A sequence is cut into pieces at its resets. The unmasked steps of each piece are gathered and run alone.
    """

    def __init__(self, case: Case, layer: Any) -> None:
        self.case, self.layer = case, layer
        o = layer._options
        self.n_dirs, self.width = o.directions, o.output_size
        self.x = np.array(case.usual(case.x))
        n_steps, n_batch = self.x.shape[:2]
        sizes = o.state_sizes
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
            begins = (k == 0, k == len(bounds) - 1)  # for each direction, the piece that starts with `state`
            self._piece(b, range(start, stop), (begins[0] and not discards, begins[1]), begins[::-1])

    def _piece(self, b: int, steps: range, begins: tuple[bool, bool], ends: tuple[bool, bool]) -> None:
        unmasked = [t for t in steps if self.case.unmasked[t, b]]
        starts, stops = (np.resize(flags[: self.n_dirs], len(self.final[0])) for flags in (begins, ends))
        initial = [np.where(starts[:, None], part[:, b], 0.0)[:, None] for part in self.initial]
        d_final = [np.where(stops[:, None], part[:, b], 0.0)[:, None] for part in self.d_final]
        x, d_y = self.x[unmasked, b : b + 1], np.zeros((len(unmasked), 1, self.n_dirs * self.width))
        # The source of each output of the piece: the last unmasked step in the direction's order.
        sources = []
        for d in range(self.n_dirs):
            columns, source = slice(d * self.width, (d + 1) * self.width), None
            for t in reversed(steps) if d else steps:
                source = unmasked.index(t) if t in unmasked else source
                if source is not None:
                    sources.append((t, source, columns))
                    d_y[source, 0, columns] += self.dy[t, b, columns]

        lstm = self.case.kind == "LSTM"
        y, final, tape = self.layer.forward(x, tuple(initial) if lstm else initial[0])
        grads = self.layer.backward(tape, d_y, tuple(d_final) if lstm else d_final[0])
        for t, source, columns in sources:
            self.y[t, b, columns] = y[source, 0, columns]
        self.d_x[unmasked, b] = grads.x[:, 0]
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
        # Products of other shapes are summed in another order, so both sides have the rounding errors of a chain.
        np.testing.assert_allclose(actual, expected, rtol=0, atol=2 * bound * roundings * (1 + np.abs(expected).max()))

    close(case.usual(got.y), want.y)
    close(case.usual(got.grads.x), want.d_x)
    for k, (final, d_initial) in enumerate(zip(parts(got.state), parts(got.grads.state), strict=True)):
        close(final.reshape(want.final[k].shape), want.final[k])
        close(d_initial.reshape(want.d_initial[k].shape), want.d_initial[k])
    for name, grad in got.grads.params.items():
        close(grad, want.d_params[name], roundings=case.unmasked.size)
