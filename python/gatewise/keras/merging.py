"""Layers that combine several arrays, and operations of keras.ops. Masks are combined as Keras does."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .layers import Array, Layer, Masked


def _joined(masks: Sequence[Array | None]) -> Array | None:
    """A step counts where it counts in any of the inputs. If one has no mask, every step counts."""
    known = [mask for mask in masks if mask is not None]
    return functools.reduce(np.logical_or, known) if known and len(known) == len(masks) else None


def _widened(mask: Array, x: Array) -> Array:
    """A mask (B, T) broadcast to the shape of x, (B, T, features)."""
    return np.broadcast_to(mask[..., None] if mask.ndim < x.ndim else mask, x.shape)


def _multiplied(arrays: list[Array], masks: list[Array | None]) -> Array:
    """Masked elements count as 1 in the product; the product is 0 where all inputs are masked."""
    wide = [None if mask is None else _widened(mask, x) for x, mask in zip(arrays, masks, strict=True)]
    factors = [x if mask is None else np.where(mask, x, x.dtype.type(1)) for x, mask in zip(arrays, wide, strict=True)]
    product = functools.reduce(np.multiply, factors)
    joined = _joined(wide)
    return product if joined is None else np.where(joined, product, product.dtype.type(0))


def _extreme(choose: Callable[[Array, Array], Array]) -> Callable[[list[Array], list[Array | None]], Array]:
    """Maximum or minimum of the unmasked elements."""

    def merge(arrays: list[Array], masks: list[Array | None]) -> Array:
        wide = [None if mask is None else _widened(mask, x) for x, mask in zip(arrays, masks, strict=True)]
        result, result_mask = arrays[0], wide[0]
        for x, mask in zip(arrays[1:], wide[1:], strict=True):
            candidate = x if mask is None else np.where(mask, x, result)
            result = choose(result if result_mask is None else np.where(result_mask, result, candidate), candidate)
            result_mask = None if mask is None or result_mask is None else result_mask | mask
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
"""Keras class to the function of arrays and masks that computes its result."""


class Merge(Layer):
    """One of `MERGES`. The arrays broadcast; one with fewer axes gets new axes after the batch axis."""

    several_inputs = True

    def __init__(self, name: str, kind: str) -> None:
        super().__init__(name)
        self._merge = MERGES[kind]

    def __call__(self, x: Sequence[ArrayLike], mask: Sequence[Array | None] | None = None) -> Array:
        """Merge a list of arrays; `mask` lists a mask or None for each."""
        arrays, masks = [np.asarray(one) for one in x], list(mask) if mask is not None else [None] * len(x)
        axes = max(array.ndim for array in arrays)
        # An array without a time axis is merged with every step of another, and its mask is not used.
        masks = [mask if array.ndim == axes else None for array, mask in zip(arrays, masks, strict=True)]
        arrays = [np.expand_dims(array, tuple(range(1, 1 + axes - array.ndim))) for array in arrays]
        return self._merge(arrays, masks)

    def _output_mask(self, x: Any, mask: Sequence[Array | None]) -> Array | None:
        return _joined(mask)

    def _apply(self, inputs: list[Masked]) -> list[Masked]:
        arrays, masks = [array for array, _ in inputs], [mask for _, mask in inputs]
        return [Masked(self(arrays, masks), self._output_mask(arrays, masks))]


class Concatenate(Layer):
    """Concatenates arrays along an axis."""

    several_inputs = True

    def __init__(self, name: str, axis: int) -> None:
        super().__init__(name)
        self.axis = axis

    def __call__(self, x: Sequence[ArrayLike], mask: Any = None) -> Array:
        """Concatenate a list of arrays."""
        return np.concatenate([np.asarray(one) for one in x], self.axis)

    def _output_mask(self, x: Sequence[Array], mask: Sequence[Array | None]) -> Array | None:
        if all(one is None for one in mask):
            return None
        # Every step of an input without a mask counts.
        wide = [
            np.ones(array.shape, bool) if one is None else _widened(one, array)
            for array, one in zip(x, mask, strict=True)
        ]
        return np.asarray(np.concatenate(wide, self.axis).any(axis=-1))

    def _apply(self, inputs: list[Masked]) -> list[Masked]:
        arrays, masks = [array for array, _ in inputs], [mask for _, mask in inputs]
        return [Masked(self(arrays, masks), self._output_mask(arrays, masks))]


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
"""The operations of keras.ops that functional models contain, most of them to compute masks."""


class Operation(Layer):
    """One of `OPERATIONS`, with its options."""

    several_inputs = True
    constant_inputs = True

    def __init__(self, name: str, kind: str, options: dict[str, Any]) -> None:
        super().__init__(name)
        self._function = functools.partial(OPERATIONS[kind], **options)

    def __call__(self, x: Sequence[Any], mask: Any = None) -> Array:
        """Apply the operation to a list of arrays and constants; constants take the dtype of the arrays."""
        return np.asarray(self._function(*x))

    def _apply(self, inputs: list[Masked]) -> list[Masked]:
        return [Masked(self([array for array, _ in inputs]), None)]
