"""The kinds of cells."""

from ..declaration import Kind
from .gru import GRU
from .lstm import LSTM
from .rnn import RNN

KINDS: dict[str, Kind] = {kind.name: kind for kind in (RNN, LSTM, GRU)}
"""Every kind by its name."""
