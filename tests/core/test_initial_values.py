"""Initial values: reproducible from the seed, uniform as in PyTorch, Glorot and orthogonal as in Keras."""

from __future__ import annotations

import numpy as np
import pytest

import gatewise as gw
from gatewise import reference
from layer_objects import same
from tolerances import unit

KINDS = ["RNN", "LSTM", "GRU"]


@pytest.mark.parametrize("kind", [*KINDS, *(f"{kind}Cell" for kind in KINDS)])
def test_seeds_make_initial_values_reproducible(kind: str) -> None:
    make = getattr(gw, kind)
    first, second, other, chance = make(4, 5, seed=3), make(4, 5, seed=3), make(4, 5, seed=4), make(4, 5)
    for name in first.params:
        assert same(first.params[name], second.params[name])
        assert not same(first.params[name], other.params[name])
        assert not same(first.params[name], chance.params[name])
    known = getattr(reference, kind)(4, 5, seed=3)
    assert all(same(known.params[name], value) for name, value in first.params.items())


@pytest.mark.parametrize("kind", KINDS)
def test_initial_values_are_uniform(kind: str) -> None:
    """They are in U(-1/sqrt(H), 1/sqrt(H)), with mean and variance within 5 standard deviations, and all different."""
    hidden_size = 100
    layer = getattr(gw, kind)(70, hidden_size, seed=0)
    bound = 1 / np.sqrt(hidden_size)
    for value in layer.params.values():
        n = value.size
        assert np.abs(value).max() <= bound
        assert abs(value.mean()) < 5 * bound / np.sqrt(3 * n)
        # The variance of u^2 for u uniform in (-b, b) is 4 b^4 / 45.
        assert abs((value.astype(np.float64) ** 2).mean() - bound**2 / 3) < 5 * np.sqrt(4 / 45 / n) * bound**2


@pytest.mark.parametrize("kind", KINDS)
def test_glorot(kind: str) -> None:
    layer = getattr(gw, kind)(6, 8, num_layers=2, bidirectional=True, **({"proj_size": 3} if kind == "LSTM" else {}))
    layer.reset_parameters("glorot", seed=0)
    for name, value in layer.params.items():
        if name.startswith(("weight_ih", "weight_hr")):
            bound = np.sqrt(6 / sum(value.shape))
            assert 0.8 * bound < np.abs(value).max() <= bound
        elif name.startswith("weight_hh"):
            # Rounding to float32 changes each of the 8 to 32 products of a sum by at most 2 u.
            product = value.T.astype(np.float64) @ value
            np.testing.assert_allclose(product, np.eye(len(product)), atol=4 * len(value) * unit(np.float32), rtol=0)
        else:
            want = np.zeros(value.shape)
            if kind == "LSTM" and name.startswith("bias_ih"):
                want[8:16] = 1
            np.testing.assert_array_equal(value, want)
    again = getattr(gw, kind)(6, 8, num_layers=2, bidirectional=True, **({"proj_size": 3} if kind == "LSTM" else {}))
    again.reset_parameters("glorot", seed=0)
    assert all(same(again.params[name], value) for name, value in layer.params.items())
    with pytest.raises(ValueError, match=r"^init: expected .*, got 'zeros'"):
        layer.reset_parameters("zeros")
