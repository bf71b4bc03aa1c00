"""Every public name has a docstring that numpydoc's validator accepts without any error."""

from __future__ import annotations

import functools
import importlib
import inspect
import types
from collections.abc import Iterator
from typing import Any

import pytest
from numpydoc.validate import validate

from gatewise.files.libraries import MissingLibrary

PACKAGES = [
    "gatewise",
    "gatewise.diagnostics",
    "gatewise.estimators",
    "gatewise.forecasting",
    "gatewise.keras",
    "gatewise.models",
    "gatewise.nn",
    "gatewise.onnx",
    "gatewise.optimizers",
    "gatewise.reference",
    "gatewise.schedules",
    "gatewise.torch",
    "gatewise.training.callbacks",
    "gatewise.training.losses",
    "gatewise.weights",
]
PENDING = {
    "gatewise._core",
    "gatewise.cells",
    "gatewise.layers",
    "gatewise.reference",
}
"""Modules and packages whose docstrings are not checked yet. To have one checked, delete its line."""


def is_own(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).partition(".")[0] == "gatewise"


def public_names(package: types.ModuleType) -> list[str]:
    """The classes and functions in a package's ``__all__``; without one, the public ones that the module defines."""
    defined = [name for name, thing in vars(package).items() if getattr(thing, "__module__", "") == package.__name__]
    names = getattr(package, "__all__", [name for name in defined if not name.startswith("_")])
    return [
        name for name in names if inspect.isclass(getattr(package, name)) or inspect.isroutine(getattr(package, name))
    ]


def function_of(member: Any) -> Any:
    """The function that holds the docstring of a class's member; None for a plain attribute."""
    if isinstance(member, property):
        return member.fget
    if isinstance(member, functools.cached_property):
        return member.func
    member = inspect.unwrap(getattr(member, "__func__", member))
    return member if inspect.isfunction(member) else None


def documented(package: types.ModuleType) -> Iterator[tuple[str, Any]]:
    """Each public class, function, method and property of a package: its name and the object with the docstring."""
    for name in public_names(package):
        thing = getattr(package, name)
        yield f"{package.__name__}.{name}", thing
        if not inspect.isclass(thing):
            continue
        for member in dir(thing):
            function = function_of(inspect.getattr_static(thing, member))
            if not member.startswith("_") and function is not None and is_own(function):
                yield f"{package.__name__}.{name}.{member}", function


def is_pending(module: str) -> bool:
    return any(module == pending or module.startswith(pending + ".") for pending in PENDING)


def parameters() -> Iterator[Any]:
    """Every docstring once, under the first of its names."""
    seen = set()
    for package in PACKAGES:
        try:
            members = list(documented(importlib.import_module(package)))
        except MissingLibrary as error:
            yield pytest.param(package, id=package, marks=pytest.mark.skip(reason=str(error)))
            continue
        for name, thing in members:
            if thing not in seen and not is_pending(thing.__module__):
                yield pytest.param(name, id=name)
            seen.add(thing)


@pytest.mark.parametrize("name", list(parameters()))
def test_numpydoc_finds_no_error(name: str) -> None:
    assert validate(name)["errors"] == []
