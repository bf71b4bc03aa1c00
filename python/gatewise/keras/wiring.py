"""The graph of a model, read from its Keras configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .graph import Graph, Tensor, Use, leaves
from .layers import Layer
from .recurrent import AnyRecurrent

SEQUENTIAL, FUNCTIONAL = "Sequential", "Functional"


def is_operation(described: Mapping[str, Any]) -> bool:
    """Whether an entry among a functional model's layers is an operation of keras.ops."""
    return str(described.get("module")).startswith("keras.src.ops")


def is_input(described: Mapping[str, Any]) -> bool:
    """Whether an entry among a model's layers is one of its inputs."""
    return bool(described["class_name"] == "InputLayer")


def read(kind: str, config: Mapping[str, Any], layers: Mapping[str, Layer]) -> Graph:
    """The graph of a model of this Keras class."""
    return _sequential(config, layers) if kind == SEQUENTIAL else _functional(config, layers)


def _sequential(config: Mapping[str, Any], layers: Mapping[str, Layer]) -> Graph:
    """Each layer reads the output of the one before."""
    inputs = [one["config"]["name"] for one in config["layers"] if is_input(one)]
    if len(inputs) > 1:
        raise ValueError(f"inputs: expected one, got {', '.join(inputs)}")
    first = last = Tensor(inputs[0] if inputs else "", 0, 0)
    uses = {}
    for name in layers:
        uses[name, 0] = Use((last,))
        last = Tensor(name, 0, 0)
    return Graph(uses, first, last)


def _functional(config: Mapping[str, Any], layers: Mapping[str, Layer]) -> Graph:
    uses = {}
    for described in config["layers"]:
        name = described["config"]["name"]
        for number, node in enumerate(described["inbound_nodes"]):
            try:
                uses[name, number] = _use(layers[name], node["args"], node["kwargs"])
            except ValueError as error:
                raise ValueError(f"layer {name!r}: {error}") from None
    # In the lists of inputs and outputs, and nowhere else, Keras counts the uses of a functional model from 1.
    nested = {one["config"]["name"] for one in config["layers"] if one["class_name"] == FUNCTIONAL}
    return Graph(uses, _tensors(config["input_layers"], nested), _tensors(config["output_layers"], nested))


def _tensors(described: Any, nested: set[str]) -> Any:
    """Lists and dicts of [layer, use, output] as lists and dicts of tensors."""
    if isinstance(described, dict):
        return {str(key): _tensors(one, nested) for key, one in described.items()}
    if len(described) == 3 and isinstance(described[0], str):
        return Tensor(described[0], int(described[1]) - (described[0] in nested), int(described[2]))
    return [_tensors(one, nested) for one in described]


def _use(layer: Layer, args: list[Any], kwargs: dict[str, Any]) -> Use:
    """One call of a layer in a functional model, from its arguments."""
    positional, keywords = _with_tensors(args), _with_tensors(kwargs)
    if layer.constant_inputs:
        if keywords:
            raise ValueError(f"expected positional arguments only, got {', '.join(keywords)}")
        return Use(tuple(leaves(positional)))
    first, *others = positional
    if isinstance(layer, AnyRecurrent) and others:
        keywords["initial_state"] = others.pop(0)
    if keywords.pop("training", None):
        raise ValueError("training: expected None or False, since converted layers run inference only, got True")
    state, masks = (_leaves_of(keywords.pop(name, None)) for name in ("initial_state", "mask"))
    if others or any(value is not None for value in keywords.values()):
        raise ValueError(f"expected inputs, initial_state and mask only, got {', '.join(keywords) or 'more arguments'}")
    inputs = tuple(leaves(first))
    _require_tensors("inputs", inputs)
    if len(inputs) != 1 and not layer.several_inputs:
        raise ValueError(f"inputs: expected one tensor, got {len(inputs)}")
    if state is not None and not isinstance(layer, AnyRecurrent):
        raise ValueError("initial_state: this layer is not recurrent and takes none")
    _require_tensors("initial_state", state or ())
    _require_tensors("mask", tuple(mask for mask in masks or () if mask is not None))
    if masks is not None and (len(masks) != len(inputs) or not (len(inputs) == 1 or layer.several_masks)):
        raise ValueError(f"mask: expected one for each of {len(inputs)} inputs, got {len(masks)}")
    return Use(inputs, state, masks)


def _leaves_of(argument: Any) -> tuple[Any, ...] | None:
    """The leaves of an argument that may be left out."""
    return None if argument is None else tuple(leaves(argument))


def _require_tensors(argument: str, values: tuple[Any, ...]) -> None:
    if not all(isinstance(value, Tensor) for value in values):
        raise ValueError(f"{argument}: expected tensors, got {values!r}")


def _with_tensors(arguments: Any) -> Any:
    """Arguments in which each dict that describes a tensor is replaced by the tensor."""
    if isinstance(arguments, dict):
        if arguments.get("class_name") == "__keras_tensor__":
            layer, use, output = arguments["config"]["keras_history"]
            return Tensor(str(layer), int(use), int(output))
        return {key: _with_tensors(one) for key, one in arguments.items()}
    return [_with_tensors(one) for one in arguments] if isinstance(arguments, (list, tuple)) else arguments
