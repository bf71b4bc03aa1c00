"""An RNN, LSTM or GRU as nodes: one operator for each of its layers, reshapes between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import gatewise as gw

from . import activations
from .gates import to_onnx
from .graph import Writer


def kind_of(layer: Any) -> str:
    """The operator of a layer.

    Raises
    ------
    TypeError : something else than a layer. ValueError : an option that ONNX does not have, named.
    """
    kind = next((kind for kind in ("RNN", "LSTM", "GRU") if type(layer) is getattr(gw, kind)), None)
    if kind is None:
        raise TypeError(f"layer: expected an RNN, LSTM, GRU or Sequential, got {type(layer).__name__}")
    if layer.proj_size:
        raise ValueError(f"proj_size: expected 0, since ONNX has no projection, got {layer.proj_size}")
    if np.any(layer.zoneout):
        raise ValueError(f"zoneout: expected 0, since ONNX mixes no old state into the new, got {layer.zoneout}")
    return kind


def write_stack(
    writer: Writer, layer: Any, x: str, lengths: str, states: Sequence[Sequence[str]] = (), prefix: str = ""
) -> tuple[str, list[list[str]]]:
    """Add all layers.

    Parameters
    ----------
    x, lengths : names, [T, B, I] and [B].
    states : names of the initial states of each layer, h and, of an LSTM, c, [D, B, H]; none: zeros.
    prefix : of all names that come about.

    Returns
    -------
    y : name, [T, B, D H].
    finals : names of the final states of each layer, as `states`; none where there are no initial ones.
    """
    kind, directions = kind_of(layer), 1 + layer.bidirectional
    joined = writer.integers(0, 0, directions * layer.hidden_size)  # 0: the size that is there
    finals: list[list[str]] = []
    for index in range(layer.num_layers):
        name = f"{prefix}{{}}_l{index}".format
        suffixes = [f"_l{index}", f"_l{index}_reverse"][:directions]
        arrays = to_onnx(kind, layer.params, suffixes)
        weights = {one: writer.constant(name(one), array) for one, array in arrays.items()}
        initial = states[index] if states else ()
        inputs = [x, weights["W"], weights["R"], weights.get("B", ""), lengths, *initial]
        if "P" in weights:
            inputs += [*[""] * (7 - len(inputs)), weights["P"]]  # the eighth; "" is an input that is not given
        finals.append([name(f"{half}_n") for half in ("h", "c")[: len(initial)]])
        y = writer.node(kind, inputs, [name("Y"), *finals[-1]], **_attributes(layer, kind))
        y = writer.node("Transpose", [y], [name("y_steps")], perm=[0, 2, 1, 3])
        x = writer.node("Reshape", [y, joined], [name("y")])
    return x, finals


def _attributes(layer: Any, kind: str) -> dict[str, Any]:
    """What the operator is told besides its weights."""
    directions = 1 + layer.bidirectional
    each = [layer.nonlinearity] if kind == "RNN" else list(layer.activations)
    attributes = {
        "hidden_size": layer.hidden_size,
        "direction": "bidirectional" if layer.bidirectional else "forward",
        **activations.write(each * directions),
    }
    if layer.clip is not None:
        attributes["clip"] = layer.clip
    if kind == "LSTM" and layer.input_forget:
        attributes["input_forget"] = 1
    if kind == "GRU":
        attributes["linear_before_reset"] = int(layer.reset_after)
    return attributes
