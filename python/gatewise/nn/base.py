"""What a part of a model is, what flows between parts, and what a call brings along for all of them."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from .._core.base import Gradients, State
from .._core.parameters import Array

TOKENS, SEQUENCES, VECTORS = "tokens", "sequences", "vectors"


@dataclass(frozen=True)
class Flow:
    """What flows between two parts.

    kind : "tokens", integers (B, T); "sequences" (B, T, features); "vectors" (B, features).
    directions : how many directions of one recurrent layer stand side by side in the features.
    """

    kind: str
    features: int = 0
    directions: int = 1

    def __str__(self) -> str:
        shape = {TOKENS: "(B, T)", SEQUENCES: f"(B, T, {self.features})", VECTORS: f"(B, {self.features})"}
        return f"{self.kind} {shape[self.kind]}"

    def to(self, **changes: Any) -> Flow:
        """The same with changes."""
        return replace(self, **{"directions": 1, **changes})


@dataclass
class Call:
    """What one call of a model brings for all parts.

    lengths : (B,) integers.  mask, resets : (B, T) bool.  rng : of what is dropped; None: inference.
    checkpoint : of the recurrent layers' forward.
    states : the initial state of each recurrent part, in order, taken by it and replaced by its final one; None: zeros.
    """

    lengths: Array | None = None
    mask: Array | None = None
    resets: Array | None = None
    rng: np.random.Generator | None = None
    checkpoint: int | Literal["sqrt"] | None = None
    states: list[State] | None = None
    final_states: list[State] = field(default_factory=list)

    def valid(self, steps: int) -> Array | None:
        """Which steps count, (B, T) bool, or None: all."""
        if self.lengths is not None:
            valid: Array = np.arange(steps) < self.lengths[:, None]
            return valid
        return self.mask


class ModelLayer(ABC):
    """One part of a model: forward and backward, and the parameters that the model keeps for it."""

    shapes: Mapping[str, tuple[int, ...]] = {}

    def flow(self, flow: Flow) -> Flow:
        """What comes out when this flows in.

        Raises
        ------
        ValueError : it cannot flow in; the message says what is expected, after "expected ".
        """
        return flow

    def first_flow(self) -> Flow | None:
        """What flows in where the part is the first; None: it does not tell."""
        return None

    def initial_values(self, init: str, seed: Any) -> Mapping[str, Array]:
        """Fresh values of all parameters."""
        return {}

    @property
    def bound(self) -> bool:
        """Whether the parameters live in a model's, or other arrays, already."""
        return False

    def bind(self, params: Mapping[str, Array]) -> None:  # noqa: B027  (a part without parameters binds none)
        """Use these arrays as parameters from now on."""

    @abstractmethod
    def forward(self, x: Array, call: Call, keep: bool) -> tuple[Array, Any]:
        """The output, and with `keep` what backward needs."""

    @abstractmethod
    def backward(self, tape: Any, dy: Array, grads: Gradients, wrt_x: bool) -> Array | None:
        """Write the parameters' gradients into `grads`, and return that of x (None where it is not wanted)."""

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, the seed apart."""
        names = [name for name in inspect.signature(type(self)).parameters if name != "seed"]
        return {name: getattr(self, name) for name in names}

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """The floating-point type; None: any."""
        return None

    def __repr__(self) -> str:
        parameters = inspect.signature(type(self)).parameters
        shown = []
        for name, value in self.config().items():
            default = parameters[name].default
            if default is inspect.Parameter.empty:
                shown.append(f"{value!r}")
            elif value != default:
                shown.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"
