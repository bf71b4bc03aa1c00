"""The RNN: its declaration, and its layer and cell."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..activations import Activation, checked_activation
from ..base import CellBase, LayerBase, RecurrentBase
from ..compiled_cell import CompiledCell
from ..compiled_layer import CompiledLayer
from ..declaration import (
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
    Option,
    encode_activations,
)
from ..option_view import OptionView

NONLINEARITY = Option(
    "nonlinearity",
    "tanh",
    lambda value, _, dtype: checked_activation("nonlinearity", value, dtype),
    single_step=True,
    encode=lambda value, kind: encode_activations((value,), kind),
)

RNN_KIND = Kind(
    name="RNN",
    gates=("h",),
    states=("h",),
    activations={"candidate": "tanh"},
    options=(*STACK, NONLINEARITY, RECURRENT_DROPOUT, ZONEOUT, CLIP, DTYPE),
    parameters=(WEIGHT_IH, WEIGHT_HH, BIAS_IH, BIAS_HH),
    variant=lambda o: "rnn",
)


class RNNBase(RecurrentBase):
    """An RNN layer or cell."""

    kind = RNN_KIND
    nonlinearity = OptionView[Activation](
        "The nonlinearity: a name, or (name, alpha[, beta]) if it has parameters.",
        'gw.RNN(2, 3, nonlinearity=("elu", 0.5))',
        "('elu', 0.5)",
    )


class RNNLayerBase(RNNBase, LayerBase):
    """The constructor of an RNN."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        nonlinearity: Activation = "tanh",
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        clip: float | None = None,
        dtype: DTypeLike = np.float32,
        seed: Any = None,
    ) -> None:
        self._set_up(locals())


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
        Whether a second direction reads the sequences from their ends. The outputs of both are
        concatenated.
    nonlinearity : str or tuple, default "tanh"
        The activation: a name, or (name, alpha[, beta]). See Notes.
    recurrent_dropout : float, default 0.0
        The probability with which `forward` hides a unit of h from W_hh; the rest are scaled by 1/(1 - p). A
        sequence has one mask for all steps, `resets` or not, and for all gates (Keras has one per gate). Uses of h
        outside the recurrent product are not masked.
    zoneout : float, default 0.0
        The probability p with which a unit of h keeps its value at a step of `forward`. Inference, streams included,
        takes the expectation p h + (1 - p) h'.
    clip : float, optional
        Pre-activations are first clipped to [-clip, clip], as by ONNX's attribute of that name. The gradient is 0
        where a value is clipped. The default is no bound.
    dtype : dtype_like, default float32
        The type of parameters and results: float32 or float64.
    seed : int, numpy.random.Generator or None, default None
        Makes initial values, dropout and zoneout reproducible. It is passed to ``numpy.random.default_rng``.

    See Also
    --------
    LSTM : Long short-term memory, which learns longer dependencies.
    GRU : Gated recurrent units.
    RNNCell : One step of an RNN.

    Notes
    -----
    An activation is a name, or (name, alpha) or (name, alpha, beta). Omitted parameters have ONNX's defaults, given in
    parentheses:

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


class RNNCellBase(RNNBase, CellBase):
    """The constructor of an RNN cell."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        nonlinearity: Activation = "tanh",
        clip: float | None = None,
        dtype: DTypeLike = np.float32,
        seed: Any = None,
    ) -> None:
        self._set_up(locals())


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
