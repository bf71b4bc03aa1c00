"""Logs of a training: a CSV file and a progress bar."""

from __future__ import annotations

import sys
import time
from os import PathLike
from pathlib import Path

from ...files.libraries import library
from ..run import Callback, Run

LOG_SECONDS = 10.0
"""The time between two updates of a bar that is written to a log."""


class CSVLogger(Callback):
    """Write losses and metrics to a CSV file, one row per epoch.

    Training that resumes from a checkpoint begins the file with the epochs before.

    Parameters
    ----------
    path : str or path-like
        Name of the file, which is replaced.

    See Also
    --------
    ProgressBar : Shows losses and metrics.
    gatewise.training.history.History : What `Sequential.fit` returns.

    Examples
    --------
    >>> import numpy as np, gatewise as gw, os, tempfile
    >>> model = gw.Sequential(gw.Linear(1, 1), gw.LastStep(), seed=0)
    >>> x = np.ones((8, 3, 1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = gw.callbacks.CSVLogger(os.path.join(folder, "log.csv"))
    ...     _ = model.fit(x, x[:, 0], epochs=4, callbacks=[log], verbose=False)
    ...     log.path.read_text().partition("\\n")[0]
    'epoch,loss,seconds'
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)

    def on_train_begin(self, run: Run) -> None:
        self._rows = 0

    def on_epoch_end(self, run: Run) -> None:
        # Add the rows that the history has and the file does not. The first ones replace the file, with a header.
        curves = run.history.history
        with self.path.open("a" if self._rows else "w", encoding="utf-8") as file:
            if not self._rows:
                print("epoch", *curves, "seconds", sep=",", file=file)
            for row in range(self._rows, run.epoch):
                values = (repr(curve[row]) for curve in curves.values())
                print(row + 1, *values, f"{run.history.seconds[row]:.3f}", sep=",", file=file)
        self._rows = run.epoch


class ProgressBar(Callback):
    """Show progress, loss and time as a bar.

    ``fit(..., verbose=True)`` adds it. The bar covers all batches of all epochs. If its output is neither a terminal
    nor a notebook, such as a log file, it is only written every ten seconds. It needs tqdm.

    See Also
    --------
    CSVLogger : Writes losses and metrics to a file.
    Sequential.fit : Training, with its argument ``verbose``.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> model = gw.Sequential(gw.Linear(1, 1), gw.LastStep(), seed=0)
    >>> x = np.ones((8, 3, 1))
    >>> history = model.fit(x, x[:, 0], callbacks=[gw.callbacks.ProgressBar()], verbose=False)
    """

    def on_train_begin(self, run: Run) -> None:
        done, batches = run.history.epochs, run.batches
        total = None if batches is None else batches * run.epochs
        visible = sys.stderr.isatty() or "ipykernel" in sys.modules
        self._bar = library("tqdm", "train").tqdm(
            total=total, initial=done * (batches or 0), unit="batch", dynamic_ncols=True,
            mininterval=0.1 if visible else LOG_SECONDS,
        )  # fmt: skip
        self._shown = 0.0

    def on_batch_end(self, run: Run) -> None:
        self._bar.update()
        now = time.monotonic()
        if now - self._shown > 0.5:
            self._shown = now
            self._bar.set_postfix_str(f"epoch {run.epoch}/{run.epochs}, batch loss {run.batch_loss:.4g}", refresh=False)

    def on_epoch_end(self, run: Run) -> None:
        values = ", ".join(f"{name} {values[-1]:.4g}" for name, values in run.history.history.items())
        self._shown = time.monotonic()
        self._bar.set_postfix_str(f"epoch {run.epoch}/{run.epochs}, {values}", refresh=run.epoch == run.epochs)

    def on_train_end(self, run: Run) -> None:
        self._bar.close()
