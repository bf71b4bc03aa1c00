"""Values of every step: the states and gates of a tape, and the gradients of the states.

Central differences check the gradients of the reference, and the reference those of the compiled layers. Values of the
compiled layers must also be bit-identical to other values of the same call.
"""

from __future__ import annotations

import gc
import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import draw
import gatewise as gw
from bits import OPTIONS, THREADS, WIDE, assert_same_bits, bits, run
from differences import EPS, STEP, chain, loss, pieces
from draw import Case, Option
from gatewise import reference
from gatewise._core.state import parts
from gatewise.reference import layers as reference_layers
from gatewise.reference.activations import Nonlinearity
from gatewise.reference.cells import Rows
from gatewise.reference.noise import Noise
from tolerances import expect, named

Array = NDArray[Any]

VARIANTS = {variant.name: variant for variant in draw.VARIANTS}
NAMESPACES = pytest.mark.parametrize("namespace", [gw, reference], ids=["compiled", "reference"])


def pushed_loss(case: Case, directions: Rows, by: float, patch: pytest.MonkeyPatch) -> tuple[float, float, Any]:
    """Return the loss of differences.py with each state after a step, (T, L D, B, size), moved along a direction.

    Zoneout acts on a state last, so the move affects everything after zoneout.
    """

    class Pushed(Noise):
        def zone_out(self, t: int, rows: Array, before: Rows, new: Rows) -> Rows:
            zoned = super().zone_out(t, rows, before, new)
            return tuple(part + by * d[t, self.index, rows] for part, d in zip(zoned, directions, strict=True))

    with patch.context() as context:
        context.setattr(reference_layers, "Noise", Pushed)
        return loss(case)


