"""Bad input: every error names the argument, what was expected and what came; and nothing ends the process.

What is merely unusual (lists, integers, strange strides and byte orders) works.
"""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable
from typing import Any

import draw
import gatewise as gw
import numpy as np
import pytest
from numpy.typing import NDArray
from tolerances import named

Array = NDArray[Any]
T, B, I, H = 6, 3, 4, 5
ERRORS = (ValueError, TypeError, MemoryError)


def zeros(*shape: int) -> Array:
    return np.zeros(shape, np.float32)


def refuses(
    error: type[Exception], argument: str, expected: str, got: str, call: Callable[..., Any], *args: Any, **kwargs: Any
) -> None:
    """Assert that the call raises exactly this type with `argument: expected ..., got ...`; the parts are patterns."""
    pattern = rf"{argument}: expected {expected}, got {got}"
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    assert type(caught.value) is error
    assert re.fullmatch(pattern, str(caught.value), re.DOTALL), f"{caught.value} does not match {pattern}"


@pytest.fixture
def lstm(isa: str) -> Any:
    return gw.LSTM(I, H, seed=0)


@pytest.fixture
def gru(isa: str) -> Any:
    return gw.GRU(I, H, num_layers=2, bidirectional=True, batch_first=True, seed=0)


def test_the_message_of_the_documentation(isa: str) -> None:
    with pytest.raises(ValueError, match=re.escape("x: expected (T, B, 40), got (100, 8, 39)") + "$"):
        gw.LSTM(40, 8)(zeros(100, 8, 39))


SHAPES_OF_X: list[tuple[tuple[int, ...], str]] = [
    ((), r"\(\)"),
    ((I,), r"\(4,\)"),
    ((T, B, I + 1), r"\(6, 3, 5\)"),
    ((T, B, 0), r"\(6, 3, 0\)"),
    ((T, I - 1), r"\(6, 3\)"),
    ((T, B, I, 1), r"\(6, 3, 4, 1\)"),
    ((0,), r"\(0,\)"),
]


@pytest.mark.parametrize(("shape", "got"), SHAPES_OF_X, ids=str)
def test_shape_of_x(lstm: Any, gru: Any, shape: tuple[int, ...], got: str) -> None:
    for layer, axes in ((lstm, "T, B"), (gru, "B, T")):
        expected = {3: rf"\({axes}, 4\)", 2: r"\(T, 4\)"}.get(len(shape), rf"\({axes}, 4\) or \(T, 4\)")
        for call in (layer, layer.forward):
            refuses(ValueError, "x", expected, got, call, zeros(*shape))


TYPES = [
    ("complex64", np.zeros((T, B, I), np.complex64)),
    ("complex128", np.zeros((T, B, I), np.complex128)),
    ("<U1", np.full((T, B, I), "a")),
    ("|S1", np.full((T, B, I), b"a")),
    ("object", np.zeros((T, B, I), object)),
    (r"datetime64\[s\]", np.zeros((T, B, I), "datetime64[s]")),
    (r"timedelta64\[s\]", np.zeros((T, B, I), "timedelta64[s]")),
    (r".*", np.zeros((T, B, I), [("a", np.float32)])),
    (r".*", np.zeros((T, B, I), "V4")),
]


@pytest.mark.parametrize(("got", "array"), TYPES, ids=[str(array.dtype) for _, array in TYPES])
def test_type_of_numbers(lstm: Any, got: str, array: Array) -> None:
    """x, states, cotangents and parameters alike."""
    got = rf".*{got}.*"
    refuses(TypeError, "x", ".*float32.*", got, lstm, array)
    refuses(TypeError, "x", ".*float32.*", got, lstm.forward, array)
    half = array[:1, :, :1].repeat(H, axis=2)
    for index in (0, 1):
        state = [zeros(1, B, H), zeros(1, B, H)]
        state[index] = half
        refuses(TypeError, rf"state\[{index}\]", ".*float32.*", got, lstm, zeros(T, B, I), tuple(state))
    _, _, tape = lstm.forward(zeros(T, B, I))
    refuses(TypeError, "dy", ".*float32.*", got, lstm.backward, tape, array[:, :, :1].repeat(H, axis=2))
    refuses(TypeError, r"d_state\[0\]", ".*float32.*", got, lstm.backward, tape, None, (half, None))
    refuses(TypeError, "bias_ih_l0", ".*float32.*", got, lstm.params.__setitem__, "bias_ih_l0", np.resize(array, 4 * H))


