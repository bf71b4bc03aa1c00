"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

FORMATS = {
    *(".bin", ".csv", ".json", ".npy", ".npz", ".pickle", ".pkl"),
    *(".h5", ".hdf5", ".keras", ".onnx", ".pt", ".pth", ".safetensors", ".tflite"),
}
"""Suffixes that promise a format."""


def require_suffix(name: str, path: str | os.PathLike[str], suffix: str) -> None:
    """Refuse a file's name that promises another format than the one written; any other name is the caller's affair."""
    if Path(path).suffix.lower() in FORMATS - {suffix}:
        raise ValueError(f"{name}: expected a name that ends in {suffix}, got {os.fspath(path)}")


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` under a temporary name in the same folder, then put it in the place of `path`.

    Whatever ends the program in between, `path` holds either what it held before or all of `content`: of one writer,
    where several write at once. Of a symbolic link the target is replaced.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None
    finally:
        temporary.unlink(missing_ok=True)
