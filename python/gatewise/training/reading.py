"""The arguments of `fit`, `evaluate` and `predict`, converted to one data object."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

from .data import Batches, Data, Sequences, sequences_of


def prediction_data(x: Any, lengths: Any = None, mask: Any = None, resets: Any = None) -> Sequences:
    """Return data without targets.

    Raises
    ------
    ValueError, TypeError : the arguments are no sequences, or do not fit each other.
    """
    if _is_iterable(x):
        raise TypeError(f"x: expected an array or a list of sequences, got {type(x).__name__}")
    return sequences_of(x, lengths=lengths, mask=mask, resets=resets)


def training_data(
    x: Any, y: Any = None, sample_weight: Any = None, lengths: Any = None, mask: Any = None, resets: Any = None
) -> Data:
    """Return data with targets. Without y, x is an iterable of batches, which may be a list of tuples.

    Raises
    ------
    ValueError, TypeError : there are no targets, or the arguments do not fit each other.
    """
    others = {"sample_weight": sample_weight, "lengths": lengths, "mask": mask, "resets": resets}
    if y is None and (_is_iterable(x) or _is_list_of_batches(x)):
        for name, value in others.items():
            if value is not None:
                raise ValueError(f"{name}: expected None with an iterable of batches, got a value")
        return Batches(x)
    data = sequences_of(x, y, **{"weight" if name == "sample_weight" else name: v for name, v in others.items()})
    if y is None:
        raise ValueError("y: expected targets, got none")
    if not len(data):
        raise ValueError("x: expected at least one sequence, got none")
    return data


def with_validation(data: Data, validation_data: Any, share: Any) -> tuple[Data, Data | None]:
    """Return the data to train on, and those to validate with: given ones, or the last `share` of the sequences.

    Raises
    ------
    ValueError, TypeError : both are given, or they cannot be used.
    """
    if validation_data is not None:
        if share:
            raise ValueError("validation_data, validation_split: expected one of the two, got both")
        if not isinstance(validation_data, (tuple, list)):
            return data, training_data(validation_data)
        if not 2 <= len(validation_data) <= 3:
            raise ValueError(f"validation_data: expected (x, y) or (x, y, sample_weight), got {len(validation_data)}")
        return data, training_data(*validation_data)
    if not isinstance(share, numbers.Real):
        raise TypeError(f"validation_split: expected a number from 0 to 1, got {share!r}")
    part = float(share)
    if part == 0.0:
        return data, None
    if not 0.0 <= part < 1.0:
        raise ValueError(f"validation_split: expected 0 <= validation_split < 1, got {share!r}")
    if not isinstance(data, Sequences):
        raise ValueError("validation_split: an iterable of batches cannot be split; pass validation_data")
    first = len(data) - round(len(data) * part)
    if first in (0, len(data)):
        raise ValueError(
            f"validation_split: expected a share that leaves sequences for training and for validation, got {share}"
        )
    return data.subset(slice(None, first)), data.subset(slice(first, None))


def _is_iterable(x: Any) -> bool:
    """Whether x is an iterable that is neither an array nor a list of sequences."""
    return isinstance(x, Iterable) and not hasattr(x, "__array__") and not isinstance(x, (list, tuple))


def _is_list_of_batches(x: Any) -> bool:
    listed = isinstance(x, (list, tuple)) and len(x) > 0
    return listed and all(isinstance(one, tuple) and 2 <= len(one) <= 3 for one in x)
