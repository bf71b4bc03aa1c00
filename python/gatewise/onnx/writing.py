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
from .graph import Writer, tensor
from .stack import kind_of, write_stack


def save(layer: Any, path: str | os.PathLike[str] | BinaryIO) -> None:
    """Write a layer or a model as an ONNX file (operator set 17, layout 0), weights inside.

    Of a layer the graph's inputs are ``x``, lying as the layer takes it, ``lengths`` (int32, (B,)), ``h_0`` and, for an
    LSTM, ``c_0``; its outputs ``y``, ``h_n`` and ``c_n``, shaped like the layer's results.
    Of a `gatewise.Sequential` they are ``x``, (B, T, features), or tokens (B, T) in int64, and ``y``; ``lengths`` may
    be given, and count all steps otherwise.

    Dropout is left out: files are for inference. ONNX Runtime runs recurrent operators in float32 only:
    ``layer.astype("float32")`` converts. A sequence of length 0 is undefined in ONNX; the layer, and `load`, give its
    initial state.

    Parameters
    ----------
    layer : an RNN, LSTM or GRU, stacked, bidirectional, with peepholes or not; or a Sequential of these and of
        gatewise's other parts.
    path : where to write, or an open binary file.

    Raises
    ------
    TypeError : something else than these. ValueError : an option that ONNX does not have, named; a name that
        promises another format, as .pt does. OSError : the file cannot be written.

    >>> import io, numpy as np, gatewise as gw, gatewise.onnx
    >>> gatewise.onnx.save(gw.LSTM(3, 4, peephole=True), io.BytesIO())
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


def to_model(layer: Any) -> onnx.ModelProto:
    """The model that `save` writes."""
    if isinstance(layer, gw.Sequential):
        return sequential.to_model(layer)
    writer, halves = Writer(), ("h", "c") if kind_of(layer) == "LSTM" else ("h",)
    D, L = 1 + layer.bidirectional, layer.num_layers
    x, swapped = "x", [1, 0, 2]  # (B, T, ...) to (T, B, ...) and back
    if layer.batch_first:
        x = writer.node("Transpose", [x], ["x_steps"], perm=swapped)
    # The states of all layers, [L D, B, H], as one of [D, B, H] for each.
    initial = [[f"{half}_0_l{index}" for half in halves] for index in range(L)]
    for half, parts in zip(halves, zip(*initial, strict=True), strict=True):
        if L == 1:
            writer.node("Identity", [f"{half}_0"], parts)
        else:
            sizes = writer.constant(f"{half}_split", np.full(L, D, np.int64))
            writer.node("Split", [f"{half}_0", sizes], parts, axis=0)
    y, finals = write_stack(writer, layer, x, "lengths", initial)
    for half, parts in zip(halves, zip(*finals, strict=True), strict=True):
        writer.node("Concat", parts, [f"{half}_n"], axis=0)
    if layer.batch_first:
        writer.node("Transpose", [y], ["y"], perm=swapped)
    else:
        writer.node("Identity", [y], ["y"])
    steps = ["B", "T"] if layer.batch_first else ["T", "B"]
    state = [L * D, "B", layer.hidden_size]
    inputs = [tensor("x", layer.dtype, [*steps, layer.input_size]), tensor("lengths", np.int32, ["B"])]
    inputs += [tensor(f"{half}_0", layer.dtype, state) for half in halves]
    outputs = [tensor("y", layer.dtype, [*steps, D * layer.hidden_size])]
    outputs += [tensor(f"{half}_n", layer.dtype, state) for half in halves]
    return writer.model(inputs, outputs)
