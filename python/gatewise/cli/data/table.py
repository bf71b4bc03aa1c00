"""The rows of a CSV file as sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._core.parameters import Array
from ...files.errors import InputError
from ...files.libraries import library
from ...files.tables import dates_in, numbers, numeric
from .sequences import ROWS, Columns, LabelledSequences, as_text


def sequences(table: Any, columns: Columns, text: bool | None, with_targets: bool) -> LabelledSequences:
    """Return the sequences in a ``pandas.DataFrame`` of text."""
    values = np.column_stack([numbers(table[name], name) for name in columns.features])
    targets = None
    if with_targets:
        targets = np.column_stack([_targets(table[name], name, text) for name in columns.targets])
    row = np.arange(len(table))
    if columns.layout == ROWS:
        return LabelledSequences(list(values[:, :, None]), targets, {"row": row + 1}, row, False)
    codes, ids = np.zeros(len(table), np.intp), np.array([""])
    if columns.group is not None:
        cells = _filled(table[columns.group], columns.group).to_numpy(dtype=str)
        codes, found = library("pandas", "cli").factorize(cells)
        ids = found.astype(str)
    time = row if columns.time is None else _times(table[columns.time], columns.time)
    order = np.lexsort((time, codes))
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    x = np.split(values[order], starts[1:])
    if columns.per_step:
        labels = {"row": row + 1}
        if columns.group is not None:
            labels[columns.group] = ids[codes]
        if columns.time is not None:
            labels[columns.time] = table[columns.time].to_numpy(dtype=str)
        sorted_labels = {name: cells[order] for name, cells in labels.items()}
        return LabelledSequences(x, None if targets is None else targets[order], sorted_labels, order, True)
    assert columns.group is not None
    if targets is not None:
        targets = _one_per_group(targets, codes, ids, order[starts], columns)
    return LabelledSequences(x, targets, {columns.group: ids}, np.arange(len(ids)), False)


def _one_per_group(targets: Array, codes: Array, ids: Array, first_rows: Array, columns: Columns) -> Array:
    """Return the targets (groups, targets) of each group's first row; all rows of a group must agree on them."""
    first: Array = targets[first_rows]
    if len(bad := np.argwhere(targets != first[codes])):
        at, which = bad[0]
        raise InputError(
            f"{columns.targets[which]}, row {at + 1}: expected the same target in all rows of {columns.group} "
            f"{ids[codes[at]]}, got {first[codes[at], which]} and {targets[at, which]}; for one target per step use "
            "--per-step"
        )
    return first


def _targets(cells: Any, name: str, text: bool | None) -> Array:
    values = numeric(cells).to_numpy(dtype=np.float64)
    share = np.isfinite(values).mean()
    if text is False or (text is None and share > 0.5):  # a few cells that are not numbers are mistakes, not classes
        return numbers(cells, name)
    return as_text(values) if share == 1.0 else _filled(cells, name).to_numpy(dtype=str)


def _filled(cells: Any, name: str) -> Any:
    if len(empty := np.flatnonzero(cells == "")):
        raise InputError(f"{name}, row {empty[0] + 1}: expected text or a number, got an empty cell")
    return cells


def _times(cells: Any, name: str) -> Array:
    """Return numbers or dates to sort by."""
    if np.isfinite(numeric(cells.iloc[:1])).all():
        return numbers(cells, name)
    return np.asarray(dates_in(cells, name).astype("int64"))
