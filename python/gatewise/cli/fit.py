"""The work of ``gatewise fit``: read, train, write."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

import gatewise as gw

from .._core.parameters import Array
from ..files.errors import InputError
from ..files.suffixes import require_suffix
from ..files.writing import replace_file
from ..models.building import recurrent_model
from ..models.summary import size_in_words
from ..training.history import History
from .data import reading
from .data.sequences import ARRAYS, ROWS, Columns, LabelledSequences, as_text
from .pictures import draw
from .preflight import prepare_folder, require
from .preprocessing import Preprocessing, preprocessing_of, task_of
from .scoring import score
from .words import counted, some

Pair = tuple[list[Array], Any]  # x and y, as Sequential.fit takes them


class Task(str, Enum):
    """The kind of the targets."""

    auto = "auto"
    classification = "classification"
    regression = "regression"


@dataclass(frozen=True)
class FitSettings:
    """The options of the command; its help explains them."""

    features: list[str]
    targets: list[str]
    group: str | None
    time: str | None
    per_step: bool
    task: str
    cell: str
    hidden: int
    layers: int
    bidirectional: bool
    dropout: float
    epochs: int
    batch_size: int
    lr: float
    clip: float
    validation: float
    patience: int
    balanced: bool
    seed: int


@dataclass(frozen=True)
class Problem:
    """The data of a file and what to do with them; `unused` maps a reason to the columns that are not used."""

    data: LabelledSequences
    columns: Columns
    task: str
    unused: dict[str, list[str]]


def fit(path: Path, plan: FitSettings, out: Path) -> None:
    """Fit a model to the sequences of a file, print how good it is, and write it and a plot."""
    require_suffix("--out", out, ".safetensors")
    require("matplotlib", "safetensors", "tqdm")
    problem = _read(path, plan)
    data = problem.data
    order = np.random.default_rng(plan.seed).permutation(len(data.x))
    held = round(plan.validation * len(order))
    if held == len(order):
        raise InputError(
            f"--validation: the fraction {plan.validation:g} of {counted(held, 'sequence')} leaves none to train on; "
            "give a smaller one"
        )
    prepare_folder(out.parent)
    training, validation = data.subset(np.sort(order[held:])), data.subset(np.sort(order[:held]))
    preprocessing = preprocessing_of(problem.columns, problem.task, data, training)
    optimizer, loss = _optimizer(plan), _loss(plan, preprocessing)
    model = _model(plan, data.x[0].shape[1], preprocessing)
    print(_plan_text(path, problem, plan, preprocessing, model, held), flush=True)
    training_pair, validation_pair = (
        (preprocessing.inputs(subset.x), preprocessing.targets(subset, path)) for subset in (training, validation)
    )
    history = _train(model, plan, loss, optimizer, training_pair, validation_pair if held else None)
    if not history.epochs:
        raise KeyboardInterrupt
    kept = "" if history.best_epoch is None else f"; kept epoch {history.best_epoch}, the best on the validation set"
    print(f"Trained     {counted(history.epochs, 'epoch')} in {sum(history.seconds):.1f} s{kept}")
    scores = score(model, preprocessing, validation if held else training, path)
    if not (math.isfinite(scores.loss) and np.isfinite(model.flat_params).all()):
        raise InputError(
            f"--lr: training diverged: the loss after {counted(history.epochs, 'epoch')} is {scores.loss:g}; "
            f"give a learning rate smaller than {plan.lr:g}"
        )
    scored = "Validation set" if held else "Training set"
    print(f"\n{scored}:\n{scores.text}\n")
    preprocessing.save(model, out)
    picture = out.with_suffix(".png")
    replace_file(picture, draw(preprocessing, scores, scored, history))
    print(f"Wrote {out} and {picture}. Next: gatewise predict {out} NEW{path.suffix}")
    if history.interrupted:
        raise KeyboardInterrupt


def _read(path: Path, plan: FitSettings) -> Problem:
    content = reading.load(path)
    columns = reading.choose(content, plan.features, plan.targets, plan.group, plan.time, plan.per_step)
    text = {"auto": None, "classification": True, "regression": False}[plan.task]
    data = reading.read(path, content, columns, text)
    assert data.targets is not None
    task = task_of(plan.task, data.targets)
    if task == "classification" and data.targets.dtype.kind != "U":
        data = replace(data, targets=as_text(data.targets))
    used = {*columns.features, *columns.targets, columns.group, columns.time}
    unused: dict[str, list[str]] = {}
    if columns.layout != ARRAYS and not plan.features:
        for name in (name for name in content if name not in used):
            index = reading.is_index(content[name], name)
            why = "row numbers, or no name; use --features to include" if index else "not numeric"
            unused.setdefault(why, []).append(name)
    return Problem(data, columns, task, unused)


def _model(plan: FitSettings, features: int, preprocessing: Preprocessing) -> gw.Sequential:
    try:
        return recurrent_model(
            plan.cell,
            features,
            plan.hidden,
            preprocessing.width,
            num_layers=plan.layers,
            bidirectional=plan.bidirectional,
            layer_dropout=plan.dropout,
            readout=None if plan.per_step else "last",
            dropout=plan.dropout or None,
            seed=plan.seed,
        )
    except (ValueError, MemoryError) as error:
        raise InputError(f"--hidden, --layers: {error or 'expected a model that fits into memory'}") from error


def _optimizer(plan: FitSettings) -> gw.optimizers.Optimizer:
    try:
        return gw.optimizers.Adam(plan.lr, clip_norm=plan.clip)
    except ValueError as error:
        raise InputError(f"--lr, --clip: {error}") from error


def _loss(plan: FitSettings, preprocessing: Preprocessing) -> Any:
    if not plan.balanced:
        return preprocessing.loss
    if preprocessing.task != "classification":
        raise InputError("--balanced: this option needs classes, but the targets are numbers")
    counts = np.array(preprocessing.frequencies)
    return gw.losses.CrossEntropy(class_weight=counts.sum() / (len(counts) * counts))


def _train(
    model: gw.Sequential, plan: FitSettings, loss: Any, optimizer: Any, data: Pair, validation: Pair | None
) -> History:
    """Train; if there is a validation set, stop early and keep the epoch that is best on it."""
    stopping = [] if validation is None else [gw.callbacks.EarlyStopping(patience=plan.patience)]
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="loss: ", category=RuntimeWarning)
        try:
            return model.fit(
                *data, epochs=plan.epochs, batch_size=plan.batch_size, loss=loss, optimizer=optimizer,
                validation_data=validation, callbacks=stopping,
            )  # fmt: skip
        except RuntimeWarning as warning:
            raise InputError(f"training diverged: {warning}") from warning


def _plan_text(
    path: Path, problem: Problem, plan: FitSettings, preprocessing: Preprocessing, model: gw.Sequential, held: int
) -> str:
    data, columns = problem.data, problem.columns
    lengths = [len(one) for one in data.x]
    steps = f"{min(lengths)} steps" if min(lengths) == max(lengths) else f"{min(lengths)} to {max(lengths)} steps"
    count = counted(len(lengths), "sequence") + (" (one per row)" if columns.layout == ROWS else "")
    features = counted(data.x[0].shape[1], "feature")
    lines = [f"Data        {path}: {count}, {steps} each, {features}"]
    if columns.layout == ROWS:
        lines.append("            Several rows per sequence? Use --group.")
    if columns.layout != ARRAYS:
        lines.append(f"{'Steps' if columns.layout == ROWS else 'Features':<12}{some(columns.features)}")
    lines += [f"Not used    {some(names)} ({why})" for why, names in problem.unused.items()]
    kind = "numbers"
    if preprocessing.task == "classification":
        frequencies = zip(preprocessing.classes, preprocessing.frequencies, strict=True)
        classes = [f"{name} ({frequency})" for name, frequency in frequencies]
        kind = f"{len(classes)} classes, {some(classes)}"
    each = "step" if columns.per_step else "sequence"
    hint = " (--task changes this)" if plan.task == "auto" else ""
    lines.append(f"Target      {some(columns.targets)}, one per {each}: {kind}{hint}")
    chosen = f"{counted(held, 'sequence')}, chosen at random; training stops early on their loss"
    lines.append(f"Validation  {chosen if held else 'none'}")
    lines.append(f"Network     {model!r}, {size_in_words(model.model_layers)}; seed {plan.seed}")
    return "\n".join(lines)
