"""Layers as objects: their signatures, attributes, parameters and state dictionaries."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import draw
import gatewise as gw
from gatewise import reference
from layer_objects import X, same

Array = NDArray[Any]


@pytest.fixture
def lstm(isa: str) -> Any:
    return gw.LSTM(4, 5, num_layers=2, bidirectional=True, seed=0)


def test_names_and_shapes(isa: str) -> None:
    layer = gw.LSTM(4, 5, num_layers=2, bidirectional=True, proj_size=2, peephole=True)
    shapes = {name: array.shape for name, array in layer.params.items()}
    assert {name: shape for name, shape in shapes.items() if name.endswith("_l0")} == {
        "weight_ih_l0": (20, 4),
        "weight_hh_l0": (20, 2),
        "bias_ih_l0": (20,),
        "bias_hh_l0": (20,),
        "weight_hr_l0": (2, 5),
        "weight_peephole_l0": (3, 5),
    }
    for name in list(shapes):
        if name.endswith("_l0"):
            upper = (20, 4) if name == "weight_ih_l0" else shapes[name]
            assert shapes[f"{name}_reverse"] == shapes[name]
            assert shapes[name.replace("_l0", "_l1")] == shapes[name.replace("_l0", "_l1_reverse")] == upper
    assert len(shapes) == 24
    assert list(gw.GRU(4, 5, bias=False).params) == ["weight_ih_l0", "weight_hh_l0"]
    assert gw.RNN(4, 5).params["weight_ih_l0"].shape == (5, 4)
    assert gw.GRU(4, 5).params["weight_hh_l0"].shape == (15, 5)


@pytest.mark.parametrize("option", draw.OPTIONS, ids=str)
def test_gradients_have_the_keys_of_the_state_dict(isa: str, option: draw.Option) -> None:
    case = draw.make(option, draw.VARIANTS[0])
    layer = case.layer(gw, np.float32)
    grads = case.run(layer).grads
    assert list(grads.params) == list(layer.state_dict()) == list(layer.params)
    assert all(grads.params[name].shape == array.shape for name, array in layer.params.items())


def test_attributes(isa: str) -> None:
    layer = gw.LSTM(4, 5, 2, False, True, 0.25, True, 3, peephole=True, dtype=np.float64)
    got = (layer.input_size, layer.hidden_size, layer.num_layers, layer.bias, layer.batch_first, layer.dropout)
    assert got == (4, 5, 2, False, True, 0.25)
    assert (layer.bidirectional, layer.proj_size, layer.peephole, layer.dtype) == (True, 3, True, np.dtype(np.float64))
    assert gw.GRU(4, 5, reset_after=False).reset_after is False
    assert gw.RNN(4, 5, nonlinearity="relu").nonlinearity == "relu"
    assert gw.RNN(4, 5).dtype == np.dtype(np.float32)
    assert (gw.RNN(4, 5).clip, gw.LSTM(4, 5, clip=2).clip, gw.GRUCell(4, 5, clip=np.float32(0.5)).clip) == (
        None,
        2.0,
        0.5,
    )
    assert (gw.LSTM(4, 5).input_forget, gw.LSTM(4, 5, input_forget=True).input_forget) == (False, True)
    assert gw.GRU(4, 5, recurrent_dropout=0.25).recurrent_dropout == 0.25
    assert (gw.LSTM(4, 5).zoneout, gw.GRU(4, 5).zoneout) == ((0.0, 0.0), 0.0)
    for given in (0.1, np.float32(0.1), (0.1, 0.2), [0.1, 0.2]):
        pair = tuple(given) if isinstance(given, (tuple, list)) else (float(given), float(given))
        assert gw.LSTM(4, 5, zoneout=given).zoneout == pair
    for name in ("input_size", "dtype", "dropout", "recurrent_dropout", "zoneout"):
        with pytest.raises(AttributeError):
            setattr(layer, name, 1)


SIGNATURES = {
    "LSTM": "input_size hidden_size num_layers=1 bias=True batch_first=False dropout=0.0 bidirectional=False "
    "proj_size=0 * peephole=False recurrent_dropout=0.0 zoneout=(0.0, 0.0) activations=None clip=None "
    "input_forget=False dtype seed=None",
    "GRU": "input_size hidden_size num_layers=1 bias=True batch_first=False dropout=0.0 bidirectional=False "
    "* reset_after=True recurrent_dropout=0.0 zoneout=0.0 activations=None clip=None dtype seed=None",
    "RNN": "input_size hidden_size num_layers=1 bias=True batch_first=False dropout=0.0 bidirectional=False "
    "* nonlinearity='tanh' recurrent_dropout=0.0 zoneout=0.0 clip=None dtype seed=None",
    "LSTMCell": "input_size hidden_size bias=True * peephole=False activations=None clip=None input_forget=False dtype "
    "seed=None",
    "GRUCell": "input_size hidden_size bias=True * reset_after=True activations=None clip=None dtype seed=None",
    "RNNCell": "input_size hidden_size bias=True * nonlinearity='tanh' clip=None dtype seed=None",
}


@pytest.mark.parametrize("namespace", [gw, reference], ids=["compiled", "reference"])
@pytest.mark.parametrize("kind", SIGNATURES)
def test_signatures(namespace: Any, kind: str) -> None:
    shown, keyword_only = [], False
    for name, parameter in inspect.signature(getattr(namespace, kind)).parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not keyword_only:
            shown.append("*")
            keyword_only = True
        if name == "dtype":
            assert np.dtype(parameter.default) == np.float32
        plain = name == "dtype" or parameter.default is inspect.Parameter.empty
        shown.append(name if plain else f"{name}={parameter.default!r}")
    assert " ".join(shown) == SIGNATURES[kind]


def test_parameters_are_read_only(lstm: Any) -> None:
    lent = lstm.params["weight_hh_l0"]
    with pytest.raises(ValueError, match="read-only"):
        lent[0, 0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        lent.flags.writeable = True
    before = lent.copy()
    lstm.params["weight_hh_l0"] = before + 1
    np.testing.assert_array_equal(lent, before)


def test_writing_copies_and_reaches_the_next_call(lstm: Any) -> None:
    """Every call after a write uses the new values, and the layer keeps a copy of the written array."""
    for name in lstm.params:
        y, _ = lstm(X)
        value = lstm.params[name] + np.float32(0.5)
        lstm.params[name] = value
        assert not np.shares_memory(lstm.params[name], value)
        changed, _ = lstm(X)
        assert not same(changed, y)
        value[...] = 7
        assert same(lstm(X)[0], changed)
        fresh = gw.LSTM(4, 5, num_layers=2, bidirectional=True)
        fresh.load_state_dict(lstm.state_dict())
        assert same(fresh(X)[0], changed)


def test_parameters_as_a_mapping(lstm: Any) -> None:
    assert list(lstm.params) == list(lstm.state_dict())
    assert len(lstm.params) == 16
    assert "weight_ih_l0" in lstm.params
    assert "weight_ih_l2" not in lstm.params
    with pytest.raises(KeyError, match="weight_ih_l2"):
        lstm.params["weight_ih_l2"]
    with pytest.raises(KeyError, match="weight_ih_l2"):
        lstm.params["weight_ih_l2"] = np.zeros(3)
    with pytest.raises(TypeError, match="weight_ih_l0"):
        del lstm.params["weight_ih_l0"]
    with pytest.raises(ValueError, match=r"bias_ih_l0: expected \(20,\), got \(19,\)"):
        lstm.params["bias_ih_l0"] = np.zeros(19)
    assert "weight_hh_l0" in repr(lstm.params)


def test_state_dict_is_a_copy(lstm: Any) -> None:
    before = lstm.state_dict()
    taken = lstm.state_dict()
    for array in taken.values():
        assert array.flags.writeable
        assert array.dtype == np.float32
        array[...] = 0
    assert all(same(lstm.params[name], value) for name, value in before.items())


def test_load_state_dict_copies(lstm: Any) -> None:
    values = gw.LSTM(4, 5, num_layers=2, bidirectional=True, seed=1).state_dict()
    report = lstm.load_state_dict(values)
    assert (report.missing_keys, report.unexpected_keys) == ([], [])
    want = {name: value.copy() for name, value in values.items()}
    for value in values.values():
        value[...] = 0
    assert all(same(lstm.params[name], value) for name, value in want.items())


def test_load_state_dict_converts(isa: str) -> None:
    single, double = gw.GRU(4, 5, seed=0), gw.GRU(4, 5, dtype=np.float64, seed=0)
    double.load_state_dict({name: value.tolist() for name, value in single.state_dict().items()})
    assert all(array.dtype == np.float64 and same(array, single.params[name]) for name, array in double.params.items())
    single.load_state_dict(
        {name: np.asfortranarray(value.astype(">f8")) for name, value in double.state_dict().items()}
    )


def test_load_state_dict_with_a_prefix(lstm: Any) -> None:
    values = gw.LSTM(4, 5, num_layers=2, bidirectional=True, seed=1).state_dict()
    whole = {f"encoder.rnn.{name}": value for name, value in values.items()} | {"head.weight": np.zeros(3)}
    lstm.load_state_dict(whole, prefix="encoder.rnn.")
    assert all(same(lstm.params[name], value) for name, value in values.items())
    with pytest.raises(ValueError, match="weight_ih_l0"):
        lstm.load_state_dict(whole, prefix="decoder.")


WRONG: list[tuple[type[Exception], str, Any]] = [
    (ValueError, "weight_hh_l1_reverse", lambda d: d.pop("weight_hh_l1_reverse")),
    (ValueError, "weight_hr_l0", lambda d: d.update(weight_hr_l0=np.zeros((2, 5)))),
    (
        ValueError,
        r"bias_hh_l1_reverse: expected \(20,\), got \(20, 1\)",
        lambda d: d.update(bias_hh_l1_reverse=np.zeros((20, 1))),
    ),
    (
        TypeError,
        "bias_hh_l1_reverse: expected .*, got complex128",
        lambda d: d.update(bias_hh_l1_reverse=np.zeros(20, complex)),
    ),
    (
        TypeError,
        "bias_hh_l1_reverse: expected .*, got object",
        lambda d: d.update(bias_hh_l1_reverse=np.full(20, None)),
    ),
    (TypeError, "bias_hh_l1_reverse: expected .*, got <U1", lambda d: d.update(bias_hh_l1_reverse=np.full(20, "a"))),
]


@pytest.mark.parametrize(("error", "match", "spoil"), WRONG, ids=[match for _, match, _ in WRONG])
def test_load_state_dict_is_all_or_nothing(lstm: Any, error: type[Exception], match: str, spoil: Any) -> None:
    before, y = lstm.state_dict(), lstm(X)[0]
    values = gw.LSTM(4, 5, num_layers=2, bidirectional=True, seed=1).state_dict()
    spoil(values)
    with pytest.raises(error, match=match):
        lstm.load_state_dict(values)
    assert all(same(lstm.params[name], value) for name, value in before.items())
    assert same(lstm(X)[0], y)


def test_load_state_dict_not_strict(lstm: Any) -> None:
    values = gw.LSTM(4, 5, num_layers=2, bidirectional=True, seed=1).state_dict()
    before = lstm.params["weight_hh_l0"]
    del values["weight_hh_l0"]
    report = lstm.load_state_dict({**values, "extra": np.zeros(2)}, strict=False)
    assert (report.missing_keys, report.unexpected_keys) == (["weight_hh_l0"], ["extra"])
    assert same(lstm.params["weight_hh_l0"], before)
    assert all(same(lstm.params[name], value) for name, value in values.items())
    with pytest.raises(ValueError, match="bias_ih_l0"):
        lstm.load_state_dict({"bias_ih_l0": np.zeros(3)}, strict=False)
    with pytest.raises(TypeError, match="mapping"):
        lstm.load_state_dict([("bias_ih_l0", np.zeros(20))])


REPRS = [
    "LSTM(4, 5)",
    "LSTM(4, 5, num_layers=2, bias=False, batch_first=True, dropout=0.5, bidirectional=True, proj_size=2)",
    "LSTM(4, 5, peephole=True, recurrent_dropout=0.25, zoneout=(0.0, 0.1))",
    "GRU(1, 2, reset_after=False, dtype=float64)",
    "GRU(1, 2, recurrent_dropout=0.25, zoneout=0.1)",
    "RNN(1, 2, nonlinearity='relu')",
    "LSTMCell(1, 2, peephole=True)",
    "GRUCell(1, 2, bias=False, reset_after=False)",
    "RNNCell(1, 2, nonlinearity='relu')",
    "RNN(1, 2, nonlinearity=('leaky_relu', 0.25), clip=2.0)",
    "LSTM(1, 2, activations=(('hard_sigmoid', 0.2, 0.5), 'tanh', ('elu', 1.0)), clip=0.5, input_forget=True)",
    "GRUCell(1, 2, activations=('sigmoid', 'softsign'), dtype=float64)",
]


@pytest.mark.parametrize("text", REPRS)
def test_repr_is_the_constructor_call(text: str) -> None:
    thing = eval(text, {**vars(gw), "float64": np.float64})
    assert repr(thing) == text


@pytest.mark.parametrize("library", [gw, gw.reference], ids=["core", "reference"])
def test_half_a_state_is_zeros(library: Any) -> None:
    layer, x, h = library.LSTM(2, 3, seed=0), np.ones((2, 4, 2)), np.full((1, 4, 3), 0.5)
    for state, whole in (((h, None), (h, 0 * h)), ((None, h), (0 * h, h)), ((None, None), None)):
        assert np.array_equal(layer(x, state)[0], layer(x, whole)[0])
