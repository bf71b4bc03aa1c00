"""RNN, LSTM and GRU layers: inference, forward with a tape, backpropagation through time, and streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from numpy.typing import ArrayLike

from ._core.base import Gradients, LayerBase, State
from ._core.compiled import Compiled
from ._core.constructors import GRUOptions, LSTMOptions, RNNOptions
from ._core.parameters import Array
from ._core.stream import make_stream

if TYPE_CHECKING:
    from ._core.extension import Stream, Tape


class CompiledLayers(Compiled, LayerBase):
    """How the layers are called. T steps, B sequences, I features, H hidden units, Y = proj_size or H, L layers,
    D directions."""

    def __call__(
        self,
        x: ArrayLike,
        state: State | None = None,
        *,
        lengths: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        resets: ArrayLike | None = None,
    ) -> tuple[Array, State]:
        """Inference: run the layers over x, without dropout, with zoneout's expectation, and keep nothing.

        Parameters
        ----------
        x : (T, B, I); (B, T, I) with batch_first; (T, I) for a single sequence. Anything that NumPy converts to the
            layer's dtype by ``same_kind`` casting.
        state : h (L D, B, Y), for an LSTM (h, c) with c (L D, B, H); without B for a single sequence. Index l D + d is
            layer l, direction d. Default, for a half of (h, c) too: zeros.
        lengths : integers (B,), or one for a single sequence: how many steps of each sequence count. Behind them the
            state stays, y is 0 and x is not read. Default: all T.
        mask : bool (T, B), lying like x: which steps are taken. At the others the state stays, y repeats the last one
            taken (zeros before the first) and x is not read. Excludes `lengths`. Default: all.
        resets : bool (T, B), lying like x: where a new sequence begins, between t - 1 and t. Default: nowhere.

        Returns
        -------
        y : (T, B, D Y), lying like x: h of the last layer at every step, both directions side by side.
        state : the state after each sequence's last step, in the structure of the argument.

        Raises
        ------
        ValueError, TypeError : a shape, dtype or value is not as above; the message names argument, expected and got.
        MemoryError : the sizes do not fit into memory.
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
        """As the call, but with dropout and zoneout left to chance, and with a tape for `backward`.

        Parameters
        ----------
        x, state, lengths, mask, resets : as in the call. They may change afterwards: the tape has its own.
        checkpoint : keep the states every so many steps alone, and let `backward` compute the steps between them again
            when it needs them, with the same bits. An integer >= 1, or "sqrt" for the square root of T, with which what
            is kept beside x and every layer's y grows as that (lengths, masks and resets take up to 40 bytes a step,
            sequence and direction besides); rounded up to whole gradient blocks of ceil(512 / B) steps. A pass
            backward then costs a forward one more. The tape lacks `cells` and `gates`. Default: keep every step.
        key : 0 to 2**64 - 1: together with the layer, direction, step, place in the batch and unit it decides what is
            dropped and what stays. Default: the next of the layer's own generator.

        Returns
        -------
        y : as in the call, and equal to it to the bit where nothing is left to chance; read-only, since the tape reads
            it.
        state : as in the call.
        tape : for `backward`, as often as wanted. ``tape.nbytes`` is its size, ``tape.key`` the key, or None where
            nothing was left to chance. ``tape.hidden`` (T, L D, B, Y) and, for an LSTM, ``tape.cells`` (T, L D, B, H)
            are h and c after every step, ``tape.gates`` (G, T, L D, B, H) the activated gates: ``i, f, g, o =
            tape.gates``, or ``r, z, n``; of an RNN its h. They are read-only, without B for a single sequence, and 0 at
            steps not taken: views of the tape's memory where one direction takes every step (`hidden` with one layer
            only), else copies made anew each time. A tape can be neither pickled nor copied.

        Raises
        ------
        ValueError, TypeError, MemoryError : as in the call.
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
        """The gradients of a loss, by backpropagation through time (Werbos 1990).

        Parameters
        ----------
        tape : what this layer's `forward` returned. The gradients are those at the parameters of that call.
        dy : the loss's gradient with respect to y, shaped like it. Default: zero.
        d_state : the same for the final state, in its structure; either half of an LSTM's may be None. Default: zero.
        wrt_x : whether the gradient of x is wanted; False saves its product.
        steps : whether the gradients of the states after every step are wanted too.
        into : earlier gradients of this layer, or of one with the same parameters, to which those of the parameters
            are added in place: ``into.flat += ...``, whole or, after an error, not at all. One thread at a time.
            Default: none.

        Returns
        -------
        Gradients : ``.x`` like x (or None), ``.state`` like the initial state, ``.params[name]`` like each parameter,
            ``.flat`` all of these as one vector. With `into`, all but params and flat are this call's, and those two
            share the memory of into's. With `steps`, ``.h_steps`` (T, L D, B, Y) and for an LSTM ``.c_steps``
            (T, L D, B, H), whatever batch_first, without B for a single sequence: ``h_steps[t]`` is the gradient of
            the loss with respect to the state after step t, shaped like the state. What dy says of that step's output
            (with a mask, of those that repeat it too) and all that comes back from the steps behind it, in the
            direction's order, is in it: what the cell's backward begins with. h and c are apart: that c acts through
            the h of its own step is in h_steps alone. 0 at steps not taken.

        Raises
        ------
        ValueError, TypeError : tape or into are not of this layer, or a shape or dtype is not as above.
        MemoryError : the pass does not fit into memory.

        >>> import numpy as np, gatewise as gw
        >>> lstm = gw.LSTM(3, 4, seed=0)
        >>> y, state, tape = lstm.forward(np.ones((5, 2, 3)))
        >>> grads = lstm.backward(tape, dy=np.ones_like(y))
        >>> grads.x.shape, grads.params["weight_ih_l0"].shape
        ((5, 2, 3), (16, 3))
        >>> grads = lstm.backward(tape, d_state=(np.ones((1, 2, 4)), None), steps=True)
        >>> print(np.linalg.norm(grads.h_steps[:, 0], axis=(1, 2)).round(2))  # from the last step back, it vanishes
        [0.11 0.18 0.32 0.73 2.83]
        """
        self._require_into(into)
        return self._gradients(*self._core.backward(tape, dy, d_state, wrt_x, steps), into)

    def stream(self, batch_size: int | None = 1) -> Stream:
        """Step-by-step inference with a state of its own and the weights of now.

        Parameters
        ----------
        batch_size : B, the number of sequences that step together; None: one, without a batch axis.

        Returns
        -------
        stream : ``stream.step(x_t, out=None)`` takes (B, I) to (B, Y); ``stream.run(x)`` a block of steps, lying like
            the layer's x; ``stream.reset(rows=None)`` begins anew from zeros; ``stream.state`` is read and assigned;
            ``stream.reload()`` takes the layer's weights as they are then. Whichever way a sequence is cut into steps
            and blocks, the bits are those of one call of the layer. One thread at a time may use it. It pickles and
            copies.

        Raises
        ------
        ValueError, TypeError : a bidirectional layer; a batch size that is not an integer >= 1.

        >>> import numpy as np, gatewise as gw
        >>> stream = gw.GRU(2, 3, seed=0).stream(batch_size=None)
        >>> stream.step(np.zeros(2)).shape
        (3,)
        """
        return make_stream(self, batch_size)


class RNN(RNNOptions, CompiledLayers):
    """A vanilla recurrent network (Elman 1990): h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or another activation.

    Parameters
    ----------
    input_size, hidden_size : I and H.
    num_layers : L, stacked; each but the first reads the output of the one before.
    bias : whether there are bias vectors.
    batch_first : whether x and y are (B, T, features) instead of (T, B, features).
    dropout : the probability with which `forward` drops an element between two layers; no effect with one layer.
    bidirectional : whether a second direction runs from the end; its outputs stand beside the first's.
    nonlinearity : "tanh", "relu" or any other activation, below.
    recurrent_dropout : the probability with which `forward` hides a unit of h from W_hh (Gal and Ghahramani 2016); the
        others count 1 / (1 - p) times. One mask for all steps of a sequence, whatever `resets` cut, and for all gates,
        where Keras has one for each gate. What else a cell does with h sees it whole.
    zoneout : the probability p with which, at a step of `forward`, a unit of h stays as it was (Krueger et al. 2017).
        Inference, streams too, takes the expectation, p h + (1 - p) h'.
    clip : what an activation is applied to is first held between -clip and clip (ONNX's attribute of that name); the
        gradient is 0 beyond. Default: no bounds.
    dtype : float32 or float64, of parameters and results.
    seed : makes the initial values and what is left to chance reproducible: what ``numpy.random.default_rng`` takes.

    Notes
    -----
    An activation is a name, or (name, alpha) or (name, alpha, beta); what is left out is ONNX's default:

    - "linear": a; "affine": alpha a + beta (1, 0);
    - "tanh"; "scaled_tanh": alpha tanh(beta a) (1, 1); "softsign": a / (1 + ``|a|``);
    - "sigmoid"; "hard_sigmoid": alpha a + beta, but at least 0 and at most 1 (0.2, 0.5);
    - "relu": max(a, 0); "leaky_relu": a, alpha a where a < 0 (0.01); "elu": a, alpha (e^a - 1) where a < 0 (1);
      "thresholded_relu": a, 0 where a <= alpha (1); "softplus": log(1 + e^a).

    "hard_sigmoid" as it is is ONNX's and Keras 2's; Keras 3's relu6(a + 3) / 6 is ("hard_sigmoid", 1 / 6, 0.5). Where
    two pieces meet, the slope is that of the left one, but hard_sigmoid's is 0 at both of its corners.

    >>> import numpy as np, gatewise as gw
    >>> rnn = gw.RNN(2, 3, num_layers=2, seed=0)
    >>> y, h = rnn(np.zeros((5, 4, 2)))
    >>> y.shape, h.shape
    ((5, 4, 3), (2, 4, 3))
    """


class LSTM(LSTMOptions, CompiledLayers):
    """Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).

    Gates i, f, g, o, in PyTorch's order and with its parameter names: c' = f c + i g, h' = o tanh c'.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, recurrent_dropout, dtype, seed : as
        for `RNN`.
    proj_size : P; if it is not 0, h' = W_hr (o tanh c') has P features (Sak et al. 2014).
    peephole : whether i and f see c, and o sees c' (Gers et al. 2002): ``weight_peephole_l0`` (3, H), rows i, f, o.
    zoneout : as for `RNN`, a pair of probabilities for h and for c, or one for both. o and h' are made of the c' before
        zoneout, as published; with a projection, h is what it gives.
    activations : three, as `RNN` has them: of the gates i, f and o, of the candidate g, and of c' on its way to h'.
        Default: ("sigmoid", "tanh", "tanh"); Keras 2's is (("hard_sigmoid", 0.2, 0.5), "tanh", "tanh").
    clip : as for `RNN`; it holds the pre-activations of the gates and of g, with what peepholes add, and, as in ONNX
        Runtime, not c'.
    input_forget : whether f = 1 - i (ONNX's attribute of that name); the parameters of f are there, but do not count.

    >>> import numpy as np, gatewise as gw
    >>> lstm = gw.LSTM(2, 3, bidirectional=True, seed=0)
    >>> y, (h, c) = lstm(np.zeros((5, 4, 2)), lengths=[5, 3, 0, 1])
    >>> y.shape, h.shape, c.shape
    ((5, 4, 6), (2, 4, 3), (2, 4, 3))
    """


class GRU(GRUOptions, CompiledLayers):
    """Gated recurrent units (Cho et al. 2014).

    Gates r, z, n, in PyTorch's order and with its parameter names: h' = (1 - z) n + z h.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, zoneout, dtype, seed : as for `RNN`.
    reset_after : whether the reset gate acts after the recurrent product, n = tanh(x_n + r (W_hn h + b_hn)), as in
        PyTorch and cuDNN, or before it, n = tanh(x_n + W_hn (r h) + b_hn), as published.
    recurrent_dropout : as for `RNN`: the h of every product is masked, that of r h too; the h of z h is not. So it is
        in Keras.
    activations : two, as `RNN` has them: of the gates r and z, and of the candidate n. Default: ("sigmoid", "tanh").
    clip : as for `RNN`; it holds the pre-activations of the gates and of n.

    >>> import numpy as np, gatewise as gw
    >>> gru = gw.GRU(2, 3, batch_first=True, seed=0)
    >>> y, h = gru(np.zeros((4, 5, 2)))
    >>> y.shape, h.shape
    ((4, 5, 3), (1, 4, 3))
    """
