"""RecurrentRegressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_array

from .._core.parameters import Array
from ..training.losses import MSE
from .base import RecurrentEstimator


class RecurrentRegressor(RegressorMixin, RecurrentEstimator):
    """One number, or several, for each sequence, by a recurrent network and the mean squared error.

    X is (N, T, features); or (N, T), where a row is a sequence, its columns are T steps in time of one feature (a table
    of windows or of series; as a single step of T features a network would have nothing to recur over: that is
    ``X[:, None]``); or a list of N sequences (T, features) or (T,) of any lengths. Scale y, as for every network.

    Parameters
    ----------
    cell, hidden_size, ... : those of both estimators stand at ``help(RecurrentRegressor.__init__)``.

    Attributes
    ----------
    model_ : the `gw.Sequential` network.
    loss_curve_ : the loss of each epoch.
    validation_scores_, best_validation_score_ : R^2 on the part held out in each epoch, and the best; None without
        `early_stopping`.
    n_iter_ : the number of epochs done.
    n_features_in_ : features, or the columns of a table; and feature_names_in_, if those have names.

    >>> import numpy as np
    >>> from gatewise.estimators import RecurrentRegressor
    >>> x = np.random.default_rng(0).uniform(size=(200, 5))
    >>> y = x.mean(axis=1)
    >>> bool(RecurrentRegressor("rnn", hidden_size=8, random_state=0).fit(x, y).score(x, y) > 0.9)
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RecurrentRegressor:
        """Train.

        Parameters
        ----------
        X : (N, T, features), (N, T), or a list of N sequences.
        y : (N,), or (N, answers) for several numbers a sequence.
        sample_weight : (N,) numbers of at least 0. The loss is the weighted mean; an integer weight is repetition.

        Raises
        ------
        ValueError, TypeError : parameters or data do not fit; the message says how.
        """
        return self._learn(X, y, sample_weight, self._goes_on())

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> RecurrentRegressor:
        """One more epoch, over these data alone.

        Parameters
        ----------
        X, y, sample_weight : as for `fit`; X has the features of the first call, tables its number of columns.

        Raises
        ------
        ValueError, TypeError : as `fit`, and for `early_stopping`.
        """
        return self._learn(X, y, sample_weight, hasattr(self, "model_"), one_epoch=True)

    def predict(self, X: Any) -> Array:
        """The answers, (N,) or (N, answers) as y was, float64."""
        answers = self._answers(X).astype(np.float64)
        return answers[:, 0] if self._one_answer else answers

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _learn(self, X: Any, y: Any, sample_weight: Any, goes_on: bool, one_epoch: bool = False) -> RecurrentRegressor:
        X = self._sequences(X, not goes_on)
        self._require_answers(y, X)
        y = check_array(y, ensure_2d=False, dtype=np.float32, input_name="y")
        targets = y.reshape(len(y), -1)
        if goes_on and targets.shape[1] != self.model_.parts[-1].out_features:
            raise ValueError(f"y: expected {self.model_.parts[-1].out_features} answers as before, got {y.shape}")
        self._one_answer = y.ndim == 1
        self._begin(X[0].shape[-1], targets.shape[1], goes_on)
        self._train(X, targets, MSE(), sample_weight, one_epoch)
        return self

    def _score(self, y: Array, answers: Array, weight: Array | None) -> float:
        return float(r2_score(y, answers, sample_weight=weight))
