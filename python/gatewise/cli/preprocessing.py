"""Scaling and class names, which turn a file's numbers into a model's and back; stored with the model as its notes."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import gatewise as gw

from .._core.parameters import Array
from ..files.errors import InputError, listed
from ..models import storage
from ..models.loading import read_model
from .data.sequences import LAYOUTS, Columns, LabelledSequences
from .words import FEW

NOTES = "gatewise fit"
BATCH = 256
MOST_CLASSES = 20  # whole numbers with more different values than this are a quantity


@dataclass(frozen=True)
class Preprocessing:
    """Columns, scaling and classes. Model files store these fields under their names here.

    Parameters
    ----------
    columns : Columns
        Where sequences and targets are in a file.
    task : str
        "classification" or "regression".
    mean, scale : list of float
        Of each feature.
    classes : list of str
        Names of the classes, in the order of the model's outputs.
    frequencies : list of int
        Number of targets of each class.
    target_mean, target_scale : list of float
        Of each target of a regression.
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
    def target_names(self) -> list[str]:
        """The name of each target; an array with several targets has numbered ones."""
        targets, width = self.columns.targets, len(self.target_mean)
        return targets if width <= len(targets) else [f"{targets[0]}[{index}]" for index in range(width)]

    @property
    def loss(self) -> str:
        """The loss that training minimizes."""
        return "cross_entropy" if self.task == "classification" else "mse"

    def inputs(self, x: list[Array]) -> list[Array]:
        """Return sequences scaled for the model."""
        return [((one - self.mean) / self.scale).astype(np.float32) for one in x]

    def targets(self, data: LabelledSequences, path: Path) -> Any:
        """Return the targets for the loss: class numbers or scaled numbers, in a list if there is one per step."""
        flat = self._encoded(data.targets, path)
        return data.split(flat) if data.per_step else flat

    def _encoded(self, targets: Array | None, path: Path) -> Array:
        assert targets is not None
        if self.task == "regression":
            return ((targets - self.target_mean) / self.target_scale).astype(np.float32)
        codes = {name: code for code, name in enumerate(self.classes)}
        if unknown := [name for name in targets[:, 0] if name not in codes]:
            raise InputError(
                f"{path}: {self.columns.targets[0]}: expected the model's classes, {shown(self.classes)}, "
                f"got {str(unknown[0])!r}"
            )
        return np.array([codes[name] for name in targets[:, 0]])

    def outputs_of(self, model: gw.Sequential, data: LabelledSequences) -> Array:
        """Return the model's outputs, (N, outputs) or (ΣT, outputs), in the order of the data."""
        outputs = model.predict(self.inputs(data.x), batch_size=BATCH)
        return np.concatenate(list(outputs)) if data.per_step else np.asarray(outputs)

    def predictions(self, outputs: Array) -> Array:
        """Return outputs as predictions: names of the likeliest classes (N, 1), or numbers (N, targets)."""
        if self.task == "regression":
            return np.asarray(outputs * np.array(self.target_scale) + self.target_mean)
        classes: Array = np.array(self.classes)
        return classes[outputs.argmax(axis=1), None]

    def probabilities(self, outputs: Array) -> Array:
        """Return the probabilities of the classes, in float64."""
        return gw.losses.softmax(outputs.astype(np.float64))

    def save(self, model: gw.Sequential, path: Path) -> None:
        """Write the model with these fields as its notes."""
        storage.write(model, path, notes={NOTES: asdict(self)})


def shown(names: list[str]) -> str:
    """Return names for a message, but not too many."""
    return listed(names) if len(names) <= FEW else f"{listed(names[:FEW])} and {len(names) - FEW} more"


def task_of(task: str, targets: Array) -> str:
    """Return the task; if it is "auto", infer it from the targets."""
    if task != "auto":
        return task
    if targets.dtype.kind == "U":
        return "classification"
    few = len(np.unique(targets)) <= min(MOST_CLASSES, len(targets) // 2)
    return "classification" if targets.shape[1] == 1 and few and (targets == np.floor(targets)).all() else "regression"


def preprocessing_of(
    columns: Columns, task: str, data: LabelledSequences, training: LabelledSequences
) -> Preprocessing:
    """Return the classes of all data, and the scaling of the training set."""
    assert data.targets is not None
    assert training.targets is not None
    targets = data.targets
    mean, scale = _scaling(np.concatenate(training.x), "features")
    if task == "regression":
        return Preprocessing(columns, task, mean, scale, [], [], *_scaling(training.targets, "target"))
    if targets.shape[1] != 1:
        raise InputError(f"--task: {targets.shape[1]} targets need --task regression; classification takes one target")
    counts = Counter(targets[:, 0].tolist())
    most = max(MOST_CLASSES, len(targets) // 2)
    if len(counts) < 2:
        raise InputError(f"--target: expected 2 or more classes, got {len(counts)}: {shown(list(counts))}")
    if len(counts) > most:
        raise InputError(
            f"--target: expected at most {most} classes for {len(targets)} targets, got {len(counts)}; if the targets "
            "are quantities, use --task regression"
        )
    classes = sorted(counts, key=_by_number)
    return Preprocessing(columns, task, mean, scale, classes, [counts[name] for name in classes], [], [])


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
    # The standard deviation of a constant column is rounding error.
    return mean.tolist(), np.where(scale > 1e-10 * np.abs(mean), scale, 1.0).tolist()


def load(path: Path) -> tuple[gw.Sequential, Preprocessing]:
    """Load a model that ``gatewise fit`` wrote, and its preprocessing."""
    model = read_model(path)
    notes = model.notes.get(NOTES)
    if notes is None:
        raise InputError(f"{path}: expected a model that gatewise fit wrote, got one without its notes")
    try:
        preprocessing = Preprocessing(**{**notes, "columns": Columns(**notes["columns"])})
        _check(preprocessing, model)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path}: the notes of this file do not agree with its model: {error}") from error
    return model, preprocessing


def _check(preprocessing: Preprocessing, model: gw.Sequential) -> None:
    """Raise a ValueError or TypeError unless the preprocessing fits the model."""
    features, outputs = model.flows[0].features, model.flows[-1].features
    sizes = {"mean": features, "scale": features}
    if preprocessing.task == "classification":
        sizes |= {"classes": outputs, "frequencies": outputs}
    else:
        sizes |= {"target_mean": outputs, "target_scale": outputs}
    for name, size in sizes.items():
        value = getattr(preprocessing, name)
        if len(value) != size or (name != "classes" and not np.isfinite(np.asarray(value, float)).all()):
            raise ValueError(f"{name}: expected {size} values, got {value!r:.60}")
    columns = preprocessing.columns
    if columns.layout not in LAYOUTS or model.one_answer == columns.per_step:
        each = "sequence" if model.one_answer else "step"
        raise ValueError(f"columns: expected a known layout with one target per {each}, got {columns!r:.200}")
    for name in (*columns.features, *columns.targets, columns.group or "", columns.time or "", *preprocessing.classes):
        if not isinstance(name, str):
            raise TypeError(f"columns, classes: expected text, got {name!r:.60}")
