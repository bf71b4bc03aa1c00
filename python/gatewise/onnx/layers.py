"""The recurrent nodes of a file as layers, for those who want their weights and not the graph around them."""

from __future__ import annotations

import os
from typing import Any

from onnx import ModelProto, NodeProto, numpy_helper

import gatewise as gw

from .gates import to_ours
from .operators import RECURRENT
from .reading import read
from .recurrent import Operator, make_layers


def layers_of(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Name of the node to layer, of all recurrent nodes; that of its first output where it has none of its own.

    Raises
    ------
    ValueError : as `load`, and a node whose weights are computed, that runs in reverse alone, or whose directions have
        different activations, which no layer has.
    """
    layers: dict[str, Any] = {}
    try:
        model = read(path)
        for node in model.graph.node:
            if node.op_type in RECURRENT:
                # Nodes may share a name, but no outputs.
                names = [name for name in (node.name, *node.output) if name and name not in layers]
                if not names:
                    raise ValueError(f"node {node.name!r}: expected a name or an output that tells it from others")
                layers[names[0]] = _layer(model, node)
        return layers
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error


def _layer(model: ModelProto, node: NodeProto) -> Any:
    where = f"node {node.name or node.output[0]!r} ({node.op_type})"
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    names = [*node.input, *[""] * (8 - len(node.input))]
    weights = []
    for index in (1, 2, 3, 7):  # W, R, B, P
        if names[index] and names[index] not in constants:
            raise ValueError(f"{where}: expected constant weights, got {names[index]!r}, which is computed")
        weights.append(numpy_helper.to_array(constants[names[index]]) if names[index] else None)
    try:
        operator = Operator.of(node)
        directions = make_layers(operator, *weights)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    if operator.direction == "reverse" or operator.options[0] != operator.options[-1]:
        raise ValueError(f"{where}: expected a direction that a layer has, got {operator.direction} with options alone")
    if len(directions) == 1:
        return directions[0]
    first = directions[0]
    options = {**operator.options[0], **({"peephole": True} if weights[3] is not None else {})}
    layer = getattr(gw, operator.kind)(
        first.input_size, first.hidden_size, bias=first.bias, bidirectional=True, dtype=first.dtype, **options
    )
    params: dict[str, Any] = {}
    for d, suffix in enumerate(("", "_reverse")):
        one: list[Any] = [None if weight is None else weight[d] for weight in weights]
        params |= {f"{name}{suffix}": value for name, value in to_ours(operator.kind, *one).items()}
    layer.load_state_dict(params)
    return layer
