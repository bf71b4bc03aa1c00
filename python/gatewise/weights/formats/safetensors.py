"""``.safetensors``: layers under PyTorch's parameter names, or a model that `gatewise.Sequential.save` wrote."""

from __future__ import annotations

import json
import os

from ... import models
from ..._core.compiled_layer import CompiledLayer
from ...files import safetensors
from ...nn.recurrent import RecurrentLayer
from ..contents import Contents, Report, Weights, titled
from ..finding import describe, find

FORMAT = "gatewise.layers"  # the metadata's key


def read(path: str | os.PathLike[str]) -> Contents:
    """Read the model if gatewise wrote one to the file, else the layers that names and shapes tell."""
    if models.storage.FORMAT in safetensors.read_metadata(path):
        model = models.load(path)
        return Contents(_weights_of(model), model)
    file = safetensors.read(path)
    text = file.metadata.get(FORMAT, "{}")
    try:
        described = json.loads(text)
    except (ValueError, RecursionError):
        described = None
    if not isinstance(described, dict):
        raise ValueError(f"{os.fspath(path)}: expected a description of layers in the metadata, got {text[:100]!r}")
    try:
        return Contents(find(file.arrays, described))
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error


def _weights_of(model: models.Sequential) -> Weights:
    """Return the model's recurrent layers and the arrays of its other layers, named as in its ``state_dict``."""
    layers: dict[str, CompiledLayer] = {
        str(index): layer.layer for index, layer in enumerate(model.model_layers) if isinstance(layer, RecurrentLayer)
    }
    others = {name: value for name, value in model.state_dict().items() if name.partition(".")[0] not in layers}
    return Weights(layers, others)


def write(contents: Contents, path: str | os.PathLike[str]) -> Report:
    """Write layers and other arrays; the metadata holds the options of layers that no shape tells."""
    weights = contents.weights
    arrays = dict(weights.others)
    for name, layer in weights.layers.items():
        for parameter, array in layer.state_dict().items():
            full = f"{name}.{parameter}" if name else parameter
            if full in arrays:
                raise ValueError(f"{full}: expected one array of this name, got two")
            arrays[full] = array
    described = {name: describe(layer) for name, layer in weights.layers.items()}
    safetensors.write(path, arrays, {FORMAT: json.dumps(described)})
    written = titled(weights)
    if others := len(weights.others):
        written.append(f"{others} other array{'s' if others > 1 else ''}")
    left_out = []
    if contents.model is not None:
        what = "Layer types and notes" if contents.model.notes else "Layer types"
        left_out.append(f"{what} were not written: this format stores arrays only.")
    return Report(written, left_out)
