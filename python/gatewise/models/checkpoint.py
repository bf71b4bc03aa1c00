"""Checkpoints: a model's file with all that training needs to go on to the same bits."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from . import storage

if TYPE_CHECKING:
    from ..training.loop import Run


def save(run: Run, path: str | PathLike[str]) -> None:
    """Write the run as it is after an epoch."""
    tensors = {f"optimizer.{name}": value for name, value in run.optimizer.state_dict().items()}
    states: list[dict[str, Any]] = []
    for callback in run.callbacks:
        plain = callback.state_dict()
        if not plain:
            continue
        index = len(states)
        for name in [name for name, value in plain.items() if isinstance(value, np.ndarray)]:
            tensors[f"callback.{index}.{name}"] = plain.pop(name)
        states.append({"kind": type(callback).__name__, "state": plain})
    training = {
        "optimizer": run.optimizer.config(),
        "loss": run.loss.config(),
        "history": run.history.history,
        "seconds": run.history.seconds,
        "rng": run.model.rng.bit_generator.state,
        "callbacks": states,
    }
    storage.write(run.model, path, tensors, training)


def load(run: Run, path: str | PathLike[str], curves: Sequence[str]) -> None:
    """Go on from a checkpoint: weights, optimizer, history, of these curves, chance and callbacks.

    Raises
    ------
    ValueError : the file is no checkpoint of such a model, optimizer, loss, metrics and validation.
    """
    file = storage.read(path)
    training = file.training
    if training is None:
        raise ValueError(f"{path}: expected a checkpoint, got a model without the state of its training")
    if file.parts != storage.describe(run.model):
        raise ValueError(f"{path}: expected a checkpoint of this model, got one of another")
    for name, own in (("optimizer", run.optimizer.config()), ("loss", run.loss.config())):
        if training[name] != storage.plain(own):
            raise ValueError(f"{path}: expected a checkpoint with the {name} {own}, got {training[name]}")
    if set(training["history"]) != set(curves):
        got = ", ".join(training["history"])
        raise ValueError(f"{path}: expected a checkpoint with a history of {', '.join(curves)}, got {got}")
    remaining, matched = list(run.callbacks), []
    for one in training["callbacks"]:
        callback = next((c for c in remaining if type(c).__name__ == one["kind"]), None)
        if callback is None:
            raise ValueError(f"{path}: expected the callback {one['kind']}, whose state the checkpoint has, got none")
        remaining.remove(callback)
        matched.append(callback)
    run.model.load_state_dict(file.model)
    run.optimizer.load_state_dict(_of("optimizer.", file.others))
    for index, (callback, one) in enumerate(zip(matched, training["callbacks"], strict=True)):
        callback.load_state_dict({**one["state"], **_of(f"callback.{index}.", file.others)})
    run.model.rng.bit_generator.state = training["rng"]
    run.history.history, run.history.seconds = training["history"], training["seconds"]
    run.resumed = True


def _of(prefix: str, tensors: dict[str, Any]) -> dict[str, Any]:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
