"""Copies of layers for diagnostics: in float64 and without dropout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from .._core.compiled_layer import CompiledLayer
from .._core.parameters import Array

AnyLayer = TypeVar("AnyLayer", bound=CompiledLayer)
DETERMINISTIC = {"dropout": 0.0, "recurrent_dropout": 0.0, "zoneout": 0.0}


def exact_copy(layer: AnyLayer) -> AnyLayer:
    """Return the layer in float64, time first, without dropout and zoneout."""
    return _copy(layer, {}, layer.params)


def single_layer(layer: AnyLayer, index: int) -> AnyLayer:
    """Return one layer of a unidirectional stack as a layer of its own, in float64 and without dropout."""
    end = f"_l{index}"
    values = {name[: -len(end)] + "_l0": value for name, value in layer.params.items() if name.endswith(end)}
    return _copy(layer, {"input_size": values["weight_ih_l0"].shape[1], "num_layers": 1}, values)


def _copy(layer: AnyLayer, changes: Mapping[str, Any], params: Mapping[str, Array]) -> AnyLayer:
    options = {**layer.config(), **DETERMINISTIC, "batch_first": False, "dtype": np.float64, **changes}
    copy = type(layer)(**options)
    copy.load_state_dict({name: np.asarray(value) for name, value in params.items()})
    return copy


def time_first(layer: CompiledLayer, x: ArrayLike) -> Array:
    """Return the layer's input x as (T, B, I) in float64, for any layout that the layer takes."""
    array = np.asarray(x, np.float64)
    if array.ndim == 2:
        array = array[:, None]
    elif layer.batch_first:
        array = array.swapaxes(0, 1)
    if array.ndim != 3 or array.shape[2] != layer.input_size or not array.size:
        expected = f"(B, T, {layer.input_size})" if layer.batch_first else f"(T, B, {layer.input_size})"
        raise ValueError(f"x: expected {expected} or (T, {layer.input_size}), not empty, got {np.shape(x)}")
    return array
