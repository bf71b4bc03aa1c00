"""The one reader and the one writer of ``.safetensors`` files: arrays by name, and text in the metadata."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .libraries import library
from .writing import replace_file

Array = NDArray[Any]
Name = str | os.PathLike[str]
READABLE = {"F16", "F32", "F64", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64", "BOOL"}
"""The format's dtypes that NumPy has as well."""


@dataclass(frozen=True)
class Tensors:
    """The contents of a file: name to array, and key to text."""

    arrays: dict[str, Array]
    metadata: dict[str, str]


def read(path: Name) -> Tensors:
    """Read a file.

    Raises
    ------
    ValueError
        The file is damaged or of another format, or NumPy lacks the dtype of an array.
    OSError
        The file is missing or unreadable.
    """
    with _open(path) as file:
        names = list(file.keys())
        for name in names:
            dtype = file.get_slice(name).get_dtype()
            if dtype not in READABLE:
                raise ValueError(f"{os.fspath(path)}: {name}: expected a dtype that NumPy has, got {dtype}")
        return Tensors({name: file.get_tensor(name) for name in names}, file.metadata() or {})


def read_metadata(path: Name) -> dict[str, str]:
    """Read the metadata alone; the errors are those of `read`."""
    with _open(path) as file:
        return dict(file.metadata() or {})


def write(path: Name, arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """Write a file, which appears complete or not at all.

    safetensors writes several metadata keys in any order, so pass a single key if equal contents must give equal files.
    """
    contiguous = {name: np.array(array, order="C") for name, array in arrays.items()}
    replace_file(Path(path), library("safetensors.numpy", "train").save(contiguous, metadata=dict(metadata)))


@contextmanager
def _open(path: Name) -> Iterator[Any]:
    """Open the file with the library, which checks the header, sizes and offsets."""
    safetensors = library("safetensors", "train")
    with Path(path).open("rb"):  # raises the OSError of a missing or unreadable file, which the library does not
        pass
    try:
        with safetensors.safe_open(os.fspath(path), framework="np") as file:
            yield file
    except safetensors.SafetensorError as error:
        raise ValueError(f"{os.fspath(path)}: damaged, or not a .safetensors file: {error}") from error
