"""The declarations of the kinds of cells agree with the constructors and layers derived from them."""

from __future__ import annotations

import doctest
import inspect
import pickle
from typing import Any

import numpy as np
import pytest

import gatewise as gw
from gatewise._core import dispatch
from gatewise._core.declaration import REQUIRED
from gatewise._core.options import Options
from gatewise.cells import CELLS
from gatewise.layers import KINDS, LAYERS

CLASSES = [
    *[(name, classes[name], single) for name in KINDS for classes, single in ((LAYERS, False), (CELLS, True))],
    *[(name, getattr(gw.reference, name + end), end == "Cell") for name in KINDS for end in ("", "Cell")],
]
IDS = [f"{cls.__module__}.{cls.__name__}" for _, cls, _ in CLASSES]


@pytest.mark.parametrize(("name", "cls", "single_step"), CLASSES, ids=IDS)
def test_constructors_have_the_declared_options(name: str, cls: Any, single_step: bool) -> None:
    """Names, order and defaults of the signature are those of the declaration, and the seed comes last."""
    kind = KINDS[name]
    declared = [option for option in kind.options if option.single_step or not single_step]
    *parameters, seed = inspect.signature(cls).parameters.values()
    assert [parameter.name for parameter in parameters] == [option.name for option in declared]
    assert seed.name == "seed"
    for parameter, option in zip(parameters, declared, strict=True):
        if option.default is REQUIRED:
            assert parameter.default is inspect.Parameter.empty
        else:
            checked = option.check(parameter.default, kind, np.dtype(np.float32))
            assert checked == kind.defaults[option.name], option.name


@pytest.mark.parametrize(("name", "cls", "single_step"), CLASSES, ids=IDS)
def test_every_option_is_a_read_only_attribute(name: str, cls: Any, single_step: bool) -> None:
    layer = cls(2, 3, seed=0)
    assert layer.config() == {option: getattr(layer, option) for option in layer.config()}
    for option in layer.config():
        with pytest.raises(AttributeError):
            setattr(layer, option, None)
    twin = cls(**layer.config())
    assert (repr(twin), list(twin.params)) == (repr(layer), list(layer.params))


def test_the_compiled_core_has_the_declared_cells() -> None:
    """The core's table of cells has every variant of every kind, with the declared numbers of gates and states."""
    declared = {}
    for kind in KINDS.values():
        names = {option.name for option in kind.options}
        for switch in ({}, {"peephole": True}, {"reset_after": False}):
            if names >= set(switch):
                options = Options(kind, {"input_size": 2, "hidden_size": 3, **switch})
                declared[kind.variant(options)] = (len(kind.gates), len(kind.states))
    assert dispatch.extension.cells == declared


def test_parameters_are_named_in_pytorchs_order() -> None:
    options = Options(KINDS["LSTM"], {"input_size": 2, "hidden_size": 3, "proj_size": 1, "peephole": True})
    assert options.parameter_shapes() == {
        "weight_ih_l0": (12, 2),
        "weight_hh_l0": (12, 1),
        "bias_ih_l0": (12,),
        "bias_hh_l0": (12,),
        "weight_hr_l0": (1, 3),
        "weight_peephole_l0": (3, 3),
    }


def test_options_do_not_change() -> None:
    options = Options(KINDS["GRU"], {"input_size": 2, "hidden_size": 3})
    with pytest.raises(AttributeError, match="hidden_size"):
        options.hidden_size = 4
    with pytest.raises(AttributeError, match="peephole"):
        _ = options.peephole


def test_the_state_of_a_pickle_is_plain() -> None:
    """It has options by name, arrays and NumPy's generator, but no object of a class of gatewise."""
    state = gw.LSTM(2, 3, zoneout=0.1, activations=("sigmoid", ("elu", 0.5), "tanh"), seed=0).__getstate__()
    assert sorted(state) == ["generator", "options", "params"]
    assert b"gatewise" not in pickle.dumps(state)


@pytest.mark.parametrize(("name", "cls", "single_step"), CLASSES, ids=IDS)
def test_examples_of_the_attributes_run(name: str, cls: Any, single_step: bool) -> None:
    """doctest does not find the examples of attributes that a class inherits, so this test runs them."""
    for option in cls(2, 3).config():
        found = doctest.DocTestFinder(recurse=False).find(getattr(cls, option), option, globs={})
        assert found
        assert all(doctest.DocTestRunner().run(one).failed == 0 for one in found)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_activations_become_an_option_and_are_found_in_it(kind: Any) -> None:
    chosen = dict(zip(kind.activations, ("softsign", "relu", ("elu", 0.5)), strict=False))
    layer = LAYERS[kind.name](2, 3, **kind.activation_options(chosen))
    assert kind.activations_in(layer.config()) == chosen


def test_options_that_another_library_lacks_are_refused() -> None:
    lstm = gw.LSTM(2, 3, num_layers=2, peephole=True)
    common = ("input_size", "hidden_size", "num_layers")
    lstm.kind.require_defaults(lstm.config(), (*common, "peephole"), "this library")
    with pytest.raises(ValueError, match="peephole: expected False, since this library has no such option, got True"):
        lstm.kind.require_defaults(lstm.config(), common, "this library")
