"""The LSTM: its declaration and the constructors of its layer and cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..activations import Activation
from ..base import CellBase, LayerBase, RecurrentBase
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

LSTM = Kind(
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

    kind = LSTM
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
