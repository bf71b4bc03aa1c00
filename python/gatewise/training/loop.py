"""The training loop, and evaluation."""

from __future__ import annotations

import math
import numbers
import time
import warnings
from collections.abc import Iterable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import optimizers
from .._core.options import checked_size
from .._core.parameters import Array
from ..nn.base import Call
from ..nn.recurrent import RecurrentLayer
from . import callbacks as cb
from . import losses
from .data import Batch, Data, data_of, split, with_targets
from .history import History

if TYPE_CHECKING:
    from ..nn.network import Network

Named = list[tuple[str, losses.Metric]]


class Run:
    """One training under way; what callbacks see."""

    def __init__(
        self, model: Network, optimizer: optimizers.Optimizer, loss: losses.Loss, metrics: Named, epochs: int,
        callbacks: Iterable[cb.Callback],
    ) -> None:  # fmt: skip
        self.model, self.optimizer, self.loss, self.metrics, self.epochs = model, optimizer, loss, metrics, epochs
        if other := [type(one).__name__ for one in callbacks if not isinstance(one, cb.Callback)]:
            raise TypeError(f"callbacks: expected callbacks of gw.callbacks, got {other[0]}")
        # A checkpoint knows what all others have done in its epoch.
        self.callbacks = sorted(callbacks, key=lambda callback: isinstance(callback, cb.Checkpoint))
        self.history = History()
        self.epoch, self.batch, self.batch_loss = 0, 0, math.nan
        self.batches: int | None = None
        self.checkpoint: int | Literal["sqrt"] | None = None
        self.resumed = self.stopped = False
        # A hook that nobody overrides costs nothing.
        self._hooks = {
            name: [getattr(c, name) for c in self.callbacks if getattr(type(c), name) is not getattr(cb.Callback, name)]
            for name in cb.HOOKS
        }

    def stop(self) -> None:
        """End training after this epoch."""
        self.stopped = True

    def notify(self, hook: str) -> None:
        """Call this hook of all callbacks, in order."""
        for call in self._hooks[hook]:
            call(self)


class Means:
    """Running means over batches: of losses, as the loss weighs them; of metrics, which know no weights of classes."""

    def __init__(self, metrics: Named) -> None:
        self._metrics = metrics
        self._sums = [0.0] * (1 + len(metrics))
        self._weight = self._answers = 0.0

    def add(self, value: losses.Value, batch: Batch, prediction: Array) -> None:
        """Add a batch."""
        weight = batch.weight
        answers = math.prod(prediction.shape[:-1]) if weight is None else float(weight.sum(dtype=np.float64))
        self._weight += value.weight
        self._answers += answers
        self._sums[0] += value.value * value.weight
        for index, (_, metric) in enumerate(self._metrics, 1):
            assert batch.y is not None
            self._sums[index] += metric(batch.y, prediction, weight) * answers

    def values(self, prefix: str = "") -> dict[str, float]:
        """Name to mean."""
        names = ["loss", *(name for name, _ in self._metrics)]
        totals = [self._weight, *[self._answers] * len(self._metrics)]
        means = (part / total if total else math.nan for part, total in zip(self._sums, totals, strict=True))
        return dict(zip([prefix + name for name in names], means, strict=True))


def fit(
    run: Run, data: Data, validation: Data | None, batch_size: int, shuffle: bool, bptt: int | None,
    checkpoint: int | Literal["sqrt"] | None, resume: str | PathLike[str] | None,
) -> History:  # fmt: skip
    """Train; see `Sequential.fit`."""
    run.batches, run.checkpoint = data.count(batch_size), checkpoint
    if resume is not None:
        from ..models import checkpoint as checkpoints

        prefixes = ("",) if validation is None else ("", "val_")
        curves = [prefix + name for prefix in prefixes for name in ("loss", *dict(run.metrics))]
        checkpoints.load(run, resume, curves)
    run.notify("on_train_begin")
    try:
        # Of a training that diverges the history tells, and one warning of our own.
        with np.errstate(over="ignore", invalid="ignore"):
            while run.history.epochs < run.epochs and not run.stopped:
                _epoch(run, data, validation, batch_size, run.model.rng if shuffle else None, bptt)
    except KeyboardInterrupt:
        run.history.interrupted = True
    finally:
        run.notify("on_train_end")
    return run.history


def _epoch(
    run: Run, data: Data, validation: Data | None, size: int, rng: np.random.Generator | None, bptt: int | None
) -> None:
    start = time.perf_counter()
    run.epoch, run.batch = run.history.epochs + 1, 0
    run.notify("on_epoch_begin")
    means = Means(run.metrics)
    for batch in data.batches(size, rng):
        run.batch += 1
        run.notify("on_batch_begin")
        states = None
        for chunk in batch.chunks(bptt):
            states = _step(run, means, chunk, states)
        run.notify("on_batch_end")
    values = means.values()
    if validation is not None:
        values |= _evaluate(run.model, validation, run.loss, run.metrics, size).values("val_")
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


