"""PyTorch: convert its recurrent modules to layers and back, and replace them by modules that run in gatewise's core.

This module needs PyTorch (``pip install "gatewise[torch]"``); gatewise itself does not.

>>> import torch, gatewise.torch
>>> layer = gatewise.torch.from_torch(torch.nn.LSTM(3, 4))  # a gatewise.LSTM(3, 4) with copies of the weights
>>> module = gatewise.torch.LSTM(3, 4)  # a torch.nn.LSTM that computes in gatewise's core
>>> y, (h, c) = module(torch.zeros(5, 2, 3))
>>> y.sum().backward()
"""

from ..files.libraries import library

library("torch", extra="torch")

from .convert import from_torch, to_torch  # noqa: E402  (the check above has a better message)
from .modules import GRU, LSTM, RNN  # noqa: E402
from .packed import from_packed, to_packed  # noqa: E402

__all__ = ["GRU", "LSTM", "RNN", "from_packed", "from_torch", "to_packed", "to_torch"]
