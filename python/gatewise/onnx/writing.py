"""Layers and models as ONNX files that other runtimes run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import onnx

import gatewise as gw

from ..files.suffixes import require_suffix
from ..files.writing import replace_file
from . import sequential
from .attributes import require_operator
from .graph import GraphBuilder, tensor
from .stack import write_stack


def to_model(layer: Any) -> onnx.ModelProto:
    """The ONNX model of a layer or a Sequential."""
    return sequential.to_model(layer) if isinstance(layer, gw.Sequential) else _layer_model(layer)


def _layer_model(layer: Any) -> onnx.ModelProto:
    require_operator(layer)
    graph, names = GraphBuilder(), layer.kind.states
    D, L = 1 + layer.bidirectional, layer.num_layers
    x, swapped = "x", [1, 0, 2]  # (B, T, ...) to (T, B, ...) and back
    if layer.batch_first:
        x = graph.node("Transpose", [x], ["x_steps"], perm=swapped)
    # The states of all layers, [L D, B, H], are split into one of [D, B, H] for each layer.
    initial = [[f"{name}_0_l{index}" for name in names] for index in range(L)]
    for name, of_layers in zip(names, zip(*initial, strict=True), strict=True):
        if L == 1:
            graph.node("Identity", [f"{name}_0"], of_layers)
        else:
            sizes = graph.constant(f"{name}_split", np.full(L, D, np.int64))
            graph.node("Split", [f"{name}_0", sizes], of_layers, axis=0)
    y, finals = write_stack(graph, layer, x, "lengths", initial)
    for name, of_layers in zip(names, zip(*finals, strict=True), strict=True):
        graph.node("Concat", of_layers, [f"{name}_n"], axis=0)
    if layer.batch_first:
        graph.node("Transpose", [y], ["y"], perm=swapped)
    else:
        graph.node("Identity", [y], ["y"])
    steps = ["B", "T"] if layer.batch_first else ["T", "B"]
    state = [L * D, "B", layer.hidden_size]
    inputs = [tensor("x", layer.dtype, [*steps, layer.input_size]), tensor("lengths", np.int32, ["B"])]
    inputs += [tensor(f"{name}_0", layer.dtype, state) for name in names]
    outputs = [tensor("y", layer.dtype, [*steps, D * layer.hidden_size])]
    outputs += [tensor(f"{name}_n", layer.dtype, state) for name in names]
    return graph.model(inputs, outputs)


def save(layer: Any, path: str | os.PathLike[str] | BinaryIO) -> None:
    """Write a layer or model as an ONNX file.

    The file contains the weights. It uses operator set 17 and layout 0, so that ONNX Runtime runs it. ONNX Runtime runs
    recurrent operators in float32 only; ``layer.astype("float32")`` converts a float64 layer. Dropout is left out,
    since the files are for inference.

    Parameters
    ----------
    layer : gatewise.RNN, gatewise.LSTM, gatewise.GRU or gatewise.Sequential
        What to write. A Sequential may contain all of gatewise's own layers.
    path : path-like or binary file
        Where to write. A file appears whole or not at all.

    Raises
    ------
    TypeError
        If `layer` is of another type, or a Sequential contains a layer of your own.
    ValueError
        If a layer has an option that ONNX does not have, or the name of the file promises another format, such as
        ``.pt``.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : Run an ONNX file.
    gatewise.weights.load : Read the layers of an ONNX file.

    Notes
    -----
    The graph of a layer has the inputs ``x``, laid out as the layer takes it, ``lengths``, int32 (B,), ``h_0`` and, for
    an LSTM, ``c_0``; its outputs are ``y``, ``h_n`` and ``c_n``, with the shapes of the layer's results.

    The graph of a Sequential has the input ``x``, (B, T, features) or int64 tokens (B, T), and the output ``y``. A
    second input ``lengths``, int32 (B,), is optional; by default every step counts.

    ONNX does not define the result of a sequence of length 0. The layer, and `load`, return its initial state.

    Examples
    --------
    >>> import io, numpy as np, gatewise as gw, gatewise.onnx
    >>> model = gw.Sequential(gw.GRU(3, 4, batch_first=True), gw.LastStep(), gw.Linear(4, 2), seed=0)
    >>> file = io.BytesIO()
    >>> gatewise.onnx.save(model, file)
    >>> x = np.ones((5, 7, 3))
    >>> y = gatewise.onnx.load(file.getvalue()).run({"x": x})["y"]
    >>> bool(np.allclose(y, model(x), atol=1e-6))
    True
    """
    if hasattr(path, "write"):
        path.write(to_model(layer).SerializeToString())
    else:
        require_suffix("path", path, ".onnx")
        replace_file(Path(path), to_model(layer).SerializeToString())
