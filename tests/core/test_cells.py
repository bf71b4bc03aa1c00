"""Cells: one step, compared with the reference and with a layer, and their behaviour as objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gatewise as gw
from gatewise import reference
from layer_objects import copies, owned, same
from tolerances import CELL, chain, unit

KINDS = ["RNN", "LSTM", "GRU"]


def cell_of(kind: str, namespace: Any, dtype: Any = np.float32, **options: Any) -> Any:
    return getattr(namespace, f"{kind}Cell")(7, 13, dtype=dtype, seed=0, **options)


CELLS: list[tuple[str, dict[str, Any]]] = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu"}),
    ("LSTM", {}),
    ("LSTM", {"peephole": True}),
    ("GRU", {}),
    ("GRU", {"reset_after": False}),
    ("GRU", {"bias": False}),
    ("RNN", {"nonlinearity": "softsign", "clip": 2.0}),
    ("LSTM", {"activations": ("hard_sigmoid", "softsign", "tanh"), "clip": 2.0, "input_forget": True}),
    ("GRU", {"activations": (("hard_sigmoid", 0.25), "scaled_tanh"), "reset_after": False}),
]


@pytest.mark.parametrize("batch", [None, 0, 1, 3, 33])
@pytest.mark.parametrize(("kind", "options"), CELLS, ids=str)
def test_cells(isa: str, dtype: Any, kind: str, options: dict[str, Any], batch: int | None) -> None:
    """A cell agrees with the reference in every layout, and is bit-identical to one step of a layer with its weights.

    All random numbers are below 4, so the terms of a pre-activation add up to at most 20 / sqrt(13) * 4 in magnitude.
    The error of a pre-activation reaches the new state multiplied by slopes of at most 1 (tanh) and 1 / 4 (sigmoid,
    times a state below 4): at most 4 in total.
    """
    cell, known = cell_of(kind, gw, dtype, **options), cell_of(kind, reference, np.float64, **options)
    known.load_state_dict(cell.state_dict())
    assert list(cell.params) == list(known.params)
    rng = np.random.default_rng(0)
    rows = () if batch is None else (batch,)
    x, h, c = (rng.standard_normal((*rows, size)).astype(dtype) for size in (7, 13, 13))
    state = (h, c) if kind == "LSTM" else h
    bound = 4 * (chain(13) + CELL) * unit(dtype) * 20 / np.sqrt(13) * 4
    for given in (state, None):
        got, want = cell(x, given), known(x, given)
        assert isinstance(got, tuple) == (kind == "LSTM")
        layer = getattr(gw, kind)(7, 13, dtype=dtype, **options)
        layer.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
        stacked = given
        if given is not None:
            stacked = (h[None], c[None]) if kind == "LSTM" else h[None]
        _, after = layer(x[None], stacked)
        for one, two, three in zip(*(s if isinstance(s, tuple) else (s,) for s in (got, want, after)), strict=True):
            assert one.shape == (*rows, 13)
            assert one.dtype == dtype
            np.testing.assert_allclose(one, two, rtol=0, atol=bound)
            np.testing.assert_array_equal(one, three[0])


@pytest.mark.parametrize("kind", KINDS)
def test_cells_as_objects(isa: str, kind: str) -> None:
    cell = cell_of(kind, gw)
    x = np.ones((3, 7), np.float32)
    want = cell(x)
    assert all(same(twin(x), want) for twin in copies(cell))
    other = getattr(gw, f"{kind}Cell")(7, 13, seed=9)
    other.load_state_dict(cell.state_dict())
    assert same(other(x), want)
    assert set(cell.state_dict()) == {"weight_ih", "weight_hh", "bias_ih", "bias_hh"}
    values = owned(cell, 1)
    cell.adopt(values)
    for array in values.values():
        array[...] = 0
    halves = cell(x) if kind == "LSTM" else (cell(x),)
    assert not any(half.any() for half in halves)


def test_cells_refuse(isa: str) -> None:
    lstm, gru = gw.LSTMCell(7, 13), gw.GRUCell(7, 13)
    h = np.zeros((3, 13))
    for cell in (lstm, gru):
        for shape in ((), (6,), (3, 8), (1, 3, 7)):
            with pytest.raises(ValueError, match=r"^x: expected .*7.*, got "):
                cell(np.zeros(shape))
        with pytest.raises(TypeError, match=r"^x: expected .*, got complex128"):
            cell(np.zeros((3, 7), complex))
    with pytest.raises(ValueError, match=r"state: expected \(3, 13\), got \(2, 13\)"):
        gru(np.zeros((3, 7)), h[:2])
    with pytest.raises(ValueError, match=r"state: expected \(13,\), got \(3, 13\)"):
        gru(np.zeros(7), h)
    with pytest.raises(ValueError, match=r"state\[1\]: expected \(3, 13\), got \(3, 12\)"):
        lstm(np.zeros((3, 7)), (h, h[:, 1:]))
    for wrong in (h, (h,), (h, h, h)):
        with pytest.raises((ValueError, TypeError), match=r"state: expected .*\(h, c\).*, got "):
            lstm(np.zeros((3, 7)), wrong)
