"""PyTorch: its layers as gatewise's and back, packed sequences, and modules that take the place of `torch.nn`'s.

Importing this needs PyTorch (``pip install "gatewise[torch]"``); importing gatewise does not.

>>> import torch, gatewise.torch
>>> layer = gatewise.torch.from_torch(torch.nn.LSTM(3, 4))  # gatewise.LSTM(3, 4), the weights copied
>>> module = gatewise.torch.LSTM(3, 4)  # a torch.nn.LSTM that computes in gatewise's core
>>> y, (h, c) = module(torch.zeros(5, 2, 3))
>>> y.sum().backward()
"""

from ..files.libraries import library

library("torch", extra="torch")

from .convert import from_torch, to_torch  # noqa: E402  (the check above has the better message)
from .modules import GRU, LSTM, RNN  # noqa: E402
from .packed import from_packed, to_packed  # noqa: E402

__all__ = ["GRU", "LSTM", "RNN", "from_packed", "from_torch", "to_packed", "to_torch"]
