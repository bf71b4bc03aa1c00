"""RNNCell, LSTMCell and GRUCell: one step at a time, for loops of your own."""

from __future__ import annotations

from numpy.typing import ArrayLike

from ._core.compiled import Compiled
from ._core.kinds.gru import GRUCellBase
from ._core.kinds.lstm import LSTMCellBase
from ._core.kinds.rnn import RNNCellBase
from ._core.state import State

__all__ = ["GRUCell", "LSTMCell", "RNNCell"]


class CompiledCell(Compiled):
    """How the cells are called."""

    def __call__(self, x: ArrayLike, state: State | None = None) -> State:
        """Return the state after one more step.

        Parameters
        ----------
        x : array_like of shape (B, I) or (I,)
            The input of this step; (I,) for a single sequence.
        state : ndarray or tuple of ndarray, optional
            h of shape (B, H), or (h, c) for an LSTM; without B for a single sequence. The default is zeros.

        Returns
        -------
        ndarray or tuple of ndarray
            The new state, in the structure of the argument.

        Raises
        ------
        ValueError, TypeError
            If a shape or dtype differs; the message names the argument, what was expected and what came.

        See Also
        --------
        LSTM.stream : Keep the state and the packed weights between steps, which is faster.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> cell, h = gw.GRUCell(2, 3, seed=0), None
        >>> for x_t in np.zeros((5, 4, 2)):
        ...     h = cell(x_t, h)
        >>> h.shape
        (4, 3)
        """
        return self._ready().step(x, state)


class RNNCell(RNNCellBase, CompiledCell):
    """One step of a vanilla recurrent network.

    The parameters are ``weight_ih``, ``weight_hh``, ``bias_ih`` and ``bias_hh``, as in PyTorch.

    Parameters
    ----------
    input_size : int
        The number of input features, I.
    hidden_size : int
        The number of hidden units, H.
    bias : bool, default True
        Whether there are bias vectors.
    nonlinearity : str or tuple, default "tanh"
        The activation, as for `RNN`.
    clip : float, optional
        Bound for the pre-activation, as for `RNN`.
    dtype : dtype_like, default float32
        The type of parameters and results: float32 or float64.
    seed : int, numpy.random.Generator or None, default None
        Makes the initial values reproducible.

    See Also
    --------
    RNN : The layer over whole sequences.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> gw.RNNCell(2, 3, seed=0)(np.zeros((4, 2))).shape
    (4, 3)
    """


class LSTMCell(LSTMCellBase, CompiledCell):
    """One step of long short-term memory.

    The parameters are those of PyTorch, and ``weight_peephole`` with peepholes.

    Parameters
    ----------
    input_size : int
        The number of input features, I.
    hidden_size : int
        The number of hidden units, H.
    bias : bool, default True
        Whether there are bias vectors.
    peephole : bool, default False
        Whether the gates see the cell state, as for `LSTM`.
    activations : sequence of str or tuple, optional
        The activations of gates, candidate and cell, as for `LSTM`.
    clip : float, optional
        Bound for the pre-activations, as for `LSTM`.
    input_forget : bool, default False
        Whether the forget gate is 1 - i, as for `LSTM`.
    dtype : dtype_like, default float32
        The type of parameters and results: float32 or float64.
    seed : int, numpy.random.Generator or None, default None
        Makes the initial values reproducible.

    See Also
    --------
    LSTM : The layer over whole sequences.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> h, c = gw.LSTMCell(2, 3, seed=0)(np.zeros(2))
    >>> h.shape, c.shape
    ((3,), (3,))
    """


class GRUCell(GRUCellBase, CompiledCell):
    """One step of a gated recurrent unit.

    The parameters are those of PyTorch.

    Parameters
    ----------
    input_size : int
        The number of input features, I.
    hidden_size : int
        The number of hidden units, H.
    bias : bool, default True
        Whether there are bias vectors.
    reset_after : bool, default True
        Whether the reset gate acts after the recurrent product, as for `GRU`.
    activations : sequence of str or tuple, optional
        The activations of gates and candidate, as for `GRU`.
    clip : float, optional
        Bound for the pre-activations, as for `GRU`.
    dtype : dtype_like, default float32
        The type of parameters and results: float32 or float64.
    seed : int, numpy.random.Generator or None, default None
        Makes the initial values reproducible.

    See Also
    --------
    GRU : The layer over whole sequences.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> gw.GRUCell(2, 3, seed=0)(np.zeros((4, 2))).shape
    (4, 3)
    """


CELLS: dict[str, type[RNNCell] | type[LSTMCell] | type[GRUCell]] = {
    cell.kind.name: cell for cell in (RNNCell, LSTMCell, GRUCell)
}
"""The class of each kind of cell."""
