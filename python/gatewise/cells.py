"""The cells, one for each kind: they run a single step, for loops of your own."""

from __future__ import annotations

from ._core.kinds.gru import GRUCell
from ._core.kinds.lstm import LSTMCell
from ._core.kinds.rnn import RNNCell

__all__ = ["GRUCell", "LSTMCell", "RNNCell"]

CELLS: dict[str, type[RNNCell] | type[LSTMCell] | type[GRUCell]] = {
    cell.kind.name: cell for cell in (RNNCell, LSTMCell, GRUCell)
}
"""The single-step class of each kind of cell, by the kind's name."""
