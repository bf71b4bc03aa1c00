"""The GRU: its declaration and the constructors of its layer and cell."""

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
    switch_option,
)
from ..option_view import OptionView

RESET_AFTER = switch_option("reset_after", True, single_step=True, in_core=False)

GRU = Kind(
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

    kind = GRU
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
