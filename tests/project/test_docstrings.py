"""numpydoc's validator finds no error in the docstring of any public name."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from numpydoc.validate import validate

from gatewise.files.libraries import MissingLibrary
from public_names import PACKAGES, documented


def parameters() -> Iterator[Any]:
    """Yield every docstring once, under the first of its names."""
    seen = set()
    for package in PACKAGES:
        try:
            members = list(documented(importlib.import_module(package)))
        except MissingLibrary as error:
            yield pytest.param(package, id=package, marks=pytest.mark.skip(reason=str(error)))
            continue
        for name, thing in members:
            if thing not in seen:
                yield pytest.param(name, id=name)
            seen.add(thing)


@pytest.mark.parametrize("name", list(parameters()))
def test_numpydoc_finds_no_error(name: str) -> None:
    assert validate(name)["errors"] == []
