"""What ``gatewise info`` and ``gatewise convert`` do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..files.errors import InputError
from ..files.libraries import library
from ..models.summary import size_in_words
from ..weights import Weights, load, save
from ..weights.files import SUFFIXES, saved_model

SHOWN = 100  # letters of a note

__all__ = ["SUFFIXES", "convert", "show"]


@contextmanager
def _explained() -> Iterator[None]:
    """What is wrong with a file is one sentence for the user."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise InputError(str(error)) from error


def show(path: Path) -> None:
    """Print the layers of a file, and what else it has."""
    with _explained():
        if (model := _model(path)) is not None:
            model.summary()
            _show_notes(model.notes)
            return
        weights = load(path)
        for name, layer in weights.layers.items():
            print(f"{name or '(no name)'}: {layer!r}, {size_in_words([layer])}")
        for name, array in weights.others.items():
            print(f"{name}: {array.dtype} {array.shape}")
        if path.suffix.lower() == ".onnx":
            _show_graph(path)
        if not weights.layers:
            print("No recurrent layer.")


def _show_notes(notes: dict[str, Any], title: str = "Notes of ", indent: str = "") -> None:
    """What the program that wrote a model has to know of its data."""
    for name, value in notes.items():
        if isinstance(value, dict):
            print(f"{indent}{title}{name}:")
            _show_notes(value, "", indent + "  ")
        else:
            text = json.dumps(value, ensure_ascii=False)
            print(f"{indent}{title}{name}: {text if len(text) <= SHOWN else text[: SHOWN - 4] + ' ...'}")


def _show_graph(path: Path) -> None:
    library("onnx", extra="onnx")
    from .. import onnx

    model = onnx.load(path)
    for title, values in (("input", model.inputs), ("output", model.outputs)):
        for name, value in values.items():
            print(f"{title} {name}: {value.dtype} {value.shape}")


def _model(path: Path) -> Any:
    """The whole model of a file, where it has one that gatewise wrote."""
    return saved_model(path) if path.suffix.lower() == ".safetensors" else None


def convert(source: Path, target: Path, layer: str | None) -> None:
    """Read, choose, write; and say what was left out."""
    suffix = target.suffix.lower()
    if suffix not in (".safetensors", ".onnx"):
        raise InputError(f"OUT: expected a name that ends in .safetensors or .onnx, got {target}")
    if source.exists() and target.exists() and source.samefile(target):
        raise InputError(f"OUT: expected another file than IN, got {target}")
    with _explained():
        model = _model(source)
        if suffix == ".onnx" and layer is None and model is not None:
            _write_onnx(model, target)
            print(f"Wrote {model!r}\nto {target}.")
            return
        weights = _chosen(load(source), layer)
        if suffix == ".safetensors":
            save(weights.layers, target, weights.others)
        else:
            if len(weights.layers) != 1:
                names = ", ".join(repr(name) for name in weights.layers) or "none"
                raise InputError(f"--layer: expected one layer for an ONNX file, got {names}")
            _write_onnx(next(iter(weights.layers.values())), target)
            for name in weights.others:
                print(f"Left out {name}: not of a recurrent layer.")
    for name, one in weights.layers.items():
        print(f"Wrote {name or 'the layer'}: {one!r}")
    print(f"to {target}.")
    if model is not None:
        notes = ", and its notes, such as columns, scaling and classes" if model.notes else ""
        print(f"Left out what the model's parts are{notes}: no arrays of layers.")


def _write_onnx(layer_or_model: Any, target: Path) -> None:
    library("onnx", extra="onnx")
    from .. import onnx

    onnx.save(layer_or_model, target)


def _chosen(weights: Weights, layer: str | None) -> Weights:
    if layer is None:
        return weights
    if layer not in weights.layers:
        names = ", ".join(repr(name) for name in weights.layers) or "none"
        raise InputError(f"--layer: expected one of {names}, got {layer!r}")
    return Weights({layer: weights.layers[layer]}, {})
