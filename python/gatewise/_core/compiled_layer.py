"""The calls of compiled layers: inference, forward with a tape, backpropagation through time, and streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from numpy.typing import ArrayLike

from .base import LayerBase
from .compiled import Compiled
from .gradients import Gradients
from .parameters import Array
from .state import State
from .stream import make_stream

if TYPE_CHECKING:
    from .extension import Stream, Tape


class CompiledLayer(Compiled, LayerBase):
    """The calls of the compiled layers.

    T steps, B sequences, I input features, H hidden units, P projected units, Y = P with a projection, else H; L
    layers, D directions.
    """

    def __call__(
        self,
        x: ArrayLike,
        state: State | None = None,
        *,
        lengths: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        resets: ArrayLike | None = None,
    ) -> tuple[Array, State]:
        """Run the layers over x, for inference.

        Dropout does not act, zoneout takes its expectation, and no tape is kept.

        Parameters
        ----------
        x : array_like of shape (T, B, I)
            The input; (B, T, I) with `batch_first`, (T, I) for a single sequence. It may be anything that NumPy
            converts to the layer's dtype by ``same_kind`` casting.
        state : ndarray or tuple of ndarray, optional
            The initial state: h of shape (L·D, B, Y), or (h, c) for an LSTM with c of shape (L·D, B, H); without B for
            a single sequence. Index l·D + d belongs to layer l and direction d. The default is zeros; either of
            (h, c) may be None as well.
        lengths : array_like of int of shape (B,), optional
            The number of valid steps of each sequence; one integer for a single sequence. At later steps the state
            does not change, y is 0 and x is not read. The default is all T.
        mask : array_like of bool of shape (T, B), optional
            Which steps are valid; laid out like x. At masked steps the state does not change, y repeats the last
            valid output (zeros before the first) and x is not read. It cannot be combined with `lengths`.
        resets : array_like of bool of shape (T, B), optional
            True where a new sequence begins, between t - 1 and t; laid out like x. The state is set to zero there.

        Returns
        -------
        y : ndarray of shape (T, B, D·Y)
            h of the last layer at every step, both directions concatenated; laid out like x.
        state : ndarray or tuple of ndarray
            The state after each sequence's last valid step, in the structure of the argument.

        Raises
        ------
        ValueError, TypeError
            If a shape, dtype or value is wrong; the message names the argument, what was expected and what was given.
        MemoryError
            If the sizes do not fit into memory.

        See Also
        --------
        forward : Run the layers for training.
        stream : Run the layers step by step.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> gru = gw.GRU(2, 3, seed=0)
        >>> y, h = gru(np.ones((5, 4, 2)), lengths=[5, 3, 1, 0])
        >>> y.shape, h.shape
        ((5, 4, 3), (1, 4, 3))
        """
        return self._ready().call(x, state, lengths, mask, resets)

    def forward(
        self,
        x: ArrayLike,
        state: State | None = None,
        *,
        lengths: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        resets: ArrayLike | None = None,
        checkpoint: int | Literal["sqrt"] | None = None,
        key: int | None = None,
    ) -> tuple[Array, State, Tape]:
        """Run the layers over x, for training.

        Dropout and zoneout act, and a tape keeps what `backward` needs. The arguments may be changed afterwards: the
        tape has copies. Without dropout and zoneout, y and the state are bit-identical to those of inference.

        Parameters
        ----------
        x : array_like of shape (T, B, I)
            The input, as for inference.
        state : ndarray or tuple of ndarray, optional
            The initial state, as for inference.
        lengths : array_like of int of shape (B,), optional
            The number of valid steps of each sequence, as for inference.
        mask : array_like of bool of shape (T, B), optional
            Which steps are valid, as for inference.
        resets : array_like of bool of shape (T, B), optional
            Where a new sequence begins, as for inference.
        checkpoint : int or "sqrt", optional
            Store the states only every k steps and recompute the rest in `backward`, with bit-identical results. An
            integer gives k; "sqrt" picks k so that memory beyond x and y grows with the square root of T. k is rounded
            up to a multiple of ceil(512 / B). `backward` then costs one more forward pass, and the tape has neither
            `cells` nor `gates`. The default keeps every step.
        key : int, optional
            0 to 2**64 - 1. Together with layer, direction, step, place in the batch and unit, the key decides what is
            dropped. The default is the next number of the layer's own generator.

        Returns
        -------
        y : ndarray of shape (T, B, D·Y)
            As for inference; read-only, since the tape reads it.
        state : ndarray or tuple of ndarray
            As for inference.
        tape : Tape
            Input of `backward`; it can be used more than once. See Notes.

        Raises
        ------
        ValueError, TypeError
            If a shape, dtype or value is wrong; the message names the argument, what was expected and what was given.
        MemoryError
            If the sizes do not fit into memory.

        See Also
        --------
        backward : Compute gradients from the tape.

        Notes
        -----
        ``tape.hidden``, of shape (T, L·D, B, Y), and for an LSTM ``tape.cells``, of shape (T, L·D, B, H), are h and c
        after every step. ``tape.gates``, of shape (G, T, L·D, B, H), are the activated gates: ``i, f, g, o =
        tape.gates`` or ``r, z, n = tape.gates``; for an RNN its h. All three are read-only, lack the axis B for a
        single sequence, and are 0 at steps that are not valid. If the layer is unidirectional and all steps are
        valid, they are views of the tape's memory (`hidden`: only with one layer); otherwise each access makes a copy.

        ``tape.nbytes`` is the tape's size and ``tape.key`` the key, or None if nothing was drawn. With checkpoints,
        lengths, masks and resets take up to 40 bytes per step, sequence and direction. A tape can be neither pickled
        nor copied.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> lstm = gw.LSTM(2, 3, seed=0)
        >>> y, (h, c), tape = lstm.forward(np.ones((5, 4, 2)))
        >>> tape.gates.shape
        (4, 5, 1, 4, 3)
        """
        steps, key = self._checkpoint_steps(checkpoint), self._dropout_key(key)
        return self._ready(once=True).forward(x, state, lengths, mask, resets, steps, key)

    def backward(
        self,
        tape: Tape,
        dy: ArrayLike | None = None,
        d_state: State | None = None,
        *,
        wrt_x: bool = True,
        steps: bool = False,
        into: Gradients | None = None,
    ) -> Gradients:
        """Compute the gradients of a loss by backpropagation through time.

        The gradients are exact, and taken at the parameters of the forward call: later changes do not matter.

        Parameters
        ----------
        tape : Tape
            From this layer's `forward`.
        dy : array_like of shape (T, B, D·Y), optional
            The gradient of the loss with respect to y. The default is zeros.
        d_state : ndarray or tuple of ndarray, optional
            The gradient with respect to the final state, in its structure; either of an LSTM's two may be None.
            The default is zeros.
        wrt_x : bool, default True
            Whether to compute the gradient of x. False saves one product.
        steps : bool, default False
            Whether to return the gradients of the states after every step too. See Notes.
        into : Gradients, optional
            Earlier gradients of this layer, or of one with the same parameters. The parameters' gradients are added to
            them in place. After an error they are unchanged. Only one thread at a time may use the same `into`.

        Returns
        -------
        Gradients
            ``.x`` like x (or None), ``.state`` like the initial state, ``.params[name]`` like each parameter, and
            ``.flat``, all parameters' gradients as one vector. With `into`, ``.params`` and ``.flat`` share the memory
            of `into`; the others belong to this call.

        Raises
        ------
        ValueError, TypeError
            If `tape` or `into` belongs to another layer, or a shape or dtype differs.
        MemoryError
            If the pass does not fit into memory.

        See Also
        --------
        forward : Run the layers and keep a tape.
        gradient_flow : Draw how gradients vanish over the steps.

        Notes
        -----
        With `steps`, ``.h_steps`` has the shape (T, L·D, B, Y) and, for an LSTM, ``.c_steps`` (T, L·D, B, H), whatever
        `batch_first` is; without B for a single sequence. ``h_steps[t]`` is the total gradient that reaches h_t: from
        its output (with a mask, also from outputs that repeat it) and from the steps after it in the direction's
        order. ``c_steps[t]`` leaves out the path from c_t through h_t, which h_steps counts. Both are 0 at steps that
        are not valid.

        References
        ----------
        Werbos, P. J. (1990). Backpropagation through time: what it does and how to do it. Proceedings of the IEEE 78.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> lstm = gw.LSTM(3, 4, seed=0)
        >>> y, state, tape = lstm.forward(np.ones((5, 2, 3)))
        >>> grads = lstm.backward(tape, dy=np.ones_like(y))
        >>> grads.x.shape, grads.params["weight_ih_l0"].shape
        ((5, 2, 3), (16, 3))

        The gradient of the final h vanishes towards the first step:

        >>> grads = lstm.backward(tape, d_state=(np.ones((1, 2, 4)), None), steps=True)
        >>> print(np.linalg.norm(grads.h_steps[:, 0], axis=(1, 2)).round(2))
        [0.11 0.18 0.32 0.73 2.83]
        """
        self._require_into(into)
        d_x, d_initial, flat, *by_step = self._core.backward(tape, dy, d_state, wrt_x, steps)
        return self._gradients(d_x, d_initial, flat, tuple(one for one in by_step if one is not None), into)

    def stream(self, batch_size: int | None = 1) -> Stream:
        """Start step-by-step inference with a state of its own.

        The stream uses a snapshot of the current weights. However a sequence is cut into steps and blocks, the results
        are bit-identical to those of one call of the layer.

        Parameters
        ----------
        batch_size : int or None, default 1
            The number of sequences in each step, B. None means one sequence without a batch axis.

        Returns
        -------
        Stream
            ``stream.step(x_t, out=None)`` takes (B, I) to (B, Y). ``stream.run(x)`` takes a block of steps, laid out
            like the layer's x. ``stream.reset(rows=None)`` sets all states, or those of some rows, to zero.
            ``stream.state`` can be read and assigned. ``stream.reload()`` takes the layer's current weights. One thread
            at a time may use a stream. It can be pickled and copied.

        Raises
        ------
        ValueError, TypeError
            If the layer is bidirectional, or the batch size is not an integer >= 1.

        See Also
        --------
        Sequential.stream : Start step-by-step prediction with a whole model.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> stream = gw.GRU(2, 3, seed=0).stream(batch_size=None)
        >>> stream.step(np.zeros(2)).shape
        (3,)
        """
        return make_stream(self, batch_size)