@pytest.mark.parametrize("variant", draw.VARIANTS, ids=str)
@pytest.mark.parametrize("option", draw.OPTIONS[::5] + draw.FEW_CHOSEN + draw.FULLY_NOISY, ids=str)
def test_gradients_of_states_are_the_slope_along_a_random_direction(
    option: Option, variant: draw.Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All states move at once, each in its own direction; the bounds are those of differences.py."""
    for seed in itertools.count():
        case = draw.make(option, variant, seed=seed)
        grads = case.run(case.layer(reference), steps=True).grads
        # With a batch axis, also for an unbatched case.
        steps = [
            part if case.batched else part[:, :, None] for part in (grads.h_steps, grads.c_steps) if part is not None
        ]
        rng = np.random.default_rng(seed)
        directions = tuple(rng.standard_normal(part.shape) / np.sqrt(part.shape[-1]) for part in steps)
        f = {s: pushed_loss(case, directions, s * STEP, monkeypatch) for s in (-2, -1, 1, 2)}
        if len({pieces(tape) for _, _, tape in f.values()}) == 1:
            break
    d1, d2 = (f[1][0] - f[-1][0]) / (2 * STEP), (f[2][0] - f[-2][0]) / (4 * STEP)
    rounding = EPS * chain(case) * max(size for _, size, _ in f.values()) / STEP
    exact = [part * direction for part, direction in zip(steps, directions, strict=True)]
    tolerance = abs(d2 - d1) + rounding
    assert abs(sum(e.sum() for e in exact) - d1) <= tolerance
    assert tolerance <= 1e-5 * (1 + sum(np.abs(e).sum() for e in exact))
    for part in steps:
        assert not np.any(part.swapaxes(1, 2)[~case.unmasked])


ALL = draw.OPTIONS + draw.FEW_CHOSEN + draw.FULLY_NOISY
PAIRS = [(o, (o + 4 * i) % len(draw.VARIANTS)) for o in range(len(ALL)) for i in range(2)]


@pytest.mark.parametrize(("option", "variant"), PAIRS, ids=[f"{ALL[o]}-{draw.VARIANTS[v]}" for o, v in PAIRS])
def test_compiled_layers_agree_with_the_reference(option: int, variant: int) -> None:
    """Names, shapes and, within the bounds, values agree for everything that a step shows and all other results."""
    case = draw.make(ALL[option], draw.VARIANTS[variant], hidden_size=9, proj_size=5, seed=option)
    want = expect(case, steps=True)
    assert "tape.gates" in want.values
    for dtype in (np.float32, np.float64):
        want.check(case.run(case.layer(gw, dtype), steps=True), dtype)


@pytest.mark.parametrize("call", ["dense", "lengths-resets", "mask-resets"])
@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_a_tape_shows_the_numbers_of_its_call(isa: str, dtype: Any, option: Option, call: str) -> None:
    """h is in y, the last states are the final ones, and h and c follow from the gates, all bit-identical."""
    case = draw.make(option, VARIANTS[call], n_steps=7, batch=4, hidden_size=13, proj_size=6)
    layer = case.layer(gw, dtype)
    result = case.run(layer, steps=True)
    tape, o, unmasked = result.tape, layer._options, case.unmasked
    y = case.usual(result.y).reshape(*unmasked.shape, o.directions, o.output_size).swapaxes(1, 2)
    top = tape.hidden[:, -o.directions :]
    np.testing.assert_array_equal(top, np.where(unmasked[:, None, :, None], y, 0))
    assert tape.hidden.shape == (7, o.num_layers * o.directions, 4, o.output_size)

    # The last unmasked step in the order of the direction, unless a reset after it has cleared the state.
    for d, b in itertools.product(range(o.directions), range(4)):
        order = [t for t in range(7) if unmasked[t, b]][:: -1 if d else 1]
        if case.resets is None and order:
            for state, shown in zip(parts(result.state), (tape.hidden, tape.cells), strict=False):
                np.testing.assert_array_equal(state[d :: o.directions, b], shown[order[-1], d :: o.directions, b])

    u = np.finfo(dtype).eps / 2
    if case.kind == "RNN":
        np.testing.assert_array_equal(tape.gates, tape.hidden[None])
    elif case.kind == "LSTM" and not option.projected:
        shown_c = Nonlinearity(layer.activations[2])(tape.cells)
        np.testing.assert_allclose(tape.hidden, tape.gates[3] * shown_c, rtol=10 * u, atol=np.finfo(dtype).tiny)
    assert (tape.cells is None) == (case.kind != "LSTM")
    for shown in (tape.hidden, tape.gates, tape.cells):
        if shown is not None:
            assert not np.any(np.moveaxis(shown, -3, -2)[..., ~unmasked, :, :])


@pytest.mark.parametrize("cell", draw.CELLS, ids=str)
def test_the_states_gradients_are_those_of_a_call_that_begins_there(isa: str, dtype: Any, cell: Option) -> None:
    """c's gradient is the second call's grads.state, h's is this plus dy; after the last step they are d_state."""
    case = draw.make(cell, VARIANTS["dense"], n_steps=6, batch=3, hidden_size=13, proj_size=6)
    layer = case.layer(gw, dtype)
    x, state, dy, d_state = (draw.cast(v, dtype) for v in (case.x, case.state, case.dy, case.d_state))
    grads = case.run(layer, steps=True).grads
    for t in range(6):
        after = parts(d_state)
        if t < 5:
            _, between = layer(x[: t + 1], state)
            after = parts(layer.backward(layer.forward(x[t + 1 :], between)[2], dy[t + 1 :], d_state).state)
        np.testing.assert_array_equal(bits(grads.h_steps[t]), bits(after[0] + dy[t]))
        if case.kind == "LSTM":
            np.testing.assert_array_equal(bits(grads.c_steps[t]), bits(after[1]))


@pytest.mark.usefixtures("eight_threads")
@pytest.mark.parametrize("sizes", WIDE[::2], ids=str)
@pytest.mark.parametrize("option", OPTIONS[1::2], ids=str)
def test_steps_do_not_depend_on_threads_nor_change_the_rest(isa: str, option: Option, sizes: tuple[int, ...]) -> None:
    batch, n_steps, input_size, hidden_size = sizes
    case = draw.make(option, VARIANTS["lengths-resets"], n_steps, batch, input_size, hidden_size, hidden_size // 2)
    layer = case.layer(gw, np.float32)
    with gw.threads(1):
        want = named(case.run(layer, steps=True))
        without = run(case, layer)
    assert_same_bits({name: want[name] for name in without}, without)
    for n in THREADS[1:]:
        with gw.threads(n):
            assert_same_bits(named(case.run(layer, steps=True)), want)


@NAMESPACES
@pytest.mark.parametrize("cell", draw.CELLS, ids=str)
@pytest.mark.parametrize("sizes", [(0, 2), (2, 0)], ids=str)
def test_shapes_of_nothing(namespace: Any, cell: Option, sizes: tuple[int, int]) -> None:
    n_steps, batch = sizes
    case = draw.make(cell, VARIANTS["dense"], n_steps, batch)
    layer = case.layer(namespace)
    result = case.run(layer, steps=True)
    o = layer._options
    assert result.tape.hidden.shape == result.grads.h_steps.shape == (n_steps, 1, batch, o.output_size)
    assert result.tape.gates.shape == (o.gates, n_steps, 1, batch, o.hidden_size)
    if cell.kind == "LSTM":
        assert result.tape.cells.shape == result.grads.c_steps.shape == (n_steps, 1, batch, o.hidden_size)
    else:
        assert result.grads.c_steps is None


@NAMESPACES
def test_only_where_asked_for(namespace: Any) -> None:
    layer = namespace.LSTM(2, 3, seed=0)
    grads = layer.backward(layer.forward(np.ones((2, 1, 2)))[2])
    assert grads.h_steps is None
    assert grads.c_steps is None


@NAMESPACES
@pytest.mark.parametrize("stack", draw.STACKS, ids=str)
def test_what_a_tape_shows_is_read_only(namespace: Any, stack: dict[str, Any]) -> None:
    layer = namespace.LSTM(2, 3, seed=0, **stack)
    _, _, tape = layer.forward(np.ones((4, 4, 2)))
    for shown in (tape.hidden, tape.cells, tape.gates, tape.gates[1]):
        with pytest.raises(ValueError, match="read-only"):
            shown[...] = 0


@pytest.mark.parametrize(("option", "views"), [({}, True), ({"num_layers": 3}, True), ({"bidirectional": True}, False)])
def test_views_of_the_tapes_memory(isa: str, dtype: Any, option: dict[str, Any], views: bool) -> None:
    """There are views for one direction without masked steps, for batch_first, and for a single sequence."""
    for batch_first, shape in itertools.product((False, True), ((6, 4, 2), (6, 2))):
        layer = gw.LSTM(2, 5, batch_first=batch_first, dtype=dtype, seed=0, **option)
        y, _, tape = layer.forward(np.ones(shape))
        assert np.shares_memory(tape.gates, tape.gates) == views
        assert np.shares_memory(tape.cells, tape.cells) == views
        assert np.shares_memory(tape.hidden, y) == (option == {})
        assert not views or not tape.gates.flags.owndata
        for shown in (tape.gates, tape.cells) if views else ():
            with pytest.raises(ValueError, match="WRITEABLE"):
                shown.flags.writeable = True


def test_what_a_tape_has_shown_outlives_it(isa: str) -> None:
    layer = gw.LSTM(8, 64, seed=0)
    x = np.random.default_rng(0).standard_normal((50, 4, 8))
    _, _, tape = layer.forward(x)
    shown = [tape.hidden, tape.cells, *tape.gates]
    copies = [np.array(array) for array in shown]
    del tape
    gc.collect()
    others = [layer.forward(2 * x) for _ in range(4)]  # This would reuse the memory if it had been freed.
    for array, copied in zip(shown, copies, strict=True):
        np.testing.assert_array_equal(array, copied)
    assert len(others) == 4
