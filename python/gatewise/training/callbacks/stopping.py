"""Early stopping."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..._core.parameters import Array
from ..run import Callback, Run


class EarlyStopping(Callback):
    """Stop training when a loss or metric no longer improves.

    At the end the model gets the weights of its best epoch back, and ``history.best_epoch`` is that epoch.

    Parameters
    ----------
    monitor : str or None, optional
        Name of the curve in the history. By default it is "val_loss", or "loss" without validation.
    patience : int, default 10
        Number of epochs without an improvement after which training stops.
    min_delta : float, default 0.0
        Smallest change that counts as an improvement.
    mode : {"min", "max"}, default "min"
        Whether lower or higher values are better.
    restore_best : bool, default True
        Whether to restore the weights of the best epoch.

    Raises
    ------
    ValueError
        If `mode` is neither of the two.

    See Also
    --------
    Checkpoint : Writes the best model to a file.
    Sequential.fit : Training.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> model = gw.Sequential(gw.Linear(1, 1), gw.LastStep(), seed=0)
    >>> x = np.ones((8, 3, 1))
    >>> stopping = gw.callbacks.EarlyStopping(patience=2, min_delta=10.0)
    >>> model.fit(x, x[:, 0], epochs=50, callbacks=[stopping], verbose=False).epochs
    3
    """

    def __init__(
        self,
        monitor: str | None = None,
        patience: int = 10,
        min_delta: float = 0.0,
        mode: str = "min",
        restore_best: bool = True,
    ) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"mode: expected 'min' or 'max', got {mode!r}")
        self.monitor, self.patience, self.min_delta = monitor, patience, min_delta
        self.mode, self.restore_best = mode, restore_best
        self._forget()

    def _forget(self) -> None:
        self.best, self.best_epoch = math.inf, 0
        self._weights: Array | None = None

    def on_train_begin(self, run: Run) -> None:
        # The callback may have been used in an earlier training.
        if not run.resumed:
            self._forget()

    def on_epoch_end(self, run: Run) -> None:
        value = run.monitored(self.monitor) * (1.0 if self.mode == "min" else -1.0)
        if value < self.best - self.min_delta:
            self.best, self.best_epoch = value, run.epoch
            self._weights = run.model.flat_params.copy()
        elif run.epoch - self.best_epoch >= self.patience:
            run.stop()

    def on_train_end(self, run: Run) -> None:
        if self.restore_best and self._weights is not None:
            np.copyto(run.model.flat_params, self._weights)
            run.history.best_epoch = self.best_epoch

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = {"best": self.best, "best_epoch": self.best_epoch}
        return state if self._weights is None else {**state, "weights": self._weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best, self.best_epoch, self._weights = state["best"], state["best_epoch"], state.get("weights")
