"""The call of compiled cells: one step."""

from __future__ import annotations

from numpy.typing import ArrayLike

from .base import CellBase
from .compiled import Compiled
from .state import State


class CompiledCell(Compiled, CellBase):
    """The call of the compiled cells."""

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
            If a shape or dtype is wrong; the message names the argument, what was expected and what was given.

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
