"""``.onnx``: the recurrent nodes of a graph; a layer or a model is written as a graph."""

from __future__ import annotations

import os
from pathlib import Path

from ... import onnx
from ...files.errors import listed
from ...onnx.layers import layers_of
from ..contents import Contents, Report, Weights, titled


def read(path: str | os.PathLike[str]) -> Contents:
    """Read the recurrent nodes whose weights are constants."""
    return Contents(Weights(layers_of(path), {}), details=lambda: _inputs_and_outputs(path))


def _inputs_and_outputs(path: str | os.PathLike[str]) -> list[str]:
    model = onnx.load(Path(path))
    return [
        f"{title} {name}: {value.dtype} {value.shape}"
        for title, values in (("input", model.inputs), ("output", model.outputs))
        for name, value in values.items()
    ]


def write(contents: Contents, path: str | os.PathLike[str]) -> Report:
    """Write the model, or the only layer."""
    if contents.model is not None:
        onnx.save(contents.model, path)
        return Report([repr(contents.model)], [])
    weights = contents.weights
    if len(weights.layers) != 1:
        choice = f"choose one of {listed(weights.layers)} with --layer" if weights.layers else "there is none"
        raise ValueError(f"an ONNX file holds one recurrent layer; {choice}")
    (layer,) = weights.layers.values()
    onnx.save(layer, path)
    left_out = [f"{name} was not written: it does not belong to the recurrent layer." for name in weights.others]
    return Report(titled(weights), left_out)
