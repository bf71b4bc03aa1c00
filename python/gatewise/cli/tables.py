"""CSV and NPZ files as sequences: the one place where the commands for models read data."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.errors import InputError, listed, naming
from ..files.libraries import library
from ..files.tables import dates_in, numbers, numeric, read_table
from .shared import require

Array = NDArray[Any]
GROUPS, ROWS, WHOLE, ARRAYS = LAYOUTS = "groups", "rows", "whole", "arrays"


@dataclass(frozen=True)
class Columns:
    """Where sequences and answers stand in a file.

    layout : "groups", rows with the same id in the column `group` are the steps of a sequence, put in the order of the
        column `time` if there is one; "rows", each row is a sequence, and its columns are the steps; "whole", the rows
        are the steps of a single sequence; "arrays", x (N, T, features) or (N, T), y and lengths of an NPZ file.
    features, targets : names of columns; of arrays, one each.
    per_step : whether every step has an answer.
    """

    layout: str
    features: list[str]
    targets: list[str]
    group: str | None = None
    time: str | None = None
    per_step: bool = False


@dataclass(frozen=True)
class Sequences:
    """What was read.

    x : N arrays (T, features) float64, finite.
    answers : (N, answers), or with an answer a step those of one sequence after the other (ΣT, answers), float64 or
        text; None: the file has none.
    names : header to what tells an answer from others, such as the number of its sequence: (N,) or (ΣT,).
    place : where in the file each answer stands: its order.
    per_step : whether every step has an answer.
    """

    x: list[Array]
    answers: Array | None
    names: dict[str, Array]
    place: Array
    per_step: bool

    def part(self, which: Array) -> Sequences:
        """These sequences alone."""
        rows = which
        if self.per_step:
            starts = np.cumsum([0, *map(len, self.x)])
            rows = np.concatenate([which[:0], *(np.arange(starts[i], starts[i + 1]) for i in which)])
        names = {name: values[rows] for name, values in self.names.items()}
        answers = None if self.answers is None else self.answers[rows]
        return Sequences([self.x[i] for i in which], answers, names, self.place[rows], self.per_step)

    def split(self, flat: Array) -> list[Array]:
        """What has a row for each step of one sequence after the other, as an array a sequence."""
        return np.split(flat, np.cumsum([len(one) for one in self.x])[:-1])


def load(path: Path) -> Any:
    """A table, pandas.DataFrame, of a CSV file; the arrays of an NPZ file as a dict."""
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return _arrays(path)
    if suffix not in (".csv", ".tsv", ".txt"):
        raise InputError(f"{path}: expected a .csv or .npz file, got {suffix or 'no suffix'}")
    require("pandas")
    return read_table(path)


def _arrays(path: Path) -> dict[str, Array]:
    try:
        with path.open("rb") as file:
            # NumPy would take what does not begin so for a single array or a pickle.
            if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
                raise InputError(f"{path}: expected an NPZ file, as numpy.savez writes, got another")
            file.seek(0)
            content = np.load(file, allow_pickle=False)
            return {name: _array(path, content, name) for name in content.files}
    except OSError as error:
        raise InputError(f"{path}: expected an NPZ file, got: {error.strerror or error}") from error
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise InputError(f"{path}: expected a whole NPZ file, got one that does not read: {error}") from error


def _array(path: Path, content: Any, name: str) -> Array:
    try:
        array = content[name]
    except (ValueError, EOFError, RuntimeError, zlib.error) as error:
        why = (
            "objects: give sequences of several lengths padded, and their lengths" if "pickle" in str(error) else error
        )
        raise InputError(f"{path}: {name}: expected an array of numbers or text, got {why}") from error
    if not isinstance(array, np.ndarray):
        raise InputError(f"{path}: {name}: expected an array, got another file")
    return array


def choose(
    content: Any, features: Sequence[str], targets: Sequence[str], group: str | None, time: str | None, per_step: bool
) -> Columns:
    """What was asked for, and for the rest what the file suggests."""
    if isinstance(content, dict):
        if group is not None or time is not None:
            raise InputError(f"--group, --time: expected only with a CSV file, got {group or time!r} with arrays")
        chosen = Columns(ARRAYS, list(features) or ["x"], list(targets) or ["y"], per_step=per_step)
        for option, names in (("--features", chosen.features), ("--target", chosen.targets)):
            if len(names) != 1 or names[0] not in content:
                raise InputError(f"{option}: expected one of the arrays {listed(list(content))}, got {listed(names)}")
        return chosen
    if not targets:
        raise InputError(f"--target: expected the column to predict, one of {listed(content.columns)}, got none")
    others = [name for name in (group, time) if name is not None]
    for option, given in (("--target", targets), ("--features", features), ("--group, --time", others)):
        if unknown := [name for name in given if name not in content.columns]:
            raise InputError(f"{option}: expected one of {listed(content.columns)}, got {listed(unknown)}")
    layout = GROUPS if group is not None else WHOLE if per_step else ROWS
    if layout == ROWS and time is not None:
        raise InputError("--time: expected with --group or --per-step, without which a row is a whole sequence")
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
        raise InputError(f"--features: expected columns of numbers beside {listed(taken)}, got {only}")
    return Columns(layout, list(features) or found, list(targets), group, time, per_step)


def is_index(cells: Any, name: str) -> bool:
    """Whether a column numbers the rows: it has no name, as an index that pandas wrote, or counts them by ones."""
    values = numeric(cells).to_numpy(dtype=np.float64)
    counts = len(values) > 2 and values[0] % 1 == 0 and (np.diff(values) == 1).all()
    return not name or re.fullmatch(r"Unnamed: \d+", name) is not None or bool(counts)


def read(path: Path, content: Any, columns: Columns, text: bool | None, answers: bool = True) -> Sequences:
    """The sequences of a file that `load` gave.

    Parameters
    ----------
    text : whether answers are text (classes), or numbers; None: as they are.
    answers : whether they are read as well; if not, the file need not have them.
    """
    if isinstance(content, dict) != (columns.layout == ARRAYS):
        expected = "an .npz file" if columns.layout == ARRAYS else "a CSV file"
        raise InputError(f"{path}: expected {expected}, like the one that the model was fitted to")
    required = [*columns.features, *(name for name in (columns.group, columns.time) if name)]
    if missing := [name for name in required + columns.targets * answers if name not in content]:
        what = "array" if isinstance(content, dict) else "column"
        raise InputError(f"{path}: expected the {what} {listed(missing)}, got {listed(list(content))}")
    with naming(path):
        return (_of_arrays if isinstance(content, dict) else _of_table)(content, columns, text, answers)


def _of_table(table: Any, columns: Columns, text: bool | None, with_answers: bool) -> Sequences:
    values = np.column_stack([numbers(table[name], name) for name in columns.features])
    answers = None
    if with_answers:
        answers = np.column_stack([_answers_of_column(table[name], name, text) for name in columns.targets])
    row = np.arange(len(table))
    if columns.layout == ROWS:
        return Sequences(list(values[:, :, None]), answers, {"row": row + 1}, row, False)
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
        kept = {"row": row + 1}
        if columns.group is not None:
            kept[columns.group] = ids[codes]
        if columns.time is not None:
            kept[columns.time] = table[columns.time].to_numpy(dtype=str)
        return Sequences(
            x, None if answers is None else answers[order], {n: v[order] for n, v in kept.items()}, order, True
        )
    assert columns.group is not None
    if answers is not None:
        first = answers[order[starts]]
        if len(bad := np.argwhere(answers != first[codes])):
            at, which = bad[0]
            raise InputError(
                f"{columns.targets[which]}, row {at + 1}: expected one answer for all rows of {columns.group} "
                f"{ids[codes[at]]}, got {first[codes[at], which]} and {answers[at, which]}; with one a row: "
                "--per-step"
            )
        answers = first
    return Sequences(x, answers, {columns.group: ids}, np.arange(len(ids)), False)


def _of_arrays(content: dict[str, Array], columns: Columns, text: bool | None, with_answers: bool) -> Sequences:
    (x_name,), (y_name,) = columns.features, columns.targets
    x = content[x_name]
    if x.ndim not in (2, 3) or x.dtype.kind not in "iufb" or not x.size:
        raise InputError(f"{x_name}: expected numbers (N, T, features) or (N, T), got {x.dtype} {x.shape}")
    x = x.reshape(*x.shape[:2], -1).astype(np.float64)
    lengths = content.get("lengths", np.full(len(x), x.shape[1]))
    if lengths.shape != (len(x),) or lengths.dtype.kind not in "iu" or lengths.min() < 1 or lengths.max() > x.shape[1]:
        raise InputError(
            f"lengths: expected {len(x)} integers from 1 to {x.shape[1]}, got {lengths.dtype} {lengths.shape}"
            + (f" from {lengths.min()} to {lengths.max()}" if lengths.size and lengths.dtype.kind in "iuf" else "")
        )
    valid = np.arange(x.shape[1]) < lengths[:, None]
    if len(bad := np.argwhere(~np.isfinite(x).all(axis=2) & valid)):
        raise InputError(f"{x_name}: expected finite numbers, got {x[tuple(bad[0])]} in [{bad[0][0]}, {bad[0][1]}]")
    answers = _answers_of_array(content[y_name], y_name, valid, columns.per_step, text) if with_answers else None
    sequence, step = np.nonzero(valid) if columns.per_step else (np.arange(len(x)), None)
    names = {"sequence": sequence} if step is None else {"sequence": sequence, "step": step}
    cut = [one[:n] for one, n in zip(x, lengths, strict=True)]
    return Sequences(cut, answers, names, np.arange(len(sequence)), columns.per_step)


def _answers_of_array(y: Array, name: str, valid: Array, per_step: bool, text: bool | None) -> Array:
    """(N, answers), or (ΣT, answers) of the valid steps."""
    count, steps = valid.shape
    if per_step and y.shape[:2] == (count, steps) and y.ndim <= 3:
        y = y[valid]
    elif per_step or y.shape[:1] != (count,) or y.ndim > 2:
        expected = (
            f"({count}, {steps}) or ({count}, {steps}, answers)" if per_step else f"({count},) or ({count}, answers)"
        )
        raise InputError(f"{name}: expected {expected}, got {y.shape}")
    elif y.ndim == 2 and y.shape[1] == steps > 1:
        raise InputError(f"{name}: expected ({count},), or --per-step, got {y.shape}: as many as x has steps")
    y = y.reshape(len(y), -1)
    if y.dtype.kind == "U" and text is not False:
        return y
    if y.dtype.kind not in "iufb":
        raise InputError(f"{name}: expected numbers{'' if text is False else ' or text'}, got {y.dtype}")
    if not np.isfinite(y).all():
        raise InputError(f"{name}: expected finite numbers, got {y[~np.isfinite(y)][0]}")
    if text or (text is None and y.dtype.kind == "b"):
        return as_text(y)
    return y.astype(np.float64)


def _answers_of_column(cells: Any, name: str, text: bool | None) -> Array:
    values = numeric(cells).to_numpy(dtype=np.float64)
    share = np.isfinite(values).mean()
    if text is False or (text is None and share > 0.5):  # a few cells that are no numbers are mistakes, not classes
        return numbers(cells, name)
    return as_text(values) if share == 1.0 else _filled(cells, name).to_numpy(dtype=str)


def as_text(values: Array) -> Array:
    """Numbers as the text that names a class, the same for 1 and 1.0."""
    if values.dtype.kind == "f":
        values = values + 0.0  # no -0
        return np.array([f"{v:.0f}" if v == np.floor(v) else repr(float(v)) for v in values.flat]).reshape(values.shape)
    return values.astype(str)


def _filled(cells: Any, name: str) -> Any:
    if len(empty := np.flatnonzero(cells == "")):
        raise InputError(f"{name}, row {empty[0] + 1}: expected text or a number, got an empty cell")
    return cells


def _times(cells: Any, name: str) -> Array:
    """What to sort by: numbers or dates."""
    if np.isfinite(numeric(cells.iloc[:1])).all():
        return numbers(cells, name)
    return np.asarray(dates_in(cells, name).astype("int64"))
