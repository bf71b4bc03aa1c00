"""Layers as diagnostics run them: exact, and without chance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._core.parameters import Array
from ..layers import GRU, LSTM, RNN

Layer = RNN | LSTM | GRU


def quiet(layer: Layer) -> Layer:
    """The layer in float64, time first, without dropout and zoneout."""
    return _made(layer, {}, {name: np.asarray(value) for name, value in layer.params.items()})


def single(layer: Layer, index: int) -> Layer:
    """One layer of a stack, of one direction, alone."""
    end = f"_l{index}"
    values = {name[: -len(end)] + "_l0": value for name, value in layer.params.items() if name.endswith(end)}
    inputs = layer.input_size if index == 0 else (layer.proj_size or layer.hidden_size)
    return _made(layer, {"input_size": inputs, "num_layers": 1}, values)


def _made(layer: Layer, changes: dict[str, Any], values: dict[str, Array]) -> Layer:
    noise = {"dropout": 0.0, "recurrent_dropout": 0.0, "zoneout": 0.0}
    options = {**layer.config(), **noise, "batch_first": False, "dtype": np.float64, **changes}
    made = type(layer)(**options)
    made.load_state_dict(values)
    return made


def time_first(layer: Layer, x: ArrayLike) -> Array:
    """x as (T, B, I) in float64, whichever way the layer reads it."""
    array = np.asarray(x, np.float64)
    if array.ndim == 2:
        array = array[:, None]
    elif layer.batch_first:
        array = array.swapaxes(0, 1)
    if array.ndim != 3 or array.shape[2] != layer.input_size or not array.size:
        expected = f"(B, T, {layer.input_size})" if layer.batch_first else f"(T, B, {layer.input_size})"
        raise ValueError(f"x: expected {expected} or (T, {layer.input_size}), not empty, got {np.shape(x)}")
    return array
