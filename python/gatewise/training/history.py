"""What a training left behind: losses and metrics of every epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .. import plotting
from ..files.libraries import library


@dataclass
class History:
    """What `Sequential.fit` returns.

    history : name to one number an epoch: "loss", each metric, and with validation "val_loss", "val_...".
    seconds : how long each epoch took.
    interrupted : whether Ctrl-C ended the training.
    best_epoch : the epoch (from 1) whose weights early stopping restored, else None.
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    interrupted: bool = False
    best_epoch: int | None = None

    @property
    def epochs(self) -> int:
        """The number of epochs done."""
        return len(self.seconds)

    def append(self, values: dict[str, float], seconds: float) -> None:
        """Add an epoch."""
        for name, value in values.items():
            self.history.setdefault(name, []).append(value)
        self.seconds.append(seconds)

    @plotting.styled
    def plot(self, *names: str, axes: Any = None) -> Any:
        """Draw curves over the epochs, with matplotlib.

        Parameters
        ----------
        names : which; default: the loss, and that of the validation if there is one.
        axes : matplotlib Axes to draw on; default: those of a new figure.

        Returns
        -------
        axes : ``axes.figure.savefig("loss.png")`` writes the picture.

        Raises
        ------
        ValueError : there is no curve of that name.
        MissingLibrary : matplotlib is not installed.
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
