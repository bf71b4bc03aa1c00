"""The attributes of ONNX's recurrent operators, read from nodes and written for layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onnx import NodeProto, helper

from ..layers import KINDS, LAYERS
from . import activations
from .weights import GATES

FORWARD, REVERSE, BIDIRECTIONAL = "forward", "reverse", "bidirectional"
DIRECTIONS = {FORWARD: 1, REVERSE: 1, BIDIRECTIONAL: 2}
"""ONNX's directions, and how many each stands for."""
KNOWN = {
    *("activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size"),
    *("input_forget", "layout", "linear_before_reset", "output_sequence"),
}
"""All attributes of the recurrent operators in any operator set."""


@dataclass(frozen=True)
class OperatorAttributes:
    """The checked attributes of a node.

    kind : the operator, which has the name of gatewise's kind of cell.
    direction : a key of DIRECTIONS.
    batch_first : whether X, Y and the states have the batch first (layout 1).
    hidden_size : H, or None if the node does not say.
    options : a layer's options, for each direction.
    """

    kind: str
    direction: str
    batch_first: bool
    hidden_size: int | None
    options: tuple[Mapping[str, Any], ...]

    @property
    def directions(self) -> int:
        """D, the number of directions."""
        return DIRECTIONS[self.direction]


def read(node: NodeProto) -> OperatorAttributes:
    """The attributes of a node; a ValueError names one that is unknown or has a wrong value."""
    kind = node.op_type
    given = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    for name in given:
        if name not in KNOWN:
            raise ValueError(f"{name}: expected an attribute of {kind}, got one that gatewise does not know")
    direction = given.get("direction", FORWARD.encode()).decode()
    if direction not in DIRECTIONS:
        raise ValueError(f"direction: expected one of {', '.join(DIRECTIONS)}, got {direction!r}")
    layout = given.get("layout", 0)
    if layout not in (0, 1):
        raise ValueError(f"layout: expected 0 or 1, got {layout}")
    options: dict[str, Any] = {}
    if given.get("clip", 0.0) != 0.0:
        options["clip"] = float(given["clip"])
    if "input_forget" in KINDS[kind].defaults:
        options["input_forget"] = bool(given.get("input_forget", 0))
    if "reset_after" in KINDS[kind].defaults:
        options["reset_after"] = bool(given.get("linear_before_reset", 0))
    each = tuple({**options, **chosen} for chosen in _activation_options(kind, DIRECTIONS[direction], given))
    return OperatorAttributes(kind, direction, layout == 1, given.get("hidden_size"), each)


def _activation_options(kind: str, directions: int, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The option that chooses a layer's activations, for each direction."""
    roles = KINDS[kind].activations
    names = [name.decode() for name in given.get("activations", [])]
    if kind == "RNN" and directions == 1:
        names = names[:1]  # the operator's documented default has two names, one for each of two directions
    if names and len(names) != len(roles) * directions:
        raise ValueError(f"activations: expected {len(roles)} for each of {directions} directions, got {len(names)}")
    if not names:  # the operators' default activations are gatewise's
        return [{}] * directions
    found = activations.read(names, given.get("activation_alpha", []), given.get("activation_beta", []))
    return [
        KINDS[kind].activation_options(dict(zip(roles, found[len(roles) * d :], strict=False)))
        for d in range(directions)
    ]


EXPRESSED = {
    *("input_size", "hidden_size", "num_layers", "bias", "batch_first", "bidirectional", "peephole", "reset_after"),
    *("nonlinearity", "activations", "clip", "input_forget", "dtype"),
    *("dropout", "recurrent_dropout"),  # act in training only, and files are for inference
}
"""The options of layers that ONNX can express, or that have no effect in inference."""


def require_operator(layer: Any) -> None:
    """Raise an error unless ONNX has an operator that computes this layer."""
    if type(layer) not in LAYERS.values():
        raise TypeError(f"layer: expected {', '.join(LAYERS)} or Sequential, got {type(layer).__name__}")
    if layer.kind.name not in GATES:
        raise ValueError(f"layer: expected {', '.join(GATES)}, since ONNX has no other operators, got {layer!r}")
    layer.kind.require_defaults(layer.config(), EXPRESSED, "ONNX")


def write(layer: Any) -> dict[str, Any]:
    """The attributes of the operator for one layer of a stack."""
    options = layer.config()
    directions = 1 + options["bidirectional"]
    attributes = {
        "hidden_size": options["hidden_size"],
        "direction": BIDIRECTIONAL if options["bidirectional"] else FORWARD,
        **activations.write([*layer.kind.activations_in(options).values()] * directions),
    }
    if options["clip"] is not None:
        attributes["clip"] = options["clip"]
    if options.get("input_forget"):
        attributes["input_forget"] = 1
    if "reset_after" in options:
        attributes["linear_before_reset"] = int(options["reset_after"])
    return attributes
