"""Every kind of layer that a model can have, by the name under which files store it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from .. import nn
from ..layers import LAYERS, CompiledLayer
from . import recurrent
from .base import ModelLayer, Parametric, Shape


@dataclass(frozen=True)
class Kind:
    """A kind of layer.

    make : makes a layer from its configuration.
    parameter_shapes : yields name and shape of each parameter that a layer of this configuration has.
    """

    make: Callable[..., CompiledLayer | ModelLayer]
    parameter_shapes: Callable[[Mapping[str, Any]], Iterable[tuple[str, Shape]]]


def _own_shapes(layer: type[ModelLayer]) -> Callable[[Mapping[str, Any]], Iterable[tuple[str, Shape]]]:
    return layer.parameter_shapes if issubclass(layer, Parametric) else lambda config: ()


OWN: dict[str, type[ModelLayer]] = {name: getattr(nn, name) for name in nn.__all__}
KINDS: dict[str, Kind] = {
    name: Kind(layer, partial(recurrent.parameter_shapes, name)) for name, layer in LAYERS.items()
} | {name: Kind(layer, _own_shapes(layer)) for name, layer in OWN.items()}
