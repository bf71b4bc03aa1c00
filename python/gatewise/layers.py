"""The layers, one for each kind of cell."""

from __future__ import annotations

from ._core.declaration import Kind
from ._core.kinds.gru import GRU
from ._core.kinds.lstm import LSTM
from ._core.kinds.rnn import RNN

__all__ = ["GRU", "LSTM", "RNN"]

LAYERS: dict[str, type[RNN] | type[LSTM] | type[GRU]] = {layer.kind.name: layer for layer in (RNN, LSTM, GRU)}
"""The layer of each kind of cell, by the kind's name."""
KINDS: dict[str, Kind] = {name: layer.kind for name, layer in LAYERS.items()}
"""The declaration of each kind of cell."""
