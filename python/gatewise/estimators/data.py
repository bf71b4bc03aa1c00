"""Sequences and targets in the forms in which scikit-learn's users have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from .._core.parameters import Array

Sequences = Array | list[Array]
"""(N, T, features), or N sequences (T, features)."""


@dataclass(frozen=True)
class Examples:
    """Sequences with the targets that the loss compares, (N, ...), and the weights of the sequences, (N,) or None."""

    x: Sequences
    y: Array
    weight: Array | None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Array) -> Examples:
        """The examples of these rows."""
        x = [self.x[row] for row in rows] if isinstance(self.x, list) else self.x[rows]
        return Examples(x, self.y[rows], None if self.weight is None else self.weight[rows])

    def split(self, share: float, seed: int, stratify: bool) -> tuple[Examples, Examples]:
        """Divide the examples at random; the second group holds `share` of them, with `stratify` of each class."""
        stratified_by = self.y if stratify else None
        first, second = train_test_split(
            np.arange(len(self)), test_size=share, random_state=seed, stratify=stratified_by
        )
        return self.take(first), self.take(second)


def gathered(X: Any) -> Any:
    """Turn a list of sequences, or an array of objects, into one array or a list of arrays (T, features).

    It becomes one array if the sequences have the same shape. Arrays and tables are returned as they are.

    Raises
    ------
    ValueError
        If the sequences differ in the number of features, or one has no steps.
    """
    objects = isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype == object
    if not objects and not isinstance(X, (list, tuple)):
        return X if hasattr(X, "ndim") else np.asarray(X)
    arrays = [_array(index, one) for index, one in enumerate(X)]
    if not arrays or any(one.ndim == 0 for one in arrays):
        return np.asarray(X)
    if len({one.shape for one in arrays}) == 1:
        return np.stack(arrays)
    sequences: list[Array] = [one[:, None] if one.ndim == 1 else one for one in arrays]
    features = sequences[0].shape[-1]
    for index, one in enumerate(sequences):
        if one.ndim != 2 or one.shape[1] != features or not len(one):
            raise ValueError(f"X[{index}]: expected (T, {features}) with T >= 1, as X[0] has, got {one.shape}")
    return sequences


def _array(index: int, sequence: Any) -> Array:
    try:
        return np.asarray(sequence)
    except ValueError:  # the steps differ in size
        raise ValueError(f"X[{index}]: expected the same number of features at all steps, got several") from None
