"""Kinds of cells that gatewise does not have fit the declarations: one without a hidden product, one with three states.

Each is declared here and run by the reference's layers, whose gradients are compared with central differences.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest

import gatewise as gw
from gatewise._core.declaration import BIAS_IH, DTYPE, STACK, WEIGHT_HH, WEIGHT_IH, Kind
from gatewise._core.parameters import Array
from gatewise.reference import cells
from gatewise.reference.cells import Rows, affine, affine_backward
from gatewise.reference.layers import ReferenceLayer

Grads = dict[str, Array]


class Kept(NamedTuple):
    """What backward needs; `gates` is what a tape shows."""

    x: Array
    before: Rows
    gates: Rows
    after: Rows


class MinGRUStep:
    """h' = (1 - z) h + z x_h with z = sigmoid(x_z): no product of h (Feng et al. 2024, "Were RNNs all we needed?")."""

    kind = Kind(
        name="MinGRU",
        gates=("z", "h"),
        states=("h",),
        activations={},
        options=(*STACK, DTYPE),
        parameters=(WEIGHT_IH, BIAS_IH),
        variant=lambda o: "min_gru",
    )

    def __init__(self, weights: Mapping[str, Array], options: Any) -> None:
        self.weights = weights

    def forward(self, x: Array, h_prev: Array, *, scale: Array | None = None) -> tuple[Rows, Kept]:
        x_z, candidate = np.split(affine(self.weights["weight_ih"], self.weights.get("bias_ih"), x), 2, axis=-1)
        z = 1 / (1 + np.exp(-x_z))
        h = (1 - z) * h_prev + z * candidate
        return (h,), Kept(x, (h_prev,), (z, candidate), (h,))

    def backward(self, kept: Kept, d_h: Array, *, scale: Array | None = None, grads: Grads) -> tuple[Array, Rows]:
        (h_prev,), (z, candidate) = kept.before, kept.gates
        delta = np.concatenate([d_h * (candidate - h_prev) * z * (1 - z), d_h * z], axis=-1)
        affine_backward(grads, "weight_ih", "bias_ih", kept.x, delta)
        return delta @ self.weights["weight_ih"], (d_h * (1 - z),)


class ThreeStatesStep:
    """h' = tanh(x_h + W_hh h + c) with c' = c + n and n' = 0.5 n + tanh(x_h)."""

    kind = Kind(
        name="ThreeStates",
        gates=("h",),
        states=("h", "c", "n"),
        activations={},
        options=(*STACK, DTYPE),
        parameters=(WEIGHT_IH, WEIGHT_HH),
        variant=lambda o: "three_states",
    )

    def __init__(self, weights: Mapping[str, Array], options: Any) -> None:
        self.weights = weights

    def forward(self, x: Array, h: Array, c: Array, n: Array, *, scale: Array | None = None) -> tuple[Rows, Kept]:
        x_hat = affine(self.weights["weight_ih"], None, x)
        new = np.tanh(x_hat + affine(self.weights["weight_hh"], None, h) + c)
        seen = np.tanh(x_hat)
        after = (new, c + n, 0.5 * n + seen)
        return after, Kept(x, (h, c, n), (new,), (*after, seen))

    def backward(
        self, kept: Kept, d_h: Array, d_c: Array, d_n: Array, *, scale: Array | None = None, grads: Grads
    ) -> tuple[Array, Rows]:
        new, _, _, seen = kept.after
        delta_h = d_h * (1 - new**2)
        delta = delta_h + d_n * (1 - seen**2)
        affine_backward(grads, "weight_ih", None, kept.x, delta)
        affine_backward(grads, "weight_hh", None, kept.before[0], delta_h)
        return delta @ self.weights["weight_ih"], (delta_h @ self.weights["weight_hh"], d_c + delta_h, d_c + 0.5 * d_n)


class MinGRU(ReferenceLayer):
    """A layer of `MinGRUStep`."""

    kind = MinGRUStep.kind

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: Any = np.float32,
        seed: Any = None,
    ) -> None:
        self._set_up(locals())


class ThreeStates(ReferenceLayer):
    """A layer of `ThreeStatesStep`."""

    kind = ThreeStatesStep.kind
    __init__ = MinGRU.__init__


@pytest.mark.parametrize(("cls", "step"), [(MinGRU, MinGRUStep), (ThreeStates, ThreeStatesStep)])
def test_a_declared_kind_has_layers(cls: Any, step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cells.STEPS, step.kind.name, step)
    layer = cls(2, 3, num_layers=2, bidirectional=True, dtype=np.float64, seed=0)
    assert repr(layer) == f"{step.kind.name}(2, 3, num_layers=2, bidirectional=True, dtype=float64)"
    assert {name.partition("_l")[0] for name in layer.state_dict()} == {
        parameter.name for parameter in step.kind.parameters if parameter.present(layer._options)
    }

    rng = np.random.default_rng(1)
    x, lengths = rng.standard_normal((4, 3, 2)), [4, 2, 0]
    y, state, tape = layer.forward(x, lengths=lengths)
    states = gw._core.state.parts(state)
    assert [one.shape for one in states] == [(4, 3, 3)] * len(step.kind.states)
    assert tape.gates.shape == (len(step.kind.gates), 4, 4, 3, 3)

    dy = rng.standard_normal(y.shape)
    d_state = gw._core.state.map_state(lambda one: rng.standard_normal(one.shape), state)
    grads = layer.backward(tape, dy, d_state)

    def loss(vector: Array, values: Array) -> float:
        layer.params.flat = vector
        y, state = layer(values, lengths=lengths)
        pairs = zip(gw._core.state.parts(state), gw._core.state.parts(d_state), strict=True)
        return float((y * dy)[np.arange(4)[:, None] < lengths].sum() + sum((s * d).sum() for s, d in pairs))

    flat, step_size = layer.params.flat, 1e-6
    for values, gradient, moved in (
        (flat, grads.flat, lambda v: (v, x)),
        (x, grads.x, lambda v: (flat, v)),
    ):
        direction = rng.standard_normal(values.shape)
        up, down = (loss(*moved(values + sign * step_size * direction)) for sign in (1, -1))
        # Truncation of the difference is of the order step_size², its rounding of the order 1e-16 / step_size.
        np.testing.assert_allclose((up - down) / (2 * step_size), (gradient * direction).sum(), rtol=1e-7, atol=1e-8)
