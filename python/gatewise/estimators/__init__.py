"""Recurrent networks as scikit-learn estimators: for pipelines, grid search and cross-validation.

>>> import numpy as np
>>> from sklearn.model_selection import cross_val_score
>>> from gatewise.estimators import RecurrentClassifier
>>> x = np.random.default_rng(0).standard_normal((120, 10, 2))  # sequences, steps, features
>>> y = np.where(x[:, :, 0].sum(axis=1) > 0, "up", "down")
>>> scores = cross_val_score(RecurrentClassifier(hidden_size=8, max_iter=300, random_state=0), x, y, cv=3)
>>> bool(scores.mean() > 0.8)
True
"""

from .classifier import RecurrentClassifier
from .regressor import RecurrentRegressor

__all__ = ["RecurrentClassifier", "RecurrentRegressor"]
