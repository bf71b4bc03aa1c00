"""The GRU: its declaration, and its layer and cell."""

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
    switch_option,
)
from ..option_view import OptionView

RESET_AFTER = switch_option("reset_after", True, single_step=True, in_core=False)

GRU_KIND = Kind(
    name="GRU",
    gates=("r", "z", "n"),
    states=("h",),
    activations={"gates": "sigmoid", "candidate": "tanh"},
    options=(*STACK, RESET_AFTER, RECURRENT_DROPOUT, ZONEOUT, ACTIVATIONS, CLIP, DTYPE),
    parameters=(WEIGHT_IH, WEIGHT_HH, BIAS_IH, BIAS_HH),
    variant=lambda o: "gru_after" if o.reset_after else "gru_before",
)


class GRUBase(RecurrentBase):
    """A GRU layer or cell."""

    kind = GRU_KIND
    activations = OptionView[tuple[Activation, ...]](
        "The activations of gates and candidate: a name each, or (name, alpha[, beta]).",
        "gw.GRU(2, 3)",
        "('sigmoid', 'tanh')",
    )
    reset_after = OptionView[bool](
        "Whether the reset gate acts after the recurrent product (PyTorch, cuDNN) or before it (Cho et al. 2014).",
        "gw.GRU(2, 3)",
        "True",
    )


class GRULayerBase(GRUBase, LayerBase):
    """The constructor of a GRU."""

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
        reset_after: bool = True,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        activations: Sequence[Activation] | None = None,
        clip: float | None = None,
        dtype: DTypeLike = np.float32,
        seed: Any = None,
    ) -> None:
        self._set_up(locals())


class GRU(GRULayerBase, CompiledLayer):
    """Gated recurrent units.

    The gates have PyTorch's order, r, z, n: h' = (1 - z) n + z h. Parameters have PyTorch's names and shapes.

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
        The probability with which `forward` hides a unit of h, as for `RNN`. As in Keras, it acts on h in every
        recurrent product, including that of r h, but not on h in z h.
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
        Makes initial values, dropout and zoneout reproducible. It is passed to ``numpy.random.default_rng``.

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


class GRUCellBase(GRUBase, CellBase):
    """The constructor of a GRU cell."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        reset_after: bool = True,
        activations: Sequence[Activation] | None = None,
        clip: float | None = None,
        dtype: DTypeLike = np.float32,
        seed: Any = None,
    ) -> None:
        self._set_up(locals())


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
