"""Recurrent layers among arrays with PyTorch's parameter names: names and shapes tell their kinds and sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._core.compiled_layer import CompiledLayer
from .._core.declaration import Kind
from .._core.parameters import Array
from ..files.errors import alternatives
from ..layers import KINDS, LAYERS
from ..models.storage import tuples
from .contents import Weights

NAME = re.compile(
    rf"(?:(?P<layer>.*)\.)?(?P<parameter>(?:{'|'.join(sorted({p.name for k in KINDS.values() for p in k.parameters}))})"
    r"_l(?P<index>\d{1,4})(?:_reverse)?)"
)
TOLD = {"input_size", "hidden_size", "num_layers", "bias", "bidirectional", "proj_size", "peephole", "dtype"}
"""The options that follow from names, shapes and dtypes of the arrays."""


def find(arrays: Mapping[str, Array], described: Mapping[str, Any]) -> Weights:
    """Return the layers, named by the prefix of ``weight_ih_l0``, and the arrays that belong to no layer.

    `described` maps names of layers to the options that shapes do not tell, as `describe` returns them. Options that it
    lacks have PyTorch's defaults.
    """
    groups: dict[str, dict[str, Array]] = {}
    others: dict[str, Array] = {}
    for full, array in arrays.items():
        match = NAME.fullmatch(full)
        if match is None:
            others[full] = array
        else:
            groups.setdefault(match["layer"] or "", {})[match["parameter"]] = array
    layers = {name: _layer(name, group, described.get(name, {})) for name, group in groups.items()}
    return Weights(layers, others)


def describe(layer: CompiledLayer) -> dict[str, Any]:
    """Return the options of a layer that shapes do not tell."""
    return {name: value for name, value in layer.config().items() if name not in TOLD}


def _layer(name: str, params: Mapping[str, Array], described: Any) -> CompiledLayer:
    where = f"layer {name!r}" if name else "layer"
    try:
        return _made(params, described)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from error


def _made(params: Mapping[str, Array], described: Any) -> CompiledLayer:
    """Make a layer whose sizes are those of the arrays, so a damaged file cannot ask for more memory than it has."""
    first, hidden = params.get("weight_ih_l0"), params.get("weight_hh_l0")
    if first is None or hidden is None or first.ndim != 2 or hidden.ndim != 2:
        raise ValueError(f"expected weight_ih_l0 and weight_hh_l0 with two axes, got {', '.join(params)}")
    projection = params.get("weight_hr_l0")
    if projection is not None and projection.ndim != 2:
        raise ValueError(f"weight_hr_l0: expected two axes, got the shape {projection.shape}")
    units = hidden.shape[1] if projection is None else projection.shape[1]
    kind = _kind(hidden, units)
    layers = 1 + max(int(match["index"]) for match in map(NAME.fullmatch, params) if match)
    if layers > len(params):
        raise ValueError(f"expected parameters of all {layers} layers, got {', '.join(params)}")
    double = np.dtype(np.float64) in {array.dtype for array in params.values()}
    told = {
        "input_size": first.shape[1],
        "hidden_size": units,
        "num_layers": layers,
        "bias": "bias_ih_l0" in params,
        "bidirectional": "weight_ih_l0_reverse" in params,
        "proj_size": 0 if projection is None else projection.shape[0],
        "peephole": "weight_peephole_l0" in params,
        "dtype": np.float64 if double else np.float32,
    }
    options = {option.name: told[option.name] for option in kind.options if option.name in TOLD}
    layer = LAYERS[kind.name](**options, **_checked(described, kind))
    layer.load_state_dict(params)
    if not all(np.isfinite(array).all() for array in params.values()):
        raise ValueError("expected finite weights, got NaN or infinity")
    return layer


def _kind(hidden: Array, units: int) -> Kind:
    """Return the kind of cell by the number of its gates: the rows of weight_hh per unit."""
    gates = {len(kind.gates): kind for kind in KINDS.values()}
    count, rest = divmod(hidden.shape[0], units) if units else (0, 0)
    if rest or count not in gates:
        raise ValueError(f"expected {alternatives(sorted(gates))} gates, got weight_hh_l0 of shape {hidden.shape}")
    return gates[count]


def _checked(described: Any, kind: Kind) -> dict[str, Any]:
    """Return the options of a file's description, with lists as tuples, or raise an error if they are not options."""
    known = [option.name for option in kind.options if option.name not in TOLD]
    if not isinstance(described, Mapping) or not set(described) <= set(known):
        raise ValueError(f"description: expected options among {', '.join(known)}, got {described!r}")
    return {name: tuples(value) for name, value in described.items()}
