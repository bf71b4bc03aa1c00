"""Make a stream of a layer, and restore one from a pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import dispatch
from .checks import checked_size
from .compiled import Compiled
from .parameters import Array

if TYPE_CHECKING:
    from .extension import Stream


def make_stream(layer: Compiled, batch_size: int | None, arrays: list[Array] | None = None) -> Stream:
    """A stream of this layer; `arrays` are its parameters, in ``state_dict()``'s order, by default the current ones."""
    if layer._options.bidirectional:
        raise ValueError("stream: expected a unidirectional layer, got one that also reads sequences from their ends")
    size = None if batch_size is None else checked_size("batch_size", batch_size, 1)
    kind = dispatch.extension.Float32Stream if layer.dtype.itemsize == 4 else dispatch.extension.Float64Stream
    snapshot = layer.params.copies
    return kind.make(layer, layer._core, size, snapshot, rebuild_stream, snapshot() if arrays is None else arrays)


def rebuild_stream(layer: Compiled, batch_size: int | None, arrays: list[Array], state: Any) -> Stream:
    """Restore a stream from a pickle or a copy."""
    stream = make_stream(layer, batch_size, arrays)
    stream.state = state
    return stream
