"""JAX: a jitted scan; the input product of all steps is computed at once, before the scan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from cases import Case

from ._data import inputs, weights


def facts() -> dict[str, str]:
    """JAX's version."""
    return {"version": str(jax.__version__)}


def make(case: Case, threads: int) -> Callable[[], Any] | None:
    """Make a jitted function, for one unidirectional layer only.

    XLA takes its number of threads from the affinity mask, which the race sets.
    """
    if case.layers > 1 or case.directions > 1:
        return None
    jax.config.update("jax_enable_x64", case.dtype == "float64")
    own = {name: jnp.asarray(value) for name, value in weights(case).items()}
    x, dy = (jnp.asarray(array) for array in inputs(case))
    zeros = jnp.zeros((case.B, case.H), case.dtype)
    start = (zeros, zeros)
    # the mask (T, B, 1); None if no step is masked
    taken = jnp.arange(case.T)[:, None, None] < jnp.array(case.lengths())[:, None] if case.ragged else None

    def cell(own: Any, state: Any, row: Any) -> Any:
        (h, c), (x_hat, taken) = state, row
        h_hat = h @ own["weight_hh_l0"].T + own["bias_hh_l0"]
        if case.cell == "LSTM":
            i, f, g, o = jnp.split(x_hat + h_hat, 4, axis=-1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
        elif case.cell == "GRU":
            x_r, x_z, x_n = jnp.split(x_hat, 3, axis=-1)
            h_r, h_z, h_n = jnp.split(h_hat, 3, axis=-1)
            r, z = jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_z + h_z)
            n = jnp.tanh(x_n + r * h_n)
            h = (1 - z) * n + z * h
        else:
            h = jnp.tanh(x_hat + h_hat)
        if taken is not None:
            h, c = (jnp.where(taken, new, old) for new, old in zip((h, c), state, strict=True))
            return (h, c), jnp.where(taken, h, 0)
        return (h, c), h

    def forward(own: Any, state: Any, x: Any) -> Any:
        x_hat = x @ own["weight_ih_l0"].T + own["bias_ih_l0"]
        return jax.lax.scan(lambda state, row: cell(own, state, row), state, (x_hat, taken))

    if case.mode != "train":
        run = jax.jit(forward)
        return lambda: jax.block_until_ready(run(own, start, x))

    def loss(own: Any, x: Any) -> Any:
        return (forward(own, start, x)[1] * dy).sum()

    gradients = jax.jit(jax.grad(loss, argnums=(0, 1)))
    return lambda: jax.block_until_ready(gradients(own, x))
