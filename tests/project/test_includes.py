"""The folders of the C++ core, in the order of the table in cpp/README.md: each includes only what lies below it."""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from paths import ROOT

CPP = ROOT / "cpp"
FOLDERS: list[str] = re.findall(r"^\| `([\w/]+)/` \|", (CPP / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
"""From the highest to the lowest."""
HEADERS = sorted(path for path in CPP.rglob("*.hpp") if path.name != "gatewise.hpp")


def folder(path: Path) -> str:
    """The folder of a file, such as "layer/pass"."""
    return path.parent.relative_to(CPP).as_posix()


def includes(path: Path) -> list[Path]:
    """The files of the core that a file includes; those of gatewise.hpp instead of it."""
    found = []
    for name in re.findall(r'^#include "(.+)"', path.read_text(encoding="utf-8"), re.MULTILINE):
        file = (path.parent / name).resolve()
        found += includes(file) if file.name == "gatewise.hpp" else [file]
    return found


def test_every_folder_has_a_level() -> None:
    assert {folder(path) for path in HEADERS} == set(FOLDERS)


@pytest.mark.parametrize("path", HEADERS, ids=lambda path: path.relative_to(CPP).as_posix())
def test_headers_include_what_lies_below(path: Path) -> None:
    own = FOLDERS.index(folder(path))
    assert all(FOLDERS.index(folder(other)) >= own for other in includes(path))


def test_no_includes_form_a_circle() -> None:
    try:
        TopologicalSorter({path: set(includes(path)) for path in HEADERS}).prepare()
    except CycleError as error:
        raise AssertionError(" includes ".join(map(str, error.args[1]))) from None
