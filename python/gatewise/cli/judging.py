"""How good a model's answers are, beside those of one that knows nothing of x."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import gatewise as gw

from .preparing import BATCH, FEW, Preparation
from .tables import Array, Sequences


@dataclass(frozen=True)
class Judgement:
    """The loss; the text for the reader; right and given answers, (N, targets): numbers, or the text of classes."""

    loss: float
    text: str
    right: Array
    given: Array


def judge(model: gw.Sequential, preparation: Preparation, data: Sequences, path: Path) -> Judgement:
    """Compare the model's answers with those of the data."""
    assert data.answers is not None
    targets = preparation.targets(data, path)
    with np.errstate(over="ignore", invalid="ignore"):  # as in fit: of what diverged, which the loss tells
        loss = model.evaluate(preparation.inputs(data.x), targets, loss=preparation.loss, batch_size=BATCH)["loss"]
    given = preparation.answers(preparation.outputs_of(model, data))
    words = _classes if preparation.task == "classification" else _quantities
    return Judgement(loss, f"loss      {loss:.4g}\n{words(preparation, data.answers, given)}", data.answers, given)


def _classes(preparation: Preparation, right: Array, given: Array) -> str:
    names = preparation.classes
    common = names[int(np.argmax(preparation.frequencies))]
    accuracy = np.mean(given == right)
    lines = [f"accuracy  {accuracy:.4g}  (always {common!r}, the most frequent class: {np.mean(right == common):.4g})"]
    if len(names) <= FEW:
        width = max(map(len, (*names, "class")))
        lines.append(f"{'class':<{width}}  {'answers':>8}{'found':>8}{'given':>8}{'right':>8}")
        for name in names:
            of, told = right == name, given == name
            hit = int(np.sum(of & told))
            shares = [f"{hit / count:.0%}" if (count := int(np.sum(one))) else "-" for one in (of, told)]
            lines.append(f"{name:<{width}}  {np.sum(of):>8}{shares[0]:>8}{np.sum(told):>8}{shares[1]:>8}")
    return "\n".join(lines)


def _quantities(preparation: Preparation, right: Array, given: Array) -> str:
    names = preparation.answer_names
    width = max(map(len, names))
    lines = [f"{'':<{width}}{'RMSE':>12}{'MAE':>12}   always the mean of the training: RMSE"]
    error, constant = given - right, right - preparation.target_mean
    for i, name in enumerate(names):
        rmse, mae = np.sqrt(np.mean(error[:, i] ** 2)), np.mean(np.abs(error[:, i]))
        lines.append(f"{name:<{width}}{rmse:>12.5g}{mae:>12.5g}{np.sqrt(np.mean(constant[:, i] ** 2)):>12.5g}")
    return "\n".join(lines)
