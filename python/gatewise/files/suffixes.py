"""Suffixes of file names, and the formats that they stand for.

A function that writes several formats chooses one by the suffix, which must be known (`chosen_suffix`). A function that
writes a single format accepts any name but one with the suffix of another format (`require_suffix`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .errors import InputError, alternatives

SUFFIXES = {
    *(".bin", ".csv", ".json", ".npy", ".npz", ".pickle", ".pkl", ".tsv", ".txt", ".xlsx", ".parquet"),
    *(".h5", ".hdf5", ".keras", ".onnx", ".pt", ".pth", ".safetensors", ".tflite"),
    *(".gif", ".jpeg", ".jpg", ".pdf", ".png", ".svg", ".webp"),
}
"""Suffixes that stand for a format."""


def chosen_suffix(argument: str, path: str | os.PathLike[str], suffixes: Sequence[str]) -> str:
    """Return the name's suffix in lower case, or raise an InputError unless it is one of `suffixes`."""
    suffix = Path(path).suffix.lower()
    if suffix not in suffixes:
        raise InputError(f"{argument}: expected a name that ends in {alternatives(suffixes)}, got {os.fspath(path)}")
    return suffix


def require_suffix(argument: str, path: str | os.PathLike[str], suffix: str) -> None:
    """Raise an InputError if the name has the suffix of another format than `suffix`."""
    if Path(path).suffix.lower() in SUFFIXES:
        chosen_suffix(argument, path, [suffix])
