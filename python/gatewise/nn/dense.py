"""A linear map of vectors, or of every step of sequences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .._core.checks import checked_size, checked_switch, generator
from .._core.gradients import Gradients
from .._core.parameters import Array
from .._core.state import State
from .base import Costs, Parametric, Shape
from .flow import SEQUENCES, TOKENS, Call, DataShape


class Linear(Parametric):
    """A linear map, y = x W^T + b.

    It maps vectors (B, in_features), or every step of sequences (B, T, in_features).

    Parameters
    ----------
    in_features : int
        Number of features of x.
    out_features : int
        Number of features of y.
    bias : bool, default True
        Whether to add b.
    dtype : dtype, default float32
        Type of the parameters, float32 or float64.
    seed : object, optional
        Seed of the initial values, which are drawn from U(-1/sqrt(in_features), 1/sqrt(in_features)) as in PyTorch.
        It is what ``numpy.random.default_rng`` takes.

    See Also
    --------
    Sequential : The model that the layer belongs to.
    Embedding : A trainable vector for each token.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> model = gw.Sequential(gw.GRU(2, 4, batch_first=True), gw.Linear(4, 3), seed=0)
    >>> model(np.zeros((5, 7, 2))).shape
    (5, 7, 3)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, dtype: DTypeLike = np.float32, seed: Any = None
    ) -> None:
        self.in_features = checked_size("in_features", in_features, 1)
        self.out_features = checked_size("out_features", out_features, 1)
        self.bias = checked_switch("bias", bias)
        self._set_up(dtype, seed)

    @staticmethod
    def parameter_shapes(config: Mapping[str, Any]) -> Iterable[tuple[str, Shape]]:
        shapes: list[tuple[str, Shape]] = [("weight", (config["out_features"], config["in_features"]))]
        return [*shapes, ("bias", (config["out_features"],))] if config["bias"] else shapes

    def initial_values(self, init: str, seed: Any) -> Mapping[str, Array]:
        rng = generator(seed)
        if init == "uniform":
            bound = 1.0 / math.sqrt(self.in_features)
            return {name: rng.uniform(-bound, bound, shape) for name, shape in self.shapes.items()}
        bound = math.sqrt(6.0 / (self.in_features + self.out_features))
        values: dict[str, Array] = {"weight": rng.uniform(-bound, bound, self.shapes["weight"])}
        return values | ({"bias": np.zeros(self.out_features)} if self.bias else {})

    def first_flow(self) -> DataShape:
        return DataShape(SEQUENCES, self.in_features)

    def flow(self, flow: DataShape) -> DataShape:
        if flow.kind == TOKENS or flow.features != self.in_features:
            raise ValueError(f"{self.in_features} features")
        return flow.to(features=self.out_features)

    def forward(self, x: Array, call: Call, state: State) -> tuple[Array, State, Any]:
        rows = x.reshape(-1, self.in_features)  # of all sequences and steps, for a single product
        y = rows @ self.params["weight"].T
        if self.bias:
            y += self.params["bias"]
        return y.reshape(*x.shape[:-1], self.out_features), None, rows

    def backward(self, tape: Any, dy: Array, grads: Gradients, wrt_x: bool) -> Array | None:
        # dW = dy^T x, db = the sum of dy, dx = dy W.
        d_rows = dy.reshape(-1, self.out_features)
        np.matmul(d_rows.T, tape, out=grads.params["weight"])
        if self.bias:
            d_rows.sum(axis=0, out=grads.params["bias"])
        if not wrt_x:
            return None
        weight = self.params["weight"]
        # NumPy's product of a column and a row is ten times as slow as broadcasting.
        d_x: Array = d_rows * weight if self.out_features == 1 else d_rows @ weight
        return d_x.reshape(*dy.shape[:-1], self.in_features)

    def costs(self) -> Costs:
        return replace(super().costs(), flops=2 * self.in_features * self.out_features)
