"""The public names of version 0.1.0 still exist, and calls that were valid then are valid now.

tests/data/names.txt lists classes and functions with their signatures, properties, and after a colon the attributes of
objects. tests/helpers/public_names.py wrote it at commit 8d90082.
"""

from __future__ import annotations

import ast
from typing import Any

import pytest

from gatewise.files.libraries import MissingLibrary
from paths import DATA
from public_names import find, samples, signature

LINES = (DATA / "names.txt").read_text(encoding="utf-8").splitlines()
NAMES = [line for line in LINES if ": " not in line]
ATTRIBUTES = [line for line in LINES if ": " in line]


def arguments(text: str) -> ast.arguments:
    definition = ast.parse(f"def f{text}: pass").body[0]
    assert isinstance(definition, ast.FunctionDef)
    return definition.args


def defaults(found: ast.arguments) -> dict[str, str | None]:
    """Return every named argument with its default as text, or None if it has no default."""
    in_order = [*found.posonlyargs, *found.args]
    values: list[Any] = [None] * (len(in_order) - len(found.defaults)) + found.defaults
    pairs = [*zip(in_order, values, strict=True), *zip(found.kwonlyargs, found.kw_defaults, strict=True)]
    return {argument.arg: None if value is None else ast.unparse(value) for argument, value in pairs}


def differences(before: str, now: str) -> list[str]:
    """Return the reasons why a call that was valid before may fail now."""
    old, new = arguments(before), arguments(now)
    old_defaults, new_defaults = defaults(old), defaults(new)
    names = [argument.arg for argument in old.args]
    wrong = [] if names == [argument.arg for argument in new.args][: len(names)] else [f"order: {names}"]
    wrong += [f"{name} is gone" for name in old_defaults if name not in new_defaults]
    wrong += [
        f"{name} was {value}" for name, value in old_defaults.items() if value not in (None, new_defaults.get(name))
    ]
    wrong += [f"{name} is new" for name, value in new_defaults.items() if value is None and name not in old_defaults]
    wrong += ["*args"] if old.vararg and not new.vararg else []
    return wrong + (["**kwargs"] if old.kwarg and not new.kwarg else [])


@pytest.mark.parametrize("line", NAMES, ids=[line.partition("(")[0] for line in NAMES])
def test_names_and_signatures(line: str) -> None:
    name, bracket, rest = line.partition("(")
    try:
        thing = find(name)
    except MissingLibrary as error:
        pytest.skip(str(error))
    if bracket:
        assert differences("(" + rest, signature(thing)) == []


@pytest.fixture(scope="module")
def objects() -> dict[str, Any]:
    return samples()


@pytest.mark.parametrize("line", ATTRIBUTES, ids=[line.partition(":")[0] for line in ATTRIBUTES])
def test_attributes(line: str, objects: dict[str, Any]) -> None:
    name, _, attributes = line.partition(": ")
    assert [attribute for attribute in attributes.split() if not hasattr(objects[name], attribute)] == []


def test_differences_are_seen() -> None:
    before = "(self, x, state=None, *, key=None)"
    for now in ("(self, x, state=None, more=1, *, key=None, other=2)", "(self, x=0, state=None, key=None)"):
        assert differences(before, now) == []
    for now in ("(self, x, key=None)", "(self, state, x=None, *, key=None)", "(self, x, state=0, *, key=None)"):
        assert differences(before, now)
    assert differences(before, "(self, x, state=None, *, key=None, other)")
