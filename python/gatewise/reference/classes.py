"""The layers and cells by name."""

from __future__ import annotations

from .._core.kinds.gru import GRUCellBase, GRULayerBase
from .._core.kinds.lstm import LSTMCellBase, LSTMLayerBase
from .._core.kinds.rnn import RNNCellBase, RNNLayerBase
from .layers import ReferenceLayer
from .single import ReferenceCell

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]


class RNN(RNNLayerBase, ReferenceLayer):
    """A vanilla recurrent network; arguments, names and shapes are those of ``gatewise.RNN``.

    >>> import numpy as np
    >>> from gatewise import reference
    >>> rnn = reference.RNN(2, 3, seed=0)
    >>> y, h = rnn(np.zeros((5, 4, 2)))
    >>> y.shape, h.shape
    ((5, 4, 3), (1, 4, 3))
    """


class LSTM(LSTMLayerBase, ReferenceLayer):
    """Long short-term memory; arguments, names and shapes are those of ``gatewise.LSTM``.

    >>> import numpy as np
    >>> from gatewise import reference
    >>> lstm = reference.LSTM(2, 3, bidirectional=True, seed=0)
    >>> y, (h, c), tape = lstm.forward(np.zeros((5, 4, 2)), lengths=[5, 3, 0, 1])
    >>> y.shape, h.shape, c.shape
    ((5, 4, 6), (2, 4, 3), (2, 4, 3))
    >>> grads = lstm.backward(tape, dy=np.ones((5, 4, 6)))
    >>> grads.x.shape, grads.params["weight_hh_l0_reverse"].shape
    ((5, 4, 2), (12, 3))
    """


class GRU(GRULayerBase, ReferenceLayer):
    """Gated recurrent units; arguments, names and shapes are those of ``gatewise.GRU``.

    >>> import numpy as np
    >>> from gatewise import reference
    >>> gru = reference.GRU(2, 3, reset_after=False, seed=0)
    >>> y, h = gru(np.zeros((5, 2)))
    >>> y.shape, h.shape
    ((5, 3), (1, 3))
    """


class RNNCell(RNNCellBase, ReferenceCell):
    """One step of a vanilla recurrent network.

    >>> from gatewise import reference
    >>> reference.RNNCell(2, 3, seed=0)([0.0, 1.0]).shape
    (3,)
    """


class LSTMCell(LSTMCellBase, ReferenceCell):
    """One step of long short-term memory, with or without peepholes.

    >>> from gatewise import reference
    >>> h, c = reference.LSTMCell(2, 3, seed=0)([[0.0, 1.0]])
    >>> h.shape, c.shape
    ((1, 3), (1, 3))
    """


class GRUCell(GRUCellBase, ReferenceCell):
    """One step of a gated recurrent unit, its reset gate after or before the recurrent product.

    >>> from gatewise import reference
    >>> reference.GRUCell(2, 3, seed=0)([[0.0, 1.0]]).shape
    (1, 3)
    """
