"""Tensors as arrays that share their memory, and errors for those that cannot share it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

DTYPES = {torch.float32: np.dtype(np.float32), torch.float64: np.dtype(np.float64)}
"""PyTorch's dtype to NumPy's."""


def require(name: str, tensor: Any, dtype: Any = None) -> None:
    """Raise a TypeError unless this is a dense CPU tensor in float32 or float64, and in `dtype` if that is given."""
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"{name}: expected a torch.Tensor, got {type(tensor).__name__}")
    if tensor.device.type != "cpu":
        raise TypeError(f"{name}: expected a tensor on the CPU, where gatewise computes, got one on {tensor.device}")
    if tensor.layout != torch.strided:
        raise TypeError(f"{name}: expected a dense tensor, got one of layout {tensor.layout}")
    if tensor.dtype not in DTYPES:
        raise TypeError(f"{name}: expected torch.float32 or torch.float64, got {tensor.dtype}")
    if dtype is not None and tensor.dtype != dtype:
        raise TypeError(f"{name}: expected {dtype}, the dtype of the weights, got {tensor.dtype}")


def array(tensor: Any) -> NDArray[Any]:
    """The tensor's memory as an array."""
    shared: NDArray[Any] = tensor.numpy(force=True)  # force: detached, and with lazy negation resolved
    return shared
