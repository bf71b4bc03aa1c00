"""Models as .safetensors files: arrays and text, nothing that runs when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from .. import layers, nn
from .._core.options import GATES
from .._core.parameters import Array
from ..files import safetensors
from ..files.errors import InputError
from ..nn.base import ModelLayer
from ..nn.network import Network
from ..nn.recurrent import RecurrentLayer
from .sequential import Sequential

FORMAT = "gatewise.model"
VERSION = 1
KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        *(layers.RNN, layers.LSTM, layers.GRU),
        *(nn.Embedding, nn.Dropout, nn.Linear),
        *(nn.LastStep, nn.MeanOverSteps, nn.Flatten),
    )
}


@dataclass(frozen=True)
class File:
    """What a file holds: the parts' kinds and arguments, the model's arrays, other arrays, the state of a training, and
    the model's notes."""

    parts: list[dict[str, Any]]
    model: dict[str, Array]
    others: dict[str, Array]
    training: dict[str, Any] | None
    notes: dict[str, Any]


def plain(value: Any, name: str = "configuration") -> Any:
    """The value as JSON gives it back."""

    def jsonable(value: Any) -> Any:
        if isinstance(value, np.dtype):
            return value.name
        if isinstance(value, np.generic):
            return value.item()
        raise TypeError(f"{name}: expected text, numbers, lists and dicts, got {type(value).__name__}")

    return json.loads(json.dumps(value, default=jsonable))


def describe(model: Network) -> list[dict[str, Any]]:
    """Kind and arguments of each part."""
    described = []
    for part in model.model_layers:
        kind = type(part.layer if isinstance(part, RecurrentLayer) else part).__name__
        if kind not in KINDS:
            raise TypeError(f"parts: expected only parts of gatewise in a file, got {kind}")
        described.append({"kind": kind, **part.config()})
    described_as_read: list[dict[str, Any]] = plain(described)
    return described_as_read


def write(
    model: Network,
    path: str | PathLike[str],
    others: Mapping[str, Array] | None = None,
    training: dict[str, Any] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write a file, which appears whole or not at all; `notes` are added to those of the model."""
    all_notes = plain({**model.notes, **(notes or {})}, "notes")
    description = {"version": VERSION, "parts": describe(model), "training": plain(training), "notes": all_notes}
    # Under one key, since safetensors writes several in any order, and equal models shall give equal files.
    metadata = {FORMAT: json.dumps(description)}
    tensors = {f"model.{name}": value for name, value in model.params.items()} | dict(others or {})
    safetensors.write(path, tensors, metadata)


def read(path: str | PathLike[str]) -> File:
    """Read and check a file; its sizes are believed only where the arrays bear them out."""
    file = safetensors.read(path)
    if FORMAT not in file.metadata:
        raise ValueError(f"{path}: expected a model written by gatewise, got another .safetensors file")
    try:
        description = json.loads(file.metadata[FORMAT])
        version, described, training = (description[name] for name in ("version", "parts", "training"))
        notes = dict(description.get("notes", {}))
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: expected the configuration of a model in the metadata, got: {error!r}") from error
    if version != VERSION:
        raise ValueError(f"{path}: expected format version {VERSION}, got {version!r}; a newer gatewise may read it")
    own = {name.removeprefix("model."): value for name, value in file.arrays.items() if name.startswith("model.")}
    others = {name: value for name, value in file.arrays.items() if not name.startswith("model.")}
    return File(described, own, others, training, notes)


def load(path: str | PathLike[str]) -> Sequential:
    """Read a model that `Sequential.save` or a checkpoint wrote.

    Parameters
    ----------
    path : the file.

    Raises
    ------
    OSError : it is missing or unreadable.
    ValueError : it is damaged, of another kind, or of a later version, or its sizes do not agree.
    MissingLibrary : safetensors is not installed.

    >>> import gatewise as gw, os, tempfile
    >>> model = gw.Sequential(gw.LSTM(3, 4, batch_first=True), gw.Linear(4, 1), seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(os.path.join(folder, "model.safetensors"))
    ...     gw.load(os.path.join(folder, "model.safetensors"))
    Sequential(LSTM(3, 4, batch_first=True), Linear(4, 1))
    """
    file = read(path)
    try:
        _check_size(file)
        model = Sequential(*(_part(one) for one in file.parts))
        for name, value in file.model.items():
            if value.dtype != model.dtype:
                raise ValueError(f"{name}: expected {model.dtype}, got {value.dtype}")
        model.load_state_dict(file.model)
        model.notes = file.notes
    except (ValueError, TypeError, KeyError, MemoryError) as error:
        raise ValueError(f"{path}: expected a model whose configuration and arrays agree, got: {error}") from error
    return model


def read_model(path: str | PathLike[str]) -> Sequential:
    """A model that was saved.

    Raises
    ------
    InputError : the file is missing, unreadable, damaged or of another kind.
    """
    try:
        return load(path)
    except OSError as error:
        raise InputError(f"{path}: expected a model file, got: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(str(error)) from error


def _part(described: dict[str, Any]) -> ModelLayer | layers.LSTM:
    arguments = {name: tuples(value) for name, value in described.items()}
    kind = arguments.pop("kind")
    if kind not in KINDS:
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    made: ModelLayer | layers.LSTM = KINDS[kind](**arguments)
    return made


def tuples(value: Any) -> Any:
    """JSON's lists as the tuples that they were, such as an activation with its parameters."""
    return tuple(map(tuples, value)) if isinstance(value, list) else value


def _check_size(file: File) -> None:
    """Refuse sizes that the arrays do not have before memory is taken for them."""
    for index, part in enumerate(file.parts):
        held = {
            name.removeprefix(f"{index}."): v.shape for name, v in file.model.items() if name.startswith(f"{index}.")
        }
        expected: dict[str, Any] = {}
        if part["kind"] in GATES:
            rows = GATES[part["kind"]] * part["hidden_size"]
            expected = {"weight_ih_l0": (rows, part["input_size"])}
            if f"weight_hh_l{part['num_layers'] - 1}" not in held:
                raise ValueError(f"part {index}: expected {part['num_layers']} layers, got arrays {', '.join(held)}")
        elif part["kind"] == "Linear":
            expected = {"weight": (part["out_features"], part["in_features"])}
        elif part["kind"] == "Embedding":
            expected = {"weight": (part["num_embeddings"], part["embedding_dim"])}
        for name, shape in expected.items():
            if held.get(name) != shape:
                raise ValueError(f"{index}.{name}: expected {shape}, got {held.get(name)}")
