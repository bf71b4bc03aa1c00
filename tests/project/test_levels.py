"""A file of the package imports only from the levels below its own, and no imports form a circle.

CONTRIBUTING lists the levels, the lowest first. Imports inside functions and imports for types count too. The benches
and the helpers of the tests must not have circles either.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import gatewise
from paths import BENCH, HELPERS

PACKAGE = Path(gatewise.__file__).parent
LEVELS: list[set[str]] = [
    {"_core", "files"},
    {"cells", "layers", "plotting"},
    {"reference"},
    {"schedules"},
    {"optimizers"},
    {"nn"},
    {"training"},
    {"models"},
    {"gatewise"},  # the public names, which only the levels after this one import
    {"diagnostics", "estimators", "forecasting", "keras", "onnx", "torch"},
    {"weights"},
    {"cli"},
]
"""Units of one level do not import each other."""


def modules_of(folder: Path, *package: str) -> dict[str, Path]:
    """Return the files of a package, or of a folder with modules, by their dotted names."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = [*package, *path.relative_to(folder).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules_of(PACKAGE, "gatewise")


def imported(module: str, modules: dict[str, Path]) -> Iterator[str]:
    """Yield the modules that a module imports anywhere in its file."""
    path = modules[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = [*base, *(node.module.split(".") if node.module else [])]
            names = [".".join([*base, alias.name]) for alias in node.names]
        for name in names:
            if name in modules:
                yield name
            elif name.rpartition(".")[0] in modules:
                yield name.rpartition(".")[0]


def unit(module: str) -> str:
    """Return the file or folder directly below the package to which a module belongs."""
    return (module.split(".")[1:] or ["gatewise"])[0]


def level(name: str) -> int:
    return next(number for number, units in enumerate(LEVELS) if name in units)


def test_files_import_what_lies_below() -> None:
    wrong = {
        (unit(module), unit(other))
        for module in MODULES
        if module != "gatewise"  # it loads the levels above on first use, which test_package checks
        for other in imported(module, MODULES)
        if unit(module) != unit(other) and level(unit(other)) >= level(unit(module))
    }
    assert not wrong


@pytest.mark.parametrize(
    "modules", [MODULES, modules_of(BENCH), modules_of(HELPERS)], ids=["package", "bench", "tests"]
)
def test_no_imports_form_a_circle(modules: dict[str, Path]) -> None:
    graph = {module: {other for other in imported(module, modules) if other != module} for module in modules}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" imports ".join(error.args[1])) from None


def test_every_file_and_folder_has_a_level() -> None:
    units = {unit(module) for module in MODULES} | {"gatewise"}
    assert units == set.union(*LEVELS)
