"""Sources of the weights of a converted layer: a live Keras layer, or a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from .layers import Array

Shapes = list[tuple[int, ...]]


class WeightSource(Protocol):
    """The weights of one Keras layer."""

    def arrays(self, expected: Callable[[int], Shapes]) -> list[Array]:
        """The layer's own weights.

        `expected` maps the input size to the shapes that they must have. The first array's shape tells the input size.
        """

    def child(self, name: str) -> WeightSource:
        """The source of a layer inside this one."""

    def layers(self, kind: str, described: Sequence[Mapping[str, Any]]) -> Mapping[str, WeightSource]:
        """The source of each layer by name, if this layer is a model of Keras class `kind`.

        `described` are the entries of its configuration's list of layers.
        """


def check_shapes(given: Shapes, expected: Callable[[int], Shapes]) -> None:
    """Raise a ValueError unless a layer's weights have the expected shapes."""
    want = expected(given[0][0] if given and given[0] else 0)
    if given != want:
        raise ValueError(f"weights: expected {', '.join(map(str, want))}, got {', '.join(map(str, given)) or 'none'}")