@pytest.mark.parametrize(
    "value", ["text", None, object(), {}, [[1.0], [1.0, 2.0]], print], ids=lambda v: type(v).__name__
)
def test_x_that_is_no_array(lstm: Any, value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        lstm(value)


def test_state_of_the_wrong_shape(lstm: Any, gru: Any) -> None:
    x = zeros(T, B, I)
    good = zeros(1, B, H)
    expected = r"\(1, 3, 5\)"
    for shape in ((B, H), (1, B, H + 1), (1, B + 1, H), (2, B, H), (0,), (1, 1, 1), ()):
        wrong, got = zeros(*shape), re.escape(str(shape))
        refuses(ValueError, r"state\[0\]", expected, got, lstm, x, (wrong, good))
        refuses(ValueError, r"state\[1\]", expected, got, lstm.forward, x, (good, wrong))
    refuses(ValueError, "state", r"\(4, 3, 5\)", r"\(1, 3, 5\)", gru, zeros(B, T, I), good)
    refuses(ValueError, "state", r"\(4, 5\)", r"\(4, 3, 5\)", gru, zeros(T, I), zeros(4, B, H))
    refuses(ValueError, r"state\[0\]", r"\(1, 5\)", r"\(1, 3, 5\)", lstm, zeros(T, I), (good, good))


def test_projection_makes_the_halves_differ(isa: str) -> None:
    layer = gw.LSTM(I, H, proj_size=2)
    h, c = zeros(1, B, 2), zeros(1, B, H)
    layer(zeros(T, B, I), (h, c))
    refuses(ValueError, r"state\[0\]", r"\(1, 3, 2\)", r"\(1, 3, 5\)", layer, zeros(T, B, I), (c, c))
    refuses(ValueError, r"state\[1\]", r"\(1, 3, 5\)", r"\(1, 3, 2\)", layer, zeros(T, B, I), (h, h))


def test_state_of_the_wrong_structure(lstm: Any, gru: Any) -> None:
    x, half = zeros(T, B, I), zeros(1, B, H)
    for wrong in (half, (), (half,), (half, half, half), 1.0, "hc", {"h": half, "c": half}):
        with pytest.raises((ValueError, TypeError), match=r"^state: expected .*\(h, c\).*, got "):
            lstm(x, wrong)
    with pytest.raises((ValueError, TypeError), match=r"^state: expected "):
        gru(zeros(B, T, I), (zeros(4, B, H), zeros(4, B, H)))
    lstm(x, [half, half])


LENGTHS: list[tuple[type[Exception], Any, str, str]] = [
    (ValueError, [6, 7, 0], ".*0.*6.*", ".*7.*"),
    (ValueError, [6, -1, 0], ".*0.*6.*", ".*-1.*"),
    (ValueError, np.array([2**63 - 1, 0, 0]), ".*0.*6.*", ".*9223372036854775807.*"),
    (ValueError, np.array([-(2**63), 0, 0]), ".*0.*6.*", ".*-9223372036854775808.*"),
    (ValueError, np.array([2**64 - 1, 0, 0], np.uint64), ".*0.*6.*", ".*"),
    (ValueError, np.array([2**32 + 3, 0, 0]), ".*0.*6.*", ".*4294967299.*"),
    (ValueError, [1, 2], r"\(3,\)", r"\(2,\)"),
    (ValueError, [[1, 2, 3]], r"\(3,\)", r"\(1, 3\)"),
    (ValueError, 3, r"\(3,\)", r"\(\)"),
    (ValueError, np.zeros((0,), int), r"\(3,\)", r"\(0,\)"),
    (TypeError, [1.0, 2.0, 3.0], ".*integer.*|.*int64.*", ".*float64.*"),
    (TypeError, [np.nan, 1.0, 2.0], ".*integer.*|.*int64.*", ".*float64.*"),
    (TypeError, ["1", "2", "3"], ".*integer.*|.*int64.*", ".*<U1.*"),
    (TypeError, [1j, 0, 0], ".*integer.*|.*int64.*", ".*complex128.*"),
    (TypeError, [None, 1, 2], ".*integer.*|.*int64.*", ".*object.*"),
    (TypeError, np.zeros(3, "timedelta64[s]"), ".*integer.*|.*int64.*", ".*timedelta64.*"),
]


@pytest.mark.parametrize(("error", "lengths", "expected", "got"), LENGTHS, ids=str)
def test_lengths(lstm: Any, error: type[Exception], lengths: Any, expected: str, got: str) -> None:
    for call in (lstm, lstm.forward):
        refuses(error, "lengths", expected, got, call, zeros(T, B, I), lengths=lengths)


def test_length_of_a_single_sequence(lstm: Any) -> None:
    refuses(ValueError, "lengths", ".*0.*6.*", ".*7.*", lstm, zeros(T, I), lengths=7)
    refuses(ValueError, "lengths", r".*", r"\(1,\)", lstm, zeros(T, I), lengths=[3])
    lstm(zeros(T, I), lengths=np.uint8(3))


def test_lengths_exclude_a_mask(lstm: Any) -> None:
    with pytest.raises(ValueError, match=r"^(?=.*lengths)(?=.*mask).*: expected .*, got both"):
        lstm(zeros(T, B, I), lengths=[1, 2, 3], mask=np.ones((T, B), bool))


@pytest.mark.parametrize("name", ["mask", "resets"])
def test_masks_and_resets(lstm: Any, gru: Any, name: str) -> None:
    x = zeros(T, B, I)
    for wrong in (np.zeros((T, B), kind) for kind in (np.float32, int, np.uint8, "U1", object)):
        refuses(TypeError, name, ".*bool.*", f".*{wrong.dtype}.*", lstm, x, **{name: wrong})
    for shape in ((B, T), (T,), (T, B, 1), (T + 1, B), (), (1, 1)):
        got = re.escape(str(shape))
        refuses(ValueError, name, r"\(6, 3\)", got, lstm, x, **{name: np.zeros(shape, bool)})
    refuses(ValueError, name, r"\(3, 6\)", r"\(6, 3\)", gru, zeros(B, T, I), **{name: np.zeros((T, B), bool)})
    refuses(ValueError, name, r"\(6,\)", r"\(6, 1\)", lstm, zeros(T, I), **{name: np.zeros((T, 1), bool)})


def test_dy_and_d_state(lstm: Any, gru: Any) -> None:
    _, _, tape = lstm.forward(zeros(T, B, I))
    for shape in ((T, B, H + 1), (T - 1, B, H), (T, B + 1, H), (T, H), (H,), (), (T, B, H, 1), (0,)):
        refuses(ValueError, "dy", r"\(6, 3, 5\)", re.escape(str(shape)), lstm.backward, tape, zeros(*shape))
    for shape in ((1, B, H + 1), (B, H), (2, B, H), (0,)):
        got = re.escape(str(shape))
        refuses(ValueError, r"d_state\[0\]", r"\(1, 3, 5\)", got, lstm.backward, tape, None, (zeros(*shape), None))
        refuses(ValueError, r"d_state\[1\]", r"\(1, 3, 5\)", got, lstm.backward, tape, None, (None, zeros(*shape)))
    for wrong in (zeros(1, B, H), (), (None,), (None, None, None)):
        with pytest.raises((ValueError, TypeError), match=r"^d_state: expected .*, got "):
            lstm.backward(tape, None, wrong)
    _, _, tape = gru.forward(zeros(B, T, I))
    refuses(ValueError, "dy", r"\(3, 6, 10\)", r"\(6, 3, 10\)", gru.backward, tape, zeros(T, B, 2 * H))
    refuses(ValueError, "d_state", r"\(4, 3, 5\)", r"\(1, 3, 5\)", gru.backward, tape, None, zeros(1, B, H))


def test_foreign_tapes(lstm: Any) -> None:
    """A tape is its layer's: not another's, not a copy's, and nothing else is one."""
    _, _, own = lstm.forward(zeros(T, B, I))
    for other in (
        gw.LSTM(I, H, seed=0),
        gw.LSTM(I, H + 1),
        gw.GRU(I, H),
        gw.LSTM(I, H, dtype="f8"),
        copy.deepcopy(lstm),
    ):
        _, _, tape = other.forward(zeros(T, B, I))
        with pytest.raises((ValueError, TypeError), match=r"^tape: expected .*, got "):
            lstm.backward(tape)
        with pytest.raises((ValueError, TypeError), match=r"^tape: expected .*, got "):
            other.backward(own)
    for wrong in (None, 1, "tape", object(), (own,), type(own)):
        with pytest.raises(TypeError, match=r"^tape: expected .*, got "):
            lstm.backward(wrong)
    lstm.backward(own)


def test_a_tape_stays_in_its_process(lstm: Any) -> None:
    _, _, tape = lstm.forward(zeros(T, B, I))
    for refused in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="tape"):
            refused(tape)
    with pytest.raises(TypeError):
        type(tape)()


