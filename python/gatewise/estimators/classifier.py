"""RecurrentClassifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, unique_labels

from .._core.parameters import Array
from ..training.losses import CrossEntropy, softmax
from .base import RecurrentEstimator


class RecurrentClassifier(ClassifierMixin, RecurrentEstimator):
    """One class for each sequence, by a recurrent network and softmax cross-entropy.

    X is (N, T, features); or (N, T), where a row is a sequence, its columns are T steps in time of one feature (a table
    of windows or of series; as a single step of T features a network would have nothing to recur over: that is
    ``X[:, None]``); or a list of N sequences (T, features) or (T,) of any lengths.

    Parameters
    ----------
    cell, hidden_size, ... : those of both estimators stand at ``help(RecurrentClassifier.__init__)``.
    class_weight : None, "balanced" or ``{class: weight}``, as everywhere in scikit-learn.

    Attributes
    ----------
    classes_ : the classes, sorted.
    model_ : the `gw.Sequential` network, whose answers are logits, one a class.
    loss_curve_ : the loss of each epoch.
    validation_scores_, best_validation_score_ : the accuracy on the part held out in each epoch, and the best; None
        without `early_stopping`.
    n_iter_ : the number of epochs done.
    n_features_in_ : features, or the columns of a table; and feature_names_in_, if those have names.

    >>> from gatewise.estimators import RecurrentClassifier
    >>> classifier = RecurrentClassifier("gru", hidden_size=8, max_iter=1000, random_state=0)
    >>> classifier.fit([[1, 1, 1], [2, 2], [-1, -2], [-1]], ["up", "up", "down", "down"]).predict([[3.0], [-1, -1]])
    array(['up', 'down'], dtype='<U4')
    """

    classes_: Array

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
        class_weight: Mapping[Any, float] | str | None = None,
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
        super().__init__(
            cell,
            hidden_size,
            num_layers,
            bidirectional=bidirectional,
            dropout=dropout,
            readout=readout,
            solver=solver,
            learning_rate_init=learning_rate_init,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            weight_decay=weight_decay,
            clip_norm=clip_norm,
            batch_size=batch_size,
            max_iter=max_iter,
            tol=tol,
            n_iter_no_change=n_iter_no_change,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            warm_start=warm_start,
            shuffle=shuffle,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight

    __init__.__doc__ = RecurrentEstimator.__init__.__doc__

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RecurrentClassifier:
        """Train.

        Parameters
        ----------
        X : (N, T, features), (N, T), or a list of N sequences.
        y : (N,) the class of each: numbers or text.
        sample_weight : (N,) numbers of at least 0. The loss is the weighted mean; an integer weight is repetition.

        Raises
        ------
        ValueError, TypeError : parameters or data do not fit; the message says how.
        """
        goes_on = self._goes_on()
        X, y = self._labelled(X, y, not goes_on)
        classes = unique_labels(y)
        if len(classes) < 2:
            raise ValueError(f"y: expected at least 2 classes, got {len(classes)} class: {classes[0]}")
        if not goes_on:
            self.classes_ = classes
        elif not np.array_equal(classes, self.classes_):
            raise ValueError(f"y: expected the classes of the earlier fit, {self.classes_}, got {classes}")
        return self._learn(X, y, sample_weight, goes_on)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> RecurrentClassifier:
        """One more epoch, over these data alone.

        Parameters
        ----------
        X, y, sample_weight : as for `fit`; X has the features of the first call, tables its number of columns.
        classes : all classes that will ever come; needed in the first call.

        Raises
        ------
        ValueError, TypeError : as `fit`, and for `early_stopping` and balanced classes.
        """
        if self.class_weight == "balanced":
            raise ValueError("class_weight: expected numbers or None for partial_fit, got 'balanced'")
        goes_on = hasattr(self, "model_")
        if classes is None and not goes_on:
            raise ValueError("classes: expected all classes in the first call of partial_fit, got None")
        X, y = self._labelled(X, y, not goes_on)
        if not goes_on:
            self.classes_ = unique_labels(classes)
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(f"classes: expected those of the first call, {self.classes_}, got {classes}")
        if not np.isin(y, self.classes_).all():
            raise ValueError(f"y: expected classes of {self.classes_}, got {np.setdiff1d(y, self.classes_)}")
        return self._learn(X, y, sample_weight, goes_on, one_epoch=True)

    def _learn(
        self, X: Any, y: Array, sample_weight: Any, goes_on: bool, one_epoch: bool = False
    ) -> RecurrentClassifier:
        loss = CrossEntropy()
        if self.class_weight is not None:
            loss = CrossEntropy(compute_class_weight(self.class_weight, classes=self.classes_, y=y))
        self._begin(X[0].shape[-1], len(self.classes_), goes_on)
        self._train(X, np.searchsorted(self.classes_, y), loss, sample_weight, one_epoch)
        return self

    def decision_function(self, X: Any) -> Array:
        """The logits, (N, classes); of two classes how far the second is ahead, (N,)."""
        z = self._answers(X)
        return z[:, 1] - z[:, 0] if z.shape[1] == 2 else z

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, (N, classes)."""
        return softmax(self._answers(X).astype(np.float64))

    def predict(self, X: Any) -> Array:
        """The likeliest classes, (N,)."""
        best = self._answers(X).argmax(axis=1)
        classes: Array = self.classes_[best]
        return classes

    def _score(self, y: Array, answers: Array, weight: Array | None) -> float:
        return float(accuracy_score(y, answers.argmax(axis=1), sample_weight=weight))

    def _labelled(self, X: Any, y: Any, reset: bool) -> tuple[Any, Array]:
        sequences = self._sequences(X, reset)
        self._require_answers(y, sequences)
        check_classification_targets(y)
        return sequences, column_or_1d(y, warn=True)
