"""Data as sources of batches: sequences in arrays, sequences of different lengths, and iterables of batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from .._core.parameters import Array
from .batch import Batch, padded

BUCKET = 50
"""The sequences of this many batches are sorted by length together, so that batches need little padding."""

Own = TypeVar("Own", bound="Sequences")


class Data(ABC):
    """A source of batches."""

    @abstractmethod
    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[Batch]:
        """Yield the batches of one epoch, in a random order if there is a generator."""

    @abstractmethod
    def count(self, size: int) -> int | None:
        """Return the number of batches per epoch; None if it is not known."""


class Sequences(Data):
    """A known number of sequences."""

    x: Any

    def __len__(self) -> int:
        return len(self.x)

    def count(self, size: int) -> int:
        """Return the number of batches per epoch."""
        return -(-len(self) // size)

    @abstractmethod
    def subset(self: Own, rows: slice) -> Own:
        """Return some of the sequences."""


class Arrays(Sequences):
    """N sequences of one length, in arrays."""

    def __init__(self, x: Array, **others: Array | None) -> None:
        self.x = x
        self.others = {name: value for name, value in others.items() if value is not None}
        for name, value in self.others.items():
            argument = "sample_weight" if name == "weight" else name
            if value.ndim == 0 or len(value) != len(x):
                raise ValueError(f"{argument}: expected one for each of the {len(x)} sequences, got {value.shape}")

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[Batch]:
        """Yield slices, or the rows of a permutation."""
        order = None if rng is None else rng.permutation(len(self.x))
        for start in range(0, len(self.x), size):
            rows = slice(start, start + size)
            if order is None:
                yield Batch(self.x[rows], **{name: value[rows] for name, value in self.others.items()}, rows=rows)
            else:
                chosen = order[rows]
                taken = {name: value.take(chosen, axis=0) for name, value in self.others.items()}
                yield Batch(self.x.take(chosen, axis=0), **taken, rows=chosen)

    def subset(self, rows: slice) -> Arrays:
        """Return some of the sequences."""
        return Arrays(self.x[rows], **{name: value[rows] for name, value in self.others.items()})


class Ragged(Sequences):
    """N sequences of different lengths. Those of similar length form a batch, which is padded with zeros."""

    def __init__(self, x: list[Array], y: Any, weight: Array | None) -> None:
        self.x, self.y, self.weight = x, y, weight
        self.lengths = np.array([len(one) for one in x], np.int64)
        for name, value in (("y", y), ("sample_weight", weight)):
            if value is not None and len(value) != len(x):
                raise ValueError(f"{name}: expected one for each of the {len(x)} sequences, got {len(value)}")
        if isinstance(y, list):
            for index, (one, target) in enumerate(zip(x, y, strict=True)):
                if len(one) != len(target):
                    raise ValueError(f"y[{index}]: expected {len(one)} steps, as x[{index}] has, got {len(target)}")

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[Batch]:
        """Yield batches sorted by length; in a random order they are sorted within buckets only."""
        if rng is None:
            order = np.argsort(self.lengths, kind="stable")
        else:
            drawn = rng.permutation(len(self.x))
            buckets = [drawn[start : start + size * BUCKET] for start in range(0, len(drawn), size * BUCKET)]
            order = np.concatenate([drawn[:0], *(b[np.argsort(self.lengths[b], kind="stable")] for b in buckets)])
        rows = [order[start : start + size] for start in range(0, len(order), size)]
        if rng is not None:
            rng.shuffle(rows)
        for chosen in rows:
            y = self.y
            if y is not None:
                y = padded([y[i] for i in chosen]) if isinstance(y, list) else y[chosen]
            weight = None if self.weight is None else self.weight[chosen]
            yield Batch(padded([self.x[i] for i in chosen]), y, weight, self.lengths[chosen], rows=chosen)

    def subset(self, rows: slice) -> Ragged:
        """Return some of the sequences."""
        weight = None if self.weight is None else self.weight[rows]
        return Ragged(self.x[rows], None if self.y is None else self.y[rows], weight)


class Batches(Data):
    """An iterable of batches (x, y) or (x, y, sample_weight)."""

    def __init__(self, iterable: Iterable[Any]) -> None:
        self.iterable = iterable
        self.epochs_begun = 0

    def count(self, size: int) -> None:
        """Return None: an iterable does not tell how many batches it has."""

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[Batch]:
        """Yield the batches of one pass over the iterable, which decides on their size and order."""
        self.epochs_begun += 1
        empty = True
        for item in self.iterable:
            empty = False
            if not isinstance(item, (tuple, list)) or not 2 <= len(item) <= 3:
                raise TypeError(
                    f"x: expected an iterable of (x, y) or (x, y, sample_weight), got {type(item).__name__}"
                )
            data = sequences_of(*item)
            yield from data.batches(max(len(data), 1), None)
        if empty and self.epochs_begun == 1:
            raise ValueError("x: expected at least one batch, got none")
        if empty:
            raise ValueError(
                "x: the iterable was exhausted after the first epoch; pass an object whose __iter__ starts again, "
                "or epochs=1"
            )


def sequences_of(
    x: Any, y: Any = None, weight: Any = None, lengths: Any = None, mask: Any = None, resets: Any = None
) -> Sequences:
    """Return sequences in arrays, or in a list of sequences of different lengths, as data.

    Raises
    ------
    ValueError, TypeError : numbers of sequences or their lengths disagree.
    """
    if lengths is not None and mask is not None:
        raise ValueError("lengths, mask: expected one of the two, got both")
    if isinstance(x, (list, tuple)) and (ragged := _ragged(x)) is not None:
        for name, value in (("lengths", lengths), ("mask", mask), ("resets", resets)):
            if value is not None:
                raise ValueError(f"{name}: expected None with a list of sequences of different lengths, got a value")
        if isinstance(y, (list, tuple)):
            y = _ragged(y) or np.asarray(y)
        elif y is not None:
            y = np.asarray(y)
        return Ragged(ragged, y, _weights(weight))
    if np.ndim(x) == 0:
        raise TypeError(f"x: expected an array, a list of sequences or an iterable, got {type(x).__name__}")
    arrays = {"y": y, "lengths": lengths, "mask": mask, "resets": resets}
    others = {name: None if value is None else np.asarray(value) for name, value in arrays.items()}
    return Arrays(np.asarray(x), **others, weight=_weights(weight))


def _weights(weight: Any) -> Array | None:
    if weight is None:
        return None
    array = np.asarray(weight)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"sample_weight: expected numbers, got {array.dtype}")
    if array.size and not array.min() >= 0:
        raise ValueError(f"sample_weight: expected numbers of at least 0, got {array.min()}")
    return array


def _ragged(sequences: Sequence[Any]) -> list[Array] | None:
    """Return the sequences as arrays of one dtype if their lengths differ."""
    try:
        lengths = {len(one) for one in sequences}
    except TypeError:
        return None
    if len(lengths) < 2:
        return None
    arrays = [np.asarray(one) for one in sequences]
    # NumPy makes an array of floats of an empty list, even if the other sequences hold integers.
    dtype = np.result_type(*{one.dtype for one in arrays if len(one)})
    return [one.astype(dtype, copy=False) for one in arrays]
