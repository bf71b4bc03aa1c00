"""The constructors that the compiled layers and cells share with their NumPy reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .activations import Activation
from .base import LayerBase, RecurrentBase
from .options import Options


class RNNAttributes(RecurrentBase):
    """What an RNN layer and cell tell of their options."""

    @property
    def nonlinearity(self) -> Activation:
        """The nonlinearity: its name, or (name, alpha[, beta]) if it has parameters."""
        return self._options.nonlinearity


class LSTMAttributes(RecurrentBase):
    """What an LSTM layer and cell tell of their options."""

    @property
    def activations(self) -> tuple[Activation, ...]:
        """Those of gates, candidate and cell: a name each, or (name, alpha[, beta]) for one with parameters."""
        return self._options.functions

    @property
    def input_forget(self) -> bool:
        """Whether the forget gate is 1 - i."""
        return self._options.input_forget

    @property
    def peephole(self) -> bool:
        """Whether the gates see the cell state."""
        return self._options.peephole


class GRUAttributes(RecurrentBase):
    """What a GRU layer and cell tell of their options."""

    @property
    def activations(self) -> tuple[Activation, ...]:
        """Those of gates and candidate: a name each, or (name, alpha[, beta]) for one with parameters."""
        return self._options.functions[:2]

    @property
    def reset_after(self) -> bool:
        """Whether the reset gate acts after the recurrent product (PyTorch, cuDNN) or before it (Cho et al. 2014)."""
        return self._options.reset_after


class RNNOptions(RNNAttributes, LayerBase):
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
        options = Options(
            "RNN", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            nonlinearity=nonlinearity, recurrent_dropout=recurrent_dropout, zoneout=zoneout, clip=clip,
            dtype=dtype,  # type: ignore[arg-type]
        )  # fmt: skip
        self._set_up(options, options.parameter_shapes(), seed)


class LSTMOptions(LSTMAttributes, LayerBase):
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
        options = Options(
            "LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size,
            peephole=peephole, recurrent_dropout=recurrent_dropout, zoneout=zoneout, activations=activations, clip=clip,
            input_forget=input_forget, dtype=dtype,  # type: ignore[arg-type]
        )  # fmt: skip
        self._set_up(options, options.parameter_shapes(), seed)


class GRUOptions(GRUAttributes, LayerBase):
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
        options = Options(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            reset_after=reset_after, recurrent_dropout=recurrent_dropout, zoneout=zoneout, activations=activations,
            clip=clip, dtype=dtype,  # type: ignore[arg-type]
        )  # fmt: skip
        self._set_up(options, options.parameter_shapes(), seed)


class RNNCellOptions(RNNAttributes):
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
        options = Options(
            "RNN", input_size, hidden_size, bias=bias, nonlinearity=nonlinearity, clip=clip,
            dtype=dtype,  # type: ignore[arg-type]
        )  # fmt: skip
        self._set_up(options, options.cell_parameter_shapes(), seed)


class LSTMCellOptions(LSTMAttributes):
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
        options = Options(
            "LSTM", input_size, hidden_size, bias=bias, peephole=peephole, activations=activations, clip=clip,
            input_forget=input_forget, dtype=dtype,  # type: ignore[arg-type]
        )  # fmt: skip
        self._set_up(options, options.cell_parameter_shapes(), seed)


class GRUCellOptions(GRUAttributes):
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
        options = Options(
            "GRU", input_size, hidden_size, bias=bias, reset_after=reset_after, activations=activations, clip=clip,
            dtype=dtype,  # type: ignore[arg-type]
        )  # fmt: skip
        self._set_up(options, options.cell_parameter_shapes(), seed)
