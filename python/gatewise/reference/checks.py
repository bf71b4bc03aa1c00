"""The arguments of a call: layouts, conversions and errors, which name the argument and what was expected and given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.options import Options
from .._core.parameters import Array, convert
from .._core.state import State
from .cells import Rows
from .sequence import Schedule


@dataclass(frozen=True)
class Layout:
    """The layout of the caller's arrays: (T, B, ...), (B, T, ...) with batch_first, or (T, ...) without a batch."""

    batched: bool
    batch_first: bool

    def usual(self, array: Array) -> Array:
        """A view (T, B, ...) of the caller's array."""
        if not self.batched:
            return array[:, np.newaxis]
        return array.swapaxes(0, 1) if self.batch_first else array

    def lay(self, array: Array) -> Array:
        """A copy of an array (T, B, ...) in the caller's layout."""
        if not self.batched:
            return np.array(array[:, 0])
        return np.array(array.swapaxes(0, 1) if self.batch_first else array, order="C")

    def shape(self, n_steps: int, batch: int, *rest: int) -> tuple[int, ...]:
        """The shape, in the caller's layout, of an array (T, B, ...)."""
        if not self.batched:
            return (n_steps, *rest)
        return (batch, n_steps, *rest) if self.batch_first else (n_steps, batch, *rest)


@dataclass(frozen=True)
class CallArguments:
    """The checked arguments of a call: x (T, B, I), and the initial states (L D, B, Y or H)."""

    x: Array
    initial: Rows
    schedule: Schedule
    layout: Layout


def to_arguments(options: Options, x: Any, state: State | None, lengths: Any, mask: Any, resets: Any) -> CallArguments:
    """Check the arguments of a layer's call."""
    x = convert("x", x, options.dtype, np.shape(x))
    axes = "B, T" if options.batch_first else "T, B"
    expected = {3: f"({axes}, {options.input_size})", 2: f"(T, {options.input_size})"}
    if x.ndim not in expected or x.shape[-1] != options.input_size:
        raise ValueError(f"x: expected {expected.get(x.ndim, ' or '.join(expected.values()))}, got {x.shape}")
    layout = Layout(x.ndim == 3, options.batch_first)
    x = layout.usual(x)
    schedule = _to_schedule(layout, len(x), x.shape[1], lengths, mask, resets)
    return CallArguments(x, to_stacked_state("state", state, options, layout, x.shape[1]), schedule, layout)


def _to_schedule(layout: Layout, n_steps: int, batch: int, lengths: Any, mask: Any, resets: Any) -> Schedule:
    if lengths is not None and mask is not None:
        raise ValueError("lengths: expected None together with a mask, got both")
    ends = np.full(batch, n_steps)
    if lengths is not None:
        ends = convert("lengths", lengths, np.dtype(np.int64), (batch,) if layout.batched else ())
        outside = ends[(ends < 0) | (ends > n_steps)]
        if outside.size:
            raise ValueError(f"lengths: expected integers from 0 to {n_steps}, got {outside.flat[0]}")

    def flags(name: str, value: Any, default: bool) -> Array:
        if value is None:
            return np.full((n_steps, batch), default)
        return np.array(layout.usual(convert(name, value, np.dtype(np.bool_), layout.shape(n_steps, batch))))

    within = np.arange(n_steps)[:, np.newaxis] < ends
    return Schedule(within & flags("mask", mask, True), within & flags("resets", resets, False), mask is not None)


def to_stacked_state(name: str, value: State | None, options: Options, layout: Layout, batch: int) -> Rows:
    """Check a layer's state or its gradient: arrays of shape (L D, B, Y or H)."""
    count = options.num_layers * options.directions
    parts = to_state(name, value, options, (count, batch) if layout.batched else (count,))
    return parts if layout.batched else tuple(part[:, np.newaxis] for part in parts)


def to_state(name: str, value: State | None, options: Options, leading: tuple[int, ...]) -> Rows:
    """Check h (*leading, Y), and for an LSTM c (*leading, H), and return them as a tuple. None stands for zeros."""
    sizes, states = options.state_sizes, options.kind.states
    if len(states) == 1:
        named = {name: value}
    else:
        expected = f"({', '.join(states)})"
        if value is None:
            value = [None] * len(states)
        elif not isinstance(value, (tuple, list)):
            raise TypeError(f"{name}: expected {expected}, got {type(value).__name__}")
        elif len(value) != len(states):
            raise ValueError(f"{name}: expected {expected}, got {len(value)} arrays")
        named = {f"{name}[{i}]": one for i, one in enumerate(value)}

    def checked(full_name: str, one: Any, size: int) -> Array:
        shape = (*leading, size)
        return np.zeros(shape, options.dtype) if one is None else convert(full_name, one, options.dtype, shape)

    return tuple(checked(full_name, one, size) for (full_name, one), size in zip(named.items(), sizes, strict=True))


def to_dy(value: Any, options: Options, layout: Layout, n_steps: int, batch: int) -> Array:
    """Check the gradient of y and return it as (T, B, D Y). None stands for zeros."""
    shape = layout.shape(n_steps, batch, options.directions * options.output_size)
    return layout.usual(np.zeros(shape, options.dtype) if value is None else convert("dy", value, options.dtype, shape))
