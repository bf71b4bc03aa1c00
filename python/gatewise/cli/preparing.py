"""How a file's numbers become a model's and its answers a reader's: saved with the model as its notes."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import gatewise as gw

from ..files.errors import InputError, listed
from ..models.loading import read_model
from .tables import LAYOUTS, Array, Columns, Sequences

NOTES = "gatewise fit"
BATCH = 256
FEW = 20  # so many different whole numbers are taken for classes, more for a quantity


@dataclass(frozen=True)
class Preparation:
    """Columns, scaling and classes.

    task : "classification" or "regression".
    mean, scale : of each feature.
    classes : the text of each class, in the order of the model's outputs; frequencies : how often each was met.
    target_mean, target_scale : of each target of a regression.
    """

    columns: Columns
    task: str
    mean: list[float]
    scale: list[float]
    classes: list[str]
    frequencies: list[int]
    target_mean: list[float]
    target_scale: list[float]

    @property
    def width(self) -> int:
        """The number of the model's outputs."""
        return len(self.classes) or len(self.target_mean)

    @property
    def answer_names(self) -> list[str]:
        """One for each target: an array of several has numbered ones."""
        targets, width = self.columns.targets, len(self.target_mean)
        return targets if width <= len(targets) else [f"{targets[0]}[{index}]" for index in range(width)]

    @property
    def loss(self) -> str:
        """What is made small."""
        return "cross_entropy" if self.task == "classification" else "mse"

    def inputs(self, x: list[Array]) -> list[Array]:
        """Sequences as the model reads them."""
        return [((one - self.mean) / self.scale).astype(np.float32) for one in x]

    def targets(self, data: Sequences, path: Path) -> Any:
        """The answers as the loss takes them: numbers of classes, or scaled numbers; with one a step a list."""
        flat = self._numbered(data.answers, path)
        return data.split(flat) if data.per_step else flat

    def _numbered(self, answers: Array | None, path: Path) -> Array:
        assert answers is not None
        if self.task == "regression":
            return ((answers - self.target_mean) / self.target_scale).astype(np.float32)
        codes = {name: code for code, name in enumerate(self.classes)}
        if unknown := [name for name in answers[:, 0] if name not in codes]:
            raise InputError(
                f"{path}: {self.columns.targets[0]}: expected the model's classes, {shown(self.classes)}, "
                f"got {str(unknown[0])!r}"
            )
        return np.array([codes[name] for name in answers[:, 0]])

    def outputs_of(self, model: gw.Sequential, data: Sequences) -> Array:
        """What the model gives for each answer, (N, outputs) or (ΣT, outputs), in the order of the data."""
        outputs = model.predict(self.inputs(data.x), batch_size=BATCH)
        return np.concatenate(list(outputs)) if data.per_step else np.asarray(outputs)

    def answers(self, outputs: Array) -> Array:
        """Outputs as answers: the text of the likeliest class (N, 1), or numbers (N, targets)."""
        if self.task == "regression":
            return np.asarray(outputs * np.array(self.target_scale) + self.target_mean)
        classes: Array = np.array(self.classes)
        return classes[outputs.argmax(axis=1), None]

    def probabilities(self, outputs: Array) -> Array:
        """Of the classes, float64."""
        return gw.losses.softmax(outputs.astype(np.float64))

    def save(self, model: gw.Sequential, path: Path) -> None:
        """Write the model with these notes."""
        model.notes = {NOTES: asdict(self)}
        model.save(path)


def shown(names: list[str]) -> str:
    """Names for a message, not too many."""
    return listed(names) if len(names) <= FEW else f"{listed(names[:FEW])} and {len(names) - FEW} more"


def task_of(task: str, answers: Array) -> str:
    """What to do with these answers, where the task is "auto"."""
    if task != "auto":
        return task
    if answers.dtype.kind == "U":
        return "classification"
    few = len(np.unique(answers)) <= min(FEW, len(answers) // 2)
    return "classification" if answers.shape[1] == 1 and few and (answers == np.floor(answers)).all() else "regression"


def prepare(columns: Columns, task: str, data: Sequences, training: Sequences) -> Preparation:
    """The classes of all data, and the scaling of those to train on."""
    assert data.answers is not None
    assert training.answers is not None
    answers = data.answers
    mean, scale = _scaling(np.concatenate(training.x), "features")
    if task == "regression":
        return Preparation(columns, task, mean, scale, [], [], *_scaling(training.answers, "target"))
    if answers.shape[1] != 1:
        raise InputError(f"--task: expected regression with {answers.shape[1]} targets, got classification")
    counts = Counter(answers[:, 0].tolist())
    most = max(FEW, len(answers) // 2)
    if len(counts) < 2:
        raise InputError(f"--target: expected 2 or more classes, got {len(counts)}: {shown(list(counts))}")
    if len(counts) > most:
        raise InputError(
            f"--target: expected at most {most} classes for {len(answers)} answers, got {len(counts)}; quantities: "
            "--task regression"
        )
    classes = sorted(counts, key=_by_number)
    return Preparation(columns, task, mean, scale, classes, [counts[name] for name in classes], [], [])


def _by_number(name: str) -> tuple[float, str]:
    try:
        return float(name), name
    except ValueError:
        return float("inf"), name


def _scaling(values: Array, name: str) -> tuple[list[float], list[float]]:
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = values.mean(axis=0), values.std(axis=0)
    if not (np.isfinite(mean).all() and np.isfinite(scale).all()):
        raise InputError(f"{name}: expected numbers whose squares are finite, got some up to {np.abs(values).max():g}")
    # A column of one value has a spread of no more than rounding.
    return mean.tolist(), np.where(scale > 1e-10 * np.abs(mean), scale, 1.0).tolist()


def load(path: Path) -> tuple[gw.Sequential, Preparation]:
    """A model that `gatewise fit` wrote, and its notes."""
    model = read_model(path)
    notes = model.notes.get(NOTES)
    if notes is None:
        raise InputError(f"{path}: expected a model of gatewise fit, got one without its notes on columns and scaling")
    try:
        preparation = Preparation(**{**notes, "columns": Columns(**notes["columns"])})
        _check(preparation, model)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path}: expected notes that agree with the model, got: {error}") from error
    return model, preparation


def _check(preparation: Preparation, model: gw.Sequential) -> None:
    features, outputs = model.flows[0].features, model.flows[-1].features
    sizes = {"mean": features, "scale": features}
    if preparation.task == "classification":
        sizes |= {"classes": outputs, "frequencies": outputs}
    else:
        sizes |= {"target_mean": outputs, "target_scale": outputs}
    for name, size in sizes.items():
        value = getattr(preparation, name)
        if len(value) != size or (name != "classes" and not np.isfinite(np.asarray(value, float)).all()):
            raise ValueError(f"{name}: expected {size} values, got {value!r:.60}")
    columns = preparation.columns
    if columns.layout not in LAYOUTS or model.one_answer == columns.per_step:
        raise ValueError(f"columns: expected a layout for {'one answer' if model.one_answer else 'an answer a step'}")
    for name in (*columns.features, *columns.targets, columns.group or "", columns.time or "", *preparation.classes):
        if not isinstance(name, str):
            raise TypeError(f"columns, classes: expected text, got {name!r:.60}")
