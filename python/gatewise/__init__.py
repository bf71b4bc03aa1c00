"""gatewise: recurrent networks (RNN, LSTM, GRU) on the CPU, forward and backward, with the same bits every time.

>>> import numpy as np, gatewise as gw
>>> lstm = gw.LSTM(input_size=3, hidden_size=8, seed=0)
>>> y, (h, c), tape = lstm.forward(np.zeros((20, 4, 3)))  # (T, B, I)
>>> grads = lstm.backward(tape, dy=np.ones_like(y))
>>> sorted(grads.params) == sorted(lstm.state_dict())
True
"""

from . import reference
from ._config import get_num_threads, set_num_threads, show_config, threads
from ._dispatch import core as _core
from ._layer import Gradients
from .cells import GRUCell, LSTMCell, RNNCell
from .layers import GRU, LSTM, RNN

__version__ = _core.version

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "GRUCell",
    "Gradients",
    "LSTMCell",
    "RNNCell",
    "get_num_threads",
    "reference",
    "set_num_threads",
    "show_config",
    "threads",
]
