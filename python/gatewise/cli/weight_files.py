"""The work of ``gatewise info`` and ``gatewise convert``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..files.errors import InputError, listed
from ..models.summary import size_in_words
from ..weights.registry import format_of

SHOWN = 100  # characters of a note


def show(path: Path) -> None:
    """Print what a file holds: a model with its notes, or layers and other arrays."""
    with _explained():
        contents = format_of("FILE", path).read(path)
        if contents.model is not None:
            contents.model.summary()
            _show_notes(contents.model.notes)
            return
        layers, others = contents.weights.layers, contents.weights.others
        for name, layer in layers.items():
            print(f"{name or '(no name)'}: {layer!r}, {size_in_words([layer])}")
        for name, array in others.items():
            print(f"{name}: {array.dtype} {array.shape}")
        for line in contents.details():
            print(line)
        if not layers:
            print("This file has no recurrent layers.")


def _show_notes(notes: dict[str, Any], title: str = "Notes of ", indent: str = "") -> None:
    """Print what a program stored with a model, such as the columns of its data."""
    for name, value in notes.items():
        if isinstance(value, dict):
            print(f"{indent}{title}{name}:")
            _show_notes(value, "", indent + "  ")
        else:
            text = json.dumps(value, ensure_ascii=False)
            print(f"{indent}{title}{name}: {text if len(text) <= SHOWN else text[: SHOWN - 4] + ' ...'}")


def convert(source: Path, target: Path, layer: str | None) -> None:
    """Read the layers or the model of one file and write them to another, and print what was left out."""
    target_format = format_of("OUT", target, writable=True)
    if source.exists() and target.exists() and source.samefile(target):
        raise InputError(f"OUT: expected a file other than IN, got {target}")
    with _explained():
        contents = format_of("IN", source).read(source)
        layers = contents.weights.layers
        if layer is not None:
            if layer not in layers:
                raise InputError(f"--layer: expected one of {listed(layers) or 'no layers'}, got {layer!r}")
            contents = contents.only(layer)
        report = target_format.write(contents, target)
    print(f"Wrote {target}:")
    for line in report.written:
        print(f"  {line}")
    for line in report.left_out:
        print(line)


@contextmanager
def _explained() -> Iterator[None]:
    """Turn an error about a file into one line for the user."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise InputError(str(error)) from error
