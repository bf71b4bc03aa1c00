"""A trainable vector for each token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .._core.checks import checked_size, generator
from .._core.gradients import Gradients
from .._core.parameters import Array
from .._core.state import State
from .base import Parametric, Shape
from .flow import SEQUENCES, TOKENS, Call, DataShape


class Embedding(Parametric):
    """A trainable vector for each token.

    Integers (B, T) become sequences (B, T, embedding_dim). An embedding can only be the first layer of a model.

    Parameters
    ----------
    num_embeddings : int
        Number of tokens, which are the integers from 0 to num_embeddings - 1.
    embedding_dim : int
        Size of the vectors.
    dtype : dtype, default float32
        Type of the vectors, float32 or float64.
    seed : object, optional
        Seed of the initial values, which are drawn from N(0, 1) as in PyTorch. It is what
        ``numpy.random.default_rng`` takes.

    See Also
    --------
    Sequential : The model that the layer belongs to.
    Linear : A linear map of numbers.

    Examples
    --------
    >>> import gatewise as gw
    >>> gw.Sequential(gw.Embedding(10, 4, seed=0))([[1, 2, 3]]).shape
    (1, 3, 4)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, *, dtype: DTypeLike = np.float32, seed: Any = None
    ) -> None:
        self.num_embeddings = checked_size("num_embeddings", num_embeddings, 1)
        self.embedding_dim = checked_size("embedding_dim", embedding_dim, 1)
        self._set_up(dtype, seed)

    @staticmethod
    def parameter_shapes(config: Mapping[str, Any]) -> Iterable[tuple[str, Shape]]:
        return [("weight", (config["num_embeddings"], config["embedding_dim"]))]

    def initial_values(self, init: str, seed: Any) -> Mapping[str, Array]:
        # Keras draws from U(-0.05, 0.05).
        rng, shape = generator(seed), self.shapes["weight"]
        return {"weight": rng.standard_normal(shape) if init == "uniform" else rng.uniform(-0.05, 0.05, shape)}

    def first_flow(self) -> DataShape:
        return DataShape(TOKENS)

    def flow(self, flow: DataShape) -> DataShape:
        if flow.kind != TOKENS:
            raise ValueError("tokens (B, T), which only the first layer of a model reads")
        return DataShape(SEQUENCES, self.embedding_dim)

    def forward(self, x: Array, call: Call, state: State) -> tuple[Array, State, Any]:
        # The tokens of steps that are not valid are never read.
        valid = call.valid(x.shape[1])
        tokens = x if valid is None else np.where(valid, x, 0)
        if tokens.size and not (tokens.min() >= 0 and tokens.max() < self.num_embeddings):
            wrong = tokens[(tokens < 0) | (tokens >= self.num_embeddings)][0]
            raise ValueError(f"x: expected tokens from 0 to {self.num_embeddings - 1}, got {wrong}")
        return self.params["weight"][tokens], None, tokens

    def backward(self, tape: Any, dy: Array, grads: Gradients, wrt_x: bool) -> None:
        # Each token's row is the sum of the gradients at the token's places, added in their order.
        tokens = tape.ravel()
        order = np.argsort(tokens, kind="stable")
        tokens = tokens[order]
        starts = np.flatnonzero(np.diff(tokens, prepend=-1))
        grads.params["weight"].fill(0.0)
        grads.params["weight"][tokens[starts]] = np.add.reduceat(
            dy.reshape(-1, self.embedding_dim)[order], starts, axis=0
        )
