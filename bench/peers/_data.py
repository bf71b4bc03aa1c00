"""The weights and inputs, which are the same for every library."""

from __future__ import annotations

from typing import Any

import numpy as np

from cases import GATES, Case


def weights(case: Case, scale: float = 1, bias_scale: float = 1) -> dict[str, Any]:
    """Weights as in PyTorch's state_dict, drawn from its default range and multiplied by a scale."""
    rng, rows, bound = np.random.default_rng(0), GATES[case.cell] * case.H, case.H**-0.5
    scales = {"weight": scale * bound, "bias": bias_scale * bound}
    values = {}
    for layer in range(case.layers):
        shapes = {"weight_ih": (rows, case.inputs_of(layer)), "weight_hh": (rows, case.H)}
        shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        for suffix in suffixes(case, layer):
            for name, shape in shapes.items():
                value = scales[name.split("_")[0]] * rng.uniform(-1, 1, shape)
                values[name + suffix] = value.astype(case.dtype)
    return values


def suffixes(case: Case, layer: int) -> list[str]:
    """The suffixes of a layer's parameter names, one per direction."""
    return [f"_l{layer}", f"_l{layer}_reverse"][: case.directions]


def inputs(case: Case, scale: float = 1) -> tuple[Any, Any]:
    """x (T, B, I) and dy (T, B, D·H), multiplied by a scale."""
    rng = np.random.default_rng(1)
    x, dy = (scale * rng.standard_normal((case.T, case.B, size)) for size in (case.I, case.directions * case.H))
    return x.astype(case.dtype), dy.astype(case.dtype)
