"""Reading a CSV or NPZ file: its contents, the columns to use, and the sequences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...files.errors import InputError, listed, naming
from ...files.suffixes import chosen_suffix
from ...files.tables import SUFFIXES, numeric, read_table
from ..preflight import require
from . import npz, table
from .sequences import ARRAYS, GROUPS, ROWS, WHOLE, Columns, LabelledSequences


def load(path: Path) -> Any:
    """Return a CSV file as a ``pandas.DataFrame``, or the arrays of an NPZ file as a dict."""
    if chosen_suffix("DATA", path, [*SUFFIXES, ".npz"]) == ".npz":
        return npz.load(path)
    require("pandas")
    return read_table(path)


def choose(
    content: Any, features: Sequence[str], targets: Sequence[str], group: str | None, time: str | None, per_step: bool
) -> Columns:
    """Return the columns that the options name, and for the others what the file suggests."""
    if isinstance(content, dict):
        if group is not None or time is not None:
            raise InputError(f"--group, --time: these options need a CSV file, got {group or time!r} with an NPZ file")
        chosen = Columns(ARRAYS, list(features) or ["x"], list(targets) or ["y"], per_step=per_step)
        for option, names in (("--features", chosen.features), ("--target", chosen.targets)):
            if len(names) != 1 or names[0] not in content:
                raise InputError(f"{option}: expected one of the arrays {listed(content)}, got {listed(names)}")
        return chosen
    if not targets:
        raise InputError(f"--target: this option is required; choose a column to predict: {listed(content.columns)}")
    others = [name for name in (group, time) if name is not None]
    for option, given in (("--target", targets), ("--features", features), ("--group, --time", others)):
        if unknown := [name for name in given if name not in content.columns]:
            raise InputError(f"{option}: expected one of {listed(content.columns)}, got {listed(unknown)}")
    layout = GROUPS if group is not None else WHOLE if per_step else ROWS
    if layout == ROWS and time is not None:
        raise InputError("--time: this option needs --group or --per-step; without them each row is a whole sequence")
    taken = [*targets, *others]
    if len({*taken, *features}) != len(taken) + len(features):
        raise InputError(
            f"--target, --features, --group, --time: expected each column once, got {listed([*taken, *features])}"
        )
    of_numbers = [name for name in content.columns if name not in taken and np.isfinite(numeric(content[name])).any()]
    counting = [name for name in of_numbers if is_index(content[name], name)]
    found = [name for name in of_numbers if name not in counting]
    if not (features or found):
        only = f"only {listed(counting)}, which number the rows" if counting else "none"
        raise InputError(f"--features: expected numeric columns besides {listed(taken)}, got {only}")
    return Columns(layout, list(features) or found, list(targets), group, time, per_step)


def is_index(cells: Any, name: str) -> bool:
    """Return whether a column numbers the rows: it increases by 1, or has no name, as pandas writes an index."""
    values = numeric(cells).to_numpy(dtype=np.float64)
    counts = len(values) > 2 and values[0] % 1 == 0 and (np.diff(values) == 1).all()
    return not name or re.fullmatch(r"Unnamed: \d+", name) is not None or bool(counts)


def read(path: Path, content: Any, columns: Columns, text: bool | None, with_targets: bool = True) -> LabelledSequences:
    """Return the sequences in what `load` returned.

    Parameters
    ----------
    path : Path
        The file, for messages.
    content : pandas.DataFrame or dict
        What `load` returned.
    columns : Columns
        Where the sequences are in it.
    text : bool or None
        Whether targets are text (classes) or numbers; None takes them as they are.
    with_targets : bool, default True
        Whether to read the targets. If not, the file need not have any.
    """
    if isinstance(content, dict) != (columns.layout == ARRAYS):
        expected = "an .npz file" if columns.layout == ARRAYS else "a CSV file"
        raise InputError(f"{path}: expected {expected}, like the one to which the model was fitted")
    required = [*columns.features, *(name for name in (columns.group, columns.time) if name)]
    if missing := [name for name in required + columns.targets * with_targets if name not in content]:
        what = "array" if isinstance(content, dict) else "column"
        raise InputError(f"{path}: expected the {what} {listed(missing)}, got {listed(content)}")
    with naming(path):
        if isinstance(content, dict):
            return npz.sequences(content, columns, text, with_targets)
        return table.sequences(content, columns, text, with_targets)
