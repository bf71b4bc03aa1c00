"""The same numbers for every library."""

from __future__ import annotations

from typing import Any

import numpy as np

from cases import GATES, Case


def weights(case: Case, scale: float = 1, bias_scale: float = 1) -> dict[str, Any]:
    """PyTorch's names, shapes and default range, times a scale."""
    rng, rows, bound = np.random.default_rng(0), GATES[case.cell] * case.H, case.H**-0.5
    shapes = {"weight_ih": (rows, case.I), "weight_hh": (rows, case.H), "bias_ih": (rows,), "bias_hh": (rows,)}
    scales = {"weight": scale * bound, "bias": bias_scale * bound}
    return {
        name: (scales[name.split("_")[0]] * rng.uniform(-1, 1, shape)).astype(case.dtype)
        for name, shape in shapes.items()
    }


def inputs(case: Case, scale: float = 1) -> tuple[Any, Any]:
    """x (T, B, I) and dy (T, B, H), times a scale."""
    rng = np.random.default_rng(1)
    x, dy = (scale * rng.standard_normal((case.T, case.B, size)) for size in (case.I, case.H))
    return x.astype(case.dtype), dy.astype(case.dtype)
