"""RNNCell, LSTMCell and GRUCell: a single step, to be called in a loop of one's own."""

from __future__ import annotations

from numpy.typing import ArrayLike

from ._core.base import State
from ._core.compiled import Compiled
from ._core.constructors import GRUCellOptions, LSTMCellOptions, RNNCellOptions


class CompiledCell(Compiled):
    """How the cells are called."""

    def __call__(self, x: ArrayLike, state: State | None = None) -> State:
        """The state after one more step.

        Parameters
        ----------
        x : (B, I), or (I,) for a single sequence.
        state : h (B, H), for an LSTM (h, c); without B for a single sequence. Default: zeros.

        Returns
        -------
        state : as the argument, new.

        Raises
        ------
        ValueError, TypeError : a shape or dtype is not as above; the message names argument, expected and got.
        """
        return self._ready().step(x, state)


class RNNCell(RNNCellOptions, CompiledCell):
    """One step of `RNN`, with its `nonlinearity` and `clip`; parameters ``weight_ih``, ``weight_hh``, ``bias_ih``,
    ``bias_hh``, as in PyTorch.

    >>> import numpy as np, gatewise as gw
    >>> gw.RNNCell(2, 3, seed=0)(np.zeros((4, 2))).shape
    (4, 3)
    """


class LSTMCell(LSTMCellOptions, CompiledCell):
    """One step of `LSTM`, with its `activations`, `clip` and `input_forget`; parameters as in PyTorch, and
    ``weight_peephole`` with peepholes.

    >>> import numpy as np, gatewise as gw
    >>> h, c = gw.LSTMCell(2, 3, seed=0)(np.zeros(2))
    >>> h.shape, c.shape
    ((3,), (3,))
    """


class GRUCell(GRUCellOptions, CompiledCell):
    """One step of `GRU`, with its `activations` and `clip`; parameters as in PyTorch.

    >>> import numpy as np, gatewise as gw
    >>> gw.GRUCell(2, 3, seed=0)(np.zeros((4, 2))).shape
    (4, 3)
    """