def _step(run: Run, means: Means, batch: Batch, states: list[Any] | None) -> list[Any]:
    """One step of the optimizer; the final states."""
    model = run.model
    call = Call(batch.lengths, batch.mask, batch.resets, model.rng, run.checkpoint, states)
    tape: list[Any] = []
    prediction = model.run(batch.x, call, tape)
    value = run.loss(prediction, batch.y, _weight(model, batch, call))  # type: ignore[arg-type]
    run.batch_loss = value.value
    if not math.isfinite(value.value):
        _require_finite(batch, call.valid(batch.x.shape[1]))
    means.add(value, batch, prediction)
    if value.weight:
        model.backpropagate(tape, value.gradient)
        run.notify("on_grad_computed")
        run.optimizer.update(model.flat_params, model.flat_grads)
    return call.final_states


def _require_finite(batch: Batch, valid: Array | None) -> None:
    """Refuse numbers that make the loss none, before they are in the weights. What does not count may be anything."""
    for name, counts in (("x", valid), ("y", batch.weight)):
        values = np.asarray(getattr(batch, name))
        bad = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
        if counts is not None:
            bad &= (counts != 0).reshape(counts.shape + (1,) * (bad.ndim - counts.ndim))
        if bad.any():
            row = np.nonzero(bad)[0][0]
            index = np.arange(batch.index.stop)[batch.index] if isinstance(batch.index, slice) else batch.index
            sequence = row if index is None else index[row]
            raise ValueError(f"{name}: expected finite numbers where steps count, got {values[bad][0]} in [{sequence}]")


def _weight(model: Network, batch: Batch, call: Call) -> Array | None:
    """The weights of the answers: those given, and none for steps that do not count; also the batch's from now on."""
    if not model.one_answer:
        valid = call.valid(batch.x.shape[1])
        if batch.weight is not None and batch.weight.ndim == 1:
            batch.weight = np.broadcast_to(batch.weight[:, None], batch.x.shape[:2])
        if valid is not None:
            batch.weight = valid if batch.weight is None else batch.weight * valid
    return batch.weight


def _evaluate(model: Network, data: Data, loss: losses.Loss, metrics: Named, size: int) -> Means:
    means = Means(metrics)
    for batch in data.batches(size, None):
        call = Call(batch.lengths, batch.mask, batch.resets)
        prediction = model.run(batch.x, call, None)
        means.add(loss(prediction, batch.y, _weight(model, batch, call)), batch, prediction)  # type: ignore[arg-type]
    return means


def require_truncatable(model: Network, steps: int) -> None:
    """Refuse what truncated backpropagation cannot cut in time."""
    if model.one_answer:
        raise ValueError(f"bptt: expected None where a sequence has one answer, got {steps}: every piece needs its own")
    if any(isinstance(part, RecurrentLayer) and part.layer.bidirectional for part in model.model_layers):
        raise ValueError(
            f"bptt: expected None with a bidirectional layer, whose reverse direction begins at the end, got {steps}"
        )


def evaluate(
    model: Network, data: Data, loss: str | losses.Loss, metrics: Sequence[str | losses.Metric], size: int
) -> dict[str, float]:
    """Loss and metrics; see `Sequential.evaluate`."""
    named = [losses.metric(one) for one in metrics]
    return _evaluate(model, data, losses.get(loss), named, checked_size("batch_size", size, 1)).values()


def training_data(
    x: Any, y: Any, sample_weight: Any, lengths: Any, mask: Any, resets: Any, validation_data: Any, share: float
) -> tuple[Data, Data | None]:
    """The data to train on, and those to validate with."""
    data = with_targets(x, y, sample_weight, lengths, mask, resets)
    if validation_data is not None:
        if share:
            raise ValueError("validation_data, validation_split: expected one of the two, got both")
        if not isinstance(validation_data, (tuple, list)):
            return data, data_of(validation_data)
        if not 2 <= len(validation_data) <= 3:
            raise ValueError(f"validation_data: expected (x, y) or (x, y, sample_weight), got {len(validation_data)}")
        return data, with_targets(*validation_data, *(None,) * (6 - len(validation_data)))
    if not isinstance(share, numbers.Real):
        raise TypeError(f"validation_split: expected a number from 0 to 1, got {share!r}")
    if share == 0.0:
        return data, None
    first, last = split(data, share)
    if not first.sequences or not last.sequences:
        raise ValueError(f"validation_split: expected a share that leaves sequences on both sides, got {share}")
    return first, last
