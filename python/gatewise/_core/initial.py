"""Initial values of the parameters: PyTorch's and Keras's defaults."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from .options import Options
from .parameters import Array

Shapes = Mapping[str, tuple[int, ...]]


def draw_initial(init: str, options: Options, shapes: Shapes, rng: np.random.Generator) -> dict[str, Array]:
    """Draw initial values for parameters of these names and shapes; `init` names the method."""
    if init == "uniform":
        return _uniform(options, shapes, rng)
    if init == "glorot":
        return _glorot(options, shapes, rng)
    raise ValueError(f"init: expected 'uniform' or 'glorot', got {init!r}")


def _uniform(options: Options, shapes: Shapes, rng: np.random.Generator) -> dict[str, Array]:
    """PyTorch's default: every parameter from U(-1/sqrt(H), 1/sqrt(H))."""
    bound = 1.0 / math.sqrt(options.hidden_size)
    return {name: rng.uniform(-bound, bound, shape) for name, shape in shapes.items()}


def _glorot(options: Options, shapes: Shapes, rng: np.random.Generator) -> dict[str, Array]:
    """Keras's default: Glorot-uniform input weights and projections, orthogonal recurrent weights, zeros elsewhere,
    but ones in the forget gate's input bias (Glorot and Bengio 2010; Saxe et al. 2014; Jozefowicz et al. 2015)."""
    draws = {parameter.name: parameter.glorot for parameter in options.kind.parameters}
    values: dict[str, Array] = {}
    for name, shape in shapes.items():
        base = name.partition("_l")[0]
        if draws[base] == "uniform":
            bound = math.sqrt(6.0 / (shape[0] + shape[1]))
            values[name] = rng.uniform(-bound, bound, shape)
        elif draws[base] == "orthogonal":
            values[name] = _orthonormal_columns(shape[0], shape[1], rng)
        else:
            values[name] = np.zeros(shape)
        if base == "bias_ih":
            for gate in options.kind.ones:
                first = options.kind.gates.index(gate) * options.hidden_size
                values[name][first : first + options.hidden_size] = 1.0
    return values


def _orthonormal_columns(rows: int, columns: int, rng: np.random.Generator) -> Array:
    q, r = np.linalg.qr(rng.standard_normal((rows, columns)))
    orthonormal: Array = q * np.sign(np.diagonal(r))
    return orthonormal
