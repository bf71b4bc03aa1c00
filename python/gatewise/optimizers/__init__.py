"""Optimizers, whose defaults, names and results are PyTorch's.

Each update is a single pass of the core over flat arrays of parameters and gradients. Optimizers serve
`Sequential.fit`, and bare layers as well:

>>> import numpy as np, gatewise as gw
>>> params, grads = np.ones(3, np.float32), np.array([1.0, 0.0, -1.0], np.float32)
>>> gw.optimizers.SGD(lr=0.5).update(params, grads)
>>> params
array([0.5, 1. , 1.5], dtype=float32)
"""

from .adam import Adam, AdamW
from .base import Optimizer
from .named import KINDS, get
from .rmsprop import RMSprop
from .sgd import SGD

__all__ = ["KINDS", "SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "get"]
