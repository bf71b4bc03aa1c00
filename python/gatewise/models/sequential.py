"""Sequential: parts in a row, and all that one does with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

from .._core.options import checked_size
from ..files.suffixes import require_suffix
from ..nn.network import Network

if TYPE_CHECKING:
    from .._core.base import State
    from ..optimizers import Optimizer
    from ..training.callbacks import Callback
    from ..training.history import History
    from ..training.losses import Loss
    from .streaming import ModelStream


class Sequential(Network):
    """Parts in a row: each reads what the one before gives. Data are batch-first: (B, T, features), or tokens (B, T).

    Parameters
    ----------
    parts : `Embedding`, `RNN`, `LSTM` or `GRU` with ``batch_first=True``, `Dropout`, `Linear`, and at most one of
        `LastStep`, `MeanOverSteps`, `Flatten`, which make one answer of a sequence. Their parameters live in the
        model's arrays from now on, and are named ``0.weight_ih_l0``, ``2.bias``, ...: number of the part, name. For a
        second model a part is copied first, ``copy.deepcopy(model.parts[0])``.
    seed : of everything random: the initial values, which are drawn anew, order of the data, dropout. None: the parts
        keep the values that they have, and the rest is different every time.

    Attributes
    ----------
    notes : a dict of text, numbers, lists and dicts of one's own (the names of features or classes, say), which `save`
        writes along and `gw.load` gives back.

    Raises
    ------
    ValueError : a part cannot read what the one before gives, the dtypes of two parts differ, or a part's parameters
        live in another model.
    TypeError : something is not a part.

    >>> import numpy as np, gatewise as gw
    >>> tagger = gw.Sequential(
    ...     gw.Embedding(100, 8), gw.LSTM(8, 16, bidirectional=True, batch_first=True), gw.Linear(32, 5), seed=0
    ... )
    >>> tagger(np.zeros((4, 7), int), lengths=[7, 5, 3, 1]).shape
    (4, 7, 5)
    >>> gw.Sequential(gw.LSTM(3, 4, batch_first=True), gw.LastStep(), gw.GRU(4, 4, batch_first=True))
    Traceback (most recent call last):
    ValueError: part 2, GRU(4, 4, batch_first=True): expected sequences (B, T, 4), got vectors (B, 4): part 1, \
