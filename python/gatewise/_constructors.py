"""The constructors that the compiled layers and cells share with their NumPy reference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ._layer import Layer, Recurrent
from ._options import Options


class RNNOptions(Layer):
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
        nonlinearity: str = "tanh",
        dtype: DTypeLike = np.float32,
        seed: Any = None,
    ) -> None:
        options = Options(
            "RNN", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            nonlinearity=nonlinearity, dtype=dtype,  # type: ignore[arg-type]
        )  # fmt: skip
        self._set_up(options, options.parameter_shapes(), seed)

    @property
    def nonlinearity(self) -> str:
        """The nonlinearity, "tanh" or "relu"."""
        return self._options.nonlinearity


class LSTMOptions(Layer):
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
        dtype: DTypeLike = np.float32,
        seed: Any = None,
    ) -> None:
        options = Options(
            "LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size,
            peephole=peephole, dtype=dtype,  # type: ignore[arg-type]
        )  # fmt: skip
        self._set_up(options, options.parameter_shapes(), seed)

    @property
    def peephole(self) -> bool:
        """Whether the gates see the cell state."""
        return self._options.peephole


class GRUOptions(Layer):
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
        dtype: DTypeLike = np.float32,
        seed: Any = None,
    ) -> None:
        options = Options(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            reset_after=reset_after, dtype=dtype,  # type: ignore[arg-type]
        )  # fmt: skip
        self._set_up(options, options.parameter_shapes(), seed)

    @property
    def reset_after(self) -> bool:
        """Whether the reset gate acts after the recurrent product (PyTorch, cuDNN) or before it (Cho et al. 2014)."""
        return self._options.reset_after


class RNNCellOptions(Recurrent):
    """The constructor of an RNN cell."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        nonlinearity: str = "tanh",
        dtype: DTypeLike = np.float32,
        seed: Any = None,
    ) -> None:
        options = Options("RNN", input_size, hidden_size, bias=bias, nonlinearity=nonlinearity, dtype=dtype)  # type: ignore[arg-type]
        self._set_up(options, options.cell_parameter_shapes(), seed)


class LSTMCellOptions(Recurrent):
    """The constructor of an LSTM cell."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        peephole: bool = False,
        dtype: DTypeLike = np.float32,
        seed: Any = None,
    ) -> None:
        options = Options("LSTM", input_size, hidden_size, bias=bias, peephole=peephole, dtype=dtype)  # type: ignore[arg-type]
        self._set_up(options, options.cell_parameter_shapes(), seed)


class GRUCellOptions(Recurrent):
    """The constructor of a GRU cell."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        reset_after: bool = True,
        dtype: DTypeLike = np.float32,
        seed: Any = None,
    ) -> None:
        options = Options("GRU", input_size, hidden_size, bias=bias, reset_after=reset_after, dtype=dtype)  # type: ignore[arg-type]
        self._set_up(options, options.cell_parameter_shapes(), seed)
