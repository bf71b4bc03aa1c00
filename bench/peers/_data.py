"""The same numbers for every library."""

from __future__ import annotations

from typing import Any

import numpy as np

from cases import GATES, Case


def weights(case: Case) -> dict[str, Any]:
    """PyTorch's names, shapes and default range."""
    rng, rows, bound = np.random.default_rng(0), GATES[case.cell] * case.H, case.H**-0.5
    shapes = {"weight_ih": (rows, case.I), "weight_hh": (rows, case.H), "bias_ih": (rows,), "bias_hh": (rows,)}
    return {name: rng.uniform(-bound, bound, shape).astype(case.dtype) for name, shape in shapes.items()}


def inputs(case: Case) -> tuple[Any, Any]:
    """x (T, B, I) and dy (T, B, H)."""
    rng = np.random.default_rng(1)
    draw = [rng.standard_normal((case.T, case.B, size)).astype(case.dtype) for size in (case.I, case.H)]
    return draw[0], draw[1]
