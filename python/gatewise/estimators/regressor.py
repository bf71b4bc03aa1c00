"""RecurrentRegressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import check_array

from .._core.parameters import Array
from ..training.losses import MSE
from .base import RecurrentEstimator
from .data import Examples
from .documentation import complete_docstring


@complete_docstring(score="R²", stratified="")
class RecurrentRegressor(RegressorMixin, RecurrentEstimator):
    """Predict one or several numbers for each sequence with a recurrent network.

    The network is trained with the mean squared error. Scale y to about the size of 1, as for any network.
    {sequences}

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    model_ : Sequential
        The network, which returns the predicted numbers.
    {attributes}

    Raises
    ------
    ValueError
        When the estimator is fitted, if a parameter has an impossible value.

    See Also
    --------
    RecurrentClassifier : Predict classes instead of numbers.
    gatewise.Sequential : Build and train networks of other layers.

    Examples
    --------
    >>> import numpy as np
    >>> from gatewise.estimators import RecurrentRegressor
    >>> x = np.random.default_rng(0).uniform(size=(200, 5))
    >>> y = x.mean(axis=1)
    >>> bool(RecurrentRegressor("rnn", hidden_size=8, random_state=0).fit(x, y).score(x, y) > 0.9)
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RecurrentRegressor:
        """Train the network on sequences and their targets.

        Training ends after `max_iter` epochs, or earlier if the loss stops falling.

        Parameters
        ----------
        X : array_like of shape (N, T, features) or (N, T), or list of N sequences
            The sequences.
        y : array_like of shape (N,) or (N, outputs)
            The target of each sequence: one number, or several.
        sample_weight : array_like of shape (N,), optional
            The weight of each sequence in the loss, at least 0. An integer weight acts like repetition.

        Returns
        -------
        RecurrentRegressor
            This regressor.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are not as expected; the message says how.

        See Also
        --------
        RecurrentRegressor.partial_fit : Train for a single epoch.
        RecurrentRegressor.predict : Predict the targets of other sequences.

        Examples
        --------
        >>> import numpy as np
        >>> from gatewise.estimators import RecurrentRegressor
        >>> x = np.random.default_rng(0).uniform(size=(50, 4))
        >>> regressor = RecurrentRegressor(hidden_size=4, max_iter=500, random_state=0).fit(x, x.mean(axis=1))
        >>> regressor.loss_curve_[-1] < regressor.loss_curve_[0]
        True
        """
        self._learn(X, y, sample_weight)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> RecurrentRegressor:
        """Train for one more epoch, on these data alone.

        Use it for data that do not fit into memory, or that arrive over time.

        Parameters
        ----------
        X : array_like of shape (N, T, features) or (N, T), or list of N sequences
            The sequences, with as many features as in the first call; tables with as many columns.
        y : array_like of shape (N,) or (N, outputs)
            The target of each sequence, with as many numbers as in the first call.
        sample_weight : array_like of shape (N,), optional
            The weight of each sequence in the loss, at least 0.

        Returns
        -------
        RecurrentRegressor
            This regressor.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are not as expected, or with `early_stopping`, which needs all data at once.

        See Also
        --------
        RecurrentRegressor.fit : Train until the loss stops falling.

        Examples
        --------
        >>> from gatewise.estimators import RecurrentRegressor
        >>> regressor = RecurrentRegressor(hidden_size=2, random_state=0)
        >>> for _ in range(3):
        ...     _ = regressor.partial_fit([[1.0, 2.0], [3.0, 4.0]], [1.5, 3.5])
        >>> regressor.n_iter_
        3
        """
        self._learn(X, y, sample_weight, one_epoch=True)
        return self

    def predict(self, X: Any) -> Array:
        """Return the predicted numbers of each sequence.

        They have the form that y had in `fit`.

        Parameters
        ----------
        X : array_like of shape (N, T, features) or (N, T), or list of N sequences
            The sequences.

        Returns
        -------
        ndarray of shape (N,) or (N, outputs)
            The predictions, float64.

        See Also
        --------
        RecurrentRegressor.fit : Train the network.

        Examples
        --------
        >>> from gatewise.estimators import RecurrentRegressor
        >>> regressor = RecurrentRegressor(hidden_size=2, max_iter=50, tol=10.0, random_state=0)
        >>> regressor.fit([[1.0, 2.0], [3.0, 4.0]], [1.5, 3.5]).predict([[2.0, 3.0]]).shape
        (1,)
        """
        predictions = self._predictions(X).astype(np.float64)
        return predictions[:, 0] if self._one_output else predictions

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @_fit_context(prefer_skip_nested_validation=True)
    def _learn(self, X: Any, y: Any, sample_weight: Any, one_epoch: bool = False) -> None:
        """Train on sequences and their targets."""
        continued = self._continues(one_epoch)
        sequences = self._labelled(X, y, reset=not continued)
        y = check_array(y, ensure_2d=False, dtype=np.float32, input_name="y")
        targets = y.reshape(len(y), -1)
        if continued and targets.shape[1] != self.model_.layers[-1].out_features:
            expected = self.model_.layers[-1].out_features
            raise ValueError(f"y: expected {expected} numbers per sequence, as in the earlier fit, got {y.shape}")
        self._one_output = y.ndim == 1
        examples = Examples(sequences, targets, self._weights(sample_weight, sequences))
        self._train(examples, MSE(), targets.shape[1], continued, one_epoch)

    def _score(self, examples: Examples, predictions: Array) -> float:
        return float(r2_score(examples.y, predictions, sample_weight=examples.weight))
