"""The NumPy reference: empty inputs, layouts, calls in chunks, results, copies and errors."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import draw
import strategies
from draw import CELLS, Option, Variant
from gatewise import reference
from gatewise._core.state import join, parts
from tolerances import named

EPS = np.finfo(np.float64).eps
DENSE = Variant("dense")


@pytest.mark.parametrize(("n_steps", "batch"), [(0, 4), (5, 0), (0, 0)])
@pytest.mark.parametrize("variant", [v for v in draw.VARIANTS if v.batched], ids=str)
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_without_steps_or_sequences(cell: Option, variant: Variant, n_steps: int, batch: int) -> None:
    option = Option(cell.kind, {**cell.keywords, "num_layers": 2, "bidirectional": True}, cell.projected)
    case = draw.make(option, variant, n_steps, batch)
    y, state, _, grads = case.run(case.layer(reference))
    width = 2 * (2 if cell.projected else 5)
    assert y.shape == (n_steps, batch, width)
    assert grads.x.shape == (n_steps, batch, 3)
    sizes = (width // 2, 5)
    initial = (None, None) if case.state is None else parts(case.state)
    d_final = (None, None) if case.d_state is None else parts(case.d_state)
    for k, (final, d_initial) in enumerate(zip(parts(state), parts(grads.state), strict=True)):
        zeros = np.zeros((4, batch, sizes[k]))
        np.testing.assert_array_equal(final, zeros if initial[k] is None else initial[k])
        np.testing.assert_array_equal(d_initial, zeros if d_final[k] is None else d_final[k])
    for name, grad in grads.params.items():
        np.testing.assert_array_equal(grad, np.zeros(case.params[name].shape))


@given(case=strategies.cases())
@settings(max_examples=150, deadline=None)
def test_drawn_cases_have_the_right_shapes_and_no_nan(case: draw.Case) -> None:
    layer = case.layer(reference, np.float32)
    y, state, _, grads = result = case.run(layer)
    o, (n_steps, batch) = layer._options, case.unmasked.shape
    assert case.usual(y).shape == (n_steps, batch, o.directions * o.output_size)
    assert grads.x.shape == case.x.shape
    rows = (o.num_layers * o.directions, batch)[: 1 + case.batched]
    shapes = [(*rows, o.output_size), (*rows, o.hidden_size)][: 2 if case.kind == "LSTM" else 1]
    assert [part.shape for part in parts(state)] == shapes
    assert [part.shape for part in parts(grads.state)] == shapes
    assert {name: grad.shape for name, grad in grads.params.items()} == o.parameter_shapes()
    for name, array in named(result).items():
        assert array.dtype == np.float32, name
        assert np.isfinite(array).all(), name


@pytest.mark.parametrize("variant", [DENSE, Variant("limits", "lengths", resets=True)], ids=str)
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_layouts_agree(cell: Option, variant: Variant) -> None:
    case = draw.make(cell, variant)
    laid = {
        name: getattr(case, name).swapaxes(0, 1) for name in ("x", "dy", "resets") if getattr(case, name) is not None
    }
    swapped = case.replace(options={**case.options, "batch_first": True}, **laid)
    want, got = (named(c.run(c.layer(reference))) for c in (case, swapped))
    assert got.keys() == want.keys()
    assert got["y"].flags.c_contiguous
    for name, value in want.items():
        np.testing.assert_array_equal(swapped.usual(got[name]) if name in ("y", "grads.x") else got[name], value)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_sequence_cut_into_calls(cell: Option) -> None:
    """Passing the state on gives the same outputs, and passing its gradient back gives the whole gradient."""
    case = draw.make(Option(cell.kind, {**cell.keywords, "num_layers": 2}, cell.projected), DENSE, n_steps=6)
    layer = case.layer(reference)
    whole = case.run(layer)
    y1, between, tape1 = layer.forward(case.x[:4], case.state)
    y2, final, tape2 = layer.forward(case.x[4:], between)
    assert case.dy is not None
    late = layer.backward(tape2, case.dy[4:], case.d_state)
    early = layer.backward(tape1, case.dy[:4], late.state)
    np.testing.assert_array_equal(np.concatenate([y1, y2]), whole.y)
    for a, b in zip(parts(final), parts(whole.state), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(np.concatenate([early.x, late.x]), whole.grads.x)
    for name, grad in whole.grads.params.items():
        # The same 24 terms, as two sums that are added at the end.
        np.testing.assert_allclose(early.params[name] + late.params[name], grad, rtol=0, atol=24 * EPS * 10)
    # Truncated: no gradient comes back through the state.
    truncated = layer.backward(tape1, case.dy[:4])
    assert np.any(truncated.x != early.x)


@pytest.mark.parametrize("cell", CELLS, ids=str)
@pytest.mark.parametrize("steps", ["all", "lengths", "mask"])
def test_nan_does_not_cross_a_cut(cell: Option, steps: draw.Steps) -> None:
    option = Option(cell.kind, {**cell.keywords, "num_layers": 2}, cell.projected)
    case = draw.make(option, Variant("cut", steps), n_steps=6, batch=2)
    resets = np.zeros((6, 2), bool)
    resets[[0, 3]] = True
    unmasked = np.array([True, True, False, False, True, True])[:, None].repeat(2, axis=1)
    if steps == "mask":
        case = case.replace(mask=unmasked)
    if steps == "lengths":
        case = case.replace(lengths=np.array([6, 5]))
    x = np.random.default_rng(0).standard_normal((6, 2, 3))
    x[~case.unmasked] = np.nan
    case = case.replace(x=x, resets=resets, dy=np.ones((6, 2, case.dy.shape[2])) if case.dy is not None else None)
    layer = case.layer(reference)
    clean = case.run(layer)

    nan = tuple(np.full_like(part, np.nan) for part in parts(case.state))
    poisoned = case.replace(state=join(nan))
    got, want = named(poisoned.run(layer)), named(clean)
    for name in want:
        np.testing.assert_array_equal(got[name], want[name])

    x = case.x.copy()
    x[1] = np.nan  # in the first piece: the second must not see it, forward or backward
    y, state, _, grads = case.replace(x=x).run(layer)
    np.testing.assert_array_equal(y[3:], clean.y[3:])
    np.testing.assert_array_equal(grads.x[3:], clean.grads.x[3:])
    for a, b in zip(parts(state), parts(clean.state), strict=True):
        np.testing.assert_array_equal(a, b)

    assert case.dy is not None
    dy = np.array(case.dy)
    dy[4] = np.nan  # in the second piece: no gradient crosses to the first
    grads = case.replace(dy=dy).run(layer).grads
    np.testing.assert_array_equal(grads.x[:3], clean.grads.x[:3])


def test_a_reset_at_a_masked_step_empties_the_final_state_and_what_is_repeated() -> None:
    lstm = reference.LSTM(1, 2, seed=0)
    mask, resets = np.array([True, False, False, False]), np.array([False, False, True, False])
    y, (h, c), tape = lstm.forward(np.ones((4, 1)), mask=mask, resets=resets)
    assert np.all(y[0] == y[1])
    assert np.all(y[0] != 0)
    assert not np.any([*y[2:], h[0], c[0]])
    grads = lstm.backward(tape, d_state=(np.full((1, 2), np.nan), np.full((1, 2), np.nan)))
    assert not any(np.any(array) for array in (grads.x, *grads.state, *grads.params.values()))


def test_results_share_no_memory() -> None:
    case = draw.make(Option("LSTM", {"num_layers": 2}), Variant("mask", "mask"))
    layer = case.layer(reference)
    result = case.run(layer)
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        result.y.flags.writeable = True
    given = [case.x, case.mask, case.dy, *case.state, *case.d_state]
    y, state = layer(case.x, case.state, mask=case.mask)
    assert y.flags.writeable
    arrays = [*named(result).values(), y, *state, *given, *layer.params.values()]
    for k, array in enumerate(arrays):
        assert not any(np.shares_memory(array, other) for other in arrays[:k])


def test_a_tape_keeps_its_weights_and_its_input_and_serves_twice() -> None:
    case = draw.make(Option("LSTM", {"peephole": True, "num_layers": 2}), DENSE)
    layer = case.layer(reference)
    owned = {name: np.array(value) for name, value in case.params.items()}
    layer.adopt(owned)
    x, state = case.x.copy(), tuple(part.copy() for part in case.state)
    y, final, tape = layer.forward(x, state)
    want = named(draw.Result(y, final, tape, layer.backward(tape, case.dy, case.d_state)))
    for array in (x, *state, *owned.values()):
        array[:] = np.nan
    got = named(draw.Result(y, final, tape, layer.backward(tape, case.dy, case.d_state)))
    for name, value in want.items():
        np.testing.assert_array_equal(got[name], value)


def test_wrt_x_false_leaves_x_out_alone() -> None:
    case = draw.make(Option("RNN", {"num_layers": 2}), DENSE)
    layer = case.layer(reference)
    _, _, tape = case.forward(layer)
    with_x, without = (layer.backward(tape, case.dy, wrt_x=wrt_x) for wrt_x in (True, False))
    assert without.x is None
    np.testing.assert_array_equal(without.state, with_x.state)
    for name, grad in with_x.params.items():
        np.testing.assert_array_equal(without.params[name], grad)


@pytest.mark.parametrize("refused", [pickle.dumps, copy.copy, copy.deepcopy])
def test_tapes_refuse_to_be_copied_and_layers_do_not(refused: Any) -> None:
    layer = reference.LSTM(2, 3, num_layers=2, dropout=0.5, seed=0)
    _, _, tape = layer.forward(np.ones((2, 1, 2)))
    with pytest.raises(TypeError, match="a tape cannot be pickled or copied"):
        refused(tape)
    twin = pickle.loads(pickle.dumps(layer))
    assert repr(twin) == repr(layer)
    np.testing.assert_array_equal(twin.forward(np.ones((2, 1, 2)))[0], layer.forward(np.ones((2, 1, 2)))[0])


ONES = np.ones((5, 4, 3))
ZEROS = np.zeros((1, 4, 2))
OTHER_TAPE: Any = reference.LSTM(3, 2).forward(ONES)[2]
NO_TAPE: Any = None


def call(kind: str = "LSTM", x: Any = ONES, *arguments: Any, batch_first: bool = False, **limits: Any) -> Any:
    layer = getattr(reference, kind)(3, 2, batch_first=batch_first)
    return lambda: layer(x, *arguments, **limits)


def back(dy: Any = None, d_state: Any = None, kind: str = "LSTM") -> Any:
    layer = getattr(reference, kind)(3, 2)
    return lambda: layer.backward(layer.forward(ONES)[2], dy, d_state)


REFUSED = [
    (call(x=np.ones((5, 4, 2))), ValueError, "x: expected (T, B, 3), got (5, 4, 2)"),
    (call(x=np.ones((5, 4, 2)), batch_first=True), ValueError, "x: expected (B, T, 3), got (5, 4, 2)"),
    (call(x=np.ones((5, 4))), ValueError, "x: expected (T, 3), got (5, 4)"),
    (call(x=np.ones(3)), ValueError, "x: expected (T, B, 3) or (T, 3), got (3,)"),
    (call(x=np.ones((5, 4, 3), complex)), TypeError, "x: expected numbers that convert to float32, got complex128"),
    (call(x=[["a", "b", "c"]]), TypeError, "x: expected numbers that convert to float32, got <U1"),
    (call(x=np.ones((5, 3), object)), TypeError, "x: expected numbers that convert to float32, got object"),
    (call("GRU", ONES, np.ones((4, 2))), ValueError, "state: expected (1, 4, 2), got (4, 2)"),
    (call("GRU", np.ones((5, 3)), ZEROS), ValueError, "state: expected (1, 2), got (1, 4, 2)"),
    (call("LSTM", ONES, ZEROS), TypeError, "state: expected (h, c), got ndarray"),
    (call("LSTM", ONES, (ZEROS,)), ValueError, "state: expected (h, c), got 1 arrays"),
    (call("LSTM", ONES, (ZEROS, np.ones(2))), ValueError, "state[1]: expected (1, 4, 2), got (2,)"),
    (
        call("LSTM", ONES, (ZEROS.astype(object), ZEROS)),
        TypeError,
        "state[0]: expected numbers that convert to float32, got object",
    ),
    (call(lengths=[1, 2]), ValueError, "lengths: expected (4,), got (2,)"),
    (call(lengths=[1, 2, 3, 6]), ValueError, "lengths: expected integers from 0 to 5, got 6"),
    (call(lengths=[1, -1, 3, 4]), ValueError, "lengths: expected integers from 0 to 5, got -1"),
    (call(lengths=[np.nan] * 4), TypeError, "lengths: expected numbers that convert to int64, got float64"),
    (call(x=np.ones((5, 3)), lengths=7), ValueError, "lengths: expected integers from 0 to 5, got 7"),
    (call(x=np.ones((5, 3)), lengths=[5]), ValueError, "lengths: expected (), got (1,)"),
    (call(mask=np.ones((5, 4))), TypeError, "mask: expected numbers that convert to bool, got float64"),
    (call(mask=np.ones((4, 5), bool)), ValueError, "mask: expected (5, 4), got (4, 5)"),
    (call(resets=np.ones((4, 5), bool)), ValueError, "resets: expected (5, 4), got (4, 5)"),
    (
        call(batch_first=True, resets=np.ones((4, 5), bool)),
        ValueError,
        "resets: expected (5, 4), got (4, 5)",
    ),
    (
        call(lengths=[5] * 4, mask=np.ones((5, 4), bool)),
        ValueError,
        "lengths: expected None together with a mask, got both",
    ),
    (back(np.ones((5, 4, 3))), ValueError, "dy: expected (5, 4, 2), got (5, 4, 3)"),
    (back(d_state=ZEROS), TypeError, "d_state: expected (h, c), got ndarray"),
    (back(d_state=(None, np.ones(3))), ValueError, "d_state[1]: expected (1, 4, 2), got (3,)"),
    (back(d_state=np.ones(3), kind="RNN"), ValueError, "d_state: expected (1, 4, 2), got (3,)"),
    (lambda: reference.LSTM(3, 2).backward(OTHER_TAPE), ValueError, "tape: expected one of this layer"),
    (lambda: reference.LSTM(3, 2).backward(NO_TAPE), TypeError, "tape: expected what forward returned, got NoneType"),
    (
        lambda: reference.GRU(3, 2).forward(np.ones((5, 3)), key=2**64),
        ValueError,
        f"key: expected an integer from 0 to 2**64 - 1, got {2**64}",
    ),
    (lambda: reference.GRUCell(3, 2)(np.ones(2)), ValueError, "x: expected (3,), got (2,)"),
    (lambda: reference.GRUCell(3, 2)(np.ones((4, 2))), ValueError, "x: expected (B, 3), got (4, 2)"),
    (lambda: reference.GRUCell(3, 2)(1.0), ValueError, "x: expected (B, 3) or (3,), got ()"),
    (
        lambda: reference.GRUCell(3, 2)(np.ones((4, 3)), np.ones(2)),
        ValueError,
        "state: expected (4, 2), got (2,)",
    ),
]


@pytest.mark.parametrize(("attempt", "error", "message"), REFUSED, ids=[message for _, _, message in REFUSED])
def test_errors_name_the_argument_what_was_expected_and_what_was_given(attempt: Any, error: Any, message: str) -> None:
    with pytest.raises(error) as raised:
        attempt()
    assert str(raised.value).startswith(message)
