"""The gradients that `backward` returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .parameters import Array, Pieces, convert
from .state import State


class Gradients:
    """The gradients of a loss, as a layer's or a model's `backward` returns them.

    Writing into `params` or `flat`, in place or by assignment, writes into both. Gradients can be pickled and copied.

    Parameters
    ----------
    x : ndarray or None
        The gradient of the input.
    state : ndarray, tuple of ndarray or None
        The gradient of the initial state.
    flat : ndarray
        The gradients of all parameters as one vector.
    shapes : mapping of str to tuple of int
        The names and shapes of the parameters, in the order of `flat`.
    steps : tuple of ndarray, optional
        The gradients of the states after every step, one array for each state.

    Attributes
    ----------
    x : ndarray or None
        The gradient of the input, laid out like it; None with ``wrt_x=False``.
    state : ndarray or tuple of ndarray
        The gradient of the initial state: h, or (h, c) for an LSTM.
    params : mapping of str to ndarray
        Name to gradient, with exactly the keys of ``state_dict()``; views of `flat`.
    h_steps, c_steps : ndarray or None
        With ``steps=True`` the gradients of h, of shape (T, L·D, B, Y), and of an LSTM's c, of shape (T, L·D, B, H),
        after every step; otherwise None.

    See Also
    --------
    LSTM.backward : Compute gradients.
    gradient_flow : Draw how gradients vanish over the steps.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> rnn = gw.RNN(2, 3, seed=0)
    >>> y, _, tape = rnn.forward(np.ones((5, 4, 2)))
    >>> grads = rnn.backward(tape, dy=y)
    >>> grads.flat *= min(1.0, 5.0 / np.linalg.norm(grads.flat))  # clip by the norm
    >>> rnn.params.flat -= 0.1 * grads.flat
    """

    def __init__(
        self,
        x: Array | None,
        state: State,
        flat: Array,
        shapes: Mapping[str, tuple[int, ...]],
        steps: tuple[Array, ...] = (),
    ) -> None:
        self.x = x
        self.state = state
        self.params = Pieces(flat, shapes)
        self._flat = flat
        self._steps = steps
        self.h_steps, self.c_steps = (*steps, None, None)[:2]

    @property
    def flat(self) -> Array:
        """The gradients of all parameters as one vector.

        The order is that of ``state_dict()`` and of ``params.flat``. Assigning a vector copies its values.

        See Also
        --------
        Gradients : What else `backward` returns.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> gru = gw.GRU(2, 3, seed=0)
        >>> y, _, tape = gru.forward(np.ones((5, 4, 2)))
        >>> gru.backward(tape, dy=y).flat.shape == gru.params.flat.shape
        True
        """
        return self._flat

    @flat.setter
    def flat(self, vector: Any) -> None:
        if vector is not self._flat:  # as after `grads.flat *= 2`
            self._flat[...] = convert("flat", vector, self._flat.dtype, self._flat.shape)

    def __repr__(self) -> str:
        return f"Gradients(x={self.x!r}, state={self.state!r}, params={self.params!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # The vector alone: the copy's `params` are views of it again.
        return Gradients, (self.x, self.state, self._flat, self.params.shapes, self._steps)
