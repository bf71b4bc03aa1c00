"""How far the compiled layers may lie from the float64 reference: roundings counted, times sensitivity measured.

Every rounding of a computation is a small relative change of one of its numbers. A chain of K fused multiply-adds
equals the exact product of weights changed by at most K u, where u = eps / 2 (Higham 2002, section 3.1), so a result
whose path through one step of a layer has n roundings equals the exact result of data changed by some n u. What such a
change does to a result is its sensitivity, in units of u: measured on the float64 reference, once by running it in
float32, which rounds every intermediate, and three times by changing all data at random by about u. Then

    |computed - exact| <= n u sensitivity.

Roundings have random signs: those of one path add up to about sqrt(n) u, and n counts at least 60 of them, which leaves
a margin of sqrt(n) > 7 standard deviations. Steps and layers need no factor of their own: the changed data act in every
step, and the measured change has gone through all of them.
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
"""Units roundoff within which a compiled tanh or sigmoid is right; test_core measures it."""
CELL = 32
"""No cell has a path of more roundings, forward or backward: three activations and their derivatives, twenty products
and sums around them."""
PIECE = 512
"""Terms after which a chain is cut."""
DRAWS = 3


def unit(dtype: DTypeLike) -> float:
    """u, the largest relative error of a rounding to nearest."""
    return float(np.finfo(np.dtype(dtype)).eps) / 2


def chain(terms: int) -> int:
    """Roundings on the longest path through a chain of this many terms: its first piece and the sum of the pieces."""
    return min(terms, PIECE) + -(-terms // PIECE)


def roundings(case: Case, name: str) -> int:
    """n: the roundings on the longest path to this result through one step of each kind of work."""
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
    """All arrays of a result: y, state.0 (h), state.1 (c), grads.x, grads.state.0, ..., grads.params.<name>; with the
    gradients of every step those, and the tape's h, c and gates: tape.hidden, ..., grads.h_steps, ..."""
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
    """None, an array or a tuple or dict of these, every number times 1 + size times a standard normal number."""
    if value is None:
        return None
    if isinstance(value, tuple):
        return tuple(changed(part, size, rng) for part in value)
    if isinstance(value, dict):
        return {name: changed(part, size, rng) for name, part in value.items()}
    return value * (1.0 + size * rng.standard_normal(value.shape))


@dataclass(frozen=True)
class Expected:
    """The reference's results for a case and how sensitive each is, in units of u."""

    case: Case
    values: dict[str, Array]
    sensitivity: dict[str, float]

    def bound(self, name: str, dtype: DTypeLike) -> float:
        """The largest error that this result may have; a subnormal may be flushed to 0."""
        n = roundings(self.case, name)
        return n * (unit(dtype) * self.sensitivity[name] + float(np.finfo(np.dtype(dtype)).tiny))

    def check(self, result: Result, dtype: DTypeLike) -> None:
        """Assert that all arrays have the reference's names, shapes and, within the bounds, values."""
        got = named(result)
        assert got.keys() == self.values.keys()
        for name, value in self.values.items():
            assert got[name].dtype == np.dtype(dtype), f"{name}: {got[name].dtype}"
            assert got[name].shape == value.shape, f"{name}: {got[name].shape}, expected {value.shape}"
            error = largest(got[name] - value)
            bound = self.bound(name, dtype)
            assert error <= bound, f"{name}: error {error:.3g} > {bound:.3g} (sensitivity {self.sensitivity[name]:.3g})"


def largest(array: Array) -> float:
    """The largest absolute value, 0 of an empty array, NaN if there is one."""
    return float(np.max(np.abs(array), initial=0.0))


def expect(case: Case, **keywords: Any) -> Expected:
    """Run the reference on a case, its backward with these keywords, and measure the sensitivity of all it returns."""
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
