"""Joins layers to a model: each must belong to this model only, and be able to read the output of the one before."""

from __future__ import annotations

import copy
from typing import Any

from .._core.compiled_layer import CompiledLayer
from ..layers import LAYERS
from .base import ModelLayer
from .flow import VECTORS, DataShape
from .recurrent import RecurrentLayer


def as_model_layer(index: int, layer: Any) -> ModelLayer:
    """Return the layer as a model's own."""
    if isinstance(layer, CompiledLayer):
        own: ModelLayer = RecurrentLayer(layer)
    elif isinstance(layer, ModelLayer):
        # A layer without parameters may be in several models. Each has a copy, since `bind` may change the layer.
        own = layer if layer.shapes else copy.copy(layer)
    else:
        raise TypeError(f"layers: expected layers of gatewise, got {type(layer).__name__} as layer {index}")
    if own.bound:
        raise ValueError(
            f"layer {index}, {layer!r}: already belongs to another model or adopted arrays; pass copy.deepcopy(layer)"
        )
    return own


def flows_through(layers: list[ModelLayer]) -> list[DataShape]:
    """Return the input of the first layer, and the output of each layer."""
    first = layers[0].first_flow()
    if first is None:
        raise ValueError(
            f"layer 0, {layers[0]!r}: expected Embedding, {', '.join(LAYERS)} or Linear, which determine the size of "
            "the input"
        )
    flows = [first]
    for index, layer in enumerate(layers):
        try:
            flows.append(layer.flow(flows[-1]))
        except ValueError as error:
            raise ValueError(
                f"layer {index}, {layer!r}: expected {error}, got {flows[-1]}{_reason(str(error), flows, layers)}"
            ) from None
    return flows


def _reason(expected: str, flows: list[DataShape], layers: list[ModelLayer]) -> str:
    """Return which layer turned sequences into vectors, if the next one expected sequences."""
    if flows[-1].kind != VECTORS or "sequences" not in expected:
        return ""
    index = next(index for index, flow in enumerate(flows) if flow.kind == VECTORS) - 1
    return f": layer {index}, {layers[index]!r}, has dropped the time axis"
