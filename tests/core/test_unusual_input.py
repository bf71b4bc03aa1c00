"""Unusual and empty input works, and neither arguments nor results share memory with the layer."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import draw
import gatewise as gw
from tolerances import named

Array = NDArray[Any]
T, B, I, H = 6, 3, 4, 5  # noqa: E741  (the names that the shapes have everywhere)


def zeros(*shape: int) -> Array:
    return np.zeros(shape, np.float32)


def odd(array: Array) -> dict[str, Array]:
    """Return the same numbers in other memory layouts, byte orders, dtypes and subclasses."""
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1] + 1), array.dtype)
    wide[..., 1::2] = array
    shifted = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    shifted[...] = array
    frozen = array.copy()
    frozen.flags.writeable = False
    return {
        "Fortran": np.asfortranarray(array),
        "strided": wide[..., 1::2],
        "reversed": array[::-1, :, ::-1].copy()[::-1, :, ::-1],
        "transposed": array.transpose(2, 0, 1).copy().transpose(1, 2, 0),
        "unaligned": shifted,
        "read-only": frozen,
        "big-endian": array.astype(array.dtype.newbyteorder(">")),
        "little-endian": array.astype(array.dtype.newbyteorder("<")),
        "float64": array.astype(np.float64),
        "longdouble": array.astype(np.longdouble),
        "subclass": array.view(np.matrix) if array.ndim == 2 else np.ma.array(array),
    }


def test_any_layout_works(isa: str, dtype: Any) -> None:
    """Results do not depend on memory layout and dtype of x, states and cotangents, if the dtype holds the values."""
    case = draw.make(draw.Option("LSTM", {"num_layers": 2}), draw.VARIANTS[0], T, B, I, H)
    layer = case.layer(gw, dtype)
    arrays = [case.x, case.dy, *case.state, *case.d_state]
    names = ["x", "dy", "h", "c", "d_h", "d_c"]
    every = {name: odd(array.astype(np.float32)) for name, array in zip(names, arrays, strict=True)}
    want = named(case.run(layer))
    for way in every["x"]:
        a = {name: ways[way] for name, ways in every.items()}
        y, state, tape = layer.forward(a["x"], (a["h"], a["c"]))
        got = named(draw.Result(y, state, tape, layer.backward(tape, a["dy"], (a["d_h"], a["d_c"]))))
        for name, value in want.items():
            np.testing.assert_array_equal(got[name], value, err_msg=f"{way}: {name}")


def test_lists_integers_and_halves_work(isa: str, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    layer = gw.GRU(I, H, dtype=dtype, seed=0)
    x = rng.integers(-3, 4, (T, B, I))
    want, state = layer(x.astype(dtype))
    converted = [x.astype(kind) for kind in (np.int8, np.float16, np.float64, np.longdouble)]
    for same in (x, x.tolist(), tuple(x), np.ma.array(x), *converted):
        np.testing.assert_array_equal(layer(same)[0], want)
    np.testing.assert_array_equal(layer(x > 0)[0], layer((x > 0).astype(dtype))[0])
    np.testing.assert_array_equal(layer(x, state.tolist())[0], layer(x, state)[0])
    lengths, mask = [6, 2, 0], (np.arange(T)[:, None] < [6, 2, 0])
    want, _ = layer(x, lengths=lengths)
    for kind in (np.int8, np.uint8, np.int32, np.uint32, np.int64, np.uint64, ">i4"):
        np.testing.assert_array_equal(layer(x, lengths=np.array(lengths, kind))[0], want)
    want, _ = layer(x, mask=mask)
    for same in (mask.tolist(), np.asfortranarray(mask), mask[::-1].copy()[::-1]):
        np.testing.assert_array_equal(layer(x, mask=same)[0], want)
        np.testing.assert_array_equal(layer(x, resets=same)[0], layer(x, resets=mask)[0])


def test_broadcast_input_works(isa: str) -> None:
    """Arrays may have strides of 0."""
    layer = gw.LSTM(I, H, seed=0)
    row = np.arange(I, dtype=np.float32)
    want, _ = layer(np.tile(row, (T, B, 1)))
    np.testing.assert_array_equal(layer(np.broadcast_to(row, (T, B, I)))[0], want)


@pytest.mark.parametrize("option", draw.OPTIONS, ids=str)
@pytest.mark.parametrize(("n_steps", "batch"), [(0, 3), (3, 0), (0, 0)])
def test_empty_input(isa: str, option: draw.Option, n_steps: int, batch: int) -> None:
    """With T = 0 or B = 0 shapes are right, the state and its gradient pass through, and other gradients are zero."""
    for variant in draw.VARIANTS[6:12]:
        case = draw.make(option, variant, n_steps, batch)
        layer = case.layer(gw, np.float32)
        y, final, _, grads = case.run(layer)
        assert case.usual(y).shape[:2] == (n_steps, batch)
        assert grads.x.shape == case.x.shape
        halves = [*final] if isinstance(final, tuple) else [final]
        for i, half in enumerate(halves):
            given = None if case.state is None else case.state[i] if isinstance(final, tuple) else case.state
            np.testing.assert_array_equal(half, np.zeros_like(half) if given is None else given.astype(np.float32))
        for name, value in grads.params.items():
            assert value.shape == layer.params[name].shape
            assert not value.any()


@pytest.mark.parametrize("batch_first", [False, True])
def test_results_share_no_memory(isa: str, dtype: Any, batch_first: bool) -> None:
    """No result shares memory with an argument, a parameter or another result."""
    stack = {"num_layers": 2, "bidirectional": True, "batch_first": batch_first}
    for cell in draw.CELLS:
        for variant in (draw.VARIANTS[0], draw.VARIANTS[7], draw.VARIANTS[14]):
            case = draw.make(draw.Option(cell.kind, {**cell.keywords, **stack}, cell.projected), variant)
            case = case.replace(**{f: draw.cast(getattr(case, f), dtype) for f in ("x", "state", "dy", "d_state")})
            layer = case.layer(gw, dtype)
            y, final, tape = layer.forward(case.x, case.state, **case.limits)
            results = named(draw.Result(y, final, tape, layer.backward(tape, case.dy, case.d_state)))
            called = layer(case.x, case.state, **case.limits)
            halves = [*called[1]] if isinstance(called[1], tuple) else [called[1]]
            arrays = [*results.values(), called[0], *halves]
            given = [case.x, case.mask, case.resets, case.dy, *layer.params.values()]
            for state in (case.state, case.d_state):
                given += [*state] if isinstance(state, tuple) else [state]
            for i, array in enumerate(arrays):
                others = [*arrays[i + 1 :], *(other for other in given if other is not None)]
                assert not any(np.shares_memory(array, other) for other in others)


def test_results_of_empty_calls_are_their_own(isa: str) -> None:
    layer = gw.LSTM(I, H)
    state = (np.ones((1, B, H), np.float32), np.ones((1, B, H), np.float32))
    _, final = layer(zeros(0, B, I), state)
    assert not any(np.shares_memory(new, old) for new in final for old in state)
    _, final, tape = layer.forward(zeros(0, B, I), state)
    grads = layer.backward(tape, None, state)
    assert not any(np.shares_memory(new, old) for new in (*final, *grads.state) for old in state)


def test_y_of_forward_stays_read_only(isa: str, dtype: Any) -> None:
    for x, options in (
        (zeros(T, B, I), {}),
        (zeros(B, T, I), {"batch_first": True}),
        (zeros(T, I), {"bidirectional": True}),
    ):
        layer = gw.LSTM(I, H, dtype=dtype, **options)
        for rows in (x, x[:0]):
            y, _, tape = layer.forward(rows)
            assert not y.flags.writeable
            with pytest.raises(ValueError, match="WRITEABLE"):
                y.flags.writeable = True
            with pytest.raises(ValueError, match="read-only"):
                y[...] = 1
            base = y.base
            while isinstance(base, np.ndarray):
                assert not base.flags.writeable
                base = base.base
            del tape
        y, state = layer(x)
        assert y.flags.writeable
        assert all(half.flags.writeable for half in state)


@pytest.mark.parametrize("cell", draw.CELLS, ids=str)
@pytest.mark.parametrize("variant", [draw.VARIANTS[0], draw.VARIANTS[9], draw.VARIANTS[10]], ids=str)
def test_changes_after_forward_do_not_reach_backward(
    isa: str, dtype: Any, cell: draw.Option, variant: draw.Variant
) -> None:
    """The tape has copies of x, states, lengths, masks, resets and weights, so changing the arguments has no effect."""
    case = draw.make(draw.Option(cell.kind, {**cell.keywords, "num_layers": 2}, cell.projected), variant)
    want = named(case.run(case.layer(gw, dtype)))
    case = case.replace(**{field: draw.cast(getattr(case, field), dtype) for field in ("x", "state", "dy", "d_state")})
    layer = case.layer(gw, dtype)
    y, final, tape = layer.forward(case.x, case.state, **case.limits)
    halves = [*case.state, *final] if isinstance(case.state, tuple) else [case.state, final]
    results = draw.Result(y, copy.deepcopy(final), tape, None)
    for array in (case.x, *halves):
        array[...] = 99
    for flags in (case.mask, case.resets):
        if flags is not None:
            np.logical_not(flags, out=flags)
    if case.lengths is not None:
        case.lengths[...] = 1
    for name, array in layer.params.items():
        layer.params[name] = array + 1
    got = named(results._replace(grads=layer.backward(tape, case.dy, case.d_state)))
    for name, value in want.items():
        np.testing.assert_array_equal(got[name], value, err_msg=name)


def test_an_exception_leaves_the_layer_whole(isa: str) -> None:
    lstm = gw.LSTM(I, H, seed=0)
    x = np.ones((T, B, I), np.float32)
    want, _ = lstm(x)
    for bad in (zeros(T, B, I + 1), np.zeros((T, B, I), complex)):
        with pytest.raises((ValueError, TypeError)):
            lstm.forward(bad)
    with pytest.raises(ValueError, match="bias_ih_l0"):
        lstm.params["bias_ih_l0"] = zeros(3)
    np.testing.assert_array_equal(lstm(x)[0], want)
