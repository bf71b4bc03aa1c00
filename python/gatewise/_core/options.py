"""What a layer is: its cell, sizes and switches, checked once, and the names and shapes of its parameters."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from .activations import USUAL, Activation, checked_activation, checked_activations, checked_clip

CellKind = Literal["RNN", "LSTM", "GRU"]
GATES: dict[str, int] = {"RNN": 1, "LSTM": 4, "GRU": 3}


def checked_size(name: str, value: Any, least: int) -> int:
    """`value` as an integer >= least, or the error that says what came."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{name}: expected an integer >= {least}, got {value!r}")
    size = operator.index(value)
    if size < least:
        raise ValueError(f"{name}: expected an integer >= {least}, got {size}")
    return size


def checked_number(name: str, value: Any, least: float, below: float = math.inf) -> float:
    """`value` as a float from `least`, below `below`, or the error that says what came."""
    if isinstance(value, (bool, str, complex)) or not hasattr(value, "__float__"):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    number = float(value)
    if not least <= number < below:
        raise ValueError(f"{name}: expected a number from {least:g}, below {below:g}, got {number!r}")
    return number


def generator(seed: Any) -> np.random.Generator:
    """NumPy's generator of a seed, or the error that says what came."""
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise type(error)(f"seed: expected what numpy.random.default_rng takes, got {seed!r}") from error


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected True or False, got {value!r}")
    return bool(value)


def _probability(name: str, value: Any) -> float:
    no_number = isinstance(value, (bool, np.bool_, str, bytes, complex)) or not hasattr(value, "__float__")
    if no_number or getattr(value, "shape", ()) != ():
        raise TypeError(f"{name}: expected a number p with 0 <= p < 1, got {value!r}")
    p = float(value)
    if not 0.0 <= p < 1.0:
        raise ValueError(f"{name}: expected a number p with 0 <= p < 1, got {p!r}")
    return p


def _zoneout(cell: CellKind, value: Any) -> float | tuple[float, float]:
    """One probability, or an LSTM's pair of them for h and c; a single number stands for both."""
    if cell != "LSTM":
        return _probability("zoneout", value)
    if not isinstance(value, (tuple, list)):
        p = _probability("zoneout", value)
        return p, p
    if len(value) != 2:
        raise ValueError(f"zoneout: expected a pair of numbers p with 0 <= p < 1, for h and c, got {value!r}")
    return _probability("zoneout[0]", value[0]), _probability("zoneout[1]", value[1])


def float_dtype(value: DTypeLike) -> np.dtype[Any]:
    """float32 or float64 as a NumPy dtype; anything else is a TypeError."""
    try:
        dtype = np.dtype(value)
    except TypeError:
        raise TypeError(f"dtype: expected float32 or float64, got {value!r}") from None
    if dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise TypeError(f"dtype: expected float32 or float64, got {dtype}")
    return dtype.newbyteorder("=")


