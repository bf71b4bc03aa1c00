"""Layers from their configurations and weights, wherever these come from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import gatewise as gw

from .activations import POINTWISE, RECURRENT, named
from .layers import MERGES, Bidirectional, Dense, Embedding, Layer, Masking, Model, Recurrent, Unchanged
from .weights import GATES, parameters, shapes

Array = NDArray[Any]
TRAINING_ONLY = ("ActivityRegularization", "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D")
OURS = {"SimpleRNN": "RNN", "LSTM": "LSTM", "GRU": "GRU"}


class Source(Protocol):
    """Where a layer's weights come from."""

    def arrays(self, expected: Callable[[int], list[tuple[int, ...]]]) -> list[Array]:
        """Its own weights, of the shapes that are expected for the number of inputs, which the first one tells."""

    def child(self, name: str) -> Source:
        """The source of a layer inside it."""


class Live:
    """A live Keras layer."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer

    def arrays(self, expected: Callable[[int], list[tuple[int, ...]]]) -> list[Array]:
        arrays = [np.asarray(array) for array in self._layer.get_weights()]
        check_shapes([array.shape for array in arrays], expected)
        return arrays

    def child(self, name: str) -> Live:
        return Live(getattr(self._layer, name))


def check_shapes(got: list[tuple[int, ...]], expected: Callable[[int], list[tuple[int, ...]]]) -> None:
    """A ValueError unless these are the shapes of such a layer's weights."""
    want = expected(got[0][0]) if got and got[0] else expected(0)
    if got != want:
        raise ValueError(f"weights: expected {', '.join(map(str, want))}, got {', '.join(map(str, got)) or 'none'}")


def from_keras(layer: Any) -> Any:
    """A Keras layer or model, converted with copies of its weights.

    Parameters
    ----------
    layer : a built SimpleRNN, LSTM, GRU, Bidirectional, Embedding, Masking, Dense, TimeDistributed(Dense) or Dropout
        layer of Keras 3, or a Sequential or functional model of these in which each layer has one input.

    Returns
    -------
    converted : called as Keras calls it for inference, ``(x, mask=None)``, and ``initial_state`` for recurrent layers;
        arrays in, arrays out. ``converted.layer`` of a recurrent one is the gatewise layer.

    Raises
    ------
    ValueError, TypeError : a layer or option that gatewise does not have, named with its layer.
    """
    name = type(layer).__name__
    if not (hasattr(layer, "get_config") and hasattr(layer, "get_weights")):
        raise TypeError(f"layer: expected a Keras layer or model, got {name}")
    config = layer.get_config()
    if name in ("Sequential", "Functional"):
        live = {one.name: Live(one) for one in layer.layers}
        return build_model(name, config, lambda described: live[described["config"]["name"]])
    return build(name, config, Live(layer))


def build(kind: str, config: dict[str, Any], source: Source) -> Layer:
    """The layer of this class name and configuration."""
    name = config["name"]
    try:
        if kind in GATES:
            return _recurrent(kind, config, source)
        if kind == "Bidirectional":
            return _bidirectional(config, source)
        if kind == "TimeDistributed":
            inner = config["layer"]
            if inner["class_name"] != "Dense":
                raise ValueError(f"expected Dense inside TimeDistributed, got {inner['class_name']}")
            return build("Dense", {**inner["config"], "name": name}, source.child("layer"))
        if kind == "Dense":
            return _dense(config, source)
        if kind == "Embedding":
            rows = (int(config["input_dim"]), int(config["output_dim"]))
            (table,) = _checked(config, source.arrays(lambda _: [rows]))
            return Embedding(name, table, bool(config["mask_zero"]))
        if kind == "Masking":
            return Masking(name, float(config["mask_value"]))
        if kind in TRAINING_ONLY:
            return Unchanged(name)
    except ValueError as error:
        message = str(error)
        raise ValueError(message if message.startswith("layer ") else f"layer {name!r}: {message}") from error
    known = ", ".join(["Bidirectional", "Dense", "Embedding", "Masking", "TimeDistributed", *GATES, *TRAINING_ONLY])
    raise ValueError(f"layer {name!r}: expected one of {known}, got {kind}")


def _checked(config: dict[str, Any], arrays: list[Array]) -> list[Array]:
    """Finite weights in the dtype of the layer's policy."""
    policy = config.get("dtype", "float32")
    dtype = policy["config"]["name"] if isinstance(policy, dict) else policy
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype: expected float32 or float64, got {dtype}")
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("weights: expected finite numbers, got others")
    return [np.array(array, dtype) for array in arrays]