@pytest.mark.parametrize(
    ("error", "key"), [(ValueError, -1), (ValueError, 2**64), (TypeError, 1.0), (TypeError, "1"), (TypeError, True)]
)
def test_keys(isa: str, error: type[Exception], key: Any) -> None:
    layer = gw.LSTM(I, H, num_layers=2, dropout=0.5)
    refuses(error, "key", ".*", ".*", layer.forward, zeros(T, B, I), key=key)
    for good in (0, 2**64 - 1, np.uint64(2**64 - 1), np.int32(3)):
        assert layer.forward(zeros(T, B, I), key=good)[2].key == int(good)


def test_wrt_x_is_a_switch(lstm: Any) -> None:
    _, _, tape = lstm.forward(zeros(T, B, I))
    assert lstm.backward(tape, wrt_x=np.False_).x is None
    with pytest.raises(TypeError):
        lstm.backward(tape, None, None, False)


CONSTRUCTORS: list[tuple[str, type[Exception], tuple[Any, ...], dict[str, Any]]] = [
    ("input_size", ValueError, (0, 5), {}),
    ("input_size", ValueError, (-1, 5), {}),
    ("input_size", TypeError, (4.0, 5), {}),
    ("input_size", TypeError, ("4", 5), {}),
    ("input_size", TypeError, (None, 5), {}),
    ("input_size", TypeError, (True, 5), {}),
    ("hidden_size", ValueError, (4, 0), {}),
    ("hidden_size", TypeError, (4, 5.5), {}),
    ("num_layers", ValueError, (4, 5, 0), {}),
    ("num_layers", TypeError, (4, 5, 1.0), {}),
    ("bias", TypeError, (4, 5), {"bias": 1}),
    ("batch_first", TypeError, (4, 5), {"batch_first": "yes"}),
    ("bidirectional", TypeError, (4, 5), {"bidirectional": None}),
    ("peephole", TypeError, (4, 5), {"peephole": 0}),
    ("dropout", ValueError, (4, 5, 2), {"dropout": 1.0}),
    ("dropout", ValueError, (4, 5, 2), {"dropout": -0.1}),
    ("dropout", ValueError, (4, 5, 2), {"dropout": np.nan}),
    ("dropout", TypeError, (4, 5, 2), {"dropout": "0.1"}),
    ("dropout", TypeError, (4, 5, 2), {"dropout": 0.1j}),
    ("proj_size", ValueError, (4, 5), {"proj_size": 5}),
    ("proj_size", ValueError, (4, 5), {"proj_size": -1}),
    ("proj_size", TypeError, (4, 5), {"proj_size": 2.0}),
    ("dtype", TypeError, (4, 5), {"dtype": np.float16}),
    ("dtype", TypeError, (4, 5), {"dtype": np.int32}),
    ("dtype", TypeError, (4, 5), {"dtype": np.complex64}),
    ("dtype", TypeError, (4, 5), {"dtype": "no such type"}),
    ("input_size, hidden_size, num_layers", ValueError, (2**62, 2**62), {}),
    ("input_size, hidden_size, num_layers", ValueError, (1, 2**62), {}),
    ("input_size, hidden_size, num_layers", ValueError, (2**61, 1), {}),
    ("input_size, hidden_size, num_layers", ValueError, (10**30, 1), {}),
]


