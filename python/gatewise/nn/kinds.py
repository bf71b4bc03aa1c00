"""Every kind of layer that a model can have, by the name under which files store it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..layers import LAYERS, CompiledLayer
from . import recurrent
from .base import ModelLayer, Parametric, Shape
from .dense import Linear
from .dropout import Dropout
from .embedding import Embedding
from .reducing import Flatten, LastStep, MeanOverSteps


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


OWN: tuple[type[ModelLayer], ...] = (Embedding, Dropout, Linear, LastStep, MeanOverSteps, Flatten)
KINDS: dict[str, Kind] = {
    name: Kind(layer, partial(recurrent.parameter_shapes, name)) for name, layer in LAYERS.items()
} | {layer.__name__: Kind(layer, _own_shapes(layer)) for layer in OWN}
