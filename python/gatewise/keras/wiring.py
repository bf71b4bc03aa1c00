"""Which layer of a model reads what, from Keras's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .layers import Bidirectional, Layer, Recurrent
from .merging import Operation
from .model import Model, Tensor, Use, leaves

Wiring = tuple[dict[tuple[str, int], Use], Any, Any]


def is_operation(described: dict[str, Any]) -> bool:
    """Whether this is one of keras.ops, which a functional model's configuration has among its layers."""
    return str(described.get("module")).startswith("keras.src.ops")


def read(kind: str, config: dict[str, Any], layers: Mapping[str, Layer]) -> Wiring:
    """All uses of layers, the inputs, and the outputs of a model of this class name."""
    if kind == "Sequential":
        return _row(config, layers)
    uses = {}
    for described in config["layers"]:
        name = described["config"]["name"]
        for number, node in enumerate(described["inbound_nodes"]):
            try:
                uses[name, number] = _use(layers[name], node["args"], node["kwargs"])
            except ValueError as error:
                raise ValueError(f"layer {name!r}: {error}") from None
    # Where it lists outputs, and nowhere else, Keras counts one use of a functional model before the first.
    graphs = {one["config"]["name"] for one in config["layers"] if one["class_name"] == "Functional"}
    return uses, _structure(config["input_layers"], graphs), _structure(config["output_layers"], graphs)


def _row(config: dict[str, Any], layers: Mapping[str, Layer]) -> Wiring:
    """Each layer reads what the one before gives."""
    inputs = [one["config"]["name"] for one in config["layers"] if one["class_name"] == "InputLayer"]
    if len(inputs) > 1:
        raise ValueError(f"inputs: expected one, got {', '.join(inputs)}")
    first = last = Tensor(inputs[0] if inputs else "", 0, 0)
    uses = {}
    for name in layers:
        uses[name, 0] = Use((last,))
        last = Tensor(name, 0, 0)
    return uses, first, last


def _structure(described: Any, graphs: set[str]) -> Any:
    """Lists and dicts of [layer, use, output] as lists and dicts of tensors."""
    if isinstance(described, dict):
        return {str(key): _structure(one, graphs) for key, one in described.items()}
    if len(described) == 3 and isinstance(described[0], str):
        return Tensor(described[0], int(described[1]) - (described[0] in graphs), int(described[2]))
    return [_structure(one, graphs) for one in described]


def _use(layer: Layer, args: list[Any], kwargs: dict[str, Any]) -> Use:
    """One call of a layer in a functional model."""
    given, keywords = _marked(args), _marked(kwargs)
    if isinstance(layer, Operation):
        if keywords:
            raise ValueError(f"expected arguments without names, got {', '.join(keywords)}")
        return Use(tuple(leaves(given)))
    first, *rest = given
    inputs = tuple(leaves(first))
    if not all(isinstance(one, Tensor) for one in inputs):
        raise ValueError(f"expected tensors as its inputs, got {first!r}")
    if len(inputs) != 1 and not layer.takes_several:
        raise ValueError(f"expected one tensor as its input, got {len(inputs)}")
    if keywords.pop("training", None):
        raise ValueError("training: expected None or False, got True: converted layers infer")
    states, masks = keywords.pop("initial_state", None), keywords.pop("mask", None)
    if rest and isinstance(layer, (Recurrent, Bidirectional)):
        states = rest.pop(0)
    if rest or any(value is not None for value in keywords.values()):
        raise ValueError(f"expected inputs, initial_state and mask alone, got {', '.join(keywords) or 'more'}")
    known = None if masks is None else tuple(leaves(masks))
    state = None if states is None else tuple(leaves(states))
    if state is not None and not isinstance(layer, (Recurrent, Bidirectional)):
        raise ValueError("initial_state: expected only where there is a recurrent layer")
    for name, tensors in (("initial_state", state or ()), ("mask", [one for one in known or () if one is not None])):
        if not all(isinstance(one, Tensor) for one in tensors):
            raise ValueError(f"{name}: expected tensors, got {tensors!r}")
    if known is not None and (len(known) != len(inputs) or not (len(inputs) == 1 or isinstance(layer, Model))):
        raise ValueError(f"mask: expected one for each of {len(inputs)} inputs, got {len(known)}")
    return Use(inputs, state, known)


def _marked(arguments: Any) -> Any:
    """Arguments in which a tensor's description is a leaf, not a dict."""
    if isinstance(arguments, dict):
        if arguments.get("class_name") == "__keras_tensor__":
            layer, use, index = arguments["config"]["keras_history"]
            return Tensor(str(layer), int(use), int(index))
        return {key: _marked(one) for key, one in arguments.items()}
    return [_marked(one) for one in arguments] if isinstance(arguments, (list, tuple)) else arguments
