"""LabelledSequences with their targets, and where they are in a file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..._core.parameters import Array

GROUPS, ROWS, WHOLE, ARRAYS = LAYOUTS = "groups", "rows", "whole", "arrays"


@dataclass(frozen=True)
class Columns:
    """The columns or arrays of a file that hold sequences and targets. Model files store these fields by name.

    Parameters
    ----------
    layout : str
        "groups": rows with the same ID in the column `group` are the steps of one sequence, sorted by the column
        `time` if given. "rows": each row is one sequence, and its columns are the steps. "whole": the rows are the
        steps of a single sequence. "arrays": x (N, T, features) or (N, T), y and lengths of an NPZ file.
    features, targets : list of str
        Names of columns, or of one array each.
    group, time : str or None
        Names of columns.
    per_step : bool
        Whether every step has a target.
    """

    layout: str
    features: list[str]
    targets: list[str]
    group: str | None = None
    time: str | None = None
    per_step: bool = False


@dataclass(frozen=True)
class LabelledSequences:
    """The sequences of a file.

    Parameters
    ----------
    x : list of N arrays of shape (T, features)
        Finite float64 numbers.
    targets : array of shape (N, targets) or (ΣT, targets), or None
        One row per sequence or, if `per_step`, per step of all sequences in turn; float64 or text. None if the file's
        targets were not read.
    labels : dict of str to array of shape (N,) or (ΣT,)
        Columns that identify each target, such as the sequence's ID.
    position : array of shape (N,) or (ΣT,)
        The order of the targets in the file.
    per_step : bool
        Whether every step has a target.
    """

    x: list[Array]
    targets: Array | None
    labels: dict[str, Array]
    position: Array
    per_step: bool

    def subset(self, which: Array) -> LabelledSequences:
        """Return the sequences with these indices."""
        rows = which
        if self.per_step:
            starts = np.cumsum([0, *map(len, self.x)])
            rows = np.concatenate([which[:0], *(np.arange(starts[i], starts[i + 1]) for i in which)])
        labels = {name: values[rows] for name, values in self.labels.items()}
        targets = None if self.targets is None else self.targets[rows]
        return LabelledSequences([self.x[i] for i in which], targets, labels, self.position[rows], self.per_step)

    def split(self, flat: Array) -> list[Array]:
        """Split an array with one row per step of all sequences into one array per sequence."""
        return np.split(flat, np.cumsum([len(one) for one in self.x])[:-1])


def as_text(values: Array) -> Array:
    """Return numbers as names of classes; 1 and 1.0 have the same name."""
    if values.dtype.kind == "f":
        values = values + 0.0  # turns -0 into 0
        return np.array([f"{v:.0f}" if v == np.floor(v) else repr(float(v)) for v in values.flat]).reshape(values.shape)
    return values.astype(str)
