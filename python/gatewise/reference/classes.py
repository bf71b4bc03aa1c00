"""The layers and cells by name."""

from __future__ import annotations

from .. import cells, layers
from .._core.kinds.gru import GRUCellBase, GRULayerBase
from .._core.kinds.lstm import LSTMCellBase, LSTMLayerBase
from .._core.kinds.rnn import RNNCellBase, RNNLayerBase
from .documentation import documented_as
from .layers import ReferenceLayer
from .single import ReferenceCell

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]
NOTE = "This is the reference in plain NumPy: slower, and written to be read."


@documented_as(layers.RNN, NOTE)
class RNN(RNNLayerBase, ReferenceLayer):
    pass


@documented_as(layers.LSTM, NOTE)
class LSTM(LSTMLayerBase, ReferenceLayer):
    pass


@documented_as(layers.GRU, NOTE)
class GRU(GRULayerBase, ReferenceLayer):
    pass


@documented_as(cells.RNNCell, NOTE)
class RNNCell(RNNCellBase, ReferenceCell):
    pass


@documented_as(cells.LSTMCell, NOTE)
class LSTMCell(LSTMCellBase, ReferenceCell):
    pass


@documented_as(cells.GRUCell, NOTE)
class GRUCell(GRUCellBase, ReferenceCell):
    pass
