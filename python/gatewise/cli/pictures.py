"""The picture of a fit or an evaluation: the losses, and given answers against the right ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import plotting
from ..files.libraries import library
from ..training.history import History
from .judging import Judgement
from .preparing import FEW, Preparation

DOTS = 2000


@plotting.styled
def draw(preparation: Preparation, judgement: Judgement, where: str, history: History | None = None) -> bytes:
    """A PNG image."""
    figure = library("matplotlib.figure", "cli").Figure(
        figsize=(12 if history else 6.5, 5), dpi=100, layout="constrained"
    )
    axes = figure.subplots(1, 2 if history else 1, squeeze=False)[0]
    if history is not None:
        history.plot(axes=axes[0])
        axes[0].set_title("Loss")
    if preparation.task == "classification":
        _confusion(axes[-1], preparation, judgement)
    else:
        _scatter(axes[-1], judgement, preparation)
    axes[-1].set_title(plotting.plain(f"On {where}"))
    return plotting.png(figure)


def _scatter(axes: Any, judgement: Judgement, preparation: Preparation) -> None:
    right, given = judgement.right, judgement.given
    every = -(-len(right) // DOTS)
    names = preparation.answer_names
    for i, (name, color) in enumerate(zip(names, plotting.colors(len(names)), strict=True)):
        axes.scatter(
            right[::every, i], given[::every, i], s=12, alpha=0.6, color=color, linewidths=0, label=plotting.plain(name)
        )
    ends = [min(right.min(), given.min()), max(right.max(), given.max())]
    axes.plot(ends, ends, color=plotting.MUTED, linewidth=1, linestyle="--")
    axes.set_xlabel("right answer")
    axes.set_ylabel("model's answer")
    if len(names) > 1:
        axes.legend()


def _confusion(axes: Any, preparation: Preparation, judgement: Judgement) -> None:
    names = preparation.classes
    number = {name: i for i, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), int)
    for right, given in zip(judgement.right[:, 0], judgement.given[:, 0], strict=True):
        counts[number[right], number[given]] += 1
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    axes.grid(False)
    axes.set_xlabel("model's answer")
    axes.set_ylabel("right answer")
    if len(names) <= FEW:
        labels = [plotting.plain(name) for name in names]
        axes.set_xticks(range(len(names)), labels, rotation=0 if sum(map(len, names)) < 50 else 90)
        axes.set_yticks(range(len(names)), labels)
        for (row, column), count in np.ndenumerate(counts):
            color = "white" if shares[row, column] > 0.6 else plotting.INK
            axes.text(column, row, str(count), ha="center", va="center", color=color)
