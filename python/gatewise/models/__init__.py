"""Models of several layers.

>>> import numpy as np, gatewise as gw
>>> model = gw.Sequential(gw.LSTM(3, 8, batch_first=True), gw.LastStep(), gw.Linear(8, 1), seed=0)
>>> x = np.random.default_rng(0).standard_normal((64, 20, 3))
>>> history = model.fit(x, x.mean(axis=(1, 2))[:, None], epochs=20, verbose=False)
>>> history.history["loss"][-1] < history.history["loss"][0]
True
"""

from .. import nn
from ..nn import *  # noqa: F403  (every layer that nn exports)
from .loading import load
from .sequential import Sequential

__all__ = ["Sequential", "load"]
__all__ += nn.__all__
