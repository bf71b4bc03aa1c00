"""The levels of the package, as CONTRIBUTING lists them: a file imports only what lies below it, and no imports form a
circle. Imports inside functions and those for types alone count like any others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import gatewise

PACKAGE = Path(gatewise.__file__).parent
LEVELS: list[set[str]] = [
    {"_core", "files"},
    {"cells", "layers", "plotting", "reference"},
    {"schedules"},
    {"optimizers"},
    {"nn"},
    {"training"},
    {"models"},
    {"gatewise"},  # the public names: whoever imports them stands above the levels so far
    {"diagnostics", "estimators", "forecasting", "keras", "onnx", "torch"},
    {"weights"},
    {"cli"},
]
"""Units of one level do not import each other."""


def module_of(path: Path) -> str:
    """The dotted name of a file, such as "gatewise.nn.dense"; of a package's ``__init__.py`` the package's."""
    parts = ["gatewise", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported(path: Path) -> Iterator[str]:
    """The modules of gatewise that a file imports, wherever in it."""
    package = ["gatewise", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = [*base, *(node.module.split(".") if node.module else [])]
            names = [".".join([*base, alias.name]) for alias in node.names]
        for name in names:
            if name.split(".")[0] == "gatewise":
                yield name if name in MODULES or "." not in name else name.rpartition(".")[0]


def unit(module: str) -> str:
    """The file or folder right below the package to which a module belongs."""
    return (module.split(".")[1:] or ["gatewise"])[0]


def level(name: str) -> int:
    return next(number for number, units in enumerate(LEVELS) if name in units)


def test_files_import_what_lies_below() -> None:
    wrong = {
        (unit(module), unit(other))
        for module, path in MODULES.items()
        if module != "gatewise"  # which loads the levels above when they are asked for: test_package checks that
        for other in imported(path)
        if unit(module) != unit(other) and level(unit(other)) >= level(unit(module))
    }
    assert not wrong


def test_no_imports_form_a_circle() -> None:
    graph = {module: {other for other in imported(path) if other != module} for module, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" imports ".join(error.args[1])) from None


def test_every_file_and_folder_has_a_level() -> None:
    units = {unit(module) for module in MODULES} | {"gatewise"}
    assert units == set.union(*LEVELS)
