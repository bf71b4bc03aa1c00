"""Small data and models for the tests of training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import gatewise as gw

Array = NDArray[Any]
RNG = np.random.default_rng(0)
X = RNG.standard_normal((20, 6, 2)).astype(np.float32)
Y = X.sum(axis=(1, 2))[:, None]
EVERY = X.cumsum(axis=1)[..., :1]
LENGTHS = RNG.integers(1, 7, 20)
RAGGED = [one[:n] for one, n in zip(X, LENGTHS, strict=True)]


def one_answer(seed: int = 0) -> gw.Sequential:
    return gw.Sequential(gw.LSTM(2, 5, batch_first=True), gw.LastStep(), gw.Linear(5, 1), seed=seed)


def every_step(seed: int = 0) -> gw.Sequential:
    return gw.Sequential(gw.GRU(2, 5, batch_first=True), gw.Linear(5, 1), seed=seed)


def fitted(model: gw.Sequential, *data: Any, **options: Any) -> gw.Sequential:
    model.fit(
        *data, **{"verbose": False, "batch_size": 8, "epochs": 2, "optimizer": gw.optimizers.SGD(0.05), **options}
    )
    return model


def same(a: gw.Sequential, b: gw.Sequential) -> None:
    np.testing.assert_array_equal(a.flat_params, b.flat_params)
