"""Parameters adopted from the caller, and copies and pickles of layers, which own their parameters."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import draw
import gatewise as gw
from layer_objects import X, copies, owned, same

Array = NDArray[Any]


@pytest.fixture
def lstm(isa: str) -> Any:
    return gw.LSTM(4, 5, num_layers=2, bidirectional=True, seed=0)


def with_values(layer: Any, values: dict[str, Array]) -> Any:
    other = copy.deepcopy(layer)
    other.load_state_dict(values)
    return other


@pytest.mark.parametrize("option", draw.OPTIONS[::5], ids=str)
def test_adopted_parameters_live_in_the_callers_arrays(isa: str, dtype: Any, option: draw.Option) -> None:
    """Changes of the arrays affect every later call, and writing through the layer changes the arrays."""
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
def test_every_write_into_adopted_arrays_counts(isa: str, dtype: Any, option: draw.Option) -> None:
    """So do writes to the first or last element alone, and writes that restore earlier values."""
    case = draw.make(option, draw.VARIANTS[0])
    layer = case.layer(gw, dtype)
    values = owned(layer, 1)
    layer.adopt(values)
    before = layer(case.x)
    for array in values.values():
        for place in (0, -1):
            old = array.flat[place]
            array.flat[place] = old + dtype(0.5)
            assert same(layer(case.x), with_values(layer, values)(case.x))
            layer.forward(case.x)
            array.flat[place] = old
            assert same(layer(case.x), before)
            assert same(layer(case.x), before)


@pytest.mark.parametrize("option", draw.OPTIONS[::5], ids=str)
def test_a_tape_has_the_weights_of_its_forward(isa: str, dtype: Any, option: draw.Option) -> None:
    """This holds even if the adopted arrays change between forward and backward."""
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


def test_adopt_is_all_or_nothing(lstm: Any) -> None:
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


@pytest.mark.parametrize("option", draw.OPTIONS + draw.FULLY_NOISY, ids=str)
def test_layers_pickle_and_copy(isa: str, option: draw.Option) -> None:
    """A copy is independent, bit-identical, and has the same options and next dropout keys."""
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
