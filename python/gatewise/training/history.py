"""The history of a training: its losses and metrics per epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .. import plotting
from ..files.libraries import library

__doctest_requires__ = ("matplotlib",)


@dataclass
class History:
    """History of a training.

    `Sequential.fit` returns it.

    Parameters
    ----------
    history : dict
        Name of each curve to its values, one per epoch. The names are "loss" and those of the metrics, and with
        validation "val_loss" and so on.
    seconds : list of float
        Duration of each epoch.
    interrupted : bool, default False
        Whether Ctrl-C ended the training.
    best_epoch : int or None, optional
        Epoch, counted from 1, whose weights early stopping restored.

    See Also
    --------
    gatewise.Sequential.fit : Training.
    gatewise.callbacks.CSVLogger : Writes the same to a file.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> model = gw.Sequential(gw.Linear(1, 1), gw.LastStep(), seed=0)
    >>> x = np.ones((8, 3, 1))
    >>> history = model.fit(x, x[:, 0], epochs=4, verbose=False)
    >>> len(history.history["loss"])
    4
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    interrupted: bool = False
    best_epoch: int | None = None

    @property
    def epochs(self) -> int:
        """Number of finished epochs.

        After an interruption it is lower than the number of epochs that `fit` was given.

        See Also
        --------
        History : All attributes.

        Examples
        --------
        >>> from gatewise.training.history import History
        >>> History({"loss": [0.5, 0.4]}, [1.0, 1.0]).epochs
        2
        """
        return len(self.seconds)

    def append(self, values: dict[str, float], seconds: float) -> None:
        """Add an epoch.

        The training loop does this.

        Parameters
        ----------
        values : dict
            Name of each curve to its value.
        seconds : float
            Duration of the epoch.

        See Also
        --------
        epochs : The number of epochs.

        Examples
        --------
        >>> from gatewise.training.history import History
        >>> history = History()
        >>> history.append({"loss": 0.5}, 1.0)
        >>> history.history
        {'loss': [0.5]}
        """
        for name, value in values.items():
            self.history.setdefault(name, []).append(value)
        self.seconds.append(seconds)

    @plotting.styled
    def plot(self, *names: str, axes: Any = None) -> Any:
        """Draw curves over the epochs.

        It needs matplotlib.

        Parameters
        ----------
        *names : str
            Names of the curves. By default these are the loss and, with validation, the validation loss.
        axes : matplotlib.axes.Axes, optional
            Axes to draw on. By default a new figure is made.

        Returns
        -------
        matplotlib.axes.Axes
            The axes. ``axes.figure.savefig("loss.png")`` writes the picture.

        Raises
        ------
        ValueError
            If there is no curve of that name.
        MissingLibrary
            If matplotlib is not installed.

        See Also
        --------
        gatewise.callbacks.CSVLogger : Writes the curves to a file.

        Examples
        --------
        >>> from gatewise.training.history import History
        >>> axes = History({"loss": [0.5, 0.4]}, [1.0, 1.0]).plot()
        >>> axes.get_yscale()
        'log'
        """
        chosen = names or tuple(name for name in ("loss", "val_loss") if name in self.history)
        for name in chosen:
            if name not in self.history:
                raise ValueError(f"names: expected some of {', '.join(self.history) or 'none yet'}, got {name!r}")
        axes = plotting.axes(axes)
        labels = {"loss": "training", "val_loss": "validation"}
        for name, color in zip(chosen, plotting.colors(len(chosen)), strict=True):
            values = self.history[name]
            marker = "o" if len(values) == 1 else None
            axes.plot(range(1, len(values) + 1), values, color=color, marker=marker, label=labels.get(name, name))
        values = [value for name in chosen for value in self.history[name]]
        if values and min(values) > 0.0:
            axes.set_yscale("log")
        if self.best_epoch is not None:
            axes.axvline(self.best_epoch, color=plotting.MUTED, linestyle=":", label=f"kept: epoch {self.best_epoch}")
        axes.xaxis.set_major_locator(library("matplotlib.ticker", "train").MaxNLocator(integer=True))
        axes.set_xlabel("epoch")
        axes.set_ylabel("loss" if set(chosen) <= set(labels) else "")
        axes.legend(loc="upper right")  # where losses that fall leave room; "best" would look through all points
        return axes
