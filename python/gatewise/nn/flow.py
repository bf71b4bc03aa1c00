"""The kind and size of the data between two layers, and the arguments of a call that all layers get."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from .._core.parameters import Array

TOKENS, SEQUENCES, VECTORS = "tokens", "sequences", "vectors"


@dataclass(frozen=True)
class DataShape:
    """The kind and size of what passes from one layer to the next.

    kind : "tokens" are integers (B, T), "sequences" numbers (B, T, features), "vectors" numbers (B, features).
    directions : the number of directions whose outputs are concatenated in the features; 1 unless the flow comes
        directly from a bidirectional layer.
    """

    kind: str
    features: int = 0
    directions: int = 1

    def __str__(self) -> str:
        return f"{self.kind} {self.shape}"

    @property
    def shape(self) -> str:
        """The shape of the array, as messages and tables show it."""
        return {TOKENS: "(B, T)", SEQUENCES: f"(B, T, {self.features})", VECTORS: f"(B, {self.features})"}[self.kind]

    def to(self, **changes: Any) -> DataShape:
        """Return a changed copy, of one direction."""
        return replace(self, **{"directions": 1, **changes})


class Call(NamedTuple):
    """The arguments of one call of a model that all of its layers get.

    lengths : (B,) integers.
    mask, resets : (B, T) bool.
    keep : whether the layers keep a tape for backward.
    rng : the generator from which dropout draws; None in inference, where nothing is dropped.
    checkpoint : the option of the recurrent layers' `forward`.
    """

    lengths: Array | None = None
    mask: Array | None = None
    resets: Array | None = None
    keep: bool = False
    rng: np.random.Generator | None = None
    checkpoint: int | Literal["sqrt"] | None = None

    def valid(self, steps: int) -> Array | None:
        """Return which steps are valid, (B, T) bool; None if all are."""
        if self.lengths is not None:
            valid: Array = np.arange(steps) < self.lengths[:, None]
            return valid
        return self.mask
