"""RecurrentRegressor."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._parameters import Array
from ..training.losses import MSE
from .base import RecurrentEstimator

from sklearn.base import RegressorMixin  # isort: skip  (base tells of a missing scikit-learn)
from sklearn.utils import check_array  # isort: skip


class RecurrentRegressor(RegressorMixin, RecurrentEstimator):
    """One number, or several, for each sequence, by a recurrent network and the mean squared error.

    Parameters and attributes are those of `RecurrentEstimator`. X is (N, T, features), or (N, T), sequences of one
    feature, or a list of sequences (T, features) or (T,) of any lengths. Scale y, as with every network.

    >>> import numpy as np
    >>> from gatewise.estimators import RecurrentRegressor
    >>> x = np.random.default_rng(0).uniform(size=(200, 5))
    >>> y = x.mean(axis=1)
    >>> bool(RecurrentRegressor("rnn", hidden_size=8, random_state=0).fit(x, y).score(x, y) > 0.9)
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RecurrentRegressor:
        """Train on sequences X and targets y, (N,) or (N, answers)."""
        X, y = self._targets(X, y, True)
        self._begin(X, y.shape[1], self.warm_start)
        self._train(X, y, MSE(), sample_weight, self.max_iter, True)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> RecurrentRegressor:
        """One more epoch, over these data alone."""
        X, y = self._targets(X, y, not hasattr(self, "model_"))
        self._begin(X, y.shape[1], True)
        self._train(X, y, MSE(), sample_weight, 1, False)
        return self

    def predict(self, X: Any) -> Array:
        """The answers, (N,) or (N, answers) as y was."""
        answers = self._answers(X).astype(np.float64)
        return answers[:, 0] if self._one_answer else answers

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _targets(self, X: Any, y: Any, reset: bool) -> tuple[Any, Array]:
        sequences = self._sequences(X, reset)
        self._require_answers(y, sequences)
        y = check_array(y, ensure_2d=False, dtype=np.float32, input_name="y")
        if y.ndim > 2:
            raise ValueError(f"y: expected (N,) or (N, answers), got {y.shape}")
        if not reset and y.reshape(len(y), -1).shape[1] != self.model_.flows[-1].features:
            raise ValueError(f"y: expected {self.model_.flows[-1].features} answers, got {y.shape}")
        self._one_answer = y.ndim == 1
        return sequences, y.reshape(len(y), -1)
