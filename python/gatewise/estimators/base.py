"""The base class of both estimators: parameters, the form of X, and the training of the network."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, InvalidParameterError, StrOptions, make_constraint
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from .. import optimizers
from .._core.parameters import Array
from ..models.building import READOUTS, RECURRENT_LAYERS, recurrent_model
from ..models.sequential import Sequential
from ..training.callbacks import Callback, EarlyStopping
from ..training.losses import Loss
from ..training.run import Run
from .data import Examples, Sequences, gathered

PREDICTED = 256  # sequences that are predicted together
COUNT = Interval(Integral, 1, None, closed="left")
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
SHARE = Interval(Real, 0, 1, closed="left")


class RecurrentEstimator(BaseEstimator):
    """The base of `RecurrentClassifier` and `RecurrentRegressor`; `documentation` describes the parameters."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "cell": [StrOptions(RECURRENT_LAYERS.keys())],  # keys rather than a set: errors list them in this order
        "hidden_size": [COUNT],
        "num_layers": [COUNT],
        "bidirectional": ["boolean"],
        "dropout": [SHARE],
        "readout": [StrOptions(READOUTS.keys())],
        "solver": [StrOptions(optimizers.KINDS.keys())],
        "learning_rate_init": [NOT_NEGATIVE],
        "momentum": [NOT_NEGATIVE],
        "nesterovs_momentum": ["boolean"],
        "weight_decay": [NOT_NEGATIVE],
        "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
        "batch_size": [COUNT, StrOptions({"auto"})],
        "max_iter": [COUNT],
        "tol": [NOT_NEGATIVE],
        "n_iter_no_change": [COUNT],
        "early_stopping": ["boolean"],
        "validation_fraction": [SHARE],
        "warm_start": ["boolean"],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

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
    def _score(self, examples: Examples, predictions: Array) -> float:
        """Return the value of `score` for these predictions of the network."""

    def _validate_params(self) -> None:
        """Check all parameters, as scikit-learn does, with errors in gatewise's form."""
        for name, value in self.get_params(deep=False).items():
            constraints = [make_constraint(one) for one in self._parameter_constraints[name]]
            if not any(one.is_satisfied_by(value) for one in constraints):
                raise InvalidParameterError(f"{name}: expected {' or '.join(map(str, constraints))}, got {value!r}")

    def _continues(self, one_epoch: bool) -> bool:
        """Whether training continues with the present network: in `partial_fit`, or in `fit` with a warm start."""
        return hasattr(self, "model_") and (one_epoch or self.warm_start)

    def _sequences(self, X: Any, reset: bool) -> Sequences:
        """X as the network reads it; with `reset`, remember its number of features and whether it is a table."""
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
            self._fitted_to_table = True
        if self._fitted_to_table:
            table: Array = validate_data(self, X, dtype=np.float32, reset=reset)
            return table[:, :, None]
        X = check_array(X, dtype=np.float32, input_name="X", estimator=self)
        return self._steps(X.reshape(-1, 1), reset).reshape(*X.shape, 1)

    def _steps(self, steps: Array, reset: bool) -> Array:
        """The steps of all sequences, (steps, features), checked as scikit-learn checks the rows of a table."""
        if reset:
            self._fitted_to_table = False
        if self._fitted_to_table:
            raise ValueError(f"X: expected a table (N, {self.n_features_in_}) as in `fit`, got sequences")
        checked: Array = validate_data(self, steps, dtype=np.float32, reset=reset)
        return checked

    def _labelled(self, X: Any, y: Any, reset: bool) -> Sequences:
        """X as the network reads it, one sequence for each target."""
        sequences = self._sequences(X, reset)
        if y is None:
            raise ValueError(f"y: {type(self).__name__} requires y to be passed, but the target y is None")
        check_consistent_length(sequences, y)
        return sequences

    @staticmethod
    def _weights(sample_weight: Any, sequences: Sequences) -> Array | None:
        """The weights of the sequences, checked."""
        if sample_weight is None:
            return None
        weight: Array = _check_sample_weight(sample_weight, sequences, ensure_non_negative=True)
        return weight

    def _train(self, examples: Examples, loss: Loss, outputs: int, continued: bool, one_epoch: bool) -> None:
        """Train the present network if `continued`, else a new one: for one epoch, or until the loss stops falling."""
        if one_epoch and self.early_stopping:
            raise ValueError("early_stopping: expected False for partial_fit, which is one epoch, got True")
        optimizer = self._make_optimizer()
        if not continued:
            self.model_ = self._make_model(examples.x[0].shape[-1], outputs)
            self.loss_curve_, self.n_iter_ = [], 0
            self.validation_scores_ = self.best_validation_score_ = None
        elif type(optimizer) is type(self._optimizer) and optimizer.slots == self._optimizer.slots:
            optimizer.load_state_dict(self._optimizer.state_dict())
        self._optimizer = optimizer
        callbacks: list[Callback] = []
        if self.early_stopping:
            examples, scored = self._hold_out(examples)
            callbacks = [scored, EarlyStopping("score", self.n_iter_no_change, self.tol, mode="max")]
        elif not one_epoch:
            callbacks = [EarlyStopping("loss", self.n_iter_no_change, self.tol, restore_best=False)]
        epochs = 1 if one_epoch else self.max_iter
        history = self.model_.fit(
            examples.x,
            examples.y,
            epochs=epochs,
            batch_size=min(200, len(examples)) if isinstance(self.batch_size, str) else self.batch_size,
            loss=loss,
            optimizer=optimizer,
            shuffle=self.shuffle,
            sample_weight=examples.weight,
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
                f"Stopped at max_iter={epochs} before converging; increase max_iter.",
                ConvergenceWarning,
                stacklevel=5,
            )

    def _make_model(self, features: int, outputs: int) -> Sequential:
        return recurrent_model(
            self.cell,
            features,
            self.hidden_size,
            outputs,
            num_layers=self.num_layers,
            bidirectional=self.bidirectional,
            layer_dropout=self.dropout,
            readout=self.readout,
            dropout=self.dropout,
            seed=self._seed(),
        )

    def _make_optimizer(self) -> optimizers.Optimizer:
        options: dict[str, Any] = {
            "lr": self.learning_rate_init, "weight_decay": self.weight_decay, "clip_norm": self.clip_norm,
        }  # fmt: skip
        if self.solver == "sgd":
            options |= {"momentum": self.momentum, "nesterov": self.nesterovs_momentum and self.momentum > 0.0}
        return optimizers.KINDS[self.solver](**options)

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _hold_out(self, examples: Examples) -> tuple[Examples, ScoreHeldOut]:
        """Hold out a random validation set, stratified for a classifier; return the rest, and the score of the set."""
        rest, held_out = examples.split(self.validation_fraction, self._seed(), stratify=is_classifier(self))
        if len(held_out) < 2:
            raise ValueError(
                f"validation_fraction: expected at least 2 sequences to hold out, got {len(held_out)} of "
                f"{len(examples)}"
            )
        return rest, ScoreHeldOut(self.model_, held_out, self._score)

    def _predictions(self, X: Any) -> Array:
        """Return the outputs of the network, (N, outputs)."""
        check_is_fitted(self, "model_")
        predictions: Array = self.model_.predict(self._sequences(X, reset=False), batch_size=PREDICTED)
        return predictions


class ScoreHeldOut(Callback):
    """Adds the score of a validation set to the history of every epoch."""

    def __init__(self, model: Sequential, examples: Examples, score: Callable[[Examples, Array], float]) -> None:
        self.model, self.examples, self.score = model, examples, score

    def on_epoch_end(self, run: Run) -> None:
        """Predict the validation set, and add its score."""
        score = self.score(self.examples, self.model.predict(self.examples.x, batch_size=PREDICTED))
        run.history.history.setdefault("score", []).append(score)