LastStep(), has dropped the time axis
    """

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        epochs: int = 1,
        batch_size: int = 32,
        loss: str | Loss = "mse",
        optimizer: str | Optimizer = "adam",
        metrics: Sequence[str | Callable[..., float]] = (),
        validation_data: Any = None,
        validation_split: float = 0.0,
        shuffle: bool = True,
        sample_weight: Any = None,
        lengths: Any = None,
        mask: Any = None,
        resets: Any = None,
        bptt: int | None = None,
        checkpoint: int | Literal["sqrt"] | None = None,
        callbacks: Iterable[Callback] = (),
        resume: str | PathLike[str] | None = None,
        verbose: bool = True,
    ) -> History:
        """Train.

        Parameters
        ----------
        x : (N, T, features), or tokens (N, T): an array, a ``numpy.memmap``, anything pandas or NumPy converts; a list
            of N sequences of any lengths, which are put into batches of like lengths and padded; or, with ``y=None``,
            an iterable of batches ``(x, y)`` or ``(x, y, sample_weight)``, tuples where it is a list, gone through once
            an epoch.
        y : (N, ...) targets as the loss takes them: one an answer. Of ragged sequences with an answer a step: a list.
        epochs : passes over the data; with `resume`, those done before included.
        batch_size : sequences a step.
        loss : "mse", "mae", "huber", "bce", "cross_entropy" or one of `gw.losses`.
        optimizer : "sgd", "rmsprop", "adam", "adamw" or one of `gw.optimizers`.
        metrics : "accuracy", "mae", "mse", or functions ``f(y, prediction, weight)`` of NumPy arrays.
        validation_data : ``(x, y)`` or ``(x, y, sample_weight)``, evaluated after every epoch.
        validation_split : the share of the data, taken from their end, that is used so instead.
        shuffle : whether the order is drawn anew in every epoch.
        sample_weight : (N,), or (N, T) with an answer a step. The loss is the weighted mean.
        lengths : (N,) integers, or mask : (N, T) bool: which steps count; the others have no part in the loss.
        resets : (N, T) bool: where a new episode begins within a sequence.
        bptt : truncated backpropagation: an optimizer step every `bptt` steps of the sequences, their states carried
            over; needs an answer a step and one direction.
        checkpoint : what the recurrent layers keep for backward, as in their `forward`: "sqrt" trains on sequences
            longer than memory, to the same bits, for one more pass forward.
        callbacks : see `gw.callbacks`.
        resume : a checkpoint file of `gw.callbacks.Checkpoint`: go on from there, to the same bits.
        verbose : whether a bar shows progress, loss and time (needs tqdm).

        Returns
        -------
        History : ``history.history`` is a dict of lists: "loss", "val_loss", ... Ctrl-C ends training early, and
            leaves the model as after the last whole step.

        Raises
        ------
        ValueError, TypeError : data, targets or arguments do not fit; the message says how.
        """
        from .. import optimizers
        from ..training import callbacks as cb
        from ..training import loop, losses

        size, epochs = checked_size("batch_size", batch_size, 1), checked_size("epochs", epochs, 0)
        if bptt is not None:
            loop.require_truncatable(self, checked_size("bptt", bptt, 1))
        data, validation = loop.training_data(
            x, y, sample_weight, lengths, mask, resets, validation_data, validation_split
        )
        run = loop.Run(
            self,
            optimizers.get(optimizer),
            losses.get(loss),
            [losses.metric(one) for one in metrics],
            epochs,
            [*callbacks, *([cb.ProgressBar()] if verbose else [])],
        )
        return loop.fit(run, data, validation, size, shuffle, bptt, checkpoint, resume)

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        *,
        loss: str | Loss = "mse",
        metrics: Sequence[str | Callable[..., float]] = (),
        batch_size: int = 32,
        sample_weight: Any = None,
        lengths: Any = None,
        mask: Any = None,
        resets: Any = None,
    ) -> dict[str, float]:
        """Loss and metrics on data, which are as for `fit`: ``{"loss": ..., "accuracy": ...}``."""
        from ..training import loop
        from ..training.data import with_targets

        data = with_targets(x, y, sample_weight, lengths, mask, resets)
        return loop.evaluate(self, data, loss, metrics, batch_size)

    def predict(
        self,
        x: Any,
        *,
        batch_size: int = 32,
        lengths: Any = None,
        mask: Any = None,
        resets: Any = None,
        state: list[State] | None = None,
        return_state: bool = False,
    ) -> Any:
        """The model's answers, batch by batch.

        Parameters
        ----------
        x, lengths, mask, resets : as for `fit`.
        batch_size : sequences at a time; the answers do not depend on it beyond rounding.
        state : the state of each recurrent part to begin with, as returned by an earlier call: (L D, N, Y), or for an
            LSTM (h, c). Default: zeros.
        return_state : whether the final states are returned as well.

        Returns
        -------
        y : (N, features), or (N, T, features) with an answer a step; for a list of ragged sequences then a list.
        state : with `return_state`.

        >>> import numpy as np, gatewise as gw
        >>> model = gw.Sequential(gw.GRU(1, 4, batch_first=True), gw.Linear(4, 1), seed=0)
        >>> x = np.ones((2, 6, 1), np.float32)
        >>> first, state = model.predict(x[:, :4], return_state=True)
        >>> rest = model.predict(x[:, 4:], state=state)
        >>> bool(np.allclose(np.concatenate([first, rest], axis=1), model.predict(x), atol=1e-6))
        True
        """
        from .predicting import predict

        return predict(self, x, checked_size("batch_size", batch_size, 1), lengths, mask, resets, state, return_state)

    def stream(self, batch_size: int | None = 1) -> ModelStream:
        """Step-by-step prediction with a state of its own and the parameters of now.

        Parameters
        ----------
        batch_size : B, the number of sequences that step together; None: one, without a batch axis.

        Raises
        ------
        ValueError : the model has one answer for a whole sequence, or a bidirectional layer.

        >>> import numpy as np, gatewise as gw
        >>> model = gw.Sequential(gw.Embedding(5, 3), gw.GRU(3, 4, batch_first=True), gw.Linear(4, 5), seed=0)
        >>> stream = model.stream(batch_size=None)
        >>> stream.step(2).shape
        (5,)
        """
        from .streaming import ModelStream

        return ModelStream(self, batch_size)

    def summary(self, mode: str = "stdout") -> list[dict[str, Any]] | None:
        """A table of the parts: output shape, parameters as Keras counts them and as they are stored, FLOPs a step and
        at the end of a sequence, bytes of state and of tape.

        Parameters
        ----------
        mode : "stdout" prints it; "dicts" returns a dict a part instead.

        Raises
        ------
        ValueError : `mode` is neither of the two.

        >>> import gatewise as gw
        >>> gw.Sequential(gw.RNN(6, 16, batch_first=True), gw.Linear(16, 1)).summary("dicts")[0]["parameters"]
        368
        """
        from .summary import rows, table

        if mode not in ("stdout", "dicts"):
            raise ValueError(f"mode: expected 'stdout' or 'dicts', got {mode!r}")
        if mode == "dicts":
            return rows(self)
        print(table(self))
        return None

    def save(self, path: str | PathLike[str]) -> None:
        """Write configuration and parameters to a .safetensors file, which appears whole or not at all.

        Raises
        ------
        ValueError : the name promises another format, as .pt does.
        OSError : the file cannot be written.
        MissingLibrary : safetensors is not installed.
        """
        from .storage import write

        require_suffix("path", path, ".safetensors")
        write(self, path)
