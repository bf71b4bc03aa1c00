"""Invalid input: every error has the documented type, and says the argument, what was expected and what was given."""

from __future__ import annotations

import copy
import pickle
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gatewise as gw

Array = NDArray[Any]
T, B, I, H = 6, 3, 4, 5  # noqa: E741  (the names that the shapes have everywhere)


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


TYPES: list[tuple[str, Array]] = [
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
    """The same holds for x, states, cotangents and parameters."""
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
    refuses(TypeError, "state", r"a pair \(h, c\)", "tuple of 3", lstm, x, (half, half, half))
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
    """backward takes only tapes of its own layer: none of other layers or of copies, and no other objects."""
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
    good: Any
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
    ("input_forget", TypeError, (4, 5), {"input_forget": 1}),
    ("clip", ValueError, (4, 5), {"clip": 0.0}),
    ("clip", ValueError, (4, 5), {"clip": -1}),
    ("clip", ValueError, (4, 5), {"clip": np.nan}),
    ("clip", ValueError, (4, 5), {"clip": np.inf}),
    ("clip", ValueError, (4, 5), {"clip": 1e39}),
    ("clip", ValueError, (4, 5), {"clip": 10**400}),
    ("clip", ValueError, (4, 5), {"clip": 1e-60}),
    ("clip", TypeError, (4, 5), {"clip": "1"}),
    ("clip", TypeError, (4, 5), {"clip": True}),
    ("clip", TypeError, (4, 5), {"clip": np.ones(2)}),
    ("activations", TypeError, (4, 5), {"activations": "tanh"}),
    ("activations", TypeError, (4, 5), {"activations": 3}),
    ("activations", ValueError, (4, 5), {"activations": ("sigmoid", "tanh")}),
    ("activations", ValueError, (4, 5), {"activations": ("sigmoid", "tanh", "tanh", "tanh")}),
    (r"activations\[1\]", ValueError, (4, 5), {"activations": ("sigmoid", "Tanh", "tanh")}),
    (r"activations\[1\]", TypeError, (4, 5), {"activations": ("sigmoid", None, "tanh")}),
    (r"activations\[2\]", TypeError, (4, 5), {"activations": ("sigmoid", "tanh", ())}),
    (r"activations\[2\]", TypeError, (4, 5), {"activations": ("sigmoid", "tanh", (np.tanh,))}),
    (r"activations\[0\]", ValueError, (4, 5), {"activations": (("sigmoid", 1.0), "tanh", "tanh")}),
    (r"activations\[0\]", ValueError, (4, 5), {"activations": (("hard_sigmoid", 1.0, 0.0, 2.0), "tanh", "tanh")}),
    (r"activations\[0\]", TypeError, (4, 5), {"activations": (("hard_sigmoid", "1"), "tanh", "tanh")}),
    (r"activations\[0\]", TypeError, (4, 5), {"activations": (("hard_sigmoid", None), "tanh", "tanh")}),
    (r"activations\[0\]", ValueError, (4, 5), {"activations": (("hard_sigmoid", np.nan), "tanh", "tanh")}),
    (r"activations\[0\]", ValueError, (4, 5), {"activations": (("hard_sigmoid", 0.2, np.inf), "tanh", "tanh")}),
    (r"activations\[0\]", ValueError, (4, 5), {"activations": (("elu", 1e39), "tanh", "tanh")}),
    ("dropout", ValueError, (4, 5, 2), {"dropout": 1.0}),
    ("dropout", ValueError, (4, 5, 2), {"dropout": -0.1}),
    ("dropout", ValueError, (4, 5, 2), {"dropout": np.nan}),
    ("dropout", TypeError, (4, 5, 2), {"dropout": "0.1"}),
    ("dropout", TypeError, (4, 5, 2), {"dropout": 0.1j}),
    ("recurrent_dropout", ValueError, (4, 5), {"recurrent_dropout": 1.0}),
    ("recurrent_dropout", ValueError, (4, 5), {"recurrent_dropout": -0.1}),
    ("recurrent_dropout", TypeError, (4, 5), {"recurrent_dropout": (0.1, 0.2)}),
    ("recurrent_dropout", TypeError, (4, 5), {"recurrent_dropout": True}),
    ("zoneout", ValueError, (4, 5), {"zoneout": 1}),
    ("zoneout", ValueError, (4, 5), {"zoneout": (0.1,)}),
    ("zoneout", ValueError, (4, 5), {"zoneout": [0.1, 0.2, 0.3]}),
    ("zoneout", TypeError, (4, 5), {"zoneout": None}),
    ("zoneout", TypeError, (4, 5), {"zoneout": "0.1"}),
    ("zoneout", TypeError, (4, 5), {"zoneout": np.zeros(2)}),
    (r"zoneout\[0\]", ValueError, (4, 5), {"zoneout": (np.nan, 0.0)}),
    (r"zoneout\[1\]", ValueError, (4, 5), {"zoneout": (0.0, 1.5)}),
    (r"zoneout\[1\]", TypeError, (4, 5), {"zoneout": (0.0, None)}),
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
    wrong: Any
    for wrong in ("sinus", "", None, 3, (), ("relu", 1.0), ("elu", np.nan)):
        with pytest.raises((ValueError, TypeError), match=r"^nonlinearity: expected .*, got "):
            gw.RNN(I, H, nonlinearity=wrong)
    refuses(
        ValueError, "activations", r"2 activations \(gates, candidate\)", "3", gw.GRU, I, H, activations=["tanh"] * 3
    )
    gw.GRU(I, H, activations=[["elu", 1e39], "tanh"], clip=1e-60, dtype=np.float64)
    refuses(TypeError, "reset_after", ".*", ".*", gw.GRU, I, H, reset_after=1)
    for layer in (gw.GRU, gw.RNN):
        refuses(TypeError, "zoneout", "a number p with 0 <= p < 1", r"\(0.1, 0.2\)", layer, I, H, zoneout=(0.1, 0.2))
        refuses(ValueError, "zoneout", "a number p with 0 <= p < 1", r"1.0", layer, I, H, zoneout=1)
    for cell in (gw.RNNCell, gw.LSTMCell, gw.GRUCell):
        refuses(ValueError, "hidden_size", ".*", "0", cell, I, 0)
    for error, seed, got in ((ValueError, -1, "-1"), (TypeError, "a", "'a'")):
        for make in (gw.LSTM, gw.GRUCell):
            refuses(error, "seed", "a seed for numpy.random.default_rng", got, make, I, H, seed=seed)
    with pytest.raises(TypeError):
        gw.LSTM(I, H, unknown=1)  # type: ignore[call-arg]
    with pytest.warns(UserWarning, match="dropout.*num_layers"):
        gw.LSTM(I, H, dropout=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gw.LSTM(I, H, 2, dropout=0.5)
