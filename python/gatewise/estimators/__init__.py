"""Recurrent networks as scikit-learn estimators: for pipelines, grid search and cross-validation.

Importing this needs scikit-learn (``pip install "gatewise[estimators]"``); importing gatewise does not.

>>> import numpy as np
>>> from sklearn.model_selection import cross_val_score
>>> from gatewise.estimators import RecurrentClassifier
>>> x = np.random.default_rng(0).standard_normal((90, 5, 2))  # sequences, steps, features
>>> y = np.where(x[:, -1, 0] > 0, "up", "down")
>>> scores = cross_val_score(RecurrentClassifier("gru", hidden_size=8, max_iter=300, random_state=0), x, y, cv=2)
>>> bool(scores.mean() > 0.8)
True
"""

from ..files.libraries import library

library("sklearn", extra="estimators")

from .classifier import RecurrentClassifier  # noqa: E402  (the check above has the better message)
from .regressor import RecurrentRegressor  # noqa: E402

__all__ = ["RecurrentClassifier", "RecurrentRegressor"]
