"""PackedSequence and what gatewise has instead: padded arrays with lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence


def from_packed(packed: Any, batch_first: bool = False) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """A packed sequence as ``layer(x, lengths=lengths)`` takes it.

    Parameters
    ----------
    packed : a ``torch.nn.utils.rnn.PackedSequence``.
    batch_first : whether x is wanted as (B, T, I) instead of (T, B, I).

    Returns
    -------
    x : the sequences in the order in which they were packed, padded with zeros.
    lengths : integers (B,).

    Raises
    ------
    TypeError : `packed` is something else.

    >>> import torch, gatewise.torch
    >>> packed = torch.nn.utils.rnn.pack_sequence([torch.ones(2, 3), torch.ones(4, 3)], enforce_sorted=False)
    >>> x, lengths = gatewise.torch.from_packed(packed)
    >>> x.shape, lengths.tolist()
    ((4, 2, 3), [2, 4])
    """
    if not isinstance(packed, PackedSequence):
        raise TypeError(f"packed: expected a PackedSequence, got {type(packed).__name__}")
    x, lengths = pad_packed_sequence(packed, batch_first=batch_first)
    return x.numpy(force=True), lengths.numpy(force=True)


def to_packed(y: ArrayLike, lengths: ArrayLike, batch_first: bool = False) -> Any:
    """A padded array as a packed sequence; the inverse of `from_packed`.

    Parameters
    ----------
    y : (T, B, features), or (B, T, features) with `batch_first`.
    lengths : integers (B,), 1 to T: PyTorch packs no empty sequence.
    batch_first : how y lies.

    Returns
    -------
    packed : a ``PackedSequence`` with copies of the steps before each sequence's end.

    Raises
    ------
    ValueError, RuntimeError : y has not three axes; lengths are not as above.

    >>> import numpy as np, gatewise.torch
    >>> gatewise.torch.to_packed(np.zeros((4, 2, 3)), [2, 4]).batch_sizes.tolist()
    [2, 2, 1, 1]
    """
    values = torch.tensor(np.asarray(y))
    if values.ndim != 3:
        raise ValueError(f"y: expected three axes, got {tuple(values.shape)}")
    counts = torch.tensor(np.asarray(lengths), dtype=torch.int64)
    return pack_padded_sequence(values, counts, batch_first=batch_first, enforce_sorted=False)
