"""The declaration of a kind of cell, and the options and parameters that several kinds share.

Everything that depends on the kind is derived from its declaration: the checks of the constructors' arguments, `repr`,
the configuration in files, the parameters, the states, and the core's arguments. I input features, H hidden units, P
projected units, Y = P or H, G gates.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from .activations import (
    Activation,
    checked_activations,
    with_parameters,
)
from .checks import checked_clip, checked_probability, checked_size, checked_switch, float_dtype

REQUIRED: Any = object()
"""The default of an option that has none."""


class CheckedOptions(Protocol):
    """The checked options of a layer, as far as declarations read them."""

    kind: Kind
    hidden_size: int
    bias: bool

    @property
    def output_size(self) -> int:
        """Y, the size of h."""

    def __getattr__(self, name: str) -> Any:
        """An option that only some kinds have."""


@dataclass(frozen=True)
class Option:
    """A constructor argument of some kinds of cells.

    name : the argument's name; a layer has an attribute of that name.
    default : as the constructor's signature has it, or REQUIRED.
    check : a function of (value, kind, dtype) that returns the value in its final form or raises an error for the user.
    single_step : whether the cell of a single step takes it too.
    in_core : whether the compiled core takes it; False where `Kind.variant` expresses it.
    encode : a function of (value, kind) that returns the core's arguments; by default {name: value}.
    """

    name: str
    default: Any
    check: Callable[[Any, Kind, np.dtype[Any]], Any]
    single_step: bool = False
    in_core: bool = True
    encode: Callable[[Any, Kind], dict[str, Any]] | None = None

    def core_arguments(self, value: Any, kind: Kind) -> dict[str, Any]:
        """Return the compiled core's arguments for this value."""
        if not self.in_core:
            return {}
        return {self.name: value} if self.encode is None else self.encode(value, kind)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a layer and direction.

    name : PyTorch's, without a suffix.
    shape : a function of the options and the layer's input size.
    present : a function of the options that tells whether the layer has the parameter.
    glorot : how "glorot" initialises it: "uniform", "orthogonal" or "zeros".
    """

    name: str
    shape: Callable[[CheckedOptions, int], tuple[int, ...]]
    present: Callable[[CheckedOptions], bool] = lambda options: True
    glorot: str = "zeros"


@dataclass(frozen=True)
class Kind:
    """A kind of cell.

    name : the name of the layer's class.
    gates : in the order of their rows in the weights.
    states : the first is the output, of size Y; the others have size H.
    activations : the roles in which activations act, each with its default.
    options : in the order of the layer's constructor.
    parameters : in the order of PyTorch's state dict.
    variant : a function of the options that returns the name of the compiled cell.
    ones : the gates whose ``bias_ih`` "glorot" sets to 1.
    """

    name: str
    gates: tuple[str, ...]
    states: tuple[str, ...]
    activations: Mapping[str, Activation]
    options: tuple[Option, ...]
    parameters: tuple[Parameter, ...]
    variant: Callable[[CheckedOptions], str]
    ones: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        dtype = np.dtype(np.float32)
        given = {option.name: option for option in self.options if option.default is not REQUIRED}
        checked = {name: option.check(option.default, self, dtype) for name, option in given.items()}
        object.__setattr__(self, "defaults", checked)

    def activations_in(self, options: Mapping[str, Any]) -> dict[str, Activation]:
        """The activation in each role, such as gates and candidate, by a layer's options."""
        chosen = options["activations"] if "activations" in options else (options["nonlinearity"],)
        return dict(zip(self.activations, chosen, strict=True))

    def activation_options(self, chosen: Mapping[str, Activation]) -> dict[str, Any]:
        """The option that puts these activations in their roles; the inverse of `activations_in`."""
        values = tuple(chosen[role] for role in self.activations)
        return {"activations": values} if "activations" in self.defaults else {"nonlinearity": values[0]}

    def require_defaults(self, options: Mapping[str, Any], besides: Collection[str], library: str) -> None:
        """Raise a ValueError if an option that `library` lacks, which is any not in `besides`, is not its default."""
        for name, value in options.items():
            if name not in besides and value != self.defaults[name]:
                expected = self.defaults[name]
                raise ValueError(f"{name}: expected {expected!r}, since {library} has no such option, got {value!r}")


