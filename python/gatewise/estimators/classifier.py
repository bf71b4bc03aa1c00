"""RecurrentClassifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._parameters import Array
from ..training.losses import CrossEntropy
from .base import RecurrentEstimator

from sklearn.base import ClassifierMixin  # isort: skip  (base tells of a missing scikit-learn)
from sklearn.utils import column_or_1d  # isort: skip
from sklearn.utils.class_weight import compute_class_weight  # isort: skip
from sklearn.utils.multiclass import check_classification_targets, unique_labels  # isort: skip


class RecurrentClassifier(ClassifierMixin, RecurrentEstimator):
    """One class for each sequence, by a recurrent network and softmax cross-entropy.

    Parameters and attributes are those of `RecurrentEstimator`, and besides:

    class_weight : None, "balanced" or ``{class: weight}``, as everywhere in scikit-learn; "balanced" is not for
        `partial_fit`, which does not know what comes.
    classes_ : the classes, sorted.

    X is (N, T, features), or (N, T), sequences of one feature, or a list of sequences (T, features) or (T,) of any
    lengths.

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
        optimizer: str = "adam",
        learning_rate: float = 0.01,
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
            optimizer=optimizer,
            learning_rate=learning_rate,
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RecurrentClassifier:
        """Train on sequences X and their classes y, (N,)."""
        X, y = self._labelled(X, y, True)
        classes = unique_labels(y)
        if len(classes) < 2:
            raise ValueError(f"y: expected at least 2 classes, got {len(classes)} class: {classes[0]}")
        again = self.warm_start and hasattr(self, "classes_")
        if again and not np.isin(classes, self.classes_).all():
            raise ValueError(f"warm_start: expected the classes of the earlier fit, {self.classes_}, got {classes}")
        if not again:
            self.classes_ = classes
        self._begin(X, len(self.classes_), again)
        codes = np.searchsorted(self.classes_, y)
        self._train(X, codes, self._loss(codes), sample_weight, self.max_iter, True)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> RecurrentClassifier:
        """One more epoch, over these data alone.

        classes : all classes that will ever come; needed in the first call.
        """
        first = not hasattr(self, "model_")
        if self.class_weight == "balanced":
            raise ValueError("class_weight: expected numbers or None for partial_fit, got 'balanced'")
        X, y = self._labelled(X, y, first)
        if first:
            if classes is None:
                raise ValueError("classes: expected all classes in the first call of partial_fit, got None")
            self.classes_ = unique_labels(classes)
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(f"classes: expected those of the first call, {self.classes_}, got {classes}")
        if not np.isin(y, self.classes_).all():
            raise ValueError(f"y: expected classes of {self.classes_}, got others")
        self._begin(X, len(self.classes_), True)
        codes = np.searchsorted(self.classes_, y)
        self._train(X, codes, self._loss(codes), sample_weight, 1, False)
        return self

    def decision_function(self, X: Any) -> Array:
        """The logits, (N, classes); of two classes how far the second is ahead, (N,)."""
        z = self._answers(X)
        return z[:, 1] - z[:, 0] if z.shape[1] == 2 else z

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, (N, classes)."""
        z = self._answers(X).astype(np.float64)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        probabilities: Array = e / e.sum(axis=1, keepdims=True)
        return probabilities

    def predict(self, X: Any) -> Array:
        """The likeliest classes, (N,)."""
        best = self._answers(X).argmax(axis=1)
        classes: Array = self.classes_[best]
        return classes

    def _labelled(self, X: Any, y: Any, reset: bool) -> tuple[Any, Array]:
        sequences = self._sequences(X, reset)
        self._require_answers(y, sequences)
        check_classification_targets(y)
        return sequences, column_or_1d(y, warn=True)

    def _loss(self, y: Array) -> CrossEntropy:
        """For the classes y, 0 and up."""
        if self.class_weight is None:
            return CrossEntropy()
        weights = compute_class_weight(self.class_weight, classes=self.classes_, y=self.classes_[y])
        return CrossEntropy(class_weight=weights)
