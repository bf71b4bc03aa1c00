"""Optional libraries, imported when they are used."""

from __future__ import annotations

import importlib
from typing import Any


class MissingLibrary(ImportError):
    """An optional library, part of an extra such as ``gatewise[train]``, is not installed."""


def library(name: str, extra: str) -> Any:
    """Import the module `name`, or raise a `MissingLibrary` that names the extra which installs it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingLibrary(f'{error.name} is not installed; pip install "gatewise[{extra}]" installs it') from error
