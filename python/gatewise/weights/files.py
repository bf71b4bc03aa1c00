"""Weight files by their suffix. Nothing is unpickled but what ``torch.load(weights_only=True)`` lets through."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import models
from ..files import safetensors
from ..files.libraries import library
from ..files.suffixes import chosen_suffix
from ..nn.recurrent import RecurrentLayer
from .finding import describe, find

Array = NDArray[Any]
FORMAT = "gatewise.layers"
SUFFIXES = (".safetensors", ".pt", ".pth", ".onnx", ".keras")


@dataclass(frozen=True)
class Weights:
    """What a file holds.

    layers : name to gatewise layer; the name is what stands before ``weight_ih_l0`` in the file, or the layer's or
        node's in ``.keras`` and ``.onnx`` files; the first output's of a node without a name of its own.
    others : name to array: what is not a recurrent layer's.
    """

    layers: dict[str, Any]
    others: dict[str, Array]


def load(path: str | os.PathLike[str]) -> Weights:
    """The recurrent layers of a file.

    Parameters
    ----------
    path : ``.safetensors``, or ``.pt`` and ``.pth`` with a PyTorch state dict: layers are found by PyTorch's names,
        and kind and sizes by their shapes; where no description by `save` tells otherwise, an RNN's nonlinearity is
        tanh and a GRU resets after the product. Layers of a model that ``Sequential.save`` wrote are named by their
        place in it, as in its ``state_dict``. ``.onnx``: nodes whose weights are constants. ``.keras``: the
        recurrent layers of the model.

    Returns
    -------
    weights : ``.layers`` and ``.others``.

    Raises
    ------
    ValueError : another suffix, a damaged file, sizes that do not agree, weights that are not finite. OSError : the
        file does not read. MissingLibrary : the library that reads it is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{os.fspath(path)}: expected a file of {', '.join(SUFFIXES)}, got {suffix or 'no suffix'}")
    with Path(path).open("rb"):  # a missing or unreadable file is the operating system's to explain
        pass
    if suffix == ".onnx":
        library("onnx", extra="onnx")
        from ..onnx.layers import layers_of

        return Weights(layers_of(path), {})
    if suffix == ".keras":
        from .. import keras

        return Weights(keras.recurrent_layers(keras.load(path)), {})
    if suffix == ".safetensors" and (model := saved_model(path)) is not None:
        return _parts_of(model)
    tensors, described = _safetensors(path) if suffix == ".safetensors" else (_state_dict(path), {})
    try:
        return Weights(*find(tensors, described))
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error


def saved_model(path: str | os.PathLike[str]) -> Any:
    """The model of a file that ``Sequential.save`` or a checkpoint wrote; None of any other file.

    Raises
    ------
    ValueError : such a file, but a damaged one. OSError : the file does not read.
    """
    metadata = safetensors.read_metadata(path)
    return models.load(path) if models.storage.FORMAT in metadata else None


def _parts_of(model: Any) -> Weights:
    """The model's recurrent layers, and the arrays of its other parts, under the names of its state_dict."""
    layers: dict[str, Any] = {}
    others: dict[str, Array] = {}
    for index, part in enumerate(model.model_layers):
        if isinstance(part, RecurrentLayer):
            layers[str(index)] = part.layer
        else:
            others |= {f"{index}.{name}": np.array(part.params[name]) for name in part.shapes}
    return Weights(layers, others)


def save(layers: Mapping[str, Any], path: str | os.PathLike[str], others: Mapping[str, Array] | None = None) -> None:
    """Write layers as a ``.safetensors`` file, under PyTorch's names, with what no shape tells in its metadata.

    Parameters
    ----------
    layers : name to layer; the parameters of ``"encoder"`` are ``encoder.weight_ih_l0`` and so on, of ``""`` they have
        no prefix.
    path : where; the file appears whole or not at all.
    others : name to array, written along.

    Raises
    ------
    ValueError : the suffix is another; two arrays would have one name. OSError : the file cannot be written.
    """
    chosen_suffix("path", path, [".safetensors"])
    tensors = {name: np.array(array, order="C") for name, array in (others or {}).items()}
    for name, layer in layers.items():
        for parameter, array in layer.state_dict().items():
            full = f"{name}.{parameter}" if name else parameter
            if full in tensors:
                raise ValueError(f"{full}: expected one array of this name, got two")
            tensors[full] = array
    metadata = {FORMAT: json.dumps({name: describe(layer) for name, layer in layers.items()})}
    safetensors.write(path, tensors, metadata)


def _safetensors(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, Any]]:
    """All arrays, and the description in the metadata; the library checks sizes and offsets."""
    file, where = safetensors.read(path), os.fspath(path)
    text = file.metadata.get(FORMAT, "{}")
    try:
        described = json.loads(text)
    except (ValueError, RecursionError):
        described = None
    if not isinstance(described, dict):
        raise ValueError(f"{where}: expected a description of layers in the metadata, got {text[:100]!r}")
    return file.arrays, described


def _state_dict(path: str | os.PathLike[str]) -> dict[str, Array]:
    """The tensors of a PyTorch state dict."""
    torch, where = library("torch", "torch"), os.fspath(path)
    try:
        content = torch.load(where, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged file makes of the unpickler; torch's words are of its insides
        got = "another pickle" if isinstance(error, pickle.UnpicklingError) else "a file that does not read"
        writing = f'torch.save(module.state_dict(), "{Path(path).name}")'
        raise ValueError(f"{where}: expected a state dict, as {writing} writes it, got {got}") from None
    if not isinstance(content, Mapping) or not all(isinstance(name, str) for name in content):
        raise ValueError(f"{where}: expected a state dict, a mapping of names to tensors, got {type(content).__name__}")
    tensors = {}
    for name, tensor in content.items():
        if not torch.is_tensor(tensor) or tensor.layout != torch.strided:
            raise ValueError(f"{where}: {name}: expected a dense tensor, got {type(tensor).__name__}")
        whole = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
        tensors[name] = whole.numpy(force=True)
    return tensors
