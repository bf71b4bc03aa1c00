"""Bounds for the error of the compiled layers against the float64 reference.

A bound is the number of roundings, times the unit roundoff u = eps / 2, times a measured sensitivity:

    |computed - exact| <= n u sensitivity.

Each rounding is a small relative change of one number. A chain of K fused multiply-adds equals the exact product with
weights changed by at most K u (Higham 2002, section 3.1). So a result whose path through one step of a layer has n
roundings equals the exact result for data changed by about n u. The sensitivity says how much such a change affects the
result, in units of u. It is measured on the reference: once by running it in float32, which rounds every intermediate
result, and three times by changing all data at random by about u.

Roundings have random signs, so those of one path add up to about sqrt(n) u. Since n is at least 60, the bound leaves a
margin of sqrt(n) > 7 standard deviations. The number of steps and layers does not appear in the bound: the changed data
act in every step, so the measured change has passed through all steps and layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from draw import Case, Result
from gatewise import reference
from gatewise._core.options import Options
from gatewise.layers import KINDS

Array = NDArray[Any]

ACTIVATION = 3
"""The largest error of a compiled tanh or sigmoid in units of u; test_core.py checks it."""
CELL = 32
"""The most roundings on a path through a cell, forward or backward: those of three activations and their derivatives,
and of twenty products and sums around them."""
PIECE = 512
"""The number of terms after which the core begins a new chain."""
DRAWS = 3


def unit(dtype: DTypeLike) -> float:
    """Return u, the largest relative error of a rounding to nearest."""
    return float(np.finfo(np.dtype(dtype)).eps) / 2


def chain(terms: int) -> int:
    """Count the roundings on the longest path through a sum of this many terms: one chain and the sum of the chains."""
    return min(terms, PIECE) + -(-terms // PIECE)


def roundings(case: Case, name: str) -> int:
    """Count n, the roundings on the longest path to a result through one step of each kind of work.

    The kinds of work are the forward pass, for gradients also the backward pass, and for gradients of parameters also
    their sums over steps and sequences.
    """
    o = Options(KINDS[case.kind], case.options)
    inputs = max(o.layer_input_size(layer) for layer in range(o.num_layers))
    n = chain(max(inputs, o.output_size)) + CELL
    if o.proj_size:
        n += chain(o.hidden_size)
    if name.startswith("grads"):
        n += chain(o.gates * o.hidden_size) + CELL + (chain(o.proj_size) if o.proj_size else 0)
    if name.startswith("grads.params"):
        steps, batch = case.usual(case.x).shape[:2]
        block = -(-PIECE // max(batch, 1))
        n += min(steps, block) * batch + -(-steps // block)
    return n


def named(result: Result) -> dict[str, Array]:
    """Return all arrays of a result by name: y, state.0 (h), state.1 (c), grads.x, grads.state.0, grads.params.<name>.

    If the result has gradients of every step, these (grads.h_steps, ...) and the tape's arrays (tape.hidden, ...) too.
    """
    arrays = {"y": result.y}
    for prefix, state in (("state", result.state), ("grads.state", result.grads.state)):
        halves = state if isinstance(state, tuple) else (state,)
        arrays |= {f"{prefix}.{i}": half for i, half in enumerate(halves)}
    if result.grads.x is not None:
        arrays["grads.x"] = result.grads.x
    if result.grads.h_steps is not None:
        tape = {f"tape.{name}": getattr(result.tape, name) for name in ("hidden", "cells", "gates")}
        steps = {f"grads.{name}": getattr(result.grads, name) for name in ("h_steps", "c_steps")}
        arrays |= {name: value for name, value in (tape | steps).items() if value is not None}
    return arrays | {f"grads.params.{name}": value for name, value in result.grads.params.items()}


def changed(value: Any, size: float, rng: np.random.Generator) -> Any:
    """Multiply every number of an array, tuple or dict by 1 + size times a standard normal number; None stays."""
    if value is None:
        return None
    if isinstance(value, tuple):
        return tuple(changed(part, size, rng) for part in value)
    if isinstance(value, dict):
        return {name: changed(part, size, rng) for name, part in value.items()}
    return value * (1.0 + size * rng.standard_normal(value.shape))


@dataclass(frozen=True)
class Expected:
    """The reference's results for a case, and the sensitivity of each in units of u."""

    case: Case
    values: dict[str, Array]
    sensitivity: dict[str, float]

    def bound(self, name: str, dtype: DTypeLike) -> float:
        """Return the largest error that a result may have; a subnormal number may be flushed to 0."""
        n = roundings(self.case, name)
        return n * (unit(dtype) * self.sensitivity[name] + float(np.finfo(np.dtype(dtype)).tiny))

    def check(self, result: Result, dtype: DTypeLike) -> None:
        """Assert that all arrays have the reference's names and shapes, and values within the bounds."""
        got = named(result)
        assert got.keys() == self.values.keys()
        for name, value in self.values.items():
            assert got[name].dtype == np.dtype(dtype), f"{name}: {got[name].dtype}"
            assert got[name].shape == value.shape, f"{name}: {got[name].shape}, expected {value.shape}"
            error = largest(got[name] - value)
            bound = self.bound(name, dtype)
            assert error <= bound, f"{name}: error {error:.3g} > {bound:.3g} (sensitivity {self.sensitivity[name]:.3g})"


def largest(array: Array) -> float:
    """Return the largest absolute value: 0 for an empty array, NaN if the array contains NaN."""
    return float(np.max(np.abs(array), initial=0.0))


def expect(case: Case, **keywords: Any) -> Expected:
    """Run the reference on a case, with these keywords for backward, and measure the sensitivity of every result."""
    values = named(case.run(case.layer(reference, np.float64), **keywords))
    rounded = named(case.run(case.layer(reference, np.float32), **keywords))
    u = unit(np.float32)
    sensitivity = {name: max(largest(values[name]), largest(rounded[name] - values[name]) / u) for name in values}
    rng = np.random.default_rng(0)
    for _ in range(DRAWS):
        data = {field: changed(getattr(case, field), u, rng) for field in ("params", "x", "state", "dy", "d_state")}
        other = case.replace(**data)
        for name, value in named(other.run(other.layer(reference, np.float64), **keywords)).items():
            sensitivity[name] = max(sensitivity[name], largest(value - values[name]) / u)
    return Expected(case, values, sensitivity)
