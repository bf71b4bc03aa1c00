"""The order of every sum: an emulation of a relu network in float32, one rounding at a time, must be bit-identical.

Each element of a product is one chain v <- fma(w, x, v) with ascending k. It starts with its bias (b_ih for x_hat, b_hh
for h_hat, else 0). A sum of more than 512 terms is cut into chains at multiples of 512, which are added in order.
A weight gradient is a sum of blocks of ceil(512 / B) steps, counted from the first step in the direction's order; the
last block comes first. A block is one chain over its unmasked rows, with descending steps and ascending sequences.
An instruction set without fused multiply-add rounds the product and then the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gatewise as gw
from bits import assert_same_bits
from rounding import F32, fma, multiply_then_add

MultiplyAdd = Callable[[Any, Any, Any], F32]
PIECE = 512


def nearest_float32(exact: Fraction) -> np.float32:
    """Round a fraction to float32; a tie goes to the number with an even last digit."""
    guess = np.float32(float(exact))
    candidates = [np.nextafter(guess, np.float32(-np.inf)), guess, np.nextafter(guess, np.float32(np.inf))]
    return min(candidates, key=lambda c: (abs(Fraction(float(c)) - exact), int(c.view(np.uint32)) & 1))


def test_the_emulated_fma_rounds_once() -> None:
    """Comparison with exact fractions: random numbers, cancellation, and ties between two float32 numbers."""
    rng = np.random.default_rng(0)
    w, x = rng.standard_normal((2, 3000)).astype(np.float32)
    scale = (2.0 ** rng.integers(-30, 30, 3000)).astype(np.float32)
    v = np.concatenate([rng.standard_normal(1000) * scale[:1000], -(w * x)[1000:2000], w[2000:] * scale[2000:]])
    # 1 + 2^-24 (1 + 2^-29 or less): float64 alone would round the sum to a tie, and float32 the tie to even.
    w = np.concatenate([w, np.full(2, 1 + 2.0**-12), [1 + 2.0**-23, 1 - 2.0**-24]]).astype(np.float32)
    x = np.concatenate([x, [2.0**-24, -(2.0**-24)], [2.0**-24, 2.0**-24]]).astype(np.float32)
    v = np.concatenate([v, [1.0, 1.0, 1.0, 1.0]]).astype(np.float32)
    want = [
        nearest_float32(Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c)))
        for a, b, c in zip(w, x, v, strict=True)
    ]
    np.testing.assert_array_equal(fma(w, x, v), np.array(want))
    assert np.any(multiply_then_add(w, x, v) != np.array(want))


def chain(multiply_add: MultiplyAdd, weight: F32, rows: F32, begin: F32 | float) -> F32:
    """Multiply weight (N, K) with each of the rows (R, K), in chains that start with `begin` (N,); return (R, N)."""
    total = np.broadcast_to(np.float32(begin), (len(rows), len(weight)))
    for start in range(0, weight.shape[1], PIECE):
        piece = total if start == 0 else np.zeros_like(total)
        for k in range(start, min(start + PIECE, weight.shape[1])):
            piece = multiply_add(weight[:, k], rows[:, k, None], piece)
        total = piece if start == 0 else total + piece
    return total


def blocks(n_steps: int, batch: int) -> Iterator[range]:
    """Yield the steps of each block of a weight gradient, the last block first, with descending steps."""
    size = -(-PIECE // batch)
    for start in reversed(range(0, n_steps, size)):
        yield range(min(start + size, n_steps) - 1, start - 1, -1)


def outer(multiply_add: MultiplyAdd, delta: F32, rows: F32, unmasked: NDArray[np.bool_]) -> F32:
    """Compute the gradient (N, K) of a weight from delta (T, B, N) and its inputs, rows (T, B, K)."""
    n_steps, batch = unmasked.shape
    total = np.zeros((delta.shape[2], rows.shape[2]), np.float32)
    for steps in blocks(n_steps, batch):
        block = np.zeros_like(total)
        for t in steps:
            for b in np.flatnonzero(unmasked[t]):
                block = multiply_add(delta[t, b, :, None], rows[t, b], block)
        total = total + block
    return total


def relu(a: F32) -> F32:
    return np.where(a > 0, a, np.float32(0))


def relu_network(
    multiply_add: MultiplyAdd, p: dict[str, F32], x: F32, h0: F32, lengths: NDArray[np.int64], dy: F32, d_h: F32
) -> dict[str, F32]:
    """Run h = relu(x_hat + h_hat) over (T, B, I) and backward; return results under the names of a layer's."""
    n_steps, batch, _ = x.shape
    unmasked = np.arange(n_steps)[:, None] < lengths
    h = np.concatenate([h0[None], np.zeros((n_steps, *h0.shape), np.float32)])
    for t in range(n_steps):
        x_hat = chain(multiply_add, p["weight_ih_l0"], x[t], p["bias_ih_l0"])
        h_hat = chain(multiply_add, p["weight_hh_l0"], h[t], p["bias_hh_l0"])
        h[t + 1] = np.where(unmasked[t, :, None], relu(x_hat + h_hat), h[t])
    delta, d_x = np.zeros_like(h[1:]), np.zeros_like(x)
    for t in reversed(range(n_steps)):
        delta[t] = np.where(unmasked[t, :, None] & (h[t + 1] > 0), d_h + dy[t], 0)
        d_x[t] = chain(multiply_add, p["weight_ih_l0"].T, delta[t], 0.0)
        d_h = np.where(unmasked[t, :, None], chain(multiply_add, p["weight_hh_l0"].T, delta[t], 0.0), d_h)
    ones = np.ones((n_steps, batch, 1), np.float32)
    d_bias = outer(multiply_add, delta, ones, unmasked)[:, 0]
    return {
        "y": np.where(unmasked[..., None], h[1:], 0),
        "state": h[-1:],
        "grads.x": np.where(unmasked[..., None], d_x, 0),
        "grads.state": d_h[None],
        "weight_ih_l0": outer(multiply_add, delta, x, unmasked),
        "weight_hh_l0": outer(multiply_add, delta, h[:-1], unmasked),
        "bias_ih_l0": d_bias,
        "bias_hh_l0": d_bias,
    }


