"""Callbacks of `Sequential.fit`: what happens between its steps and epochs. The hooks have skorch's names.

>>> import numpy as np, gatewise as gw
>>> class Show(gw.callbacks.Callback):
...     def on_epoch_end(self, run):
...         print(run.epoch, "loss" in run.history.history)
>>> model = gw.Sequential(gw.RNN(1, 2, batch_first=True), seed=0)
>>> _ = model.fit(np.zeros((4, 3, 1)), np.zeros((4, 3, 2)), epochs=2, callbacks=[Show()], verbose=False)
1 True
2 True
"""

from __future__ import annotations

import math
import sys
import time
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.options import checked_size
from .._core.parameters import Array
from ..files.libraries import library

if TYPE_CHECKING:
    from .loop import Run

LOG_SECONDS = 10.0  # between two states of a bar that is not seen but kept


class Callback:
    """Does nothing; a callback of one's own overrides some hooks.

    Each gets the run: ``run.model``, ``run.optimizer``, ``run.history``, ``run.epoch`` (from 1), ``run.epochs``,
    ``run.batch`` (of this epoch, from 1), ``run.batches`` (their number, or None), ``run.batch_loss``; and
    ``run.stop()``, which ends training after this epoch.
    """

    def on_train_begin(self, run: Run) -> None:
        """Before the first epoch."""

    def on_train_end(self, run: Run) -> None:
        """After the last epoch, and after Ctrl-C."""

    def on_epoch_begin(self, run: Run) -> None:
        """Before an epoch."""

    def on_epoch_end(self, run: Run) -> None:
        """After an epoch, whose losses and metrics are the last of the history."""

    def on_batch_begin(self, run: Run) -> None:
        """Before a step."""

    def on_grad_computed(self, run: Run) -> None:
        """Between backward pass and update: ``run.model.flat_grads`` may be read and changed."""

    def on_batch_end(self, run: Run) -> None:
        """After a step."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps for training to go on: numbers, text and arrays."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""


HOOKS = [name for name in vars(Callback) if name.startswith("on_")]


class EarlyStopping(Callback):
    """Stops when a loss or metric no longer improves.

    Parameters
    ----------
    monitor : its name in the history; default: "val_loss", or without validation "loss".
    patience : stop after so many epochs without an improvement.
    min_delta : less than this is no improvement.
    mode : "min" or "max": what is better.
    restore_best : whether the model gets the weights of its best epoch in the end.
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
        """Forget earlier trainings, unless this one goes on from a checkpoint."""
        if not run.resumed:
            self._forget()

    def on_epoch_end(self, run: Run) -> None:
        """Compare."""
        value = monitored(run, self.monitor) * (1.0 if self.mode == "min" else -1.0)
        if value < self.best - self.min_delta:
            self.best, self.best_epoch = value, run.epoch
            self._weights = run.model.flat_params.copy()
        elif run.epoch - self.best_epoch >= self.patience:
            run.stop()

    def on_train_end(self, run: Run) -> None:
        """The best weights come back."""
        if self.restore_best and self._weights is not None:
            np.copyto(run.model.flat_params, self._weights)
            run.history.best_epoch = self.best_epoch

    def state_dict(self) -> dict[str, Any]:
        """The best so far."""
        state: dict[str, Any] = {"best": self.best, "best_epoch": self.best_epoch}
        return state if self._weights is None else {**state, "weights": self._weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.best, self.best_epoch, self._weights = state["best"], state["best_epoch"], state.get("weights")


class Checkpoint(Callback):
    """Writes a checkpoint, from which ``fit(..., resume=path)`` goes on to the same bits and `gw.load` reads the model.

    Parameters
    ----------
    path : the file, which is replaced whole each time; ``{epoch}`` in it becomes the epoch.
    every : epochs from one checkpoint to the next, at least 1.
    monitor : with a name of the history, write only when it is lower than at all checkpoints before.
    """

    def __init__(self, path: str | PathLike[str], every: int = 1, monitor: str | None = None) -> None:
        self.path, self.every, self.monitor = str(path), checked_size("every", every, 1), monitor
        self.best = math.inf

    def on_epoch_end(self, run: Run) -> None:
        """Write, if it is time."""
        if run.epoch % self.every:
            return
        if self.monitor is not None:
            value = monitored(run, self.monitor)
            if not value < self.best:
                return
            self.best = value
        from ..models import checkpoint as checkpoints

        checkpoints.save(run, self.path.replace("{epoch}", str(run.epoch)))

    def state_dict(self) -> dict[str, Any]:
        """The best so far, if there is one."""
        return {} if self.monitor is None else {"best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.best = state["best"]


class CSVLogger(Callback):
    """Writes a row of losses and metrics after every epoch.

    Parameters
    ----------
    path : the file. Training that goes on from a checkpoint begins it with the epochs before.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)

    def on_train_begin(self, run: Run) -> None:
        """Nothing is written yet."""
        self._rows = 0

    def on_epoch_end(self, run: Run) -> None:
        """Add what the history has more than the file; the first time the file begins anew, with its header."""
        curves = run.history.history
        with self.path.open("a" if self._rows else "w", encoding="utf-8") as file:
            if not self._rows:
                print("epoch", *curves, "seconds", sep=",", file=file)
            for row in range(self._rows, run.epoch):
                values = (repr(curve[row]) for curve in curves.values())
                print(row + 1, *values, f"{run.history.seconds[row]:.3f}", sep=",", file=file)
        self._rows = run.epoch


class ProgressBar(Callback):
    """A bar of all batches of all epochs, with the loss and the time, by tqdm; what `verbose` stands for.

    Where neither a terminal nor a notebook shows it, as in a log, it is written every ten seconds.
    """

    def on_train_begin(self, run: Run) -> None:
        """The empty bar."""
        done, batches = run.history.epochs, run.batches
        total = None if batches is None else batches * run.epochs
        seen = sys.stderr.isatty() or "ipykernel" in sys.modules
        self._bar = library("tqdm", "train").tqdm(
            total=total, initial=done * (batches or 0), unit="batch", dynamic_ncols=True,
            mininterval=0.1 if seen else LOG_SECONDS,
        )  # fmt: skip
        self._shown = 0.0

    def on_batch_end(self, run: Run) -> None:
        """One further; the loss of the batch now and then."""
        self._bar.update()
        now = time.monotonic()
        if now - self._shown > 0.5:
            self._shown = now
            self._bar.set_postfix_str(f"epoch {run.epoch}/{run.epochs}, batch loss {run.batch_loss:.4g}", refresh=False)

    def on_epoch_end(self, run: Run) -> None:
        """The losses of the epoch."""
        values = ", ".join(f"{name} {values[-1]:.4g}" for name, values in run.history.history.items())
        self._shown = time.monotonic()
        self._bar.set_postfix_str(f"epoch {run.epoch}/{run.epochs}, {values}", refresh=run.epoch == run.epochs)

    def on_train_end(self, run: Run) -> None:
        """The bar stays as it is."""
        self._bar.close()


def monitored(run: Run, name: str | None) -> float:
    """The last value of this curve; without a name the validation's loss, or, without one, the loss."""
    history = run.history.history
    if name is None:
        name = "val_loss" if "val_loss" in history else "loss"
    if name not in history:
        raise ValueError(f"monitor: expected one of {', '.join(history)}, got {name!r}")
    return history[name][-1]
