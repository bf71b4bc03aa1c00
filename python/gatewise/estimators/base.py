"""What both estimators share: their parameters, the data they take, the network they make, and its training."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .. import GRU, LSTM, RNN, optimizers
from .._libraries import library
from .._options import checked_size
from .._parameters import Array
from ..models import Dropout, LastStep, Linear, MeanOverSteps, Sequential
from ..training.callbacks import EarlyStopping
from ..training.losses import Loss

library("sklearn", "estimators")  # whose absence is told in a sentence

from sklearn.base import BaseEstimator  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.model_selection import train_test_split  # noqa: E402
from sklearn.utils import check_array, check_consistent_length, check_random_state  # noqa: E402
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data  # noqa: E402

CELLS = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
READOUTS = {"last": LastStep, "mean": MeanOverSteps}


class RecurrentEstimator(BaseEstimator):
    """Parameters, attributes and training of `RecurrentClassifier` and `RecurrentRegressor`.

    Both take X as an array (N, T, features), as one (N, T), whose every row is a sequence of T steps of one feature, or
    as a list of sequences (T, features) or (T,) of any lengths.

    Parameters
    ----------
    cell : "lstm", "gru" or "rnn".
    hidden_size, num_layers, bidirectional : of the recurrent layer.
    dropout : the probability with which an output of a layer, the last included, is dropped in training.
    readout : "last" or "mean": which of the outputs the answer is made of.
    optimizer : "adam", "adamw", "rmsprop" or "sgd".
    learning_rate, weight_decay, clip_norm : of the optimizer.
    batch_size : sequences a step; "auto" is min(200, their number).
    max_iter : epochs at most.
    tol, n_iter_no_change : training ends when the loss has not sunk by `tol` for so many epochs.
    early_stopping : whether a part of the data, drawn at random, is held out and its loss watched instead; the best
        weights come back.
    validation_fraction : that part.
    warm_start : whether `fit` goes on from the network that there is.
    shuffle : whether the order of the sequences is drawn anew in every epoch.
    random_state : an integer, a ``RandomState`` or None, of everything random.
    verbose : whether a bar shows progress (needs tqdm).

    Attributes
    ----------
    model_ : the `Sequential` network.
    loss_curve_ : the loss of each epoch.
    validation_curve_ : that of the part held out, with `early_stopping`; else None.
    n_iter_ : the number of epochs done.
    n_features_in_, feature_names_in_ : of X, as everywhere in scikit-learn: columns, or features.
    """

    def __init__(
        self,
        cell: str = "lstm",
        hidden_size: int = 32,
        num_layers: int = 1,
        *,
        bidirectional: bool = False,
        dropout: float = 0.0,
        readout: str = "last",
        optimizer: str = "adam",
        learning_rate: float = 0.01,
        weight_decay: float = 0.0,
        clip_norm: float | None = 1.0,
        batch_size: int | str = "auto",
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        shuffle: bool = True,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.readout = readout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.shuffle = shuffle
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _sequences(self, X: Any, reset: bool) -> Any:
        """X as the network reads it: (N, T, features), or a list of (T, features)."""
        if _is_ragged(X):
            sequences = [np.asarray(one, np.float32) for one in X]
            sequences = [one[:, None] if one.ndim == 1 else one for one in sequences]
            shapes = {one.shape[1:] for one in sequences}
            if len(shapes) > 1 or sequences[0].ndim != 2:
                raise ValueError(
                    f"X: expected sequences (T,) or (T, features) of one number of features, got {sorted(shapes)}"
                )
            if not all(np.isfinite(one).all() for one in sequences):
                raise ValueError("X: expected finite numbers, got NaN or infinity")
            if not all(len(one) for one in sequences):
                raise ValueError("X: expected sequences of at least one step, got an empty one")
            self._check_features(shapes.pop()[0], reset)
            return sequences
        array = check_array(X, dtype=np.float32, allow_nd=True, input_name="X", estimator=self)
        if array.ndim > 3:
            raise ValueError(f"X: expected (N, T) or (N, T, features), got {array.shape}")
        if array.ndim == 2:
            return validate_data(self, X, dtype=np.float32, reset=reset)[:, :, None]
        self._check_features(array.shape[2], reset)
        return array

    def _check_features(self, features: int, reset: bool) -> None:
        if reset:
            self.n_features_in_ = features
        elif features != self.n_features_in_:
            raise ValueError(f"X: expected {self.n_features_in_} features, got {features}")

    def _require_answers(self, y: Any, X: Any) -> None:
        if y is None:
            raise ValueError(f"y: {type(self).__name__} requires y to be passed, but the target y is None")
        check_consistent_length(X, y)

    def _make(self, features: int, answers: int) -> Sequential:
        if self.cell not in CELLS:
            raise ValueError(f"cell: expected one of {', '.join(CELLS)}, got {self.cell!r}")
        if self.readout not in READOUTS:
            raise ValueError(f"readout: expected one of {', '.join(READOUTS)}, got {self.readout!r}")
        layer = CELLS[self.cell](
            features,
            self.hidden_size,
            self.num_layers,
            batch_first=True,
            dropout=self.dropout if self.num_layers > 1 else 0.0,
            bidirectional=self.bidirectional,
        )
        outputs = self.hidden_size * (2 if self.bidirectional else 1)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        return Sequential(layer, READOUTS[self.readout](), Dropout(self.dropout), Linear(outputs, answers), seed=seed)

    def _begin(self, X: Any, answers: int, again: bool) -> None:
        """A new network and optimizer, unless those that there are go on."""
        features = X[0].shape[-1]
        if again and hasattr(self, "model_"):
            return
        kinds = optimizers.KINDS
        if self.optimizer not in kinds:
            raise ValueError(f"optimizer: expected one of {', '.join(kinds)}, got {self.optimizer!r}")
        self.model_ = self._make(features, answers)
        options = {"lr": self.learning_rate, "weight_decay": self.weight_decay, "clip_norm": self.clip_norm}
        self._optimizer = kinds[self.optimizer](**options)  # type: ignore[arg-type]
        self.loss_curve_: list[float] = []
        self.validation_curve_: list[float] | None = [] if self.early_stopping else None
        self.n_iter_ = 0

    def _train(self, X: Any, y: Array, loss: Loss, sample_weight: Any, epochs: int, whole: bool) -> None:
        """So many epochs; with `whole`, fewer where the loss no longer sinks."""
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, np.empty((len(X), 1)))
        held_out = self.early_stopping and whole
        validation = None
        if held_out:
            X, y, sample_weight, validation = self._hold_out(X, y, sample_weight)
        size = min(200, len(X)) if self.batch_size == "auto" else checked_size("batch_size", self.batch_size, 1)
        watched = "val_loss" if held_out else "loss"
        stop = EarlyStopping(watched, self.n_iter_no_change, self.tol, restore_best=held_out)
        history = self.model_.fit(
            X,
            y,
            epochs=epochs,
            batch_size=size,
            loss=loss,
            optimizer=self._optimizer,
            shuffle=self.shuffle,
            sample_weight=sample_weight,
            validation_data=validation,
            callbacks=[stop] if whole else [],
            verbose=self.verbose,
        )
        self.loss_curve_ += history.history.get("loss", [])
        if self.validation_curve_ is not None:
            self.validation_curve_ += history.history.get("val_loss", [])
        self.n_iter_ += history.epochs
        if whole and history.epochs == epochs and not history.interrupted:
            warnings.warn(
                f"max_iter: {epochs} epochs done, and the loss may still sink", ConvergenceWarning, stacklevel=3
            )

    def _hold_out(self, X: Any, y: Array, sample_weight: Any) -> tuple[Any, Array, Any, tuple[Any, ...]]:
        """The data without a part, and that part: drawn at random, of classes in their shares."""
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        classes = y if y.ndim == 1 and y.dtype.kind in "iu" else None
        first, last = train_test_split(
            np.arange(len(X)), test_size=self.validation_fraction, random_state=seed, stratify=classes
        )

        def rows(data: Any, chosen: Any) -> Any:
            return [data[i] for i in chosen] if isinstance(data, list) else None if data is None else data[chosen]

        validation = (rows(X, last), y[last], rows(sample_weight, last))
        return rows(X, first), y[first], rows(sample_weight, first), validation

    def _answers(self, X: Any) -> Array:
        """The network's raw answers, (N, answers)."""
        check_is_fitted(self, "model_")
        answers: Array = self.model_.predict(self._sequences(X, reset=False), batch_size=256)
        return answers


def _is_ragged(X: Any) -> bool:
    """Whether X is a list of sequences of different lengths."""
    if not isinstance(X, (list, tuple)) or not all(hasattr(one, "__len__") for one in X):
        return False
    return len({len(one) for one in X}) > 1
