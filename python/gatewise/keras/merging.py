"""Layers that make one array of several, and what their masks do."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .layers import Layer, Value

Array = NDArray[Any]


def _joined(masks: Sequence[Array | None]) -> Array | None:
    """A step counts where it does in one of the inputs, if all have masks."""
    known = [mask for mask in masks if mask is not None]
    return functools.reduce(np.logical_or, known) if known and len(known) == len(masks) else None


def _wide(mask: Array, x: Array) -> Array:
    """A mask (B, T) as wide as (B, T, features)."""
    return np.broadcast_to(mask[..., None] if mask.ndim < x.ndim else mask, x.shape)


def _multiplied(arrays: list[Array], masks: list[Array | None]) -> Array:
    """What a mask hides is 1 in the product; what all masks hide is 0."""
    wide = [None if mask is None else _wide(mask, x) for x, mask in zip(arrays, masks, strict=True)]
    shown = [x if mask is None else np.where(mask, x, x.dtype.type(1)) for x, mask in zip(arrays, wide, strict=True)]
    product = functools.reduce(np.multiply, shown)
    joined = _joined(wide)
    return product if joined is None else np.where(joined, product, product.dtype.type(0))


def _extreme(choose: Callable[[Array, Array], Array]) -> Callable[[list[Array], list[Array | None]], Array]:
    """Maximum or minimum: what a mask hides does not compete."""

    def merge(arrays: list[Array], masks: list[Array | None]) -> Array:
        wide = [None if mask is None else _wide(mask, x) for x, mask in zip(arrays, masks, strict=True)]
        result, known = arrays[0], wide[0]
        for x, mask in zip(arrays[1:], wide[1:], strict=True):
            shown = x if mask is None else np.where(mask, x, result)
            result = choose(result if known is None else np.where(known, result, shown), shown)
            known = None if mask is None or known is None else known | mask
        return result

    return merge


def _subtracted(arrays: list[Array], masks: list[Array | None]) -> Array:
    if len(arrays) != 2:
        raise ValueError(f"x: expected two arrays, got {len(arrays)}")
    return np.asarray(arrays[0] - arrays[1])


MERGES: dict[str, Callable[[list[Array], list[Array | None]], Array]] = {
    "Add": lambda arrays, _: functools.reduce(np.add, arrays),
    "Average": lambda arrays, _: functools.reduce(np.add, arrays) / arrays[0].dtype.type(len(arrays)),
    "Maximum": _extreme(np.maximum),
    "Minimum": _extreme(np.minimum),
    "Multiply": _multiplied,
    "Subtract": _subtracted,
}


class Merge(Layer):
    """One of `MERGES`, of arrays that broadcast; one with fewer axes gets new ones behind the first."""

    takes_several = True

    def __init__(self, name: str, kind: str) -> None:
        super().__init__(name)
        self._merge = MERGES[kind]

    def __call__(self, x: Sequence[ArrayLike], mask: Any = None) -> Array:  # type: ignore[override]
        """A list of arrays to one array; `mask` a list with a mask or None for each, or None."""
        arrays, masks = [np.asarray(one) for one in x], list(mask) if mask is not None else [None] * len(x)
        axes = max(array.ndim for array in arrays)
        # What has no steps, and is merged with every step of another, has none that a mask could hide.
        masks = [mask if array.ndim == axes else None for array, mask in zip(arrays, masks, strict=True)]
        arrays = [np.expand_dims(array, tuple(range(1, 1 + axes - array.ndim))) for array in arrays]
        return self._merge(arrays, masks)

    def apply(self, inputs: list[Value], state: Any = None, unmasked: bool = False) -> list[Value]:
        """The merged array, and where any input counts, if all have masks."""
        arrays, masks = [x for x, _ in inputs], [mask for _, mask in inputs]
        return [(self(arrays, masks), _joined(masks))]


class Concatenate(Layer):
    """Arrays side by side along an axis."""

    takes_several = True

    def __init__(self, name: str, axis: int) -> None:
        super().__init__(name)
        self.axis = axis

    def __call__(self, x: Sequence[ArrayLike], mask: Any = None) -> Array:  # type: ignore[override]
        """A list of arrays to one array."""
        return np.concatenate([np.asarray(one) for one in x], self.axis)

    def apply(self, inputs: list[Value], state: Any = None, unmasked: bool = False) -> list[Value]:
        """The joined array; an input without a mask counts everywhere."""
        joined = self([x for x, _ in inputs])
        if all(mask is None for _, mask in inputs):
            return [(joined, None)]
        wide = [np.ones(x.shape, bool) if mask is None else _wide(mask, x) for x, mask in inputs]
        return [(joined, np.asarray(np.concatenate(wide, self.axis).any(axis=-1)))]


OPERATIONS: dict[str, Callable[..., Any]] = {
    "Add": lambda a, b: a + b,
    "Any": lambda x, axis, keepdims: x.any(axis=axis, keepdims=keepdims),
    "Concatenate": lambda *arrays, axis: np.concatenate(arrays, axis),
    "Equal": lambda a, b: a == b,
    "ExpandDims": lambda x, axis: np.expand_dims(x, axis),
    "LogicalAnd": np.logical_and,
    "LogicalNot": np.logical_not,
    "LogicalOr": np.logical_or,
    "Multiply": lambda a, b: a * b,
    "NotEqual": lambda a, b: a != b,
    "OnesLike": lambda x, dtype: np.ones_like(x, dtype=dtype),
    "Subtract": lambda a, b: a - b,
    "ZerosLike": lambda x, dtype: np.zeros_like(x, dtype=dtype),
}
"""Those of keras.ops that stand in the configuration of a functional model: Keras computes masks with them."""


class Operation(Layer):
    """One of `OPERATIONS`, with the rest of its configuration."""

    takes_several = True

    def __init__(self, name: str, kind: str, options: dict[str, Any]) -> None:
        super().__init__(name)
        self._function = functools.partial(OPERATIONS[kind], **options)

    def __call__(self, *x: ArrayLike) -> Array:  # type: ignore[override]
        """Arrays to one array."""
        return np.asarray(self._function(*x))

    def apply(self, inputs: list[Value], state: Any = None, unmasked: bool = False) -> list[Value]:
        """The result, without a mask. Constants take the type of the arrays."""
        return [(self(*(x for x, _ in inputs)), None)]
