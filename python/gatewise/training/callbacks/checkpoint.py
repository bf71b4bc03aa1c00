"""Checkpoints of a training."""

from __future__ import annotations

import math
from os import PathLike
from typing import Any

from ..._core.checks import checked_size
from ..run import Callback, Run


class Checkpoint(Callback):
    """Write checkpoints of a training.

    ``fit(..., resume=path)`` resumes training from a checkpoint, with bit-identical results. `gatewise.load` reads its
    model.

    Parameters
    ----------
    path : str or path-like
        Name of the file, in which ``{epoch}`` becomes the epoch. A file of that name is replaced as a whole.
    every : int, default 1
        Number of epochs from one checkpoint to the next.
    monitor : str or None, optional
        Name of a curve in the history. If it is given, a checkpoint is only written if the curve is lower than at all
        checkpoints before.

    Raises
    ------
    ValueError
        If `every` is less than 1.

    See Also
    --------
    Sequential.fit : Training, with its argument ``resume``.
    EarlyStopping : Restores the best weights.

    Examples
    --------
    >>> import numpy as np, gatewise as gw, os, tempfile
    >>> model = gw.Sequential(gw.Linear(1, 1), gw.LastStep(), seed=0)
    >>> x = np.ones((8, 3, 1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     checkpoint = gw.callbacks.Checkpoint(os.path.join(folder, "{epoch}.safetensors"), every=2)
    ...     _ = model.fit(x, x[:, 0], epochs=4, callbacks=[checkpoint], verbose=False)
    ...     sorted(os.listdir(folder))
    ['2.safetensors', '4.safetensors']
    """

    runs_last = True  # a checkpoint includes what all other callbacks did in its epoch

    def __init__(self, path: str | PathLike[str], every: int = 1, monitor: str | None = None) -> None:
        self.path, self.every, self.monitor = str(path), checked_size("every", every, 1), monitor
        self.best = math.inf

    def on_epoch_end(self, run: Run) -> None:
        if run.epoch % self.every:
            return
        if self.monitor is not None:
            value = run.monitored(self.monitor)
            if not value < self.best:
                return
            self.best = value
        run.save_checkpoint(self.path.replace("{epoch}", str(run.epoch)))

    def state_dict(self) -> dict[str, Any]:
        return {} if self.monitor is None else {"best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best = state["best"]