def _recurrent(kind: str, config: dict[str, Any], source: Source) -> Recurrent:
    name, units, bias = config["name"], int(config["units"]), bool(config["use_bias"])
    if config.get("stateful"):
        raise ValueError("stateful: expected False, got True: pass initial_state and keep what return_state gives")
    reset_after = kind == "GRU" and bool(config["reset_after"])
    arrays = _checked(config, source.arrays(lambda inputs: shapes(kind, inputs, units, bias, reset_after)))
    activation = named(name, "activation", config["activation"], RECURRENT)
    if kind == "SimpleRNN":
        options: dict[str, Any] = {"nonlinearity": activation}
    else:
        gates = named(name, "recurrent_activation", config["recurrent_activation"], RECURRENT)
        # Keras's activation is the candidate's and, in an LSTM, the cell's.
        options = {"activations": (gates, activation, activation) if kind == "LSTM" else (gates, activation)}
    if kind == "GRU":
        options["reset_after"] = reset_after
    layer = getattr(gw, OURS[kind])(
        len(arrays[0]), units, bias=bias, batch_first=True, dtype=arrays[0].dtype, **options
    )
    layer.load_state_dict(parameters(kind, arrays))
    return Recurrent(name, layer, config)


def _bidirectional(config: dict[str, Any], source: Source) -> Bidirectional:
    if config["merge_mode"] not in MERGES:
        raise ValueError(f"merge_mode: expected one of {', '.join(map(str, MERGES))}, got {config['merge_mode']!r}")
    forward = config["layer"]
    backward = config.get("backward_layer") or {
        **forward, "config": {**forward["config"], "go_backwards": not forward["config"]["go_backwards"]}
    }  # fmt: skip
    parts = []
    for described, where in ((forward, "forward_layer"), (backward, "backward_layer")):
        if described["class_name"] not in GATES:
            raise ValueError(f"expected one of {', '.join(GATES)} inside, got {described['class_name']}")
        parts.append(_recurrent(described["class_name"], described["config"], source.child(where)))
    return Bidirectional(config["name"], parts[0], parts[1], config["merge_mode"])


def _dense(config: dict[str, Any], source: Source) -> Dense:
    units, bias = int(config["units"]), bool(config["use_bias"])
    activation = named(config["name"], "activation", config["activation"], POINTWISE)
    arrays = _checked(config, source.arrays(lambda inputs: [(inputs, units), *([(units,)] if bias else [])]))
    return Dense(config["name"], arrays[0], arrays[1] if bias else None, activation)


def build_model(kind: str, config: dict[str, Any], source: Callable[[dict[str, Any]], Source]) -> Model:
    """A model from its configuration; `source` finds a layer's weights from its description."""
    described = [layer for layer in config["layers"] if layer["class_name"] != "InputLayer"]
    inputs = [layer["config"]["name"] for layer in config["layers"] if layer["class_name"] == "InputLayer"]
    layers: dict[str, Layer] = {}
    sources: dict[str, tuple[str, int]] = {}
    start = last = inputs[0] if inputs else "input"
    if len(inputs) > 1:
        raise ValueError(f"inputs: expected one, got {', '.join(inputs)}")
    for layer in described:
        name = layer["config"]["name"]
        layers[name] = build(layer["class_name"], layer["config"], source(layer))
        sources[name] = (last, 0) if kind == "Sequential" else _inbound(layer)
        last = name
    outputs = [(last, 0)] if kind == "Sequential" else list(_outputs(config["output_layers"]))
    _require_order(layers, sources, outputs, start)
    return Model(layers, sources, outputs, start)


def _inbound(layer: dict[str, Any]) -> tuple[str, int]:
    """The one tensor that a layer of a functional model reads."""
    name, nodes = layer["config"]["name"], layer.get("inbound_nodes", [])
    if len(nodes) != 1:
        raise ValueError(f"layer {name!r}: expected to be used once, got {len(nodes)} times")
    tensors = re.findall(r"__keras_tensor__", repr(nodes))
    argument = nodes[0]["args"][0] if nodes[0]["args"] else None
    if len(tensors) != 1 or not isinstance(argument, dict) or argument.get("class_name") != "__keras_tensor__":
        raise ValueError(f"layer {name!r}: expected one tensor as its input, got {len(tensors)} or another argument")
    origin, _, index = argument["config"]["keras_history"]
    return str(origin), int(index)


def _outputs(described: Any) -> Iterator[tuple[str, int]]:
    for name, _, index in [described] if isinstance(described[0], str) else described:
        yield str(name), int(index)


def _require_order(layers: dict[str, Layer], sources: dict[str, Any], outputs: Any, start: str) -> None:
    """A ValueError unless each layer reads what an earlier one gives."""
    known = {start}
    for name in layers:
        if sources[name][0] not in known:
            raise ValueError(f"layer {name!r}: expected an input from an earlier layer, got {sources[name][0]!r}")
        known.add(name)
    for name, _ in outputs:
        if name not in known:
            raise ValueError(f"outputs: expected those of layers, got {name!r}")
