"""Docstrings of the reference, taken from the compiled layers and cells."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

Thing = TypeVar("Thing")


def documented_as(original: Any, note: str = "") -> Callable[[Thing], Thing]:
    """Give a class or method the docstring of its compiled counterpart, with `note` before its first section.

    The examples use the reference instead.
    """

    def document(thing: Thing) -> Thing:
        text = (inspect.getdoc(original) or "").replace("gw.", "gw.reference.")
        before, heading, after = text.partition("\n\nParameters\n")
        thing.__doc__ = before + (f"\n\n{note}" if note else "") + heading + after + "\n"
        return thing

    return document
