"""Optional libraries, imported when they are used."""

from __future__ import annotations

import importlib
from typing import Any


class MissingLibrary(ImportError):
    """A library of an extra, such as ``gatewise[train]``, is not installed."""


def library(name: str, extra: str) -> Any:
    """The module of this name, imported now.

    Raises
    ------
    MissingLibrary : it is not installed; the message names the extra that brings it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingLibrary(f'{error.name} is not installed; pip install "gatewise[{extra}]" brings it') from error
