"""The layers that files can store, by the name of their class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from .. import nn
from .._core.compiled_layer import CompiledLayer
from ..layers import LAYERS
from . import recurrent
from .base import ModelLayer, Parametric, Shape


@dataclass(frozen=True)
class Storable:
    """A class of layers that files can store.

    make : makes a layer from its configuration.
    parameter_shapes : yields name and shape of each parameter that a layer of this configuration has.
    """

    make: Callable[..., CompiledLayer | ModelLayer]
    parameter_shapes: Callable[[Mapping[str, Any]], Iterable[tuple[str, Shape]]]


def _own_shapes(layer: type[ModelLayer]) -> Callable[[Mapping[str, Any]], Iterable[tuple[str, Shape]]]:
    return layer.parameter_shapes if issubclass(layer, Parametric) else lambda config: ()


OWN: dict[str, type[ModelLayer]] = {name: getattr(nn, name) for name in nn.__all__}
STORABLE: dict[str, Storable] = {
    name: Storable(layer, partial(recurrent.parameter_shapes, name)) for name, layer in LAYERS.items()
} | {name: Storable(layer, _own_shapes(layer)) for name, layer in OWN.items()}
