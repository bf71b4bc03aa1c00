"""Configurations: one way to describe layers, losses, optimizers and schedules, from which each can be made again."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import gatewise as gw
from gatewise._core.configured import describe
from gatewise.layers import LAYERS
from gatewise.models.building import READOUTS, RECURRENT_LAYERS, recurrent_model
from gatewise.nn.storable import STORABLE
from gatewise.training import losses

CONFIGURED: list[Any] = [
    gw.Embedding(5, 3, dtype=np.float64),
    gw.Linear(3, 2, bias=False),
    gw.Dropout(0.2),
    gw.LastStep(),
    gw.Flatten(4),
    gw.LSTM(2, 3, peephole=True, zoneout=0.1),
    *(kind() for kind in losses.KINDS.values()),
    gw.losses.CrossEntropy({1: 2.0}),
    *(kind() for kind in gw.optimizers.KINDS.values()),
    gw.optimizers.SGD(0.1, momentum=0.9, nesterov=True, clip_norm=1.0),
    gw.schedules.Step(0.1, 3),
    gw.schedules.Warmup(gw.schedules.Cosine(0.1, 9), 2),
]


@pytest.mark.parametrize("thing", CONFIGURED, ids=repr)
def test_a_configuration_makes_an_equal_object(thing: Any) -> None:
    other = type(thing)(**thing.config())
    assert other.config() == thing.config()
    assert repr(other) == repr(thing)


def test_descriptions_nest() -> None:
    adam = gw.optimizers.Adam(gw.schedules.Warmup(lambda step: 0.1, steps=3))
    described = describe(adam)
    assert described["kind"] == "Adam"
    assert described["lr"] == {"kind": "Warmup", "after": "function", "steps": 3}


def test_names_of_losses_and_optimizers_find_them() -> None:
    assert {name: type(losses.get(name)) for name in losses.KINDS} == losses.KINDS
    assert {name: type(gw.optimizers.get(name)) for name in gw.optimizers.KINDS} == gw.optimizers.KINDS


@pytest.mark.parametrize("name", STORABLE)
def test_the_shapes_of_a_configuration_are_those_of_the_layer(name: str) -> None:
    sizes = {"Embedding": (5, 3), "Linear": (3, 2), "Flatten": (4,), **dict.fromkeys(LAYERS, (2, 3))}
    layer = STORABLE[name].make(*sizes.get(name, ()))
    shapes = {key: array.shape for key, array in layer.params.items()}
    assert dict(STORABLE[name].parameter_shapes(layer.config())) == shapes


def test_asking_for_the_output_does_not_change_a_layer() -> None:
    flow = gw.GRU(2, 3, batch_first=True, bidirectional=True)
    model = gw.Sequential(flow, gw.LastStep())
    for layer, read in zip(model.model_layers, model.flows[:-1], strict=True):
        before = copy.copy(vars(layer))
        layer.flow(read)
        assert vars(layer).keys() == before.keys()
        assert all(value is before[name] for name, value in vars(layer).items())


@pytest.mark.parametrize("readout", [*READOUTS, None])
@pytest.mark.parametrize("cell", RECURRENT_LAYERS)
def test_the_usual_model(cell: str, readout: str | None) -> None:
    model = recurrent_model(cell, 2, 3, 4, bidirectional=True, readout=readout, dropout=0.1, layer_dropout=0.5, seed=0)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == [cell.upper(), *([] if readout is None else [READOUTS[readout].__name__]), "Dropout", "Linear"]
    assert model(np.zeros((5, 6, 2))).shape == ((5, 6, 4) if readout is None else (5, 4))
    plain = recurrent_model(cell, 2, 3, 4, num_layers=2, layer_dropout=0.5, seed=0)
    assert repr(plain.layers[0]) == f"{cell.upper()}(2, 3, num_layers=2, batch_first=True, dropout=0.5)"
    assert [type(layer).__name__ for layer in plain.layers[1:]] == ["LastStep", "Linear"]
