"""The recurrent nodes of a file as layers, without the graph around them."""

from __future__ import annotations

import os
from typing import Any

from onnx import ModelProto, NodeProto, numpy_helper

from . import attributes
from .reading import read
from .recurrent import make_layer
from .weights import GATES, INPUTS, OperatorWeights


def layers_of(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The layers of all recurrent nodes, by the nodes' names. A node without a name is named after its first output.

    Besides the errors of `load`, there is a ValueError if a node's weights are computed, if it runs in reverse only, or
    if its directions have different activations, since no layer has those.
    """
    layers: dict[str, Any] = {}
    try:
        model = read(path)
        for node in model.graph.node:
            if node.op_type in GATES:
                # Several nodes may share a name, but none share an output.
                names = [name for name in (node.name, *node.output) if name and name not in layers]
                if not names:
                    raise ValueError(
                        f"node {node.name!r}: expected a name or an output whose name no earlier layer has, got none"
                    )
                layers[names[0]] = _layer(model, node)
        return layers
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error


def _layer(model: ModelProto, node: NodeProto) -> Any:
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    given = {parameter: name for parameter, name in zip(INPUTS, node.input, strict=False) if name}
    weights = {}
    try:
        for parameter in OperatorWeights._fields:
            if parameter in given:
                name = given[parameter]
                if name not in constants:
                    raise ValueError(f"{parameter}: expected constant weights, got {name!r}, which is computed")
                weights[parameter] = numpy_helper.to_array(constants[name])
        return make_layer(attributes.read(node), OperatorWeights(**weights))
    except ValueError as error:
        raise ValueError(f"node {node.name or node.output[0]!r} ({node.op_type}): {error}") from error
