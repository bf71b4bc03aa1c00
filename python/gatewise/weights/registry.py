"""The file formats that ``gatewise.weights``, ``gatewise info`` and ``gatewise convert`` know.

A new format is one more entry in `FORMATS` and a module in ``formats/``.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files.errors import alternatives
from ..files.libraries import library
from ..files.suffixes import chosen_suffix
from .contents import Contents, Report


@dataclass(frozen=True)
class Format:
    """A file format: its suffixes, what it holds, and the module in ``formats/`` that reads and writes it.

    The module is imported when it is used. It needs `library`, which `extra` installs.
    """

    suffixes: tuple[str, ...]
    holds: str
    module: str
    library: str
    extra: str
    writable: bool = False

    def read(self, path: str | os.PathLike[str]) -> Contents:
        """Read a file.

        Raises
        ------
        ValueError
            The file is damaged, or holds something that gatewise does not support.
        OSError
            The file is missing or unreadable.
        MissingLibrary
            The library that reads it is not installed.
        """
        with Path(path).open("rb"):  # raises the OSError before libraries report it in their own ways
            pass
        contents: Contents = self._imported().read(path)
        return contents

    def write(self, contents: Contents, path: str | os.PathLike[str]) -> Report:
        """Write what the format can hold of `contents`, and report what was left out."""
        report: Report = self._imported().write(contents, path)
        return report

    def _imported(self) -> Any:
        library(self.library, self.extra)
        return importlib.import_module(f"{__package__}.formats.{self.module}")


FORMATS = (
    Format((".safetensors",), "layers, arrays, or a gatewise model", "safetensors", "safetensors", "train", True),
    Format((".pt", ".pth"), "a PyTorch state dict", "state_dict", "torch", "torch"),
    Format((".onnx",), "an ONNX graph", "onnx", "onnx", "onnx", True),
    Format((".keras",), "a Keras 3 model", "keras", "h5py", "keras"),
)


def suffixes(writable: bool = False) -> list[str]:
    """Return the suffixes of all formats, or of those that can be written."""
    return [suffix for one in FORMATS if one.writable or not writable for suffix in one.suffixes]


def format_of(argument: str, path: str | os.PathLike[str], writable: bool = False) -> Format:
    """Return the format of a file by its suffix. `argument` names the path in error messages."""
    suffix = chosen_suffix(argument, path, suffixes(writable))
    return next(one for one in FORMATS if suffix in one.suffixes)


def formats_in_words() -> str:
    """Return the suffixes and what such files hold, for the help of commands."""
    return ", ".join(f"{alternatives(one.suffixes)} ({one.holds})" for one in FORMATS)
