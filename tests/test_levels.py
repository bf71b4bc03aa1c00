"""The levels of the package, as CONTRIBUTING has them: what a file imports lies below it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import gatewise

ROOT = Path(gatewise.__file__).parent
LEVELS: list[set[str]] = [
    {"schedules"},
    {"optimizers"},
    {"models", "training"},
    {"gatewise"},  # its public names, which bring the levels so far along
    {"_inputs"},
    {"diagnostics", "estimators", "forecasting", "keras", "onnx", "torch"},
    {"weights"},
    {"cli"},
]
"""Above the core, which is all else. Those of a level are strangers to each other, models and training apart."""
HELPERS = {"_activations", "writing", "_layer", "_libraries", "_options", "_parameters", "layers"}
"""The modules of the core that the levels above use beside its public names."""


def level(unit: str) -> int:
    return next((number for number, units in enumerate(LEVELS, 1) if unit in units), 0)


def imported(path: Path) -> Iterator[str]:
    """The modules and packages of gatewise that a file imports, wherever in it; "gatewise" for a public name."""
    package = ["gatewise", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base += node.module.split(".") if node.module else []
            names = [[*base, alias.name] for alias in node.names]
        for top, unit, *_ in ([*name, "gatewise"] for name in names):
            if top == "gatewise":
                is_module = unit.startswith("_") or (ROOT / unit).is_dir() or (ROOT / f"{unit}.py").is_file()
                yield unit if is_module else "gatewise"


def allowed(own: str, unit: str) -> bool:
    if level(unit) == 0 < level(own):
        return unit in HELPERS or (own, unit) == ("optimizers", "dispatch")
    one_level = own == unit or level(own) == 0 or {own, unit} == {"models", "training"}
    return level(unit) < level(own) or (level(unit) == level(own) and one_level)


def test_files_import_what_lies_below() -> None:
    wrong = []
    for path in sorted(ROOT.rglob("*.py")):
        own = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if own != "__init__":  # which loads those above when they are asked for: test_package looks there
            wrong += [f"{path.relative_to(ROOT)}: {unit}" for unit in imported(path) if not allowed(own, unit)]
    assert not wrong


def test_the_levels_are_there() -> None:
    named = set.union(*LEVELS, HELPERS) - {"gatewise"}
    assert named <= {path.stem for path in ROOT.iterdir()}
    assert {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()} <= named | {"reference"}
