"""What both estimators share: their parameters, the data they take, the network they make, and its training."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from .. import GRU, LSTM, RNN, optimizers
from .._core.options import checked_number, checked_size
from .._core.parameters import Array
from ..models import Dropout, LastStep, Linear, MeanOverSteps, Sequential
from ..training.callbacks import Callback, EarlyStopping
from .data import gathered

if TYPE_CHECKING:
    from ..training.losses import Loss
    from ..training.run import Run

CELLS = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
READOUTS = {"last": LastStep, "mean": MeanOverSteps}


class RecurrentEstimator(BaseEstimator):
    """What `RecurrentClassifier` and `RecurrentRegressor` are both."""

    model_: Sequential
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    n_iter_: int
    _optimizer: optimizers.Optimizer

    def __init__(
        self,
        cell: str = "lstm",
        hidden_size: int = 32,
        num_layers: int = 1,
        *,
        bidirectional: bool = False,
        dropout: float = 0.0,
        readout: str = "last",
        solver: str = "adam",
        learning_rate_init: float = 0.01,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
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
        """Parameters, of which those that `sklearn.neural_network` has too mean the same there.

        Parameters
        ----------
        cell : "lstm", "gru" or "rnn".
        hidden_size, num_layers, bidirectional : of the recurrent layer.
        dropout : the probability with which an output of a layer, the last included, is dropped in training.
        readout : "last" or "mean": what of the last layer's outputs the answer is made of.
        solver : "adam", "adamw", "rmsprop" or "sgd".
        learning_rate_init : its learning rate, which stays. (Ten times scikit-learn's: few sequences are few steps.)
        momentum, nesterovs_momentum : of "sgd".
        weight_decay : of the solver, as in PyTorch: unlike scikit-learn's alpha not divided by the number of sequences.
        clip_norm : the largest norm that all gradients together may have; None: any.
        batch_size : sequences a step; "auto" is min(200, their number).
        max_iter : epochs at most. Ctrl-C ends training early.
        tol, n_iter_no_change : training ends when so many epochs have not improved the loss by `tol`.
        early_stopping : whether a part of the data, drawn at random and of classes in their shares, is held out and its
            score watched instead; the weights of the best epoch come back.
        validation_fraction : that part.
        warm_start : whether `fit` goes on from the network and the solver's state that there are; `set_params` between
            two fits changes how it is trained, not the network.
        shuffle : whether the order of the sequences is drawn anew in every epoch.
        random_state : an integer, a ``RandomState`` or None, of everything random.
        verbose : whether a bar shows progress (needs tqdm).
        """
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.readout = readout
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
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

    @abstractmethod
    def _score(self, y: Array, answers: Array, weight: Array | None) -> float:
        """How good the network's answers are: what `score` says of `predict`."""

    def _goes_on(self) -> bool:
        """Whether `fit` goes on from an earlier one."""
        return self.warm_start and hasattr(self, "model_")

    def _sequences(self, X: Any, reset: bool) -> Any:
        """X as the network reads it: (N, T, features), or a list of (T, features)."""
        X = gathered(X)
        if isinstance(X, list):
            ends = np.cumsum([len(one) for one in X])[:-1]
            return np.split(self._steps(np.concatenate(X), reset), ends)
        if X.ndim > 3 or (X.ndim == 3 and not X.shape[1]):
            raise ValueError(f"X: expected (N, T) or (N, T, features) with T >= 1, got {X.shape}")
        if X.ndim == 3:
            n, steps, features = X.shape
            return self._steps(X.reshape(n * steps, features), reset).reshape(X.shape)
        if reset:
            self._of_tables = True
        if self._of_tables:
            return validate_data(self, X, dtype=np.float32, reset=reset)[:, :, None]
        X = check_array(X, dtype=np.float32, input_name="X", estimator=self)
        return self._steps(X.reshape(-1, 1), reset).reshape(*X.shape, 1)

    def _steps(self, steps: Array, reset: bool) -> Array:
        """The steps of all sequences, (steps, features), checked by scikit-learn as its tables are."""
        if reset:
            self._of_tables = False
        if self._of_tables:
            raise ValueError(f"X: expected a table (N, {self.n_features_in_}) as in `fit`, got sequences")
        checked: Array = validate_data(self, steps, dtype=np.float32, reset=reset)
        return checked

    def _require_answers(self, y: Any, X: Any) -> None:
        if y is None:
            raise ValueError(f"y: {type(self).__name__} requires y to be passed, but the target y is None")
        check_consistent_length(X, y)

    def _begin(self, features: int, answers: int, goes_on: bool) -> None:
        """A network, unless that which there is goes on; and an optimizer that knows what the last one did."""
        optimizer = self._make_optimizer()
        if not goes_on:
            self.model_ = self._make_model(features, answers)
            self.loss_curve_ = []
            self.validation_scores_ = None
            self.best_validation_score_ = None
            self.n_iter_ = 0
        elif type(optimizer) is type(self._optimizer) and optimizer.slots == self._optimizer.slots:
            optimizer.load_state_dict(self._optimizer.state_dict())
        self._optimizer = optimizer

    def _make_model(self, features: int, answers: int) -> Sequential:
        layer = CELLS[self._one_of("cell", CELLS)](
            features,
            self.hidden_size,
            self.num_layers,
            batch_first=True,
            dropout=self.dropout if self.num_layers > 1 else 0.0,
            bidirectional=self.bidirectional,
        )
        readout = READOUTS[self._one_of("readout", READOUTS)]()
        outputs = self.hidden_size * (2 if self.bidirectional else 1)
        return Sequential(layer, readout, Dropout(self.dropout), Linear(outputs, answers), seed=self._seed())

    def _make_optimizer(self) -> optimizers.Optimizer:
        options: dict[str, Any] = {
            "lr": checked_number("learning_rate_init", self.learning_rate_init, 0.0),
            "weight_decay": self.weight_decay,
            "clip_norm": self.clip_norm,
        }
        if self.solver == "sgd":
            options |= {"momentum": self.momentum, "nesterov": self.nesterovs_momentum and self.momentum > 0.0}
        return optimizers.KINDS[self._one_of("solver", optimizers.KINDS)](**options)

    def _one_of(self, name: str, kinds: dict[str, Any]) -> str:
        value: str = getattr(self, name)
        if not isinstance(value, str) or value not in kinds:
            raise ValueError(f"{name}: expected one of {', '.join(kinds)}, got {value!r}")
        return value

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _train(self, X: Any, y: Array, loss: Loss, sample_weight: Any, one_epoch: bool = False) -> None:
        """One epoch, or as many as it takes."""
        if one_epoch and self.early_stopping:
            raise ValueError("early_stopping: expected False for partial_fit, which is one epoch, got True")
        epochs = 1 if one_epoch else checked_size("max_iter", self.max_iter, 1)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, y, ensure_non_negative=True)
        callbacks: list[Callback] = []
        if self.early_stopping:
            X, y, sample_weight, held_out = self._hold_out(X, y, sample_weight)
            callbacks = [held_out, self._stopping("score", mode="max")]
        elif not one_epoch:
            callbacks = [self._stopping("loss", restore_best=False)]
        history = self.model_.fit(
            X,
            y,
            epochs=epochs,
            batch_size=min(200, len(X)) if self.batch_size == "auto" else self.batch_size,  # type: ignore[arg-type]
            loss=loss,
            optimizer=self._optimizer,
            shuffle=self.shuffle,
            sample_weight=sample_weight,
            callbacks=callbacks,
            verbose=self.verbose,
        )
        self.loss_curve_ += history.history.get("loss", [])
        self.n_iter_ += history.epochs
        if self.early_stopping:
            self.validation_scores_ = [*(self.validation_scores_ or []), *history.history.get("score", [])]
            self.best_validation_score_ = max(self.validation_scores_, default=None)
        if not one_epoch and history.epochs == epochs:
            warnings.warn(
                f"max_iter: {epochs} epochs done, and the loss may still sink", ConvergenceWarning, stacklevel=4
            )

    def _stopping(self, monitor: str, **options: Any) -> EarlyStopping:
        patience = checked_size("n_iter_no_change", self.n_iter_no_change, 1)
        return EarlyStopping(monitor, patience, checked_number("tol", self.tol, 0.0), **options)

    def _hold_out(self, X: Any, y: Array, weight: Array | None) -> tuple[Any, Array, Array | None, HeldOut]:
        """The data without a part drawn at random, of classes in their shares; and that part."""
        share = checked_number("validation_fraction", self.validation_fraction, 0.0, 1.0)
        X, part_X, y, part_y, *weights = train_test_split(
            *(X, y, *([] if weight is None else [weight])),
            test_size=share,
            random_state=self._seed(),
            stratify=y if is_classifier(self) else None,
        )
        if len(part_y) < 2:
            raise ValueError(
                f"validation_fraction: expected at least 2 sequences to hold out, got {len(part_y)} of {len(X) + 1}"
            )
        weight, part_weight = weights or (None, None)
        return X, y, weight, HeldOut(part_X, lambda answers: self._score(part_y, answers, part_weight))

    def _answers(self, X: Any) -> Array:
        """The network's raw answers, (N, answers)."""
        check_is_fitted(self, "model_")
        answers: Array = self.model_.predict(self._sequences(X, reset=False), batch_size=256)
        return answers


class HeldOut(Callback):
    """Adds the score of sequences held out to the history of every epoch."""

    def __init__(self, X: Any, score: Callable[[Array], float]) -> None:
        self.X, self.score = X, score

    def on_epoch_end(self, run: Run) -> None:
        """Predict, and add."""
        scores = run.history.history.setdefault("score", [])
        scores.append(self.score(run.model.predict(self.X, batch_size=256)))  # type: ignore[attr-defined]
