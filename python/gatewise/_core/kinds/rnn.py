"""The RNN: its declaration and the constructors of its layer and cell."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..activations import Activation, checked_activation
from ..base import CellBase, LayerBase, RecurrentBase
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

RNN = Kind(
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

    kind = RNN
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