@pytest.mark.parametrize(("name", "error", "sizes", "options"), CONSTRUCTORS, ids=str)
def test_constructors(name: str, error: type[Exception], sizes: tuple[Any, ...], options: dict[str, Any]) -> None:
    refuses(error, name, ".*", ".*", gw.LSTM, *sizes, **options)


def test_more_constructors() -> None:
    for wrong in ("sigmoid", "", None, 3):
        with pytest.raises((ValueError, TypeError), match="^nonlinearity: expected .*, got "):
            gw.RNN(I, H, nonlinearity=wrong)
    refuses(TypeError, "reset_after", ".*", ".*", gw.GRU, I, H, reset_after=1)
    for cell in (gw.RNNCell, gw.LSTMCell, gw.GRUCell):
        refuses(ValueError, "hidden_size", ".*", "0", cell, I, 0)
    with pytest.raises((ValueError, TypeError)):
        gw.LSTM(I, H, seed=-1)
    with pytest.raises(TypeError):
        gw.LSTM(I, H, unknown=1)
    with pytest.warns(UserWarning, match="dropout.*num_layers"):
        gw.LSTM(I, H, dropout=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gw.LSTM(I, H, 2, dropout=0.5)


def odd(array: Array) -> dict[str, Array]:
    """The same numbers, stored in every way that NumPy knows."""
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
    """Results do not depend on how x, the states and the cotangents lie in memory, nor on their type, if it holds them."""
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
    """Strides of 0."""
    layer = gw.LSTM(I, H, seed=0)
    row = np.arange(I, dtype=np.float32)
    want, _ = layer(np.tile(row, (T, B, 1)))
    np.testing.assert_array_equal(layer(np.broadcast_to(row, (T, B, I)))[0], want)


@pytest.mark.parametrize("option", draw.OPTIONS, ids=str)
@pytest.mark.parametrize(("n_steps", "batch"), [(0, 3), (3, 0), (0, 0)])
def test_nothing_to_do(isa: str, option: draw.Option, n_steps: int, batch: int) -> None:
    """T = 0 and B = 0: outputs of the right shapes, the state passed through, its gradient too, and zeros."""
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
def test_results_are_their_own(isa: str, dtype: Any, batch_first: bool) -> None:
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
    """The tape keeps its own x, states, limits and weights, whatever the caller does with theirs in between."""
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


def test_an_exception_leaves_the_layer_whole(lstm: Any) -> None:
    x = np.ones((T, B, I), np.float32)
    want, _ = lstm(x)
    for bad in (zeros(T, B, I + 1), np.zeros((T, B, I), complex)):
        with pytest.raises((ValueError, TypeError)):
            lstm.forward(bad)
    with pytest.raises(ValueError, match="bias_ih_l0"):
        lstm.params["bias_ih_l0"] = zeros(3)
    np.testing.assert_array_equal(lstm(x)[0], want)


def in_a_process(script: str, *arguments: str, timeout: float = 120) -> str:
    """What a script prints in a process of its own, with little memory to ask for; fails if the process crashes."""
    limit = """
        import faulthandler, sys
        faulthandler.enable()
        try:
            import resource
            resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
        except ImportError:
            pass
    """
    command = [sys.executable, "-c", textwrap.dedent(limit) + textwrap.dedent(script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


HUGE = """
    import numpy as np, gatewise as gw
    from gatewise import _dispatch
    _dispatch.core = _dispatch.load(sys.argv[1])
    lstm, gru = gw.LSTM(2, 3), gw.GRU(2, 3, 2, bidirectional=True, batch_first=True)
    def view(shape, dtype=np.float32):
        return np.broadcast_to(np.zeros((), dtype), shape)
    def attempt(name, call):
        try:
            result = call()
            print(name, "ok", getattr(result[0], "shape", None))
        except (ValueError, TypeError, MemoryError) as error:
            print(name, type(error).__name__, error)
    for shape in [(2**40, 1, 2), (1, 2**40, 2), (2**31, 2**29, 2), (2**20, 2**40, 2), (2**59, 1, 2), (2**61, 0, 2),
                  (0, 2**61, 2), (0, 2**58, 2), (2**62, 0, 2), (0, 2**40, 2), (2**31, 0, 2)]:
        for dtype in (np.float32, np.int8):
            try:
                x = view(shape, dtype)
            except ValueError:
                continue  # NumPy itself has no such array
            for layer in (lstm, gru):
                attempt(f"{shape} {dtype.__name__}", lambda: layer(x))
                attempt(f"{shape} {dtype.__name__} forward", lambda: layer.forward(x))
                attempt(f"{shape} mask", lambda: layer(x, mask=view(shape[:2], bool)))
                attempt(f"{shape} resets", lambda: layer(x, resets=view(shape[:2], bool)))
    small = np.zeros((3, 1, 2), np.float32)
    attempt("lengths", lambda: lstm(small, lengths=view((2**40,), np.int64)))
    attempt("state", lambda: lstm(small, (view((1, 2**40, 3)), view((1, 2**40, 3)))))
    tape = lstm.forward(small)[2]
    attempt("dy", lambda: lstm.backward(tape, view((2**40, 1, 3))))
"""


def test_huge_shapes_do_not_crash(isa: str) -> None:
    """Products of sizes that overflow, and arrays that no memory holds: an error, or the empty result."""
    lines = in_a_process(HUGE, isa).splitlines()
    assert any("MemoryError" in line for line in lines)
    for line in lines:
        empty = re.match(r"\(0, |\(\d+, 0, ", line)
        assert empty or " ok " not in line, line


@pytest.mark.parametrize("sizes", ["2**40, 1", "1, 2**20", "2**30, 2**20", "2, 3, 2**40", "2, 3, 2**62", "10**30, 3"])
def test_huge_layers_do_not_crash(sizes: str) -> None:
    """Layers that no memory holds."""
    script = f"""
        import gatewise as gw
        try:
            gw.LSTM({sizes})
        except (ValueError, MemoryError) as error:
            print(type(error).__name__, error)
    """
    assert re.match("ValueError|MemoryError", in_a_process(script, timeout=20))


FUZZ = """
    import numpy as np, gatewise as gw
    from gatewise import _dispatch
    _dispatch.core = _dispatch.load(sys.argv[1])
    rng = np.random.default_rng(int(sys.argv[2]))
    DTYPES = ["f4", "f8", ">f4", "f2", "i4", "u1", "?", "c8", "O", "U1", "S2", "M8[s]", "m8[s]", "V3", "g"]
    def shape(ndim=None):
        return tuple(int(n) for n in rng.choice([0, 1, 2, 3, 4, 6], rng.integers(0, 5) if ndim is None else ndim))
    def array(good):
        if rng.random() < 0.96:
            a = np.array(good, copy=True)
        else:
            try:
                a = np.zeros(shape(), rng.choice(DTYPES))
            except Exception:
                a = np.zeros(())
        change = rng.integers(0, 40)
        if change == 0: a = a[::-1] if a.ndim else a
        if change == 1: a = np.asfortranarray(a)
        if change == 2: a = a.T
        if change == 3: a = a[..., ::2] if a.ndim else a
        if change in (4, 5, 6) and a.dtype.kind == "f" and a.size: a = a * rng.choice([np.nan, np.inf, 1e38, 0])
        if change == 7: a = np.broadcast_to(a, (2, *a.shape))
        if change == 8: a = a[None]
        if change in (9, 10, 11):
            try: a = a.astype(rng.choice(DTYPES))
            except Exception: pass
        return rng.choice([None, 0, -1, 1.5, "x"]) if rng.random() < 0.01 else a
    done = errors = 0
    for trial in range(3000):
        kind = rng.choice(["RNN", "LSTM", "GRU"])
        I, H, L = int(rng.integers(1, 5)), int(rng.integers(2, 20)), int(rng.integers(1, 3))
        o = dict(num_layers=L, bias=bool(rng.integers(2)), batch_first=bool(rng.integers(2)),
                 bidirectional=bool(rng.integers(2)), dtype=rng.choice([np.float32, np.float64]))
        P = 0
        if kind == "LSTM":
            P = int(rng.integers(0, H)) if rng.integers(2) else 0
            o.update(peephole=bool(rng.integers(2)), proj_size=P)
        if kind == "GRU": o.update(reset_after=bool(rng.integers(2)))
        layer = getattr(gw, kind)(I, H, **o)
        T, B, D = int(rng.integers(0, 4)), int(rng.integers(0, 4)), 1 + o["bidirectional"]
        lead = (B, T) if o["batch_first"] else (T, B)
        h, c = np.ones((L * D, B, P or H)), np.ones((L * D, B, H))
        state = lambda: None if rng.random() < 0.3 else (array(h), array(c)) if kind == "LSTM" else array(h)
        kw = {}
        if rng.random() < 0.3: kw["lengths"] = array(rng.integers(0, T + 1, B))
        if rng.random() < 0.3: kw["mask"] = array(rng.random(lead) < 0.5)
        if rng.random() < 0.3: kw["resets"] = array(rng.random(lead) < 0.5)
        try:
            y, s, tape = layer.forward(array(np.ones((*lead, I))), state(), **kw)
            layer.backward(tape, None if rng.random() < 0.2 else array(np.ones(y.shape)), state(), wrt_x=bool(rng.integers(2)))
            done += 1
        except (ValueError, TypeError, MemoryError) as error:
            errors += 1
    print(done, errors)
"""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", [0, 1])
def test_fuzz(isa: str, seed: int) -> None:
    """Thousands of calls with arguments right, wrong and strange: each returns or raises one of three errors."""
    done, errors = map(int, in_a_process(FUZZ, isa, str(seed)).split())
    assert done > 300
    assert errors > 300
