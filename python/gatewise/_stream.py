"""How a stream is made, and made again from a pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _dispatch
from ._options import checked_size
from ._parameters import Array

if TYPE_CHECKING:
    from ._core import Stream
    from .layers import CompiledLayers


def make(layer: CompiledLayers, arrays: list[Array], batch_size: int | None) -> Stream:
    """A stream of this layer with these parameters, in state_dict's order."""
    if layer.bidirectional:
        raise ValueError("stream: expected a layer of one direction, got a bidirectional one: its end is not known")
    size = None if batch_size is None else checked_size("batch_size", batch_size, 1)
    module = _dispatch.core
    chosen = module.Float32Stream if layer.dtype.itemsize == 4 else module.Float64Stream
    return chosen.make(layer, layer._core, arrays, size)


def rebuild(layer: CompiledLayers, batch_size: int | None, arrays: list[Array], state: Any) -> Stream:
    """What a pickle or a copy calls."""
    stream = make(layer, arrays, batch_size)
    stream.state = state
    return stream
