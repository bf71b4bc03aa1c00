"""The LSTM: its declaration, and its layer and cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..activations import Activation
from ..base import CellBase, LayerBase, RecurrentBase
from ..compiled_cell import CompiledCell
from ..compiled_layer import CompiledLayer
from ..declaration import (
    ACTIVATIONS,
    BIAS_HH,
    BIAS_IH,
    CLIP,
    DTYPE,
    RECURRENT_DROPOUT,
    STACK,
    WEIGHT_HH,
    WEIGHT_IH,
    ZONEOUT,
    Kind,
    Parameter,
    size_option,
    switch_option,
)
from ..option_view import OptionView

PROJ_SIZE = size_option("proj_size", 0, least=0)
PEEPHOLE = switch_option("peephole", False, single_step=True, in_core=False)
INPUT_FORGET = switch_option("input_forget", False, single_step=True)
WEIGHT_HR = Parameter(
    "weight_hr", lambda o, _: (o.proj_size, o.hidden_size), lambda o: o.proj_size > 0, glorot="uniform"
)
WEIGHT_PEEPHOLE = Parameter("weight_peephole", lambda o, _: (3, o.hidden_size), lambda o: bool(o.peephole))

LSTM_KIND = Kind(
    name="LSTM",
    gates=("i", "f", "g", "o"),
    states=("h", "c"),
    activations={"gates": "sigmoid", "candidate": "tanh", "cell": "tanh"},
    options=(*STACK, PROJ_SIZE, PEEPHOLE, RECURRENT_DROPOUT, ZONEOUT, ACTIVATIONS, CLIP, INPUT_FORGET, DTYPE),
    parameters=(WEIGHT_IH, WEIGHT_HH, BIAS_IH, BIAS_HH, WEIGHT_HR, WEIGHT_PEEPHOLE),
    variant=lambda o: "lstm_peephole" if o.peephole else "lstm",
    ones=("f",),
)


class LSTMBase(RecurrentBase):
    """An LSTM layer or cell."""

    kind = LSTM_KIND
    activations = OptionView[tuple[Activation, ...]](
        "The activations of gates, candidate and cell: a name each, or (name, alpha[, beta]).",
        "gw.LSTM(2, 3)",
        "('sigmoid', 'tanh', 'tanh')",
    )
    input_forget = OptionView[bool]("Whether the forget gate is 1 - i.", "gw.LSTM(2, 3)", "False")
    peephole = OptionView[bool]("Whether the gates see the cell state.", "gw.LSTM(2, 3, peephole=True)", "True")


class LSTMLayerBase(LSTMBase, LayerBase):
    """The constructor of an LSTM."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        *,
        peephole: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout: float | tuple[float, float] = (0.0, 0.0),
        activations: Sequence[Activation] | None = None,
        clip: float | None = None,
        input_forget: bool = False,
        dtype: DTypeLike = np.float32,
        seed: Any = None,
    ) -> None:
        self._set_up(locals())


class LSTM(LSTMLayerBase, CompiledLayer):
    """Long short-term memory.

    The gates have PyTorch's order, i, f, g, o: c' = f c + i g, h' = o tanh c'. Parameters have PyTorch's names and
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
        The probabilities with which units of h and of c keep their values at a step, as for `RNN`; one number applies
        to both. o and h' are computed from the c' before zoneout, as published; with a projection, zoneout acts on
        the projected h.
    activations : sequence of str or tuple, optional
        Three activations, in the forms that `RNN` lists: of the gates i, f and o, of the candidate g, and of c' in
        h' = o tanh c'. The default is ("sigmoid", "tanh", "tanh"); Keras 2's is
        (("hard_sigmoid", 0.2, 0.5), "tanh", "tanh").
    clip : float, optional
        Bound for the pre-activations of the gates and of g, peephole terms included; as in ONNX Runtime, c' is not
        clipped.
    input_forget : bool, default False
        Whether f = 1 - i, as with ONNX's attribute of that name; the forget-gate parameters exist but are unused.
    dtype : dtype_like, default float32
        The type of parameters and results: float32 or float64.
    seed : int, numpy.random.Generator or None, default None
        Makes initial values, dropout and zoneout reproducible. It is passed to ``numpy.random.default_rng``.

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


class LSTMCellBase(LSTMBase, CellBase):
    """The constructor of an LSTM cell."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        peephole: bool = False,
        activations: Sequence[Activation] | None = None,
        clip: float | None = None,
        input_forget: bool = False,
        dtype: DTypeLike = np.float32,
        seed: Any = None,
    ) -> None:
        self._set_up(locals())


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
