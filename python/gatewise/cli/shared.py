"""What several commands do."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import gatewise as gw

from ..files.errors import InputError
from ..files.libraries import library


def require(*libraries: str) -> None:
    """See that these are installed: what is missing must be known before the work, not after it."""
    for name in libraries:
        library(name, "cli")


def set_threads(threads: int | None) -> None:
    """Let the core use at most so many threads."""
    if threads is not None:
        try:
            gw.set_num_threads(threads)
        except ValueError as error:
            raise InputError(f"--threads: {error}") from error


def prepare_folder(out: Path) -> None:
    """Make the folder and see that files can be made in it, before the work begins."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise InputError(f"--out: expected a folder to write to, got {out}: {os.strerror(error.errno or 0)}") from error
