"""The error for input that a user can correct, and helpers for its messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os import PathLike


class InputError(ValueError):
    """The user's input cannot be used; the message says what was expected and what was given."""


@contextmanager
def naming(path: str | PathLike[str]) -> Iterator[None]:
    """Put the file's name in front of the message of an `InputError` raised inside."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def listed(names: Iterable[object]) -> str:
    """Return the names quoted and separated by commas, for a message."""
    return ", ".join(repr(str(name)) for name in names)
