"""RecurrentClassifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, unique_labels

from .._core.parameters import Array
from ..training.losses import CrossEntropy, softmax
from .base import RecurrentEstimator
from .data import Examples
from .documentation import complete_docstring


@complete_docstring(score="accuracy", stratified=", stratified by class")
class RecurrentClassifier(ClassifierMixin, RecurrentEstimator):
    """Classify sequences with a recurrent network.

    The network is trained with softmax cross-entropy. {sequences}

    Parameters
    ----------
    {parameters}
    class_weight : dict, "balanced" or None, default None
        The weight of each class in the loss, as everywhere in scikit-learn.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    model_ : Sequential
        The network, which returns the logit of each class.
    {attributes}

    Raises
    ------
    ValueError
        When the estimator is fitted, if a parameter has an impossible value.

    See Also
    --------
    RecurrentRegressor : Predict numbers instead of classes.
    gatewise.Sequential : Build and train networks of other layers.

    Examples
    --------
    >>> from gatewise.estimators import RecurrentClassifier
    >>> classifier = RecurrentClassifier("gru", hidden_size=8, max_iter=1000, random_state=0)
    >>> classifier.fit([[1, 1, 1], [2, 2], [-1, -2], [-1]], ["up", "up", "down", "down"]).predict([[3.0], [-1, -1]])
    array(['up', 'down'], dtype='<U4')
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RecurrentEstimator._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), Mapping, None],
    }
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
        class_weight: Mapping[Any, float] | str | None = None,
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RecurrentClassifier:
        """Train the network on labelled sequences.

        Training ends after `max_iter` epochs, or earlier if the loss stops falling.

        Parameters
        ----------
        X : array_like of shape (N, T, features) or (N, T), or list of N sequences
            The sequences.
        y : array_like of shape (N,)
            The class of each sequence, a number or text.
        sample_weight : array_like of shape (N,), optional
            The weight of each sequence in the loss, at least 0. An integer weight acts like repetition.

        Returns
        -------
        RecurrentClassifier
            This classifier.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are not as expected; the message says how.

        See Also
        --------
        RecurrentClassifier.partial_fit : Train for a single epoch.
        RecurrentClassifier.predict : Predict the classes of other sequences.

        Examples
        --------
        >>> from gatewise.estimators import RecurrentClassifier
        >>> classifier = RecurrentClassifier(hidden_size=2, max_iter=50, tol=1.0, random_state=0)
        >>> list(classifier.fit([[1.0, 1.0], [-1.0, -1.0]], ["up", "down"]).classes_)
        [np.str_('down'), np.str_('up')]
        """
        self._learn(X, y, sample_weight)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> RecurrentClassifier:
        """Train for one more epoch, on these data alone.

        Use it for data that do not fit into memory, or that arrive over time.

        Parameters
        ----------
        X : array_like of shape (N, T, features) or (N, T), or list of N sequences
            The sequences, with as many features as in the first call; tables with as many columns.
        y : array_like of shape (N,)
            The class of each sequence.
        classes : array_like of shape (n_classes,), optional
            All classes that will ever occur. The first call requires them.
        sample_weight : array_like of shape (N,), optional
            The weight of each sequence in the loss, at least 0.

        Returns
        -------
        RecurrentClassifier
            This classifier.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are not as expected, or with `early_stopping` or balanced classes, which need all
            data at once.

        See Also
        --------
        RecurrentClassifier.fit : Train until the loss stops falling.

        Examples
        --------
        >>> from gatewise.estimators import RecurrentClassifier
        >>> classifier = RecurrentClassifier(hidden_size=2, random_state=0)
        >>> for x, y in (([[1.0, 1.0]], ["up"]), ([[-1.0, -1.0]], ["down"])):
        ...     _ = classifier.partial_fit(x, y, classes=["up", "down"])
        >>> classifier.n_iter_
        2
        """
        if self.class_weight == "balanced":
            raise ValueError("class_weight: expected numbers or None for partial_fit, got 'balanced'")
        if classes is None and not self._continues(one_epoch=True):
            raise ValueError("classes: expected all classes in the first call of partial_fit, got None")
        self._learn(X, y, sample_weight, self.classes_ if classes is None else classes, one_epoch=True)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def _learn(self, X: Any, y: Any, sample_weight: Any, classes: Any = None, one_epoch: bool = False) -> None:
        """Train on labelled sequences; without `classes`, they are those in y."""
        continued = self._continues(one_epoch)
        sequences = self._labelled(X, y, reset=not continued)
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        self.classes_ = self._known_classes(y, classes, continued)
        loss = CrossEntropy()
        if self.class_weight is not None:
            loss = CrossEntropy(compute_class_weight(self.class_weight, classes=self.classes_, y=y))
        examples = Examples(sequences, np.searchsorted(self.classes_, y), self._weights(sample_weight, sequences))
        self._train(examples, loss, len(self.classes_), continued, one_epoch)

    def _known_classes(self, y: Array, given: Any, continued: bool) -> Array:
        """The classes `given`, or those in y; an error if they do not fit y or an earlier fit."""
        classes: Array = unique_labels(y if given is None else given)
        if given is None and len(classes) < 2:
            raise ValueError(f"y: expected at least 2 classes, got {len(classes)} class: {classes[0]}")
        if continued and not np.array_equal(classes, self.classes_):
            name = "y" if given is None else "classes"
            raise ValueError(f"{name}: expected the classes of the earlier fit, {self.classes_}, got {classes}")
        if not np.isin(y, classes).all():
            raise ValueError(f"y: expected classes of {classes}, got {np.setdiff1d(y, classes)}")
        return classes

    def decision_function(self, X: Any) -> Array:
        """Return the logits of the classes.

        A softmax of the logits gives the probabilities.

        Parameters
        ----------
        X : array_like of shape (N, T, features) or (N, T), or list of N sequences
            The sequences.

        Returns
        -------
        ndarray of shape (N, n_classes), or (N,) for two classes
            The logits; for two classes the second one minus the first.

        See Also
        --------
        RecurrentClassifier.predict_proba : Return probabilities.

        Examples
        --------
        >>> from gatewise.estimators import RecurrentClassifier
        >>> classifier = RecurrentClassifier(hidden_size=2, max_iter=50, tol=1.0, random_state=0)
        >>> classifier.fit([[1.0, 1.0], [-1.0, -1.0]], [0, 1]).decision_function([[1.0, 1.0]]).shape
        (1,)
        """
        z = self._predictions(X)
        return z[:, 1] - z[:, 0] if z.shape[1] == 2 else z

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class.

        The columns have the order of `classes_`.

        Parameters
        ----------
        X : array_like of shape (N, T, features) or (N, T), or list of N sequences
            The sequences.

        Returns
        -------
        ndarray of shape (N, n_classes)
            The probabilities, float64. Each row has the sum 1.

        See Also
        --------
        RecurrentClassifier.predict : Return the most probable class.

        Examples
        --------
        >>> from gatewise.estimators import RecurrentClassifier
        >>> classifier = RecurrentClassifier(hidden_size=2, max_iter=50, tol=1.0, random_state=0)
        >>> classifier.fit([[1.0, 1.0], [-1.0, -1.0]], [0, 1]).predict_proba([[1.0, 1.0]]).shape
        (1, 2)
        """
        return softmax(self._predictions(X).astype(np.float64))

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each sequence.

        It is the class with the largest logit.

        Parameters
        ----------
        X : array_like of shape (N, T, features) or (N, T), or list of N sequences
            The sequences.

        Returns
        -------
        ndarray of shape (N,)
            The classes.

        See Also
        --------
        RecurrentClassifier.predict_proba : Return the probability of each class.

        Examples
        --------
        >>> from gatewise.estimators import RecurrentClassifier
        >>> classifier = RecurrentClassifier("gru", hidden_size=4, max_iter=1000, random_state=0)
        >>> classifier.fit([[1.0, 1.0], [-1.0, -1.0]], [0, 1]).predict([[2.0, 1.0], [-1.0, -2.0]])
        array([0, 1])
        """
        best = self._predictions(X).argmax(axis=1)
        classes: Array = self.classes_[best]
        return classes

    def _score(self, examples: Examples, predictions: Array) -> float:
        return float(accuracy_score(examples.y, predictions.argmax(axis=1), sample_weight=examples.weight))
