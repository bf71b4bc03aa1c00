"""Embedding, Dropout and Linear: each with its forward above its backward."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .._core.base import Gradients
from .._core.options import _probability, _switch, checked_size, float_dtype, generator
from .._core.parameters import Array, Pieces, _lend
from .base import SEQUENCES, TOKENS, Call, Flow, ModelLayer


class Parametric(ModelLayer):
    """A part with parameters of its own; before a model binds them they are its initial values."""

    def _set_up(self, dtype: DTypeLike, seed: Any) -> None:
        self._dtype = float_dtype(dtype)
        self.params: Mapping[str, Array] = {
            name: _lend(v.astype(self._dtype)) for name, v in self.initial_values("uniform", seed).items()
        }

    @property
    def bound(self) -> bool:
        """Whether a model has bound them."""
        return isinstance(self.params, Pieces)

    def bind(self, params: Mapping[str, Array]) -> None:
        """Use these arrays as parameters from now on."""
        self.params = params

    def __getstate__(self) -> dict[str, Any]:
        # A copy owns its values, even where the original lives in a model's arrays.
        return {**vars(self), "params": {name: np.array(value) for name, value in self.params.items()}}

    @property
    def dtype(self) -> np.dtype[Any]:
        """The floating-point type of parameters and results."""
        return self._dtype


class Embedding(Parametric):
    """A vector for each token: integers (B, T) become (B, T, embedding_dim). Only as a model's first part.

    Parameters
    ----------
    num_embeddings : the number of tokens, which are 0 ... num_embeddings - 1.
    embedding_dim : the size of the vectors.
    dtype : float32 or float64.
    seed : of the initial values, N(0, 1) as in PyTorch.

    >>> import gatewise as gw
    >>> gw.Sequential(gw.Embedding(10, 4, seed=0))([[1, 2, 3]]).shape
    (1, 3, 4)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, *, dtype: DTypeLike = np.float32, seed: Any = None
    ) -> None:
        self.num_embeddings = checked_size("num_embeddings", num_embeddings, 1)
        self.embedding_dim = checked_size("embedding_dim", embedding_dim, 1)
        self.shapes = {"weight": (self.num_embeddings, self.embedding_dim)}
        self._set_up(dtype, seed)

    def initial_values(self, init: str, seed: Any) -> Mapping[str, Array]:
        """N(0, 1); with "glorot" U(-0.05, 0.05), as Keras draws."""
        rng, shape = generator(seed), self.shapes["weight"]
        return {"weight": rng.standard_normal(shape) if init == "uniform" else rng.uniform(-0.05, 0.05, shape)}

    def first_flow(self) -> Flow:
        """Tokens."""
        return Flow(TOKENS)

    def flow(self, flow: Flow) -> Flow:
        """Sequences of vectors, from tokens."""
        if flow.kind != TOKENS:
            raise ValueError("tokens (B, T), which only a model's first part reads")
        return Flow(SEQUENCES, self.embedding_dim)

    def forward(self, x: Array, call: Call, keep: bool) -> tuple[Array, Any]:
        """The tokens' vectors. Tokens of steps that are not taken are never read."""
        valid = call.valid(x.shape[1])
        tokens = x if valid is None else np.where(valid, x, 0)
        if tokens.size and not (tokens.min() >= 0 and tokens.max() < self.num_embeddings):
            wrong = tokens[(tokens < 0) | (tokens >= self.num_embeddings)][0]
            raise ValueError(f"x: expected tokens from 0 to {self.num_embeddings - 1}, got {wrong}")
        return self.params["weight"][tokens], tokens

    def backward(self, tape: Any, dy: Array, grads: Gradients, wrt_x: bool) -> None:
        """Each token's row gathers the gradients of its places, in their order."""
        tokens = tape.ravel()
        order = np.argsort(tokens, kind="stable")
        tokens = tokens[order]
        starts = np.flatnonzero(np.diff(tokens, prepend=-1))
        grads.params["weight"].fill(0.0)
        grads.params["weight"][tokens[starts]] = np.add.reduceat(
            dy.reshape(-1, self.embedding_dim)[order], starts, axis=0
        )


class Dropout(ModelLayer):
    """Drops elements in training, each with probability `p`, and scales the others by 1 / (1 - p).

    Parameters
    ----------
    p : 0 <= p < 1.
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = _probability("p", p)

    def flow(self, flow: Flow) -> Flow:
        """The same flow."""
        if flow.kind == TOKENS:
            raise ValueError("numbers")
        return flow

    def forward(self, x: Array, call: Call, keep: bool) -> tuple[Array, Any]:
        """Some elements 0, in training."""
        if call.rng is None or self.p == 0.0:
            return x, None
        kept = call.rng.random(x.shape, np.float32) >= self.p
        factor = kept * x.dtype.type(1.0 / (1.0 - self.p))
        return x * factor, factor

    def backward(self, tape: Any, dy: Array, grads: Gradients, wrt_x: bool) -> Array | None:
        """The same elements, scaled alike."""
        return dy if tape is None else dy * tape


class Linear(Parametric):
    """y = x W^T + b, of vectors (B, in_features) or of every step of sequences (B, T, in_features).

    Parameters
    ----------
    in_features, out_features : the sizes of x and y.
    bias : whether there is a b.
    dtype : float32 or float64.
    seed : of the initial values, U(-1/sqrt(in_features), 1/sqrt(in_features)) as in PyTorch.
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, dtype: DTypeLike = np.float32, seed: Any = None
    ) -> None:
        self.in_features = checked_size("in_features", in_features, 1)
        self.out_features = checked_size("out_features", out_features, 1)
        self.bias = _switch("bias", bias)
        self.shapes = {"weight": (self.out_features, self.in_features)}
        if self.bias:
            self.shapes["bias"] = (self.out_features,)
        self._set_up(dtype, seed)

    def initial_values(self, init: str, seed: Any) -> Mapping[str, Array]:
        """PyTorch's uniform, or Keras's: Glorot-uniform weights and a bias of 0."""
        rng = generator(seed)
        if init == "uniform":
            bound = 1.0 / math.sqrt(self.in_features)
            return {name: rng.uniform(-bound, bound, shape) for name, shape in self.shapes.items()}
        bound = math.sqrt(6.0 / (self.in_features + self.out_features))
        values: dict[str, Array] = {"weight": rng.uniform(-bound, bound, self.shapes["weight"])}
        return values | ({"bias": np.zeros(self.out_features)} if self.bias else {})

    def first_flow(self) -> Flow:
        """Sequences."""
        return Flow(SEQUENCES, self.in_features)

    def flow(self, flow: Flow) -> Flow:
        """As many features as the part has outputs."""
        if flow.kind == TOKENS or flow.features != self.in_features:
            raise ValueError(f"{self.in_features} features")
        return flow.to(features=self.out_features)

    def forward(self, x: Array, call: Call, keep: bool) -> tuple[Array, Any]:
        """One product for all rows."""
        rows = x.reshape(-1, self.in_features)
        y = rows @ self.params["weight"].T
        if self.bias:
            y += self.params["bias"]
        return y.reshape(*x.shape[:-1], self.out_features), rows

    def backward(self, tape: Any, dy: Array, grads: Gradients, wrt_x: bool) -> Array | None:
        """dW = dy^T x, db = the sum of dy, dx = dy W."""
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
