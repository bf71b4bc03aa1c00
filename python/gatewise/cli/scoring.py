"""Scores of a model's predictions, compared with the scores of a constant prediction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import gatewise as gw

from .._core.parameters import Array
from .data.sequences import LabelledSequences
from .preprocessing import BATCH, Preprocessing
from .words import FEW


@dataclass(frozen=True)
class Scores:
    """The loss, a text for the user, and targets and predictions (N, targets): numbers, or names of classes."""

    loss: float
    text: str
    targets: Array
    predictions: Array


def score(model: gw.Sequential, preprocessing: Preprocessing, data: LabelledSequences, path: Path) -> Scores:
    """Compare the model's predictions with the targets of the data."""
    assert data.targets is not None
    targets = preprocessing.targets(data, path)
    with np.errstate(over="ignore", invalid="ignore"):  # if training diverged, the loss says so
        loss = model.evaluate(preprocessing.inputs(data.x), targets, loss=preprocessing.loss, batch_size=BATCH)["loss"]
    predictions = preprocessing.predictions(preprocessing.outputs_of(model, data))
    described = _of_classes if preprocessing.task == "classification" else _of_numbers
    text = f"loss      {loss:.4g}\n{described(preprocessing, data.targets, predictions)}"
    return Scores(loss, text, data.targets, predictions)


def _of_classes(preprocessing: Preprocessing, targets: Array, predictions: Array) -> str:
    names = preprocessing.classes
    common = names[int(np.argmax(preprocessing.frequencies))]
    accuracy, baseline = np.mean(predictions == targets), np.mean(targets == common)
    lines = [f"accuracy  {accuracy:.4g}  (always predicting the most frequent class, {common!r}: {baseline:.4g})"]
    if len(names) <= FEW:
        width = max(map(len, (*names, "class")))
        lines.append(f"{'class':<{width}}  {'support':>9}{'recall':>9}{'predicted':>11}{'precision':>11}")
        for name in names:
            actual, predicted = targets == name, predictions == name
            hits = int(np.sum(actual & predicted))
            recall, precision = (
                f"{hits / count:.0%}" if (count := int(np.sum(one))) else "-" for one in (actual, predicted)
            )
            lines.append(f"{name:<{width}}  {np.sum(actual):>9}{recall:>9}{np.sum(predicted):>11}{precision:>11}")
    return "\n".join(lines)


def _of_numbers(preprocessing: Preprocessing, targets: Array, predictions: Array) -> str:
    names = preprocessing.target_names
    width = max(map(len, (*names, "target")))
    lines = [f"{'target':<{width}}{'RMSE':>12}{'MAE':>12}   RMSE of predicting the training mean"]
    error, constant = predictions - targets, targets - preprocessing.target_mean
    for i, name in enumerate(names):
        rmse, mae = np.sqrt(np.mean(error[:, i] ** 2)), np.mean(np.abs(error[:, i]))
        lines.append(f"{name:<{width}}{rmse:>12.5g}{mae:>12.5g}   {np.sqrt(np.mean(constant[:, i] ** 2)):.5g}")
    return "\n".join(lines)
