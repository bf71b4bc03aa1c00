"""What ``gatewise fit`` does: read, train, write."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

import gatewise as gw

from ..files.errors import InputError
from ..files.writing import replace_file
from ..models.summary import size_in_words
from ..training.history import History
from . import tables
from .judging import judge
from .pictures import draw
from .preparing import FEW, Preparation, prepare, task_of
from .shared import prepare_folder, require
from .tables import ARRAYS, ROWS, Array, Columns, Sequences

Pair = tuple[list[Array], Any]  # x and y, as Sequential.fit takes them
NUMBERING = "no name, or only row numbers (--features takes what it names)"
LAYERS = {"lstm": gw.LSTM, "gru": gw.GRU, "rnn": gw.RNN}


class Cell(str, Enum):
    """The kinds of recurrent layers."""

    lstm = "lstm"
    gru = "gru"
    rnn = "rnn"


class Task(str, Enum):
    """What answers are."""

    auto = "auto"
    classification = "classification"
    regression = "regression"


@dataclass(frozen=True)
class Plan:
    """The options of the command, which says what they are."""

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


def fit(path: Path, plan: Plan, out: Path) -> None:
    """Fit a model to the sequences of a file, say how good it is, write it and a picture."""
    if out.suffix.lower() != ".safetensors":
        raise InputError(f"--out: expected a name that ends in .safetensors, got {out}")
    require("matplotlib", "safetensors", "tqdm")
    data, columns, task, left_out = _read(path, plan)
    order = np.random.default_rng(plan.seed).permutation(len(data.x))
    held = round(plan.validation * len(order))
    if held == len(order):
        raise InputError(
            f"--validation: expected a share that leaves sequences to train on, got {plan.validation:g} of "
            f"{_count(held, 'sequence')}"
        )
    prepare_folder(out.parent)
    training, held_out = data.part(np.sort(order[held:])), data.part(np.sort(order[:held]))
    preparation = prepare(columns, task, data, training)
    optimizer, loss = _optimizer(plan), _loss(plan, preparation)
    model = _model(plan, data.x[0].shape[1], preparation)
    print(_plan_text(path, data, left_out, plan, preparation, model, held), flush=True)
    x_y, held_x_y = ((preparation.inputs(part.x), preparation.targets(part, path)) for part in (training, held_out))
    history = _train(model, plan, loss, optimizer, x_y, held_x_y if held else None)
    if not history.epochs:
        raise KeyboardInterrupt
    kept = "" if history.best_epoch is None else f", and kept epoch {history.best_epoch}"
    print(f"Trained   {history.epochs} epochs in {sum(history.seconds):.1f} s{kept}")
    where = "the held-out sequences" if held else "the sequences it was trained on"
    judgement = judge(model, preparation, held_out if held else training, path)
    if not (math.isfinite(judgement.loss) and np.isfinite(model.flat_params).all()):
        raise InputError(
            f"--lr: expected a step size that converges; with {plan.lr:g} the loss after "
            f"{_count(history.epochs, 'epoch')} is {judgement.loss:g}: take a smaller one"
        )
    print(f"\nOn {where}:\n{judgement.text}\n")
    preparation.save(model, out)
    picture = out.with_suffix(".png")
    replace_file(picture, draw(preparation, judgement, where, history))
    print(f"Wrote {out} and {picture}. Next: gatewise predict {out} NEW{path.suffix}")
    if history.interrupted:
        raise KeyboardInterrupt


def _read(path: Path, plan: Plan) -> tuple[Sequences, Columns, str, dict[str, list[str]]]:
    """The data, where they stood, what to do with them, and why which columns are of no use for it."""
    content = tables.load(path)
    columns = tables.choose(content, plan.features, plan.targets, plan.group, plan.time, plan.per_step)
    text = {"auto": None, "classification": True, "regression": False}[plan.task]
    data = tables.read(path, content, columns, text)
    assert data.answers is not None
    task = task_of(plan.task, data.answers)
    if task == "classification" and data.answers.dtype.kind != "U":
        data = replace(data, answers=tables.as_text(data.answers))
    used = {*columns.features, *columns.targets, columns.group, columns.time}
    left_out: dict[str, list[str]] = {}
    if columns.layout != ARRAYS and not plan.features:
        for name in (name for name in content if name not in used):
            why = NUMBERING if tables.is_index(content[name], name) else "no numbers"
            left_out.setdefault(why, []).append(name)
    return data, columns, task, left_out


def _model(plan: Plan, features: int, preparation: Preparation) -> gw.Sequential:
    try:
        layer = LAYERS[plan.cell](
            features, plan.hidden, plan.layers, batch_first=True, bidirectional=plan.bidirectional,
            dropout=plan.dropout if plan.layers > 1 else 0.0,
        )  # fmt: skip
        width = plan.hidden * (2 if plan.bidirectional else 1)
        parts: list[Any] = [] if plan.per_step else [gw.LastStep()]
        if plan.dropout:
            parts.append(gw.Dropout(plan.dropout))
        return gw.Sequential(layer, *parts, gw.Linear(width, preparation.width), seed=plan.seed)
    except (ValueError, MemoryError) as error:
        raise InputError(f"--hidden, --layers: {error or 'expected a model that fits into memory'}") from error


def _optimizer(plan: Plan) -> gw.optimizers.Optimizer:
    try:
        return gw.optimizers.Adam(plan.lr, clip_norm=plan.clip)
    except ValueError as error:
        raise InputError(f"--lr, --clip: {error}") from error


def _loss(plan: Plan, preparation: Preparation) -> Any:
    if not plan.balanced:
        return preparation.loss
    if preparation.task != "classification":
        raise InputError("--balanced: expected with classes, got a regression")
    counts = np.array(preparation.frequencies)
    return gw.losses.CrossEntropy(class_weight=counts.sum() / (len(counts) * counts))


def _train(model: gw.Sequential, plan: Plan, loss: Any, optimizer: Any, data: Pair, held_out: Pair | None) -> History:
    """Fit; if sequences are held out, the epoch is kept that does best on them."""
    stopping = [] if held_out is None else [gw.callbacks.EarlyStopping(patience=plan.patience)]
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="loss: ", category=RuntimeWarning)
        try:
            return model.fit(
                *data, epochs=plan.epochs, batch_size=plan.batch_size, loss=loss, optimizer=optimizer,
                validation_data=held_out, callbacks=stopping,
            )  # fmt: skip
        except RuntimeWarning as warning:
            raise InputError(f"training diverged: {warning}") from warning


def _plan_text(
    path: Path, data: Sequences, left_out: dict[str, list[str]], plan: Plan, preparation: Preparation,
    model: gw.Sequential, held: int,
) -> str:  # fmt: skip
    columns, lengths = preparation.columns, [len(one) for one in data.x]
    steps = f"{min(lengths)} steps" if min(lengths) == max(lengths) else f"{min(lengths)} to {max(lengths)} steps"
    count = _count(len(lengths), "sequence")
    if columns.layout == ROWS:
        count += ", one a row (--group names the column that tells sequences of several rows apart),"
    lines = [f"Data      {path}: {count} of {steps}, {_count(data.x[0].shape[1], 'feature')}"]
    if columns.layout != ARRAYS:
        lines.append(f"{'Steps' if columns.layout == ROWS else 'Features':<10}{_some(columns.features)}")
    lines += [f"Left out  {_some(names)}: {why}" for why, names in left_out.items()]
    each = "at each step" if columns.per_step else "of each sequence"
    if preparation.task == "classification":
        counted = [
            f"{name} ({count})" for name, count in zip(preparation.classes, preparation.frequencies, strict=True)
        ]
        kind = f"{len(counted)} classes: {_some(counted)}"
    else:
        kind = "a quantity" if len(columns.targets) == 1 else "quantities"
    hint = " (--task changes that)" if plan.task == "auto" else ""
    lines.append(f"Target    {_some(columns.targets)} {each}, {kind}{hint}")
    lines.append(
        f"Held out  {_count(held, 'sequence')}, drawn at random, to stop at the best epoch"
        if held
        else "Held out  none"
    )
    lines.append(f"Network   {model!r}, {size_in_words(model.model_layers)}; seed {plan.seed}")
    return "\n".join(lines)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")


def _some(names: list[str]) -> str:
    return ", ".join(names[:FEW]) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")
