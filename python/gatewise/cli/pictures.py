"""The plot of a fit or an evaluation: the losses, and predictions against targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import plotting
from ..files.libraries import library
from ..training.history import History
from .preprocessing import Preprocessing
from .scoring import Scores
from .words import FEW

DOTS = 2000  # points of a scatter plot at most


@plotting.styled
def draw(preprocessing: Preprocessing, scores: Scores, title: str, history: History | None = None) -> bytes:
    """Return a PNG image, with the losses if there is a history."""
    figure = library("matplotlib.figure", "cli").Figure(
        figsize=(12 if history else 6.5, 5), dpi=100, layout="constrained"
    )
    axes = figure.subplots(1, 2 if history else 1, squeeze=False)[0]
    if history is not None:
        history.plot(axes=axes[0])
        axes[0].set_title("Loss")
    if preprocessing.task == "classification":
        _confusion(axes[-1], preprocessing, scores)
    else:
        _scatter(axes[-1], preprocessing, scores)
    axes[-1].set_title(plotting.plain(title))
    return plotting.png(figure)


def _scatter(axes: Any, preprocessing: Preprocessing, scores: Scores) -> None:
    targets, predictions = scores.targets, scores.predictions
    every = -(-len(targets) // DOTS)
    names = preprocessing.target_names
    for i, (name, color) in enumerate(zip(names, plotting.colors(len(names)), strict=True)):
        x, y = targets[::every, i], predictions[::every, i]
        axes.scatter(x, y, s=12, alpha=0.6, color=color, linewidths=0, label=plotting.plain(name))
    ends = [min(targets.min(), predictions.min()), max(targets.max(), predictions.max())]
    axes.plot(ends, ends, color=plotting.MUTED, linewidth=1, linestyle="--")
    axes.set_xlabel("target")
    axes.set_ylabel("prediction")
    if len(names) > 1:
        axes.legend()


def _confusion(axes: Any, preprocessing: Preprocessing, scores: Scores) -> None:
    names = preprocessing.classes
    number = {name: i for i, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), int)
    for target, prediction in zip(scores.targets[:, 0], scores.predictions[:, 0], strict=True):
        counts[number[target], number[prediction]] += 1
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    axes.grid(False)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("target class")
    if len(names) <= FEW:
        labels = [plotting.plain(name) for name in names]
        axes.set_xticks(range(len(names)), labels, rotation=0 if sum(map(len, names)) < 50 else 90)
        axes.set_yticks(range(len(names)), labels)
        for (row, column), count in np.ndenumerate(counts):
            color = "white" if shares[row, column] > 0.6 else plotting.INK
            axes.text(column, row, str(count), ha="center", va="center", color=color)