SIZES = [
    (3, 2, 5, 4, "all"),
    (3, 2, 512, 7, "all"),
    (3, 2, 513, 7, "all"),
    (2, 3, 1025, 17, "all"),
    (2, 2, 3, 512, "all"),
    (3, 2, 3, 513, "all"),
    (2, 1, 2, 1025, "all"),
    (600, 1, 3, 5, "all"),
    (350, 3, 2, 5, "lengths"),
    (5, 200, 3, 5, "lengths"),
    (3, 600, 3, 5, "lengths"),
    (30, 40, 3, 20, "lengths"),
]
"""(T, B, I, H, steps): one to three pieces in x_hat, h_hat and their transposes; one and several blocks of rows."""


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_order_of_sums(isa: str, sizes: tuple[int, int, int, int, str]) -> None:
    n_steps, batch, input_size, hidden_size, steps = sizes
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> F32:
        return rng.standard_normal(shape).astype(np.float32)

    layer = gw.RNN(input_size, hidden_size, nonlinearity="relu", seed=0)
    parameters = layer.state_dict()
    x, h0 = normal(n_steps, batch, input_size), normal(batch, hidden_size)
    dy, d_h = normal(n_steps, batch, hidden_size), normal(batch, hidden_size)
    lengths = rng.integers(0, n_steps + 1, batch) if steps == "lengths" else np.full(batch, n_steps)
    multiply_add = multiply_then_add if isa == "x86-64" else fma
    want = relu_network(multiply_add, parameters, x, h0, lengths, dy, d_h)
    y, state, tape = layer.forward(x, h0[None], lengths=None if steps == "all" else lengths)
    grads: Any = layer.backward(tape, dy, d_h[None])
    assert_same_bits({"y": y, "state": state, "grads.x": grads.x, "grads.state": grads.state, **grads.params}, want)


def test_order_of_sums_in_a_reverse_direction(isa: str) -> None:
    """A reverse direction equals the forward direction of the reversed input, including its blocks."""
    n_steps, batch = 350, 3
    layer = gw.RNN(2, 5, nonlinearity="relu", bidirectional=True, seed=0)
    rng = np.random.default_rng(0)
    x, dy = (rng.standard_normal((n_steps, batch, size)).astype(np.float32) for size in (2, 5))
    parameters = {
        name.removesuffix("_reverse"): value for name, value in layer.state_dict().items() if name.endswith("_reverse")
    }
    multiply_add = multiply_then_add if isa == "x86-64" else fma
    nothing = np.zeros((batch, 5), np.float32)
    full = np.full(batch, n_steps)
    want = relu_network(multiply_add, parameters, x[::-1], nothing, full, dy[::-1], nothing)
    y, _, tape = layer.forward(x)
    grads = layer.backward(tape, np.concatenate([np.zeros_like(dy), dy], axis=2))
    got = {name.removesuffix("_reverse"): value for name, value in grads.params.items() if name.endswith("_reverse")}
    assert_same_bits({"y": y[::-1, :, 5:], **got}, {name: want[name] for name in ("y", *got)})
