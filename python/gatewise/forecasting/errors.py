"""The errors of forecasting, each of them one sentence for the user, and the import of optional libraries."""

from __future__ import annotations

from typing import Any

from .._libraries import MissingLibrary
from .._libraries import library as _library

__all__ = ["ForecastError", "MissingLibrary", "library"]


class ForecastError(ValueError):
    """Something given cannot be worked with; the message says what was expected and what came."""


def library(name: str) -> Any:
    """The module of this name, imported now.

    Raises
    ------
    MissingLibrary : it is not installed.
    """
    return _library(name, "forecast")
