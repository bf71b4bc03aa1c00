"""Converted layers, built from their Keras configurations and weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..layers import KINDS, LAYERS
from . import activations, merging, wiring
from .layers import Array, Dense, Embedding, Layer, Masking, Unchanged
from .model import Model
from .recurrent import MERGE_MODES, Bidirectional, Recurrent
from .sources import WeightSource
from .weights import KERAS_CELLS, parameters, shapes

Config = Mapping[str, Any]


def build(kind: str, config: Config, source: WeightSource) -> Layer:
    """The converted layer of a Keras class with this configuration. Errors name the layer."""
    if kind in MODELS:
        return _model(kind, config, source)
    name = config["name"]
    try:
        if kind not in BUILDERS:
            raise ValueError(f"expected one of {', '.join([*sorted(BUILDERS), *MODELS])}, got {kind}")
        return BUILDERS[kind](kind, config, source)
    except ValueError as error:
        raise ValueError(f"layer {name!r}: {error}") from error


def _model(kind: str, config: Config, source: WeightSource) -> Model:
    described = config["layers"]
    sources = source.layers(kind, described)
    layers: dict[str, Layer] = {}
    for one in described:
        name = one["config"]["name"]
        if wiring.is_operation(one):
            layers[name] = _operation(one["class_name"], one["config"])
        elif not wiring.is_input(one):
            layers[name] = build(one["class_name"], one["config"], sources[name])
    return Model(config["name"], layers, wiring.read(kind, config, layers))


MODELS = (wiring.SEQUENTIAL, wiring.FUNCTIONAL)


def _operation(kind: str, config: Config) -> merging.Operation:
    name = config["name"]
    if kind not in merging.OPERATIONS:
        known = ", ".join(merging.OPERATIONS)
        raise ValueError(f"operation {name!r}: expected one of {known}, got {kind}")
    return merging.Operation(name, kind, {key: value for key, value in config.items() if key != "name"})


def _checked(config: Config, arrays: list[Array]) -> list[Array]:
    """Copy a layer's weights in the dtype of its policy, and check that they are finite."""
    policy = config.get("dtype", "float32")
    dtype = policy["config"]["name"] if isinstance(policy, dict) else policy
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype: expected float32 or float64, got {dtype}")
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("weights: expected finite numbers, got NaN or infinity")
    return [np.array(array, dtype) for array in arrays]


def _recurrent(kind: str, config: Config, source: WeightSource) -> Recurrent:
    cell, units, bias = KERAS_CELLS[kind], int(config["units"]), bool(config["use_bias"])
    declared = KINDS[cell.kind]
    options: dict[str, Any] = {}
    if "reset_after" in declared.defaults:
        options["reset_after"] = bool(config["reset_after"])
    both_biases = options.get("reset_after", False)
    arrays = _checked(config, source.arrays(lambda inputs: shapes(cell, inputs, units, bias, both_biases)))
    # Keras's activation is that of the candidate and, in an LSTM, of the cell state.
    activation = activations.configured(config, "activation", activations.OF_CELLS)
    roles = {"candidate": activation, "cell": activation}
    if "gates" in declared.activations:
        roles["gates"] = activations.configured(config, "recurrent_activation", activations.OF_CELLS)
    options |= declared.activation_options(roles)
    layer = LAYERS[cell.kind](len(arrays[0]), units, bias=bias, batch_first=True, dtype=arrays[0].dtype, **options)
    layer.load_state_dict(parameters(cell, arrays))
    return Recurrent(
        config["name"],
        layer,
        return_sequences=bool(config["return_sequences"]),
        return_state=bool(config["return_state"]),
        go_backwards=bool(config["go_backwards"]),
        zero_output_for_mask=bool(config.get("zero_output_for_mask", False)),
        stateful=bool(config.get("stateful", False)),
    )


def _bidirectional(kind: str, config: Config, source: WeightSource) -> Bidirectional:
    if config["merge_mode"] not in MERGE_MODES:
        raise ValueError(
            f"merge_mode: expected one of {', '.join(map(str, MERGE_MODES))}, got {config['merge_mode']!r}"
        )
    forward = config["layer"]
    reverse = {"go_backwards": not forward["config"]["go_backwards"]}
    backward = config.get("backward_layer") or {**forward, "config": {**forward["config"], **reverse}}
    layers = []
    for described, child in ((forward, "forward_layer"), (backward, "backward_layer")):
        if described["class_name"] not in KERAS_CELLS:
            raise ValueError(
                f"expected one of {', '.join(KERAS_CELLS)} inside Bidirectional, got {described['class_name']}"
            )
        # Keras's wrapper sets zero_output_for_mask, whatever the wrapped layer has.
        inner = {**described["config"], "zero_output_for_mask": described["config"]["return_sequences"]}
        layers.append(_recurrent(described["class_name"], inner, source.child(child)))
    return Bidirectional(config["name"], layers[0], layers[1], config["merge_mode"])


def _time_distributed(kind: str, config: Config, source: WeightSource) -> Dense:
    inner = config["layer"]
    if inner["class_name"] != "Dense":
        raise ValueError(f"expected Dense inside TimeDistributed, got {inner['class_name']}")
    return _dense("Dense", {**inner["config"], "name": config["name"]}, source.child("layer"))


def _dense(kind: str, config: Config, source: WeightSource) -> Dense:
    units, bias = int(config["units"]), bool(config["use_bias"])
    activation = activations.configured(config, "activation", activations.FUNCTIONS)
    arrays = _checked(config, source.arrays(lambda inputs: [(inputs, units), *([(units,)] if bias else [])]))
    return Dense(config["name"], arrays[0], arrays[1] if bias else None, activation)


def _embedding(kind: str, config: Config, source: WeightSource) -> Embedding:
    shape = (int(config["input_dim"]), int(config["output_dim"]))
    (table,) = _checked(config, source.arrays(lambda inputs: [shape]))
    return Embedding(config["name"], table, bool(config["mask_zero"]))


def _masking(kind: str, config: Config, source: WeightSource) -> Masking:
    return Masking(config["name"], float(config["mask_value"]))


def _unchanged(kind: str, config: Config, source: WeightSource) -> Unchanged:
    return Unchanged(config["name"])


def _merge(kind: str, config: Config, source: WeightSource) -> merging.Merge:
    return merging.Merge(config["name"], kind)


def _concatenate(kind: str, config: Config, source: WeightSource) -> merging.Concatenate:
    return merging.Concatenate(config["name"], int(config["axis"]))


TRAINING_ONLY = ("ActivityRegularization", "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D")
BUILDERS: dict[str, Callable[[str, Config, WeightSource], Layer]] = {
    **dict.fromkeys(KERAS_CELLS, _recurrent),
    **dict.fromkeys(TRAINING_ONLY, _unchanged),
    **dict.fromkeys(merging.MERGES, _merge),
    "Bidirectional": _bidirectional,
    "Concatenate": _concatenate,
    "Dense": _dense,
    "Embedding": _embedding,
    "Masking": _masking,
    "TimeDistributed": _time_distributed,
}
"""Keras class to the function of (class, configuration, weights) that builds its layer."""
