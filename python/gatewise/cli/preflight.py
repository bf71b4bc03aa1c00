"""Checks and settings before a command's work begins, so that nothing fails after long training."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import gatewise as gw

from ..files.errors import InputError
from ..files.libraries import library


def require(*libraries: str) -> None:
    """Raise a MissingLibrary if one of these libraries is not installed."""
    for name in libraries:
        library(name, "cli")


def set_threads(threads: int | None) -> None:
    """Set the maximum number of the core's threads; None leaves it as it is."""
    if threads is not None:
        try:
            gw.set_num_threads(threads)
        except ValueError as error:
            raise InputError(f"--threads: {error}") from error


def prepare_folder(out: Path) -> None:
    """Create the folder if it is missing, and check that it is writable."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise InputError(f"--out: cannot write to the folder {out}: {os.strerror(error.errno or 0)}") from error
