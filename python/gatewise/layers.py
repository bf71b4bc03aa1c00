"""RNN, LSTM and GRU layers: inference, forward with a tape, backpropagation through time, and streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from numpy.typing import ArrayLike

from ._core.base import LayerBase
from ._core.compiled import Compiled
from ._core.declaration import Kind
from ._core.gradients import Gradients
from ._core.kinds.gru import GRULayerBase
from ._core.kinds.lstm import LSTMLayerBase
from ._core.kinds.rnn import RNNLayerBase
from ._core.parameters import Array
from ._core.state import State
from ._core.stream import make_stream

if TYPE_CHECKING:
    from ._core.extension import Stream, Tape


__all__ = ["GRU", "LSTM", "RNN"]


class CompiledLayer(Compiled, LayerBase):
    """How the layers are called. T steps, B sequences, I input features, H hidden units, P projected units, Y = P with
    a projection, else H; L layers, D directions."""

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

        Nothing is dropped and nothing is kept for a backward pass; zoneout takes its expectation.

        Parameters
        ----------
        x : array_like of shape (T, B, I)
            The input; (B, T, I) with `batch_first`, (T, I) for a single sequence. It may be anything that NumPy
            converts to the layer's dtype by ``same_kind`` casting.
        state : ndarray or tuple of ndarray, optional
            The initial state: h of shape (L·D, B, Y), or (h, c) for an LSTM with c of shape (L·D, B, H); without B for
            a single sequence. Index l·D + d belongs to layer l and direction d. The default is zeros, also for either
            half of (h, c).
        lengths : array_like of int of shape (B,), optional
            The number of valid steps of each sequence; one integer for a single sequence. At later steps the state
            stays, y is 0 and x is not read. The default is all T.
        mask : array_like of bool of shape (T, B), optional
            Which steps are valid; laid out like x. At masked steps the state stays, y repeats the last valid output
            (zeros before the first) and x is not read. Excludes `lengths`.
        resets : array_like of bool of shape (T, B), optional
            Where a new sequence begins, between t - 1 and t; laid out like x. The state is set to zero there.

        Returns
        -------
        y : ndarray of shape (T, B, D·Y)
            h of the last layer at every step, both directions side by side; laid out like x.
        state : ndarray or tuple of ndarray
            The state after each sequence's last valid step, in the structure of the argument.

        Raises
        ------
        ValueError, TypeError
            If a shape, dtype or value differs; the message names the argument, what was expected and what came.
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
            If a shape, dtype or value differs; the message names the argument, what was expected and what came.
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
        single sequence, and are 0 at steps that are not valid. They are views of the tape's memory where one direction
        has only valid steps (`hidden`: with one layer only); otherwise each access makes a copy.

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
            The gradient with respect to the final state, in its structure; either half of an LSTM's may be None. The
            default is zeros.
        wrt_x : bool, default True
            Whether to compute the gradient of x. False saves one product.
        steps : bool, default False
            Whether to return the gradients of the states after every step too. See Notes.
        into : Gradients, optional
            Earlier gradients of this layer, or of one with the same parameters. The parameters' gradients are added to
            them in place, whole or, after an error, not at all. Only one thread at a time may do so.

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
            The number of sequences that step together, B. None means one sequence without a batch axis.

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


class RNN(RNNLayerBase, CompiledLayer):
    """A vanilla recurrent network.

    h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or with another activation than tanh. Parameters have PyTorch's names and
    shapes: ``weight_ih_l0``, ``weight_hh_l0``, ``bias_ih_l0``, ``bias_hh_l0``, and so on.

    Parameters
    ----------
    input_size : int
        The number of input features, I.
    hidden_size : int
        The number of hidden units, H.
    num_layers : int, default 1
        The number of stacked layers, L. Each reads the output of the one before.
    bias : bool, default True
        Whether there are bias vectors.
    batch_first : bool, default False
        Whether x and y are (B, T, features) instead of (T, B, features).
    dropout : float, default 0.0
        The probability with which `forward` drops an element between two layers. No effect with one layer.
    bidirectional : bool, default False
        Whether a second direction reads the sequences from their ends. Its outputs stand beside the first's.
    nonlinearity : str or tuple, default "tanh"
        The activation: a name, or (name, alpha[, beta]). See Notes.
    recurrent_dropout : float, default 0.0
        The probability with which `forward` hides a unit of h from W_hh; the rest are scaled by 1/(1 - p). One mask
        serves all steps of a sequence, whatever `resets` cut, and all gates (Keras has one mask per gate). Uses of h
        outside the recurrent product are not masked.
    zoneout : float, default 0.0
        The probability p with which a unit of h keeps its value at a step of `forward`. Inference, streams included,
        takes the expectation p h + (1 - p) h'.
    clip : float, optional
        Pre-activations are first clipped to [-clip, clip], as by ONNX's attribute of that name. The gradient is 0
        beyond. The default is no bound.
    dtype : dtype_like, default float32
        The type of parameters and results: float32 or float64.
    seed : int, numpy.random.Generator or None, default None
        Makes initial values, dropout and zoneout reproducible; what ``numpy.random.default_rng`` takes.

    See Also
    --------
    LSTM : Long short-term memory, which learns longer dependencies.
    GRU : Gated recurrent units.
    RNNCell : One step of an RNN.

    Notes
    -----
    An activation is a name, or (name, alpha) or (name, alpha, beta). What you leave out has ONNX's default:

    - "linear": a; "affine": alpha a + beta (1, 0);
    - "tanh"; "scaled_tanh": alpha tanh(beta a) (1, 1); "softsign": a / (1 + ``|a|``);
    - "sigmoid"; "hard_sigmoid": alpha a + beta, clipped to [0, 1] (0.2, 0.5);
    - "relu": max(a, 0); "leaky_relu": a, or alpha a where a < 0 (0.01); "elu": a, or alpha (e^a - 1) where a < 0 (1);
      "thresholded_relu": a, or 0 where a <= alpha (1); "softplus": log(1 + e^a).

    A bare "hard_sigmoid" is that of ONNX and Keras 2; Keras 3's relu6(a + 3) / 6 is ("hard_sigmoid", 1 / 6, 0.5). Where
    two pieces meet, the slope is that of the left piece; at both corners of hard_sigmoid it is 0.

    References
    ----------
    Elman, J. L. (1990). Finding structure in time. Cognitive Science 14.

    Gal, Y. and Ghahramani, Z. (2016). A theoretically grounded application of dropout in recurrent neural networks.

    Krueger, D. et al. (2017). Zoneout: regularizing RNNs by randomly preserving hidden activations.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> rnn = gw.RNN(2, 3, num_layers=2, seed=0)
    >>> y, h = rnn(np.zeros((5, 4, 2)))
    >>> y.shape, h.shape
    ((5, 4, 3), (2, 4, 3))
    """


class LSTM(LSTMLayerBase, CompiledLayer):
    """Long short-term memory.

    The gates i, f, g, o stand in PyTorch's order: c' = f c + i g, h' = o tanh c'. Parameters have PyTorch's names and
    shapes.

    Parameters
    ----------
    input_size : int
        The number of input features, I.
    hidden_size : int
        The number of hidden units, H.
    num_layers : int, default 1
        The number of stacked layers, L.
    bias : bool, default True
        Whether there are bias vectors.
    batch_first : bool, default False
        Whether x and y are (B, T, features) instead of (T, B, features).
    dropout : float, default 0.0
        The probability with which `forward` drops an element between two layers.
    bidirectional : bool, default False
        Whether a second direction reads the sequences from their ends.
    proj_size : int, default 0
        P. If it is not 0, h' = W_hr (o tanh c') has P features.
    peephole : bool, default False
        Whether i and f see c, and o sees c'; adds ``weight_peephole_l0`` of shape (3, H), rows i, f, o.
    recurrent_dropout : float, default 0.0
        The probability with which `forward` hides a unit of h from W_hh, as for `RNN`.
    zoneout : float or tuple of float, default (0.0, 0.0)
        The probabilities with which units of h and of c keep their values at a step, as for `RNN`; one number stands
        for both. o and h' are computed from the c' before zoneout, as published; with a projection, zoneout acts on
        the projected h.
    activations : sequence of str or tuple, optional
        Three activations, in the forms that `RNN` lists: of the gates i, f and o, of the candidate g, and of c' on its
        way to h'. The default is ("sigmoid", "tanh", "tanh"); Keras 2's is
        (("hard_sigmoid", 0.2, 0.5), "tanh", "tanh").
    clip : float, optional
        Bound for the pre-activations of the gates and of g, peephole terms included; as in ONNX Runtime, c' is not
        clipped.
    input_forget : bool, default False
        Whether f = 1 - i, as with ONNX's attribute of that name; the forget-gate parameters exist but are unused.
    dtype : dtype_like, default float32
        The type of parameters and results: float32 or float64.
    seed : int, numpy.random.Generator or None, default None
        Makes initial values, dropout and zoneout reproducible; what ``numpy.random.default_rng`` takes.

    See Also
    --------
    GRU : Gated recurrent units, with fewer parameters.
    LSTMCell : One step of an LSTM.

    References
    ----------
    Hochreiter, S. and Schmidhuber, J. (1997). Long short-term memory. Neural Computation 9.

    Gers, F. A., Schmidhuber, J. and Cummins, F. (2000). Learning to forget: continual prediction with LSTM.

    Gers, F. A., Schraudolph, N. and Schmidhuber, J. (2002). Learning precise timing with LSTM recurrent networks.

    Sak, H., Senior, A. and Beaufays, F. (2014). Long short-term memory recurrent neural network architectures for
    large scale acoustic modeling.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> lstm = gw.LSTM(2, 3, bidirectional=True, seed=0)
    >>> y, (h, c) = lstm(np.zeros((5, 4, 2)), lengths=[5, 3, 0, 1])
    >>> y.shape, h.shape, c.shape
    ((5, 4, 6), (2, 4, 3), (2, 4, 3))
    """


class GRU(GRULayerBase, CompiledLayer):
    """Gated recurrent units.

    The gates r, z, n stand in PyTorch's order: h' = (1 - z) n + z h. Parameters have PyTorch's names and shapes.

    Parameters
    ----------
    input_size : int
        The number of input features, I.
    hidden_size : int
        The number of hidden units, H.
    num_layers : int, default 1
        The number of stacked layers, L.
    bias : bool, default True
        Whether there are bias vectors.
    batch_first : bool, default False
        Whether x and y are (B, T, features) instead of (T, B, features).
    dropout : float, default 0.0
        The probability with which `forward` drops an element between two layers.
    bidirectional : bool, default False
        Whether a second direction reads the sequences from their ends.
    reset_after : bool, default True
        Whether the reset gate acts after the recurrent product, n = tanh(x_n + r (W_hn h + b_hn)), as in PyTorch and
        cuDNN, or before it, n = tanh(x_n + W_hn (r h) + b_hn), as published.
    recurrent_dropout : float, default 0.0
        The probability with which `forward` hides a unit of h, as for `RNN`. It acts on the h of every product, also on
        that of r h, but not on the h of z h; so it does in Keras.
    zoneout : float, default 0.0
        The probability with which a unit of h keeps its value at a step, as for `RNN`.
    activations : sequence of str or tuple, optional
        Two activations, in the forms that `RNN` lists: of the gates r and z, and of the candidate n. The default is
        ("sigmoid", "tanh").
    clip : float, optional
        Bound for the pre-activations of the gates and of n, as for `RNN`.
    dtype : dtype_like, default float32
        The type of parameters and results: float32 or float64.
    seed : int, numpy.random.Generator or None, default None
        Makes initial values, dropout and zoneout reproducible; what ``numpy.random.default_rng`` takes.

    See Also
    --------
    LSTM : Long short-term memory.
    GRUCell : One step of a GRU.

    References
    ----------
    Cho, K. et al. (2014). Learning phrase representations using RNN encoder-decoder for statistical machine
    translation.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> gru = gw.GRU(2, 3, batch_first=True, seed=0)
    >>> y, h = gru(np.zeros((4, 5, 2)))
    >>> y.shape, h.shape
    ((4, 5, 3), (1, 4, 3))
    """


LAYERS: dict[str, type[RNN] | type[LSTM] | type[GRU]] = {layer.kind.name: layer for layer in (RNN, LSTM, GRU)}
"""The layer of each kind of cell, by the kind's name."""
KINDS: dict[str, Kind] = {name: layer.kind for name, layer in LAYERS.items()}
"""The declaration of each kind of cell."""
