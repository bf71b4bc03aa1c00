"""Sequential: layers in a row, with training, evaluation, prediction and files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from typing import Any, Literal

from .. import optimizers
from .._core.checks import checked_size
from .._core.state import State
from ..files.suffixes import require_suffix
from ..nn.network import Network
from ..training import losses
from ..training.callbacks import Callback, ProgressBar
from ..training.history import History
from ..training.loop import Batching, evaluate, fit, require_truncatable
from ..training.reading import prediction_data, training_data, with_validation
from ..training.run import Run
from . import checkpoint as checkpoints
from . import storage
from .predicting import predict
from .streaming import ModelStream
from .summary import rows, table


class Sequential(Network):
    """Layers in a row, each of which reads the output of the one before.

    Data are batch-first: numbers of shape (B, T, features), or tokens of shape (B, T). The parameters of all layers
    become views of one flat array of the model. Their names are the layer's number and the parameter's name:
    ``0.weight_ih_l0``, ``2.bias``.

    Parameters
    ----------
    *layers : layer
        `RNN`, `LSTM` or `GRU` with ``batch_first=True``, `Embedding`, `Dropout`, `Linear`, `LastStep`, `MeanOverSteps`
        or `Flatten`. At most one of the last three may occur, since they make one vector of a sequence. A layer belongs
        to one model; pass ``copy.deepcopy(layer)`` to a second one.
    seed : object, optional
        Seed of everything random: initial values, order of the data, and dropout. It is passed to
        ``numpy.random.default_rng``. With a seed the initial values of all layers are drawn again. Without one
        the layers keep their values, and everything else is different each time.

    Attributes
    ----------
    layers : tuple
        The layers, as they were passed.
    notes : dict
        Your own notes, such as the names of features or classes. They may hold text, numbers, lists and dicts. `save`
        writes them and `load` reads them.
    flat_params, flat_grads : array
        All parameters and, after a backward pass, their gradients, as one vector each.

    Raises
    ------
    ValueError
        If a layer cannot read the output of the one before, if two layers have different dtypes, or if a layer belongs
        to another model.
    TypeError
        If something is not a layer.

    See Also
    --------
    load : Reads a model from a file.
    LSTM : A recurrent layer.
    gatewise.estimators : Models for scikit-learn.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> tagger = gw.Sequential(
    ...     gw.Embedding(100, 8), gw.LSTM(8, 16, bidirectional=True, batch_first=True), gw.Linear(32, 5), seed=0
    ... )
    >>> tagger(np.zeros((4, 7), int), lengths=[7, 5, 3, 1]).shape
    (4, 7, 5)

    Layers that do not fit are refused:

    >>> gw.Sequential(gw.LSTM(3, 4, batch_first=True), gw.LastStep(), gw.GRU(4, 4, batch_first=True))
    Traceback (most recent call last):
    ValueError: layer 2, GRU(4, 4, batch_first=True): expected sequences (B, T, 4), got vectors (B, 4): layer 1, \
