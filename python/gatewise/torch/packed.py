"""PyTorch's packed sequences as padded arrays with lengths, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence


def from_packed(packed: Any, batch_first: bool = False) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Convert a packed sequence to a padded array with lengths.

    A layer takes the results as ``layer(x, lengths=lengths)``.

    Parameters
    ----------
    packed : torch.nn.utils.rnn.PackedSequence
        The packed sequences.
    batch_first : bool, default False
        Whether to return x as (B, T, I) instead of (T, B, I).

    Returns
    -------
    x : ndarray of shape (T, B, I), or (B, T, I) with `batch_first`
        The sequences, in the order in which they were packed, padded with zeros.
    lengths : ndarray of int64, shape (B,)
        The length of each sequence.

    Raises
    ------
    TypeError
        If `packed` is something else.

    See Also
    --------
    to_packed : Convert a padded array to a packed sequence.

    Examples
    --------
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
    """Convert a padded array to a packed sequence.

    This is the inverse of `from_packed`. The steps before each sequence's end are copied.

    Parameters
    ----------
    y : array_like of shape (T, B, features), or (B, T, features) with `batch_first`
        The padded sequences, such as the output of a layer.
    lengths : array_like of int, shape (B,)
        The length of each sequence, at least 1, since PyTorch packs no empty sequence.
    batch_first : bool, default False
        Whether y has the batch first.

    Returns
    -------
    torch.nn.utils.rnn.PackedSequence
        The packed sequences, in the order of the batch.

    Raises
    ------
    ValueError
        If y does not have three axes.
    RuntimeError
        If PyTorch refuses the lengths.

    See Also
    --------
    from_packed : Convert a packed sequence to a padded array.

    Examples
    --------
    >>> import numpy as np, gatewise.torch
    >>> gatewise.torch.to_packed(np.zeros((4, 2, 3)), [2, 4]).batch_sizes.tolist()
    [2, 2, 1, 1]
    """
    values = torch.tensor(np.asarray(y))
    if values.ndim != 3:
        raise ValueError(f"y: expected three axes, got {tuple(values.shape)}")
    counts = torch.tensor(np.asarray(lengths), dtype=torch.int64)
    return pack_padded_sequence(values, counts, batch_first=batch_first, enforce_sorted=False)
