"""Layers from their configurations and weights, wherever these come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import gatewise as gw

from . import merging, wiring
from .activations import POINTWISE, RECURRENT, named
from .layers import MERGES, Bidirectional, Dense, Embedding, Layer, Masking, Recurrent, Unchanged
from .model import Model
from .weights import GATES, parameters, shapes

Array = NDArray[Any]
TRAINING_ONLY = ("ActivityRegularization", "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D")
__doctest_requires__ = ("keras",)
MODELS = ("Sequential", "Functional")
OURS = {"SimpleRNN": "RNN", "LSTM": "LSTM", "GRU": "GRU"}


class Source(Protocol):
    """Where a layer's weights come from."""

    def arrays(self, expected: Callable[[int], list[tuple[int, ...]]]) -> list[Array]:
        """Its own weights, of the shapes that are expected for the number of inputs, which the first one tells."""

    def child(self, name: str) -> Source:
        """The source of a layer inside it."""

    def layers(self, kind: str, described: list[dict[str, Any]]) -> dict[str, Source]:
        """Name to the source of each layer of a model of this class name."""


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

    def layers(self, kind: str, described: list[dict[str, Any]]) -> dict[str, Source]:
        return {layer.name: Live(layer) for layer in self._layer.layers}


def check_shapes(got: list[tuple[int, ...]], expected: Callable[[int], list[tuple[int, ...]]]) -> None:
    """A ValueError unless these are the shapes of such a layer's weights."""
    want = expected(got[0][0]) if got and got[0] else expected(0)
    if got != want:
        raise ValueError(f"weights: expected {', '.join(map(str, want))}, got {', '.join(map(str, got)) or 'none'}")


def from_keras(layer: Any) -> Any:
    """A Keras layer or model, converted with copies of its weights.

    Parameters
    ----------
    layer : a built SimpleRNN, LSTM, GRU, Bidirectional, Embedding, Masking, Dense, TimeDistributed(Dense), Dropout,
        Add, Subtract, Multiply, Average, Maximum, Minimum or Concatenate layer of Keras 3; or a Sequential or
        functional model of these and of such models, with any inputs and outputs, layers used several times, and
        states handed from layer to layer.

    Returns
    -------
    converted : called as Keras calls it for inference, ``(x, mask=None)``, and ``initial_state`` for recurrent layers;
        arrays in, arrays out. ``converted.layer`` of a recurrent one is the gatewise layer. With ``stateful=True``
        states go on from call to call, from zeros at first and after ``converted.reset_state()``.

    Raises
    ------
    ValueError, TypeError : a layer or option that gatewise does not have, named with its layer.

    >>> import keras, numpy as np, gatewise.keras
    >>> model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(8), keras.layers.Dense(1)])
    >>> converted = gatewise.keras.from_keras(model)
    >>> x = np.ones((2, 5, 3), np.float32)
    >>> bool(np.allclose(converted(x), model.predict(x, verbose=0), atol=1e-5))
    True
    """
    name = type(layer).__name__
    if not (hasattr(layer, "get_config") and hasattr(layer, "get_weights")):
        raise TypeError(f"layer: expected a Keras layer or model, got {name}")
    config = layer.get_config()
    return build(name, config, Live(layer))


def build(kind: str, config: dict[str, Any], source: Source) -> Layer:
    """The layer of this class name and configuration."""
    name = config["name"]
    try:
        if kind in MODELS:
            return _model(kind, config, source)
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
        if kind in merging.MERGES:
            return merging.Merge(name, kind)
        if kind == "Concatenate":
            return merging.Concatenate(name, int(config["axis"]))
    except ValueError as error:
        message = str(error)
        raise ValueError(message if message.startswith("layer ") else f"layer {name!r}: {message}") from error
    others = ("Bidirectional", "Concatenate", "Dense", "Embedding", "Masking", "TimeDistributed")
    known = ", ".join([*others, *GATES, *merging.MERGES, *MODELS, *TRAINING_ONLY])
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


def _model(kind: str, config: dict[str, Any], source: Source) -> Model:
    """A model; its layers' weights are found by their names."""
    described = config["layers"]
    sources = source.layers(kind, described)
    layers: dict[str, Layer] = {}
    for one in described:
        name = one["config"]["name"]
        if wiring.is_operation(one):
            layers[name] = _operation(one["class_name"], one["config"])
        elif one["class_name"] != "InputLayer":
            layers[name] = build(one["class_name"], one["config"], sources[name])
    return Model(config["name"], layers, *wiring.read(kind, config, layers))


def _operation(kind: str, config: dict[str, Any]) -> merging.Operation:
    name = config["name"]
    if kind not in merging.OPERATIONS:
        known = ", ".join(merging.OPERATIONS)
        raise ValueError(f"operation {name!r}: expected one of {known}, got {kind}")
    return merging.Operation(name, kind, {key: value for key, value in config.items() if key != "name"})
