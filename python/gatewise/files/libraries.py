"""Optional libraries, imported when they are used."""

from __future__ import annotations

import importlib
from typing import Any


class MissingLibrary(ImportError):
    """Raised if an optional library is not installed.

    It is an `ImportError`. The message names the extra that installs the library, such as ``gatewise[train]``.

    See Also
    --------
    InputError : Raised if the user's input cannot be used.

    Examples
    --------
    >>> from gatewise.files.libraries import MissingLibrary, library
    >>> try:
    ...     library("a_library_that_is_not_there", "train")
    ... except MissingLibrary as error:
    ...     print(error)
    a_library_that_is_not_there is not installed; pip install "gatewise[train]" installs it
    """


def library(name: str, extra: str) -> Any:
    """Import the module `name`, or raise a `MissingLibrary` that names the extra which installs it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingLibrary(f'{error.name} is not installed; pip install "gatewise[{extra}]" installs it') from error
