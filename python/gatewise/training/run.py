"""A training in progress, and the callbacks that follow it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from .._core.documented import Documented
from ..nn.network import Network
from ..optimizers import Optimizer
from .history import History
from .losses import Loss, Metric


class Callback(Documented):
    """Base class of callbacks, whose hooks do nothing.

    Override some hooks in a class of your own. Each hook gets the run, with the attributes ``model``, ``optimizer``,
    ``history``, ``epoch`` (counted from 1), ``epochs``, ``batch`` (in this epoch, counted from 1), ``batches`` (their
    number, or None if it is not known) and ``batch_loss``. ``run.stop()`` ends the training after this epoch. The hooks
    have skorch's names.

    See Also
    --------
    EarlyStopping : Ends training when it no longer improves.
    Checkpoint : Writes checkpoints.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> class Show(gw.callbacks.Callback):
    ...     def on_epoch_end(self, run):
    ...         print(run.epoch, list(run.history.history))
    >>> model = gw.Sequential(gw.RNN(1, 2, batch_first=True), seed=0)
    >>> _ = model.fit(np.zeros((4, 3, 1)), np.zeros((4, 3, 2)), epochs=2, callbacks=[Show()], verbose=False)
    1 ['loss']
    2 ['loss']
    """

    runs_last: ClassVar[bool] = False
    """Whether the hooks run after those of all other callbacks."""

    def on_train_begin(self, run: Run) -> None:
        """Handle the start of training.

        The hook is called before the first epoch.

        Parameters
        ----------
        run : Run
            The training.

        See Also
        --------
        on_train_end : Handle the end.

        Examples
        --------
        >>> import gatewise as gw
        >>> class Greet(gw.callbacks.Callback):
        ...     def on_train_begin(self, run):
        ...         print(f"{run.epochs} epochs")
        """

    def on_train_end(self, run: Run) -> None:
        """Handle the end of training.

        The hook is called after the last epoch, and also if training is interrupted or fails.

        Parameters
        ----------
        run : Run
            The training.

        See Also
        --------
        on_train_begin : Handle the start.

        Examples
        --------
        >>> import gatewise as gw
        >>> class Sum(gw.callbacks.Callback):
        ...     def on_train_end(self, run):
        ...         print(sum(run.history.seconds))
        """

    def on_epoch_begin(self, run: Run) -> None:
        """Handle the start of an epoch.

        ``run.epoch`` is its number.

        Parameters
        ----------
        run : Run
            The training.

        See Also
        --------
        on_epoch_end : Handle the end of an epoch.

        Examples
        --------
        >>> import gatewise as gw
        >>> class Count(gw.callbacks.Callback):
        ...     def on_epoch_begin(self, run):
        ...         print(f"{run.epoch}/{run.epochs}")
        """

    def on_epoch_end(self, run: Run) -> None:
        """Handle the end of an epoch.

        The losses and metrics of the epoch are the last ones of the history.

        Parameters
        ----------
        run : Run
            The training.

        See Also
        --------
        on_epoch_begin : Handle the start of an epoch.

        Examples
        --------
        >>> import gatewise as gw
        >>> class StopBelow(gw.callbacks.Callback):
        ...     def on_epoch_end(self, run):
        ...         if run.history.history["loss"][-1] < 0.1:
        ...             run.stop()
        """

    def on_batch_begin(self, run: Run) -> None:
        """Handle the start of a batch.

        ``run.batch`` is its number in the epoch.

        Parameters
        ----------
        run : Run
            The training.

        See Also
        --------
        on_batch_end : Handle the end of a batch.

        Examples
        --------
        >>> import gatewise as gw
        >>> class Count(gw.callbacks.Callback):
        ...     def on_batch_begin(self, run):
        ...         print(f"{run.batch}/{run.batches}")
        """

    def on_grad_computed(self, run: Run) -> None:
        """Handle the gradients of a batch.

        The hook is called between the backward pass and the update. You may read and change ``run.model.flat_grads``.

        Parameters
        ----------
        run : Run
            The training.

        See Also
        --------
        on_batch_end : Handle the end of a batch.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> class Norm(gw.callbacks.Callback):
        ...     def on_grad_computed(self, run):
        ...         print(np.linalg.norm(run.model.flat_grads))
        """

    def on_batch_end(self, run: Run) -> None:
        """Handle the end of a batch.

        ``run.batch_loss`` is the loss before the update.

        Parameters
        ----------
        run : Run
            The training.

        See Also
        --------
        on_batch_begin : Handle the start of a batch.

        Examples
        --------
        >>> import gatewise as gw
        >>> class Losses(gw.callbacks.Callback):
        ...     def on_batch_end(self, run):
        ...         print(run.batch_loss)
        """

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint must store of the callback.

        `load_state_dict` gets it back when training resumes.

        Returns
        -------
        dict
            Name to number, text or array. It is empty for a callback without a state.

        See Also
        --------
        load_state_dict : Restore the state.

        Examples
        --------
        >>> import gatewise as gw
        >>> gw.callbacks.EarlyStopping().state_dict()
        {'best': inf, 'best_epoch': 0}
        """
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned.

        Training that resumes from a checkpoint calls it before `on_train_begin`.

        Parameters
        ----------
        state : dict
            The state.

        See Also
        --------
        state_dict : Return the state.

        Examples
        --------
        >>> import gatewise as gw
        >>> stopping = gw.callbacks.EarlyStopping()
        >>> stopping.load_state_dict({"best": 0.5, "best_epoch": 3})
        >>> stopping.best_epoch
        3
        """


HOOKS = [name for name in vars(Callback) if name.startswith("on_")]


class Run:
    """A training in progress: the data of the training loop, which callbacks can read.

    epoch, batch : the current ones, counted from 1.
    epochs, batches : the number of epochs, and of batches per epoch.
    batch_loss : the loss of the current batch.
    resumed : whether the training resumes from a checkpoint.
    stopped : whether it ends after this epoch.
    """

    def __init__(
        self,
        model: Network,
        optimizer: Optimizer,
        loss: Loss,
        metrics: dict[str, Metric],
        epochs: int,
        callbacks: Iterable[Callback],
        save_checkpoint: Callable[[Run, str], None],
    ) -> None:
        self.model, self.optimizer, self.loss, self.metrics, self.epochs = model, optimizer, loss, metrics, epochs
        callbacks = list(callbacks)
        if other := [type(one).__name__ for one in callbacks if not isinstance(one, Callback)]:
            raise TypeError(f"callbacks: expected callbacks of gw.callbacks, got {other[0]}")
        self.callbacks = sorted(callbacks, key=lambda callback: callback.runs_last)
        self.history = History()
        self.epoch, self.batch, self.batch_loss = 0, 0, math.nan
        self.batches: int | None = None
        self.resumed = self.stopped = False
        self._save_checkpoint = save_checkpoint
        # A hook that nobody overrides costs nothing.
        self._hooks = {
            name: [getattr(c, name) for c in self.callbacks if getattr(type(c), name) is not getattr(Callback, name)]
            for name in HOOKS
        }

    def stop(self) -> None:
        """End training after this epoch."""
        self.stopped = True

    def notify(self, hook: str) -> None:
        """Call this hook of all callbacks, in order."""
        for call in self._hooks[hook]:
            call(self)

    def save_checkpoint(self, path: str) -> None:
        """Write a checkpoint, from which training can resume."""
        self._save_checkpoint(self, path)

    def monitored(self, name: str | None) -> float:
        """Return the last value of a curve, by default of the validation loss, or of the loss without validation."""
        curves = self.history.history
        if name is None:
            name = "val_loss" if "val_loss" in curves else "loss"
        if name not in curves:
            raise ValueError(f"monitor: expected one of {', '.join(curves)}, got {name!r}")
        return curves[name][-1]
