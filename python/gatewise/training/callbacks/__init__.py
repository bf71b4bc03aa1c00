"""Callbacks of `Sequential.fit`, which act between its epochs and steps.

>>> import gatewise as gw
>>> callbacks = [gw.callbacks.EarlyStopping(patience=5), gw.callbacks.Checkpoint("model.safetensors")]

Pass them as ``model.fit(x, y, callbacks=callbacks)``. For your own, inherit from `Callback`.
"""

from ..run import Callback
from .checkpoint import Checkpoint
from .logs import CSVLogger, ProgressBar
from .stopping import EarlyStopping

__all__ = ["CSVLogger", "Callback", "Checkpoint", "EarlyStopping", "ProgressBar"]
