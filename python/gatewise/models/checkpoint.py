"""Checkpoints: a model's file that also holds what training needs to resume with bit-identical results."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from ..training.run import Callback, Run
from . import storage

OPTIMIZER = "optimizer."
"""Prefix of the optimizer's arrays in the file."""


def save(run: Run, path: str | PathLike[str]) -> None:
    """Write the state of a training after an epoch."""
    tensors = {f"{OPTIMIZER}{name}": value for name, value in run.optimizer.state_dict().items()}
    states: list[dict[str, Any]] = []
    for callback in run.callbacks:
        state = callback.state_dict()
        if not state:
            continue
        prefix = _prefix(len(states))
        for name in [name for name, value in state.items() if isinstance(value, np.ndarray)]:
            tensors[prefix + name] = state.pop(name)
        states.append({"kind": type(callback).__name__, "state": state})
    training = {
        "optimizer": storage.configuration(run.optimizer),
        "loss": storage.configuration(run.loss),
        "history": run.history.history,
        "seconds": run.history.seconds,
        "rng": run.model.rng.bit_generator.state,
        "callbacks": states,
    }
    storage.write(run.model, path, tensors, training)


def resume(run: Run, path: str | PathLike[str], validated: bool) -> None:
    """Restore parameters, optimizer, history, generator and callbacks from a checkpoint.

    Raises
    ------
    ValueError : the file is no checkpoint of such a model, optimizer, loss, metrics and validation.
    """
    file = storage.read(path)
    training = file.training
    if training is None:
        raise ValueError(f"{path}: expected a checkpoint, got a model without the state of its training")
    if file.layers != storage.describe(run.model):
        raise ValueError(f"{path}: expected a checkpoint of this model, got one of another")
    for name, own in (("optimizer", run.optimizer), ("loss", run.loss)):
        if training[name] != storage.configuration(own):
            raise ValueError(
                f"{path}: expected a checkpoint with the {name} {storage.configuration(own)}, got {training[name]}"
            )
    curves = [prefix + name for prefix in ("", "val_")[: 1 + validated] for name in ("loss", *run.metrics)]
    if set(training["history"]) != set(curves):
        got = ", ".join(training["history"])
        raise ValueError(f"{path}: expected a checkpoint with a history of {', '.join(curves)}, got {got}")
    callbacks = _matching(run.callbacks, training["callbacks"], path)
    run.model.load_state_dict(file.model)
    run.optimizer.load_state_dict(_with_prefix(OPTIMIZER, file.others))
    for index, (callback, saved) in enumerate(zip(callbacks, training["callbacks"], strict=True)):
        callback.load_state_dict({**saved["state"], **_with_prefix(_prefix(index), file.others)})
    run.model.rng.bit_generator.state = training["rng"]
    run.history.history, run.history.seconds = training["history"], training["seconds"]
    run.resumed = True


def _matching(callbacks: list[Callback], saved: list[dict[str, Any]], path: str | PathLike[str]) -> list[Callback]:
    """Return the callback of each saved state."""
    remaining, found = list(callbacks), []
    for one in saved:
        callback = next((c for c in remaining if type(c).__name__ == one["kind"]), None)
        if callback is None:
            raise ValueError(f"{path}: the checkpoint has a state of the callback {one['kind']}; pass that callback")
        remaining.remove(callback)
        found.append(callback)
    return found


def _prefix(index: int) -> str:
    """Return the prefix of a callback's arrays in the file."""
    return f"callback.{index}."


def _with_prefix(prefix: str, tensors: dict[str, Any]) -> dict[str, Any]:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
