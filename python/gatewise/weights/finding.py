"""Recurrent layers in a mapping of PyTorch's names to arrays: what the shapes tell of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gatewise as gw

from ..models.storage import tuples
from .contents import Weights

Array = NDArray[Any]
PARAMETER = re.compile(r"(?:(?P<name>.*)\.)?(?P<kind>(?:weight|bias)_[a-z]+)_l(?P<layer>\d{1,4})(?P<reverse>_reverse)?")
KINDS = {1: "RNN", 3: "GRU", 4: "LSTM"}
OPTIONS = (
    *("batch_first", "dropout", "reset_after", "nonlinearity", "activations", "clip", "input_forget"),
    *("recurrent_dropout", "zoneout"),
)
"""What no shape tells."""


def find(tensors: Mapping[str, Array], described: Mapping[str, Any]) -> Weights:
    """The layers, by the part of the name before ``weight_ih_l0``, and the arrays that are not theirs.

    described : name to options that the shapes do not tell; without them they are PyTorch's defaults.
    """
    groups: dict[str, dict[str, Array]] = {}
    others: dict[str, Array] = {}
    for full, array in tensors.items():
        match = PARAMETER.fullmatch(full)
        if match is None or match["kind"] not in (
            *("weight_ih", "weight_hh", "weight_hr", "bias_ih", "bias_hh", "weight_peephole"),
        ):
            others[full] = array
        else:
            name = match["name"] or ""
            groups.setdefault(name, {})[full[len(name) + 1 if name else 0 :]] = array
    layers = {name: _layer(name, group, described.get(name, {})) for name, group in groups.items()}
    return Weights(layers, others)


def _layer(name: str, params: dict[str, Array], described: Any) -> Any:
    """One layer; its sizes come from the arrays alone, so nothing is made that they do not fill."""
    where = f"layer {name!r}" if name else "layer"
    first, hidden = params.get("weight_ih_l0"), params.get("weight_hh_l0")
    if first is None or hidden is None or first.ndim != 2 or hidden.ndim != 2:
        raise ValueError(f"{where}: expected weight_ih_l0 and weight_hh_l0 of two axes, got {', '.join(params)}")
    projection = params.get("weight_hr_l0")
    units = hidden.shape[1] if projection is None or projection.ndim != 2 else projection.shape[1]
    gates = hidden.shape[0] // units if units and hidden.shape[0] % units == 0 else 0
    if gates not in KINDS:
        raise ValueError(f"{where}: expected 1, 3 or 4 gates, got weight_hh_l0 {hidden.shape}")
    kind = KINDS[gates]
    layers = 1 + max(int(PARAMETER.fullmatch(one)["layer"]) for one in params)  # type: ignore[index]
    if layers > len(params):
        raise ValueError(f"{where}: expected parameters of all {layers} layers, got {', '.join(params)}")
    dtypes = {array.dtype for array in params.values()}
    wide = np.dtype(np.float64) if np.dtype(np.float64) in dtypes else np.dtype(np.float32)
    options: dict[str, Any] = {
        "num_layers": layers,
        "bias": "bias_ih_l0" in params,
        "bidirectional": "weight_ih_l0_reverse" in params,
        "dtype": wide,
    }
    if kind == "LSTM":
        options["peephole"] = "weight_peephole_l0" in params
        options["proj_size"] = 0 if projection is None else projection.shape[0]
    try:
        layer = getattr(gw, kind)(first.shape[1], units, **options, **_checked(described))
        layer.load_state_dict(params)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from error
    if not all(np.isfinite(array).all() for array in params.values()):
        raise ValueError(f"{where}: expected finite weights, got others")
    return layer


def _checked(described: Any) -> dict[str, Any]:
    """The options of a file's description: lists are tuples again, and nothing else is taken than such options."""
    if not isinstance(described, Mapping) or not set(described) <= set(OPTIONS):
        raise ValueError(f"description: expected options among {', '.join(OPTIONS)}, got {described!r}")
    return {name: tuples(value) for name, value in described.items()}


def describe(layer: Any) -> dict[str, Any]:
    """The options of a layer that no shape tells."""
    return {name: getattr(layer, name) for name in OPTIONS if hasattr(layer, name)}