@dataclass(frozen=True)
class Options:
    """Everything that a layer's constructor decides, apart from the seed."""

    cell: CellKind
    input_size: int
    hidden_size: int
    num_layers: int = 1
    bias: bool = True
    batch_first: bool = False
    dropout: float = 0.0
    bidirectional: bool = False
    proj_size: int = 0
    peephole: bool = False
    recurrent_dropout: float = 0.0
    zoneout: float | tuple[float, float] = 0.0
    reset_after: bool = True
    nonlinearity: Activation = "tanh"
    activations: Sequence[Activation] | None = None
    clip: float | None = None
    input_forget: bool = False
    dtype: np.dtype[Any] = np.dtype(np.float32)  # noqa: RUF009  (a dtype is immutable)

    def __post_init__(self) -> None:
        dtype = float_dtype(self.dtype)
        checked: dict[str, Any] = {
            "input_size": checked_size("input_size", self.input_size, 1),
            "hidden_size": checked_size("hidden_size", self.hidden_size, 1),
            "num_layers": checked_size("num_layers", self.num_layers, 1),
            "bias": _switch("bias", self.bias),
            "batch_first": _switch("batch_first", self.batch_first),
            "dropout": _probability("dropout", self.dropout),
            "bidirectional": _switch("bidirectional", self.bidirectional),
            "proj_size": checked_size("proj_size", self.proj_size, 0),
            "peephole": _switch("peephole", self.peephole),
            "recurrent_dropout": _probability("recurrent_dropout", self.recurrent_dropout),
            "zoneout": _zoneout(self.cell, self.zoneout),
            "reset_after": _switch("reset_after", self.reset_after),
            "input_forget": _switch("input_forget", self.input_forget),
            "nonlinearity": checked_activation("nonlinearity", self.nonlinearity, dtype),
            "activations": checked_activations(self.cell, self.activations, dtype),
            "clip": checked_clip(self.clip, dtype),
            "dtype": dtype,
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if self.proj_size >= self.hidden_size:
            raise ValueError(
                f"proj_size: expected 0 <= proj_size < hidden_size = {self.hidden_size}, got {self.proj_size}"
            )
        if self.dropout > 0.0 and self.num_layers == 1:
            warnings.warn(
                f"dropout acts between layers: dropout={self.dropout} with num_layers=1 has no effect",
                UserWarning,
                stacklevel=4,
            )
        self._require_memory()

    def _require_memory(self) -> None:
        """Refuse sizes whose weights no memory holds before anything is made of them."""
        first, second = (sum(math.prod(shape) for shape in self.parameter_shapes(layers).values()) for layers in (1, 2))
        size = (first + (self.num_layers - 1) * (second - first)) * self.dtype.itemsize
        message = (
            "input_size, hidden_size, num_layers: expected sizes whose weights fit into memory, "
            f"got {self.input_size}, {self.hidden_size} and {self.num_layers}"
        )
        if size > np.iinfo(np.intp).max:
            raise ValueError(message)
        try:
            np.empty(size, np.uint8)
        except MemoryError:
            raise MemoryError(message) from None

    @property
    def gates(self) -> int:
        """G, the number of gates."""
        return GATES[self.cell]

    @property
    def functions(self) -> tuple[Activation, Activation, Activation]:
        """The activations of gates, candidate and cell; those that this kind of cell does not have are the usual."""
        usual = USUAL["LSTM"]
        given = (usual[0], self.nonlinearity) if self.cell == "RNN" else self.activations or ()
        chosen = (*given, *usual[len(given) :])
        return chosen[0], chosen[1], chosen[2]

    @property
    def directions(self) -> int:
        """D, 1 or 2."""
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> int:
        """Y, the size of h: the projection's if there is one, else the hidden size."""
        return self.proj_size or self.hidden_size

    @property
    def zoneouts(self) -> tuple[float, ...]:
        """The probability of zoneout for each part of the state: h, or h and c."""
        return self.zoneout if isinstance(self.zoneout, tuple) else (self.zoneout,)

    @cached_property
    def random(self) -> bool:
        """Whether anything in `forward` is left to chance."""
        between_layers = self.dropout > 0.0 and self.num_layers > 1
        return between_layers or self.recurrent_dropout > 0.0 or any(self.zoneouts)

    def layer_input_size(self, layer: int) -> int:
        """The number of features that this layer of the stack reads."""
        return self.input_size if layer == 0 else self.directions * self.output_size

    def parameter_shapes(self, layers: int | None = None) -> dict[str, tuple[int, ...]]:
        """Name to shape of the parameters of the first `layers` layers (default: all), in PyTorch's order."""
        rows = self.gates * self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in range(self.num_layers if layers is None else min(layers, self.num_layers)):
            for suffix in (f"_l{layer}", f"_l{layer}_reverse")[: self.directions]:
                shapes[f"weight_ih{suffix}"] = (rows, self.layer_input_size(layer))
                shapes[f"weight_hh{suffix}"] = (rows, self.output_size)
                if self.bias:
                    shapes[f"bias_ih{suffix}"] = (rows,)
                    shapes[f"bias_hh{suffix}"] = (rows,)
                if self.proj_size:
                    shapes[f"weight_hr{suffix}"] = (self.proj_size, self.hidden_size)
                if self.peephole:
                    shapes[f"weight_peephole{suffix}"] = (3, self.hidden_size)
        return shapes

    def cell_parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """The same for a cell: one layer, one direction, names without a suffix."""
        return {name.removesuffix("_l0"): shape for name, shape in self.parameter_shapes().items()}
