"""Layers and cells as objects: parameters, state dictionaries, adopted arrays, copies, pickles, seeds and initial values."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import draw
import gatewise as gw
import numpy as np
import pytest
from gatewise import reference
from numpy.typing import NDArray
from tolerances import CELL, chain, unit

Array = NDArray[Any]
KINDS = ["RNN", "LSTM", "GRU"]
X = np.random.default_rng(0).standard_normal((6, 3, 4)).astype(np.float32)


def same(a: Any, b: Any) -> bool:
    """Whether two results, or two states, hold the same numbers."""
    if isinstance(a, tuple):
        return len(a) == len(b) and all(same(p, q) for p, q in zip(a, b, strict=True))
    return np.array_equal(a, b)


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
    assert [name for name in gw.GRU(4, 5, bias=False).params] == ["weight_ih_l0", "weight_hh_l0"]
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
    for name in ("input_size", "dtype", "dropout"):
        with pytest.raises(AttributeError):
            setattr(layer, name, 1)


SIGNATURES = {
    "LSTM": "input_size hidden_size num_layers=1 bias=True batch_first=False dropout=0.0 bidirectional=False proj_size=0 "
    "* peephole=False dtype seed=None",
    "GRU": "input_size hidden_size num_layers=1 bias=True batch_first=False dropout=0.0 bidirectional=False "
    "* reset_after=True dtype seed=None",
    "RNN": "input_size hidden_size num_layers=1 bias=True batch_first=False dropout=0.0 bidirectional=False "
    "* nonlinearity='tanh' dtype seed=None",
    "LSTMCell": "input_size hidden_size bias=True * peephole=False dtype seed=None",
    "GRUCell": "input_size hidden_size bias=True * reset_after=True dtype seed=None",
    "RNNCell": "input_size hidden_size bias=True * nonlinearity='tanh' dtype seed=None",
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


def test_parameters_are_lent_read_only(lstm: Any) -> None:
    lent = lstm.params["weight_hh_l0"]
    with pytest.raises(ValueError, match="read-only"):
        lent[0, 0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        lent.flags.writeable = True
    before = lent.copy()
    lstm.params["weight_hh_l0"] = before + 1
    np.testing.assert_array_equal(lent, before)


def test_writing_copies_and_reaches_the_next_call(lstm: Any) -> None:
    """In every call after a write the new values count, whatever was packed before; the written array stays apart."""
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


def owned(layer: Any, seed: int) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(-0.5, 0.5, a.shape).astype(a.dtype) for name, a in layer.params.items()}


def with_values(layer: Any, values: dict[str, Array]) -> Any:
    other = copy.deepcopy(layer)
    other.load_state_dict(values)
    return other


@pytest.mark.parametrize("option", draw.OPTIONS[::5], ids=str)
def test_adopted_parameters_live_in_the_callers_arrays(isa: str, dtype: Any, option: draw.Option) -> None:
    """Changes in those arrays count in every later call; writing through the layer writes into them."""
    case = draw.make(option, draw.VARIANTS[0])
    layer = case.layer(gw, dtype)
    values = owned(layer, 1)
    layer.adopt(values)
    assert all(np.shares_memory(layer.params[name], value) for name, value in values.items())
    assert same(layer(case.x), with_values(layer, values)(case.x))
    for array in values.values():
        array[...] *= dtype(0.5)
        assert same(layer(case.x), with_values(layer, values)(case.x))
    name = next(iter(values))
    layer.params[name] = np.ones_like(values[name])
    assert (values[name] == 1).all()
    other = case.layer(gw, dtype).state_dict()
    layer.load_state_dict(other)
    assert all(same(values[name], value) for name, value in other.items())
    with pytest.raises(ValueError, match="read-only"):
        layer.params[name][...] = 0


@pytest.mark.parametrize("option", draw.OPTIONS[::5], ids=str)
def test_a_tape_has_its_forwards_weights(isa: str, dtype: Any, option: draw.Option) -> None:
    """Even where the adopted arrays change between forward and backward."""
    case = draw.make(option, draw.VARIANTS[0])
    layer = case.layer(gw, dtype)
    want = case.run(with_values(layer, owned(layer, 1))).grads
    values = owned(layer, 1)
    layer.adopt(values)
    _, _, tape = case.forward(layer)
    for array in values.values():
        array[...] = 9
    grads = layer.backward(tape, draw.cast(case.dy, dtype), draw.cast(case.d_state, dtype))
    assert same(grads.x, want.x)
    assert same(grads.state, want.state)
    assert all(same(value, want.params[name]) for name, value in grads.params.items())


def test_adopt_takes_all_or_nothing(lstm: Any) -> None:
    before, y = lstm.state_dict(), lstm(X)[0]
    name = "bias_hh_l1_reverse"
    frozen = np.zeros(20, np.float32)
    frozen.flags.writeable = False
    for error, wrong in (
        (TypeError, [0.0] * 20),
        (TypeError, np.zeros(20)),
        (TypeError, np.zeros(20, ">f4")),
        (ValueError, np.zeros(19, np.float32)),
        (ValueError, np.zeros(40, np.float32)[::2]),
        (ValueError, frozen),
    ):
        with pytest.raises(error, match=f"{name}: expected .*, got "):
            lstm.adopt({**owned(lstm, 1), name: wrong})
    for wrong_names in ({"extra": frozen}, {}):
        values = {**owned(lstm, 1), **wrong_names}
        if not wrong_names:
            del values[name]
        with pytest.raises(ValueError, match="mapping: expected "):
            lstm.adopt(values)
    assert all(same(lstm.params[name], value) for name, value in before.items())
    assert same(lstm(X)[0], y)


def test_copies_of_adopted_parameters_are_their_own(lstm: Any) -> None:
    values = owned(lstm, 1)
    lstm.adopt(values)
    twins = [copy.deepcopy(lstm), pickle.loads(pickle.dumps(lstm))]
    want = lstm(X)
    for array in values.values():
        array[...] = 0
    assert all(same(twin(X), want) for twin in twins)
    assert not same(lstm(X), want)


def copies(thing: Any) -> list[Any]:
    return [copy.deepcopy(thing), *(pickle.loads(pickle.dumps(thing, protocol)) for protocol in range(2, 6))]


@pytest.mark.parametrize("option", draw.OPTIONS, ids=str)
def test_layers_pickle_and_copy(isa: str, option: draw.Option) -> None:
    """A copy gives the same bits, has the same options and the same next dropout keys, and is independent."""
    case = draw.make(option, draw.VARIANTS[6])
    layer = case.layer(gw, np.float32)
    want = case.run(layer)
    for twin in copies(layer):
        assert type(twin) is type(layer)
        assert repr(twin) == repr(layer)
        got = case.run(twin)
        assert same(got.y, want.y)
        assert same(got.state, want.state)
        assert same(got.grads.x, want.grads.x)
        assert all(same(value, want.grads.params[name]) for name, value in got.grads.params.items())
        reseeded = copy.deepcopy(layer)
        assert twin.forward(case.x)[2].key == reseeded.forward(case.x)[2].key
        twin.params["weight_ih_l0"] = 0 * twin.params["weight_ih_l0"]
        assert layer.params["weight_ih_l0"].any()


def test_a_shallow_copy_is_sound(lstm: Any) -> None:
    want = lstm(X)
    twin = copy.copy(lstm)
    assert same(twin(X), want)
    twin.params["weight_ih_l0"] = 0 * twin.params["weight_ih_l0"]
    fresh = with_values(lstm, lstm.state_dict())
    assert same(lstm(X), fresh(X))
    assert same(twin(X), with_values(twin, twin.state_dict())(X))


REPRS = [
    "LSTM(4, 5)",
    "LSTM(4, 5, num_layers=2, bias=False, batch_first=True, dropout=0.5, bidirectional=True, proj_size=2, peephole=True)",
    "GRU(1, 2, reset_after=False, dtype=float64)",
    "RNN(1, 2, nonlinearity='relu')",
    "LSTMCell(1, 2, peephole=True)",
    "GRUCell(1, 2, bias=False, reset_after=False)",
    "RNNCell(1, 2, nonlinearity='relu')",
]


@pytest.mark.parametrize("text", REPRS)
def test_repr_is_the_constructor_call(text: str) -> None:
    thing = eval(text, {**vars(gw), "float64": np.float64})
    assert repr(thing) == text


@pytest.mark.parametrize("kind", [*KINDS, *(f"{kind}Cell" for kind in KINDS)])
def test_seeds_make_initial_values_reproducible(kind: str) -> None:
    make = getattr(gw, kind)
    first, second, other, chance = make(4, 5, seed=3), make(4, 5, seed=3), make(4, 5, seed=4), make(4, 5)
    for name in first.params:
        assert same(first.params[name], second.params[name])
        assert not same(first.params[name], other.params[name])
        assert not same(first.params[name], chance.params[name])
    known = getattr(reference, kind)(4, 5, seed=3)
    assert all(same(known.params[name], value) for name, value in first.params.items())


@pytest.mark.parametrize("kind", KINDS)
def test_initial_values_are_uniform(kind: str) -> None:
    """In U(-1/sqrt(H), 1/sqrt(H)); mean and variance within 5 standard deviations of n draws; no value twice."""
    hidden_size = 100
    layer = getattr(gw, kind)(70, hidden_size, seed=0)
    bound = 1 / np.sqrt(hidden_size)
    for value in layer.params.values():
        n = value.size
        assert np.abs(value).max() <= bound
        assert abs(value.mean()) < 5 * bound / np.sqrt(3 * n)
        # The variance of u^2 for u uniform in (-b, b) is 4 b^4 / 45.
        assert abs((value.astype(np.float64) ** 2).mean() - bound**2 / 3) < 5 * np.sqrt(4 / 45 / n) * bound**2


@pytest.mark.parametrize("kind", KINDS)
def test_glorot(kind: str) -> None:
    layer = getattr(gw, kind)(6, 8, num_layers=2, bidirectional=True, **({"proj_size": 3} if kind == "LSTM" else {}))
    layer.reset_parameters("glorot", seed=0)
    for name, value in layer.params.items():
        if name.startswith(("weight_ih", "weight_hr")):
            bound = np.sqrt(6 / sum(value.shape))
            assert 0.8 * bound < np.abs(value).max() <= bound
        elif name.startswith("weight_hh"):
            # Rounding to float32 moves each of the 8 to 32 products of a sum by at most 2 u.
            product = value.T.astype(np.float64) @ value
            np.testing.assert_allclose(product, np.eye(len(product)), atol=4 * len(value) * unit(np.float32), rtol=0)
        else:
            want = np.zeros(value.shape)
            if kind == "LSTM" and name.startswith("bias_ih"):
                want[8:16] = 1
            np.testing.assert_array_equal(value, want)
    again = getattr(gw, kind)(6, 8, num_layers=2, bidirectional=True, **({"proj_size": 3} if kind == "LSTM" else {}))
    again.reset_parameters("glorot", seed=0)
    assert all(same(again.params[name], value) for name, value in layer.params.items())
    with pytest.raises(ValueError, match="init: expected .*, got 'zeros'"):
        layer.reset_parameters("zeros")


def cell_of(kind: str, namespace: Any, dtype: Any = np.float32, **options: Any) -> Any:
    return getattr(namespace, f"{kind}Cell")(7, 13, dtype=dtype, seed=0, **options)


CELLS: list[tuple[str, dict[str, Any]]] = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu"}),
    ("LSTM", {}),
    ("LSTM", {"peephole": True}),
    ("GRU", {}),
    ("GRU", {"reset_after": False}),
    ("GRU", {"bias": False}),
]


@pytest.mark.parametrize("batch", [None, 0, 1, 3, 33])
@pytest.mark.parametrize(("kind", "options"), CELLS, ids=str)
def test_cells(isa: str, dtype: Any, kind: str, options: dict[str, Any], batch: int | None) -> None:
    """A cell is one step of the reference's, in every layout, and exactly one step of a layer with its weights.

    All numbers drawn are below 4, so the terms of a pre-activation add up to at most 20 / sqrt(13) * 4 in magnitude. Its
    error reaches the new state times slopes of at most 1 (tanh) and 1 / 4 (sigmoid, times a state below 4): 4 in all.
    """
    cell, known = cell_of(kind, gw, dtype, **options), cell_of(kind, reference, np.float64, **options)
    known.load_state_dict(cell.state_dict())
    assert list(cell.params) == list(known.params)
    rng = np.random.default_rng(0)
    rows = () if batch is None else (batch,)
    x, h, c = (rng.standard_normal((*rows, size)).astype(dtype) for size in (7, 13, 13))
    state = (h, c) if kind == "LSTM" else h
    bound = 4 * (chain(13) + CELL) * unit(dtype) * 20 / np.sqrt(13) * 4
    for given in (state, None):
        got, want = cell(x, given), known(x, given)
        assert isinstance(got, tuple) == (kind == "LSTM")
        layer = getattr(gw, kind)(7, 13, dtype=dtype, **options)
        layer.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
        stacked = None if given is None else tuple(half[None] for half in given) if kind == "LSTM" else given[None]
        _, after = layer(x[None], stacked)
        for one, two, three in zip(*(s if isinstance(s, tuple) else (s,) for s in (got, want, after)), strict=True):
            assert one.shape == (*rows, 13)
            assert one.dtype == dtype
            np.testing.assert_allclose(one, two, rtol=0, atol=bound)
            np.testing.assert_array_equal(one, three[0])


@pytest.mark.parametrize("kind", KINDS)
def test_cells_as_objects(isa: str, kind: str) -> None:
    cell = cell_of(kind, gw)
    x = np.ones((3, 7), np.float32)
    want = cell(x)
    assert all(same(twin(x), want) for twin in copies(cell))
    other = getattr(gw, f"{kind}Cell")(7, 13, seed=9)
    other.load_state_dict(cell.state_dict())
    assert same(other(x), want)
    assert set(cell.state_dict()) == {"weight_ih", "weight_hh", "bias_ih", "bias_hh"}
    values = owned(cell, 1)
    cell.adopt(values)
    for array in values.values():
        array[...] = 0
    halves = cell(x) if kind == "LSTM" else (cell(x),)
    assert not any(half.any() for half in halves)


def test_cells_refuse(isa: str) -> None:
    lstm, gru = gw.LSTMCell(7, 13), gw.GRUCell(7, 13)
    h = np.zeros((3, 13))
    for cell in (lstm, gru):
        for shape in ((), (6,), (3, 8), (1, 3, 7)):
            with pytest.raises(ValueError, match="x: expected .*7.*, got "):
                cell(np.zeros(shape))
        with pytest.raises(TypeError, match="x: expected .*, got complex128"):
            cell(np.zeros((3, 7), complex))
    with pytest.raises(ValueError, match=r"state: expected \(3, 13\), got \(2, 13\)"):
        gru(np.zeros((3, 7)), h[:2])
    with pytest.raises(ValueError, match=r"state: expected \(13,\), got \(3, 13\)"):
        gru(np.zeros(7), h)
    with pytest.raises(ValueError, match=r"state\[1\]: expected \(3, 13\), got \(3, 12\)"):
        lstm(np.zeros((3, 7)), (h, h[:, 1:]))
    for wrong in (h, (h,), (h, h, h)):
        with pytest.raises((ValueError, TypeError), match=r"state: expected .*\(h, c\).*, got "):
            lstm(np.zeros((3, 7)), wrong)
