"""The errors of forecasting, each of them one sentence for the user, and the import of optional libraries."""

from __future__ import annotations

import importlib
from typing import Any


class ForecastError(ValueError):
    """Something given cannot be worked with; the message says what was expected and what came."""


class MissingLibrary(ImportError):
    """A library of the extra ``gatewise[forecast]`` is not installed."""


def library(name: str) -> Any:
    """The module of this name, imported now.

    Raises
    ------
    MissingLibrary : it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingLibrary(f'{error.name} is not installed; pip install "gatewise[forecast]" brings it') from error
