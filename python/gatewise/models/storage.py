"""The file of a model: a .safetensors file, which holds arrays and text, and nothing that is run when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from .._core import configured
from .._core.parameters import Array
from ..files import safetensors
from ..nn.network import Network
from ..nn.storable import STORABLE

FORMAT = "gatewise.model"
VERSION = 1


@dataclass(frozen=True)
class File:
    """The contents of a file.

    layers : kind and configuration of each layer, under the key "parts" in the file.
    model : the parameters by name.
    others : other arrays by name, such as those of a checkpoint.
    training : the state of a training, if the file is a checkpoint.
    notes : the model's notes.
    """

    layers: list[dict[str, Any]]
    model: dict[str, Array]
    others: dict[str, Array]
    training: dict[str, Any] | None
    notes: dict[str, Any]


def plain(value: Any, name: str = "configuration") -> Any:
    """Return the value as JSON gives it back."""

    def jsonable(value: Any) -> Any:
        if isinstance(value, np.dtype):
            return value.name
        if isinstance(value, np.generic):
            return value.item()
        raise TypeError(f"{name}: expected text, numbers, lists and dicts, got {type(value).__name__}")

    return json.loads(json.dumps(value, default=jsonable))


def describe(model: Network) -> list[dict[str, Any]]:
    """Return kind and configuration of each layer, as a file holds them."""
    for layer in model.model_layers:
        if layer.class_name not in STORABLE:
            raise TypeError(f"layers: a file can only hold layers of gatewise, got {layer.class_name}")
    layers: list[dict[str, Any]] = plain([{"kind": layer.class_name, **layer.config()} for layer in model.model_layers])
    return layers


def write(
    model: Network,
    path: str | PathLike[str],
    others: Mapping[str, Array] | None = None,
    training: dict[str, Any] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write a file, whole or not at all. `notes` are added to the notes of the model."""
    all_notes = plain({**model.notes, **(notes or {})}, "notes")
    content = {"version": VERSION, "parts": describe(model), "training": plain(training), "notes": all_notes}
    # Under a single key: safetensors writes several in any order, and equal models should give equal files.
    metadata = {FORMAT: json.dumps(content)}
    tensors = {f"model.{name}": value for name, value in model.params.items()} | dict(others or {})
    safetensors.write(path, tensors, metadata)


def read(path: str | PathLike[str]) -> File:
    """Read a file.

    Raises
    ------
    OSError : the file is missing or unreadable.
    ValueError : it is damaged, of another format, or of a later version.
    """
    file = safetensors.read(path)
    if FORMAT not in file.metadata:
        raise ValueError(f"{path}: expected a model written by gatewise, got another .safetensors file")
    try:
        content = json.loads(file.metadata[FORMAT])
        version, layers, training = (content[name] for name in ("version", "parts", "training"))
        notes = dict(content.get("notes", {}))
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: expected the configuration of a model in the metadata, got: {error!r}") from error
    if version != VERSION:
        raise ValueError(f"{path}: expected format version {VERSION}, got {version!r}; a newer gatewise may read it")
    own = {name.removeprefix("model."): value for name, value in file.arrays.items() if name.startswith("model.")}
    others = {name: value for name, value in file.arrays.items() if not name.startswith("model.")}
    return File(layers, own, others, training, notes)


def make_layers(file: File) -> list[Any]:
    """Make the layers that a file describes, with initial values.

    Raises
    ------
    ValueError, TypeError, KeyError, MemoryError : configuration and arrays do not agree.
    """
    described = [(one["kind"], {name: tuples(v) for name, v in one.items() if name != "kind"}) for one in file.layers]
    for index, (kind, config) in enumerate(described):
        if kind not in STORABLE:
            raise ValueError(f"kind: expected one of {', '.join(STORABLE)}, got {kind!r}")
        # Check before allocating: a damaged file may claim sizes that its arrays do not have.
        for name, shape in STORABLE[kind].parameter_shapes(config):
            value = file.model.get(f"{index}.{name}")
            if value is None or value.shape != shape:
                raise ValueError(f"{index}.{name}: expected {shape}, got {None if value is None else value.shape}")
    return [STORABLE[kind].make(**config) for kind, config in described]


def tuples(value: Any) -> Any:
    """Return JSON's lists as the tuples that they were, such as an activation with its parameters."""
    return tuple(map(tuples, value)) if isinstance(value, list) else value


def configuration(value: Any) -> Any:
    """Return kind and configuration of an optimizer or a loss, as a file holds them."""
    return plain(configured.describe(value))