LastStep(), has dropped the time axis
    """

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        epochs: int = 1,
        batch_size: int = 32,
        loss: str | losses.Loss = "mse",
        optimizer: str | optimizers.Optimizer = "adam",
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
        """Train the model.

        You can interrupt the training with Ctrl-C. The model then keeps the parameters of the last finished step.

        Parameters
        ----------
        x : array_like of shape (N, T, features) or (N, T), list, or iterable
            Numbers or tokens of N sequences. It can be anything that NumPy converts, such as a ``numpy.memmap`` or
            pandas objects. It can also be a list of N sequences of different lengths; those of similar length then form
            a batch. Without `y` it is an iterable of batches ``(x, y)`` or ``(x, y, sample_weight)``, which is iterated
            once per epoch. A list of batches must contain tuples.
        y : array_like of shape (N, ...), or list, optional
            Targets as the loss takes them, one per prediction. For sequences of different lengths with a prediction
            per step it is a list.
        epochs : int, default 1
            Number of passes over the data. With `resume` it is the total, including the epochs done before.
        batch_size : int, default 32
            Number of sequences per step of the optimizer.
        loss : str or Loss, default "mse"
            "mse", "mae", "huber", "bce", "cross_entropy", or a loss of `gatewise.losses`.
        optimizer : str or Optimizer, default "adam"
            "sgd", "rmsprop", "adam", "adamw", or an optimizer of `gatewise.optimizers`.
        metrics : sequence of str or callable, optional
            "accuracy", "mae", "mse", or functions ``f(y, prediction, weight)`` of arrays.
        validation_data : tuple or iterable, optional
            Data ``(x, y)`` or ``(x, y, sample_weight)``, on which the model is evaluated after each epoch.
        validation_split : float, default 0.0
            Share of the sequences, taken from the end of the data, that is used as validation data instead.
        shuffle : bool, default True
            Whether to draw a new order of the sequences for each epoch.
        sample_weight : array_like of shape (N,) or (N, T), optional
            Weight of each sequence, or of each step if there is a prediction per step. The loss is the weighted mean.
        lengths : array_like of shape (N,), optional
            Number of valid steps of each sequence. The others do not count in the loss.
        mask : array_like of shape (N, T), optional
            Which steps are valid, as booleans. Give either lengths or a mask.
        resets : array_like of shape (N, T), optional
            Where a new sequence begins, as booleans.
        bptt : int, optional
            Length of the pieces in truncated backpropagation: the optimizer makes a step after each piece, and states
            are carried over. It needs a prediction per step and unidirectional layers.
        checkpoint : int, "sqrt" or None, optional
            What the recurrent layers keep for the backward pass; see `LSTM.forward`. "sqrt" trains on sequences whose
            full tape would not fit into memory, for the time of one more forward pass. Results are bit-identical.
        callbacks : iterable of Callback, optional
            Callbacks of `gatewise.callbacks`.
        resume : str or path-like, optional
            File that the callback `Checkpoint` wrote. Training resumes from there, with bit-identical results.
        verbose : bool, default True
            Whether to show a progress bar, which needs tqdm.

        Returns
        -------
        History
            Its attribute ``history`` is a dict of lists: "loss", "val_loss" and so on.

        Raises
        ------
        ValueError, TypeError
            If data, targets or options do not fit.

        See Also
        --------
        evaluate : Loss and metrics on data.
        predict : Predictions.
        gatewise.callbacks : Early stopping, checkpoints and logs.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> model = gw.Sequential(gw.LSTM(3, 8, batch_first=True), gw.LastStep(), gw.Linear(8, 1), seed=0)
        >>> x = np.random.default_rng(0).standard_normal((64, 20, 3))
        >>> history = model.fit(x, x.mean(axis=(1, 2)), epochs=20, verbose=False)
        >>> history.history["loss"][-1] < history.history["loss"][0]
        True
        """
        batching = Batching(checked_size("batch_size", batch_size, 1), shuffle, bptt, checkpoint)
        epochs = checked_size("epochs", epochs, 0)
        if bptt is not None:
            require_truncatable(self, checked_size("bptt", bptt, 1))
        data = training_data(x, y, sample_weight, lengths, mask, resets)
        data, validation = with_validation(data, validation_data, validation_split)
        run = Run(
            self,
            optimizers.get(optimizer),
            losses.get(loss),
            dict(losses.metric(one) for one in metrics),
            epochs,
            [*callbacks, *([ProgressBar()] if verbose else [])],
            checkpoints.save,
        )
        if resume is not None:
            checkpoints.resume(run, resume, validated=validation is not None)
        return fit(run, data, validation, batching)

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        *,
        loss: str | losses.Loss = "mse",
        metrics: Sequence[str | Callable[..., float]] = (),
        batch_size: int = 32,
        sample_weight: Any = None,
        lengths: Any = None,
        mask: Any = None,
        resets: Any = None,
    ) -> dict[str, float]:
        """Return loss and metrics on data.

        Nothing is dropped, and the model does not change.

        Parameters
        ----------
        x : array_like of shape (N, T, features) or (N, T), list, or iterable
            Data as for `fit`.
        y : array_like of shape (N, ...), or list, optional
            Targets as for `fit`.
        loss : str or Loss, default "mse"
            Loss as for `fit`.
        metrics : sequence of str or callable, optional
            Metrics as for `fit`.
        batch_size : int, default 32
            Number of sequences at a time.
        sample_weight : array_like of shape (N,) or (N, T), optional
            Weight of each sequence, or of each step if there is a prediction per step.
        lengths : array_like of shape (N,), optional
            Number of valid steps of each sequence.
        mask : array_like of shape (N, T), optional
            Which steps are valid, as booleans. Give either lengths or a mask.
        resets : array_like of shape (N, T), optional
            Where a new sequence begins, as booleans.

        Returns
        -------
        dict
            "loss" and the names of the metrics to their values.

        Raises
        ------
        ValueError, TypeError
            If data, targets or options do not fit.

        See Also
        --------
        fit : Training.
        predict : Predictions.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> model = gw.Sequential(gw.Linear(1, 1, seed=0), gw.LastStep())
        >>> list(model.evaluate(np.ones((4, 3, 1)), np.ones(4), metrics=["mae"]))
        ['loss', 'mae']
        """
        data = training_data(x, y, sample_weight, lengths, mask, resets)
        named = dict(losses.metric(one) for one in metrics)
        return evaluate(self, data, losses.get(loss), named, checked_size("batch_size", batch_size, 1))

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
        """Return the predictions of the model.

        They are computed batch by batch. The batch size changes them by rounding errors at most.

        Parameters
        ----------
        x : array_like of shape (N, T, features) or (N, T), or list
            Data as for `fit`.
        batch_size : int, default 32
            Number of sequences at a time.
        lengths : array_like of shape (N,), optional
            Number of valid steps of each sequence.
        mask : array_like of shape (N, T), optional
            Which steps are valid, as booleans. Give either lengths or a mask.
        resets : array_like of shape (N, T), optional
            Where a new sequence begins, as booleans.
        state : list, optional
            Initial state of each recurrent layer, as an earlier call returned it: h of shape (L D, N, Y), or (h, c) for
            an LSTM. By default states are zero.
        return_state : bool, default False
            Whether to return the final states, too.

        Returns
        -------
        y : array of shape (N, features) or (N, T, features), or list
            Predictions per sequence or per step. For a list of sequences of different lengths with a prediction per
            step it is a list.
        state : list
            Final state of each recurrent layer, if `return_state` is True.

        Raises
        ------
        ValueError, TypeError
            If data or states do not fit.

        See Also
        --------
        stream : Predictions step by step.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> model = gw.Sequential(gw.GRU(1, 4, batch_first=True), gw.Linear(4, 1), seed=0)
        >>> x = np.ones((2, 6, 1), np.float32)
        >>> first, state = model.predict(x[:, :4], return_state=True)
        >>> rest = model.predict(x[:, 4:], state=state)
        >>> bool(np.allclose(np.concatenate([first, rest], axis=1), model.predict(x), atol=1e-6))
        True
        """
        size = checked_size("batch_size", batch_size, 1)
        y, states = predict(self, prediction_data(x, lengths, mask, resets), size, state)
        return (y, states) if return_state else y

    def stream(self, batch_size: int | None = 1) -> ModelStream:
        """Return a stream, for prediction step by step.

        A stream keeps its own state, and uses a snapshot of the current parameters.

        Parameters
        ----------
        batch_size : int or None, default 1
            Number of sequences in each step, B; None for a single one without a batch axis.

        Returns
        -------
        ModelStream
            Its method ``step`` takes numbers (B, features) or tokens (B,) and returns the predictions of the step.
            ``reset`` sets the states to zero, and ``state`` can be read and assigned.

        Raises
        ------
        ValueError
            If the model makes one prediction per sequence, or has a bidirectional layer.

        See Also
        --------
        predict : Predictions for whole sequences.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> model = gw.Sequential(gw.Embedding(5, 3), gw.GRU(3, 4, batch_first=True), gw.Linear(4, 5), seed=0)
        >>> stream = model.stream(batch_size=None)
        >>> stream.step(2).shape
        (5,)
        """
        return ModelStream(self, batch_size)

    def summary(self, mode: str = "stdout") -> list[dict[str, Any]] | None:
        """Show a table of the layers.

        Its columns are the layer, the shape of its output, its parameters as Keras counts them, its stored numbers,
        floating-point operations per step and at the end of a sequence, and bytes of state and tape.

        Parameters
        ----------
        mode : {"stdout", "dicts"}, default "stdout"
            "stdout" prints the table, "dicts" returns it.

        Returns
        -------
        list of dict or None
            The rows, with ``mode="dicts"``.

        Raises
        ------
        ValueError
            If `mode` is neither of the two.

        See Also
        --------
        params : The parameters.

        Examples
        --------
        >>> import gatewise as gw
        >>> gw.Sequential(gw.RNN(6, 16, batch_first=True), gw.Linear(16, 1)).summary("dicts")[0]["parameters"]
        368
        """
        if mode not in ("stdout", "dicts"):
            raise ValueError(f"mode: expected 'stdout' or 'dicts', got {mode!r}")
        if mode == "dicts":
            return rows(self)
        print(table(self))
        return None

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to a .safetensors file.

        The file holds configuration, parameters and notes. It is written as a whole or not at all, and needs
        safetensors.

        Parameters
        ----------
        path : str or path-like
            Name of the file, which is replaced.

        Raises
        ------
        ValueError
            If the name has the suffix of another format, such as .pt.
        OSError
            If the file cannot be written.
        MissingLibrary
            If safetensors is not installed.

        See Also
        --------
        load : Reads the model.
        gatewise.onnx.save : Writes an ONNX file.

        Examples
        --------
        >>> import gatewise as gw, os, tempfile
        >>> model = gw.Sequential(gw.LSTM(3, 4, batch_first=True), gw.Linear(4, 1), seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(os.path.join(folder, "model.safetensors"))
        ...     os.listdir(folder)
        ['model.safetensors']
        """
        require_suffix("path", path, ".safetensors")
        storage.write(self, path)
