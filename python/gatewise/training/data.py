"""Data as fit, evaluate and predict take them: arrays, ragged lists and iterables, all of which become batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._core.parameters import Array

BUCKET = 50  # so many batches' sequences are sorted by length together, so that a batch is padded little


@dataclass
class Batch:
    """Sequences that go through the model together. x (B, T, ...); weight (B,) or (B, T), of the loss."""

    x: Array
    y: Array | None = None
    weight: Array | None = None
    lengths: Array | None = None
    mask: Array | None = None
    resets: Array | None = None
    index: Array | slice | None = None  # where the sequences stand in the data

    def chunks(self, steps: int | None) -> Iterator[Batch]:
        """The batch, or, with `steps`, its pieces of so many steps, in order; y, as long as x, is cut alike."""
        if steps is None:
            yield self
            return
        for start in range(0, self.x.shape[1], steps):
            part = slice(start, start + steps)
            cut = {
                name: value[:, part]
                for name in ("x", "y", "mask", "resets")
                if (value := getattr(self, name)) is not None
            }
            if self.weight is not None and self.weight.ndim == 2:
                cut["weight"] = self.weight[:, part]
            if self.lengths is not None:
                cut["lengths"] = np.clip(self.lengths - start, 0, cut["x"].shape[1])
            yield replace(self, **cut)


class Data(ABC):
    """Where batches come from."""

    sequences: int | None = None

    @abstractmethod
    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[Batch]:
        """The batches of one epoch, in an order drawn from `rng`, or in their own."""

    def count(self, size: int) -> int | None:
        """The number of batches, if it is known."""
        return None if self.sequences is None else -(-self.sequences // size)


class Arrays(Data):
    """N sequences of one length, side by side in arrays."""

    def __init__(self, x: Array, **others: Array | None) -> None:
        self.x, self.sequences = x, len(x)
        self.others = {name: value for name, value in others.items() if value is not None}
        for name, value in self.others.items():
            named = "sample_weight" if name == "weight" else name
            if value.ndim == 0 or len(value) != len(x):
                raise ValueError(f"{named}: expected one for each of the {len(x)} sequences, got {value.shape}")

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[Batch]:
        """Slices, or the rows that a permutation names."""
        order = None if rng is None else rng.permutation(len(self.x))
        for start in range(0, len(self.x), size):
            if order is None:
                part = slice(start, start + size)
                yield Batch(self.x[part], **{name: v[part] for name, v in self.others.items()}, index=part)
            else:
                rows = order[start : start + size]
                taken = {name: value.take(rows, axis=0) for name, value in self.others.items()}
                yield Batch(self.x.take(rows, axis=0), **taken, index=rows)

    def part(self, rows: slice) -> Arrays:
        """These sequences alone."""
        return Arrays(self.x[rows], **{name: value[rows] for name, value in self.others.items()})


class Ragged(Data):
    """N sequences of any lengths, put into batches of like lengths and padded with zeros."""

    def __init__(self, x: list[Array], y: Any, weight: Array | None) -> None:
        self.x, self.y, self.weight, self.sequences = x, y, weight, len(x)
        self.lengths = np.array([len(one) for one in x], np.int64)
        for name, value in (("y", y), ("sample_weight", weight)):
            if value is not None and len(value) != len(x):
                raise ValueError(f"{name}: expected one for each of the {len(x)} sequences, got {len(value)}")
        if isinstance(y, list):
            for index, (one, answer) in enumerate(zip(x, y, strict=True)):
                if len(one) != len(answer):
                    raise ValueError(f"y[{index}]: expected {len(one)} steps, as x[{index}] has, got {len(answer)}")

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[Batch]:
        """Sorted by length: within buckets of a drawn order, or all of them."""
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
            yield Batch(padded([self.x[i] for i in chosen]), y, weight, self.lengths[chosen], index=chosen)

    def part(self, rows: slice) -> Ragged:
        """These sequences alone."""
        weight = None if self.weight is None else self.weight[rows]
        return Ragged(self.x[rows], None if self.y is None else self.y[rows], weight)


class Batches(Data):
    """An iterable of (x, y) or (x, y, sample_weight): one batch each."""

    def __init__(self, iterable: Iterable[Any]) -> None:
        self.iterable = iterable
        self.epochs_begun = 0

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[Batch]:
        """One pass over the iterable; the batch size and the order are its own."""
        self.epochs_begun += 1
        empty = True
        for item in self.iterable:
            empty = False
            if not isinstance(item, (tuple, list)) or not 2 <= len(item) <= 3:
                raise TypeError(
                    f"x: expected an iterable of (x, y) or (x, y, sample_weight), got {type(item).__name__}"
                )
            data = data_of(item[0], *item[1:])
            assert data.sequences is not None
            yield from data.batches(max(data.sequences, 1), None)
        if empty and self.epochs_begun == 1:
            raise ValueError("x: expected at least one batch, got none")
        if empty:
            raise ValueError(
                "x: expected an iterable that can be gone through in every epoch, got one that was exhausted after the "
                "first: give an object whose __iter__ begins anew, or epochs=1"
            )


def data_of(
    x: Any, y: Any = None, weight: Any = None, lengths: Any = None, mask: Any = None, resets: Any = None
) -> Arrays | Ragged | Batches:
    """The data in what was given.

    Raises
    ------
    ValueError, TypeError : numbers of sequences, or lengths, disagree.
    """
    if lengths is not None and mask is not None:
        raise ValueError("lengths, mask: expected one of the two, got both")
    if y is None and not hasattr(x, "__array__") and not isinstance(x, (list, tuple)):
        if not isinstance(x, Iterable):
            raise TypeError(f"x: expected an array, a list of sequences or an iterable, got {type(x).__name__}")
        return Batches(x)
    if isinstance(x, (list, tuple)) and (ragged := _ragged(x)) is not None:
        for name, value in (("lengths", lengths), ("mask", mask), ("resets", resets)):
            if value is not None:
                raise ValueError(f"{name}: expected none beside a list of ragged sequences, got one")
        if isinstance(y, (list, tuple)):
            y = _ragged(y) or np.asarray(y)
        elif y is not None:
            y = np.asarray(y)
        return Ragged(ragged, y, _floats(weight))
    if np.ndim(x) == 0:
        raise TypeError(f"x: expected an array, a list of sequences or an iterable, got {type(x).__name__}")
    arrays = {"y": y, "lengths": lengths, "mask": mask, "resets": resets}
    return Arrays(
        np.asarray(x), **{n: None if v is None else np.asarray(v) for n, v in arrays.items()}, weight=_floats(weight)
    )


def with_targets(x: Any, y: Any, weight: Any, lengths: Any, mask: Any, resets: Any) -> Arrays | Ragged | Batches:
    """The data in what was given to those who need targets: without y, a list of tuples is one of batches.

    Raises
    ------
    ValueError, TypeError : there are no targets, or `data_of` refuses.
    """
    listed = y is None and isinstance(x, (list, tuple)) and len(x) > 0
    if listed and all(isinstance(one, tuple) and 2 <= len(one) <= 3 for one in x):
        data: Arrays | Ragged | Batches = Batches(x)
    else:
        data = data_of(x, y, weight, lengths, mask, resets)
    if not isinstance(data, Batches):
        if y is None:
            raise ValueError("y: expected targets, got none")
        if not data.sequences:
            raise ValueError("x: expected at least one sequence, got none")
        return data
    for name, value in (("sample_weight", weight), ("lengths", lengths), ("mask", mask), ("resets", resets)):
        if value is not None:
            raise ValueError(f"{name}: expected none beside an iterable of batches, got one")
    return data


def _floats(weight: Any) -> Array | None:
    if weight is None:
        return None
    array = np.asarray(weight)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"sample_weight: expected numbers, got {array.dtype}")
    if array.size and not array.min() >= 0:
        raise ValueError(f"sample_weight: expected numbers of at least 0, got {array.min()}")
    return array


def _ragged(sequences: Sequence[Any]) -> list[Array] | None:
    """The sequences as arrays of one dtype, if their lengths differ."""
    try:
        lengths = {len(one) for one in sequences}
    except TypeError:
        return None
    if len(lengths) < 2:
        return None
    arrays = [np.asarray(one) for one in sequences]
    # An empty list is an array of floats, whatever its neighbours are.
    dtype = np.result_type(*{one.dtype for one in arrays if len(one)})
    return [one.astype(dtype, copy=False) for one in arrays]


def padded(sequences: list[Array]) -> Array:
    """(B, longest, ...), zeros behind each sequence."""
    longest = max(sequences, key=len)
    out = np.zeros((len(sequences), *longest.shape), longest.dtype)
    for row, one in zip(out, sequences, strict=True):
        if one.shape[1:] != longest.shape[1:]:
            raise ValueError(
                f"x: expected sequences of one number of features, got {longest.shape[1:]} and {one.shape[1:]}"
            )
        row[: len(one)] = one
    return out


def split(data: Arrays | Ragged | Batches, share: float) -> tuple[Any, Any]:
    """All but the last `share` of the sequences, and those."""
    if not 0.0 <= share < 1.0:
        raise ValueError(f"validation_split: expected 0 <= validation_split < 1, got {share!r}")
    if isinstance(data, Batches):
        raise ValueError("validation_split: expected arrays or lists to split, got an iterable: give validation_data")
    assert data.sequences is not None
    first = data.sequences - round(data.sequences * share)
    return data.part(slice(None, first)), data.part(slice(first, None))
