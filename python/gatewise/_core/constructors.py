"""The constructors that the compiled layers and cells share with their NumPy reference, one signature each.

The names and defaults are those of the declarations in `kinds`; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from . import kinds
from .activations import Activation
from .base import CellBase, LayerBase, OptionView, RecurrentBase


class RNNBase(RecurrentBase):
    """An RNN layer or cell."""

    kind = kinds.RNN
    nonlinearity = OptionView[Activation](
        "The nonlinearity: a name, or (name, alpha[, beta]) if it has parameters.",
        'gw.RNN(2, 3, nonlinearity=("elu", 0.5))',
        "('elu', 0.5)",
    )


class LSTMBase(RecurrentBase):
    """An LSTM layer or cell."""

    kind = kinds.LSTM
    activations = OptionView[tuple[Activation, ...]](
        "The activations of gates, candidate and cell: a name each, or (name, alpha[, beta]).",
        "gw.LSTM(2, 3)",
        "('sigmoid', 'tanh', 'tanh')",
    )
    input_forget = OptionView[bool]("Whether the forget gate is 1 - i.", "gw.LSTM(2, 3)", "False")
    peephole = OptionView[bool]("Whether the gates see the cell state.", "gw.LSTM(2, 3, peephole=True)", "True")


class GRUBase(RecurrentBase):
    """A GRU layer or cell."""

    kind = kinds.GRU
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
