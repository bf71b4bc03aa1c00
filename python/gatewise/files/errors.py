"""The error for input that a user can correct, and helpers for its messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os import PathLike

__doctest_requires__ = ("pandas",)


class InputError(ValueError):
    """Raised if the user's input cannot be used: a file, a column, an option.

    It is a `ValueError`. The message is one line that says what was expected and what was given. The ``gatewise``
    command prints it as it is.

    See Also
    --------
    MissingLibrary : Raised if an optional library is not installed.

    Examples
    --------
    >>> from gatewise.forecasting import InputError, read_csv
    >>> try:
    ...     read_csv("nowhere.csv")
    ... except InputError as error:
    ...     print(error)
    nowhere.csv: cannot read this CSV file: No such file or directory
    """


@contextmanager
def naming(path: str | PathLike[str]) -> Iterator[None]:
    """Put the file's name before the message of an `InputError` raised inside."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def listed(names: Iterable[object]) -> str:
    """Return the names quoted and separated by commas, for a message."""
    return ", ".join(repr(str(name)) for name in names)


def alternatives(names: Iterable[object]) -> str:
    """Return the names as text such as "a, b or c", for a message."""
    *most, last = map(str, names)
    return f"{', '.join(most)} or {last}" if most else last
