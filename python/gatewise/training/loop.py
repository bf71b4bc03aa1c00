"""The training loop, and evaluation."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .._core.parameters import Array
from .._core.state import State
from ..nn.network import Network
from .batch import Batch
from .data import Data
from .history import History
from .losses import Loss, Metric, Value
from .run import Run

States = Mapping[int, State]


@dataclass(frozen=True)
class Batching:
    """How an epoch is divided into steps of the optimizer.

    batch_size : sequences per batch.
    shuffle : whether the order of the sequences is random.
    bptt : steps per piece in truncated backpropagation; None for whole sequences.
    checkpoint : the option of the recurrent layers' `forward`.
    """

    batch_size: int
    shuffle: bool = True
    bptt: int | None = None
    checkpoint: int | Literal["sqrt"] | None = None


class Means:
    """Means over batches: of the loss with its own weights, and of metrics, which ignore the weights of classes."""

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self._metrics = metrics
        self._sums = [0.0] * (1 + len(metrics))
        self._loss_weight = self._metric_weight = 0.0

    def add(self, value: Value, y: Array, prediction: Array, weight: Array | None) -> None:
        """Add a batch."""
        total = math.prod(prediction.shape[:-1]) if weight is None else float(weight.sum(dtype=np.float64))
        self._loss_weight += value.weight
        self._metric_weight += total
        self._sums[0] += value.value * value.weight
        for index, metric in enumerate(self._metrics.values(), 1):
            self._sums[index] += metric(y, prediction, weight) * total

    def values(self, prefix: str = "") -> dict[str, float]:
        """Return the means by name."""
        totals = [self._loss_weight, *[self._metric_weight] * len(self._metrics)]
        means = (part / total if total else math.nan for part, total in zip(self._sums, totals, strict=True))
        return dict(zip([prefix + name for name in ("loss", *self._metrics)], means, strict=True))


def fit(run: Run, data: Data, validation: Data | None, batching: Batching) -> History:
    """Train, and return the history."""
    run.batches = data.count(batching.batch_size)
    run.notify("on_train_begin")
    try:
        # If training diverges, the history shows it, and our own warning below reports it.
        with np.errstate(over="ignore", invalid="ignore"):
            while run.history.epochs < run.epochs and not run.stopped:
                _epoch(run, data, validation, batching)
    except KeyboardInterrupt:
        run.history.interrupted = True
    finally:
        run.notify("on_train_end")
    return run.history


def _epoch(run: Run, data: Data, validation: Data | None, batching: Batching) -> None:
    start = time.perf_counter()
    run.epoch, run.batch = run.history.epochs + 1, 0
    run.notify("on_epoch_begin")
    means = Means(run.metrics)
    for batch in data.batches(batching.batch_size, run.model.rng if batching.shuffle else None):
        run.batch += 1
        run.notify("on_batch_begin")
        states: States | None = None
        for chunk in batch.chunks(batching.bptt):
            states = _step(run, means, chunk, states, batching.checkpoint)
        run.notify("on_batch_end")
    values = means.values()
    if validation is not None:
        values |= evaluate(run.model, validation, run.loss, run.metrics, batching.batch_size, "val_")
    run.history.append(values, time.perf_counter() - start)
    if not math.isfinite(values["loss"]):
        lost = not np.isfinite(run.model.flat_params).all()
        warnings.warn(
            f"loss: {values['loss']} in epoch {run.epoch}; a lower learning rate, or clip_norm, may help"
            + ("; training ends, as the parameters are no longer finite" if lost else ""),
            RuntimeWarning,
            stacklevel=4,
        )
        if lost:
            run.stop()
    run.notify("on_epoch_end")


def _step(
    run: Run, means: Means, batch: Batch, states: States | None, checkpoint: int | Literal["sqrt"] | None
) -> States:
    """Make one step of the optimizer, and return the final states."""
    model = run.model
    call = batch.call()._replace(keep=True, rng=model.rng, checkpoint=checkpoint)
    prediction, final, tape = model.run(batch.x, call, states)
    weight = batch.weights(per_step=not model.one_answer)
    assert batch.y is not None
    value = run.loss(prediction, batch.y, weight)
    run.batch_loss = value.value
    if not math.isfinite(value.value):
        _require_finite(batch, weight)
    means.add(value, batch.y, prediction, weight)
    if value.weight:
        model.backpropagate(tape, value.gradient)
        run.notify("on_grad_computed")
        run.optimizer.update(model.flat_params, model.flat_grads)
    return final


def _require_finite(batch: Batch, weight: Array | None) -> None:
    """Refuse NaN and infinity before they reach the parameters. Values that are not used may be anything."""
    for name, counts in (("x", batch.valid()), ("y", weight)):
        values = np.asarray(getattr(batch, name))
        bad = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
        if counts is not None:
            bad &= (counts != 0).reshape(counts.shape + (1,) * (bad.ndim - counts.ndim))
        if bad.any():
            sequence = batch.number(np.nonzero(bad)[0][0])
            raise ValueError(
                f"{name}: expected finite numbers where they are used, got {values[bad][0]} in sequence {sequence}"
            )


def evaluate(
    model: Network, data: Data, loss: Loss, metrics: Mapping[str, Metric], batch_size: int, prefix: str = ""
) -> dict[str, float]:
    """Return the means of loss and metrics over the data."""
    means = Means(metrics)
    for batch in data.batches(batch_size, None):
        prediction = model.run(batch.x, batch.call()).y
        weight = batch.weights(per_step=not model.one_answer)
        assert batch.y is not None
        means.add(loss(prediction, batch.y, weight), batch.y, prediction, weight)
    return means.values(prefix)


def require_truncatable(model: Network, steps: int) -> None:
    """Refuse models whose sequences cannot be divided into pieces for truncated backpropagation."""
    if model.one_answer:
        raise ValueError(
            f"bptt: expected None with one prediction per sequence, as every piece needs its own, got {steps}"
        )
    if model.bidirectional:
        raise ValueError(
            f"bptt: expected None with a bidirectional layer, whose reverse direction begins at the end, got {steps}"
        )
