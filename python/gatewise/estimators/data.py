"""Sequences as scikit-learn's users hold them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.parameters import Array


def gathered(X: Any) -> Any:
    """X as it is, if it is an array or a table; of a list (or an array of objects) one array, or, if its sequences are
    of different lengths, a list of (T, features).

    Raises
    ------
    ValueError : the sequences differ in the number of features, or one has no step.
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
    except ValueError:  # steps of several sizes
        raise ValueError(f"X[{index}]: expected steps of the same number of features, got several") from None
