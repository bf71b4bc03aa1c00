"""A batch: sequences that go through the network together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .._core.parameters import Array
from ..nn.flow import Call


class Batch(NamedTuple):
    """Sequences that go through the network together.

    x : (B, T, ...).
    y : the targets; None for prediction.
    weight : (B,) or (B, T), of each target in the loss.
    lengths : (B,) integers.
    mask, resets : (B, T) bool.
    rows : the indices of the sequences in the data.
    """

    x: Array
    y: Array | None = None
    weight: Array | None = None
    lengths: Array | None = None
    mask: Array | None = None
    resets: Array | None = None
    rows: Array | slice | None = None

    def call(self) -> Call:
        """Return the arguments that all layers get, for inference."""
        return Call(self.lengths, self.mask, self.resets)

    def valid(self) -> Array | None:
        """Return which steps are valid, (B, T) bool; None if all are."""
        return self.call().valid(self.x.shape[1])

    def weights(self, per_step: bool) -> Array | None:
        """Return the weights of the predictions; None if all are 1.

        Predictions per step have weights (B, T), which are 0 at steps that are not valid.
        """
        weight, valid = self.weight, self.valid() if per_step else None
        if per_step and weight is not None and weight.ndim == 1:
            weight = np.broadcast_to(weight[:, None], self.x.shape[:2])
        if valid is None or weight is None:
            return weight if valid is None else valid
        weighted: Array = weight * valid
        return weighted

    def chunks(self, steps: int | None) -> Iterator[Batch]:
        """Yield the batch in pieces of `steps` steps, or as a whole if it is None. The targets are divided likewise."""
        if steps is None:
            yield self
            return
        for start in range(0, self.x.shape[1], steps):
            piece = slice(start, start + steps)
            names = ["x", "y", "mask", "resets"]
            if self.weight is not None and self.weight.ndim == 2:
                names.append("weight")
            cut = {name: value[:, piece] for name in names if (value := getattr(self, name)) is not None}
            if self.lengths is not None:
                cut["lengths"] = np.clip(self.lengths - start, 0, cut["x"].shape[1])
            yield self._replace(**cut)

    def number(self, row: int) -> int:
        """Return the number that a sequence of the batch has in the data."""
        if self.rows is None:
            return row
        rows = np.arange(self.rows.stop)[self.rows] if isinstance(self.rows, slice) else self.rows
        return int(rows[row])


def padded(sequences: list[Array]) -> Array:
    """Return the sequences as one array (B, longest, ...), with zeros after each sequence."""
    longest = max(sequences, key=len)
    out = np.zeros((len(sequences), *longest.shape), longest.dtype)
    for row, one in zip(out, sequences, strict=True):
        if one.shape[1:] != longest.shape[1:]:
            raise ValueError(
                f"x: expected sequences with the same number of features, got {longest.shape[1:]} and {one.shape[1:]}"
            )
        row[: len(one)] = one
    return out
