"""The checked options of one layer or cell, and what follows from them: sizes, and its parameters' names and shapes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from .activations import Activation
from .checks import float_dtype
from .declaration import Kind
from .parameters import size_of, suffixes


class Options:
    """The arguments of a constructor apart from the seed, checked. Immutable.

    Every option of the kind is an attribute; `given` may leave out those that have defaults.
    """

    kind: Kind
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    dtype: np.dtype[Any]
    # The values for kinds that do not have these options.
    proj_size: int = 0
    recurrent_dropout: float = 0.0
    zoneout: float | tuple[float, ...] = 0.0
    clip: float | None = None

    def __init__(self, kind: Kind, given: Mapping[str, Any]) -> None:
        dtype = float_dtype(given.get("dtype", np.float32))
        values = {
            option.name: option.check(given[option.name], kind, dtype)
            if option.name in given
            else kind.defaults[option.name]
            for option in kind.options
        }
        self.__dict__.update(values, kind=kind)
        if self.proj_size >= self.hidden_size:
            raise ValueError(
                f"proj_size: expected 0 <= proj_size < hidden_size = {self.hidden_size}, got {self.proj_size}"
            )
        self._require_memory()

    @classmethod
    def restored(cls, kind: Kind, values: Mapping[str, Any]) -> Options:
        """Make options from the `values()` of earlier ones, which need no second check."""
        options = object.__new__(cls)
        options.__dict__.update(kind.defaults, **values, kind=kind)
        return options

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{name}: a layer's options cannot be changed; make a new layer")

    def __getattr__(self, name: str) -> Any:  # for the options of some kinds only
        raise AttributeError(f"{self.__dict__.get('kind', 'options')} has no option {name!r}")

    def _require_memory(self) -> None:
        """Refuse sizes whose weights do not fit into memory, before the weights are allocated."""
        first, other = (size_of(self.layer_parameter_shapes(layer)) for layer in (0, 1))
        size = (first + (self.num_layers - 1) * other) * self.dtype.itemsize
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

    def values(self) -> dict[str, Any]:
        """Every option by name, in the constructor's order."""
        return {option.name: getattr(self, option.name) for option in self.kind.options}

    def core_arguments(self) -> dict[str, Any]:
        """The arguments with which the compiled core is made."""
        arguments: dict[str, Any] = {"cell": self.kind.variant(self)}
        for option in self.kind.options:
            arguments.update(option.core_arguments(getattr(self, option.name), self.kind))
        return arguments

    @property
    def functions(self) -> dict[str, Activation]:
        """The activation in each role, such as gates and candidate."""
        return self.kind.activations_in(self.values())

    @property
    def gates(self) -> int:
        """G, the number of gates."""
        return len(self.kind.gates)

    @property
    def directions(self) -> int:
        """D, 1 or 2."""
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> int:
        """Y, the size of h: P with a projection, else H."""
        return self.proj_size or self.hidden_size

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The size of each state: Y for h, H for any other."""
        return (self.output_size, *[self.hidden_size] * (len(self.kind.states) - 1))

    @property
    def zoneouts(self) -> tuple[float, ...]:
        """The probability of zoneout for each state."""
        return self.zoneout if isinstance(self.zoneout, tuple) else (self.zoneout,) * len(self.kind.states)

    @cached_property
    def random(self) -> bool:
        """Whether `forward` draws random numbers."""
        between_layers = self.dropout > 0.0 and self.num_layers > 1
        return between_layers or self.recurrent_dropout > 0.0 or any(self.zoneouts)

    def layer_input_size(self, layer: int) -> int:
        """The number of features that this layer of the stack reads."""
        return self.input_size if layer == 0 else self.directions * self.output_size

    def layer_parameter_shapes(self, layer: int) -> dict[str, tuple[int, ...]]:
        """Name to shape of one layer's parameters, in PyTorch's order."""
        return {
            f"{parameter.name}{suffix}": parameter.shape(self, self.layer_input_size(layer))
            for suffix in suffixes(layer, self.directions)
            for parameter in self.kind.parameters
            if parameter.present(self)
        }

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name to shape of all parameters, in PyTorch's order."""
        return {
            name: shape
            for layer in range(self.num_layers)
            for name, shape in self.layer_parameter_shapes(layer).items()
        }

    def cell_parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """The same for a cell of a single step: names without a suffix."""
        return {name.removesuffix("_l0"): shape for name, shape in self.parameter_shapes().items()}