def size_option(name: str, default: Any, least: int = 1, single_step: bool = False) -> Option:
    return Option(name, default, lambda value, *_: checked_size(name, value, least), single_step)


def switch_option(name: str, default: bool, single_step: bool = False, in_core: bool = True) -> Option:
    return Option(name, default, lambda value, *_: checked_switch(name, value), single_step, in_core)


def probability_option(name: str) -> Option:
    return Option(name, 0.0, lambda value, *_: checked_probability(name, value))


def _checked_zoneout(value: Any, kind: Kind, dtype: np.dtype[Any]) -> float | tuple[float, ...]:
    """One probability, or one for each of several states; a single number stands for all of them."""
    states = kind.states
    if len(states) == 1:
        return checked_probability("zoneout", value)
    if not isinstance(value, (tuple, list)):
        return (checked_probability("zoneout", value),) * len(states)
    if len(value) != len(states):
        pair = "a pair of numbers" if len(states) == 2 else f"{len(states)} numbers"
        raise ValueError(f"zoneout: expected {pair} p with 0 <= p < 1, for {' and '.join(states)}, got {value!r}")
    return tuple(checked_probability(f"zoneout[{i}]", p) for i, p in enumerate(value))


def _encode_zoneout(value: float | tuple[float, ...], kind: Kind) -> dict[str, Any]:
    return {"zoneout": value if isinstance(value, tuple) else (value,)}


def encode_activations(value: tuple[Activation, ...], kind: Kind) -> dict[str, Any]:
    return {"activations": dict(zip(kind.activations, map(with_parameters, value), strict=True))}


INPUT_SIZE = size_option("input_size", REQUIRED, single_step=True)
HIDDEN_SIZE = size_option("hidden_size", REQUIRED, single_step=True)
NUM_LAYERS = size_option("num_layers", 1)
BIAS = switch_option("bias", True, single_step=True)
BATCH_FIRST = switch_option("batch_first", False)
DROPOUT = probability_option("dropout")
BIDIRECTIONAL = switch_option("bidirectional", False)
RECURRENT_DROPOUT = probability_option("recurrent_dropout")
ZONEOUT = Option("zoneout", 0.0, _checked_zoneout, encode=_encode_zoneout)
ACTIVATIONS = Option(
    "activations",
    None,
    lambda value, kind, dtype: checked_activations(value, kind.activations, dtype),
    single_step=True,
    encode=encode_activations,
)
CLIP = Option(
    "clip",
    None,
    lambda value, _, dtype: checked_clip(value, dtype),
    single_step=True,
    encode=lambda value, _: {} if value is None else {"clip": value},
)
DTYPE = Option("dtype", np.float32, lambda value, *_: float_dtype(value), single_step=True, in_core=False)

STACK = (INPUT_SIZE, HIDDEN_SIZE, NUM_LAYERS, BIAS, BATCH_FIRST, DROPOUT, BIDIRECTIONAL)
"""The options with which every layer begins."""


def _rows(options: CheckedOptions) -> int:
    return len(options.kind.gates) * options.hidden_size


WEIGHT_IH = Parameter("weight_ih", lambda o, inputs: (_rows(o), inputs), glorot="uniform")
WEIGHT_HH = Parameter("weight_hh", lambda o, _: (_rows(o), o.output_size), glorot="orthogonal")
BIAS_IH = Parameter("bias_ih", lambda o, _: (_rows(o),), lambda o: o.bias)
BIAS_HH = Parameter("bias_hh", lambda o, _: (_rows(o),), lambda o: o.bias)
