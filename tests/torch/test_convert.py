"""Conversions of PyTorch's modules, cells and packed sequences, and what they refuse."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import gatewise as gw

torch = pytest.importorskip("torch", reason="converts PyTorch's modules, and it is not installed")
import gatewise.torch as gt  # noqa: E402

OPTIONS: list[tuple[str, dict[str, Any]]] = [
    *itertools.product(
        ["RNN", "LSTM", "GRU"],
        [
            {},
            {"bias": False, "batch_first": True},
            {"num_layers": 3, "bidirectional": True, "dropout": 0.25, "dtype": torch.float64},
        ],
    ),
    ("RNN", {"nonlinearity": "relu"}),
    ("LSTM", {"proj_size": 2, "num_layers": 2, "bidirectional": True}),
    *itertools.product(["RNNCell", "LSTMCell", "GRUCell"], [{}, {"bias": False, "dtype": torch.float64}]),
    ("RNNCell", {"nonlinearity": "relu"}),
]


@pytest.mark.interop("PyTorch", "nn.RNN, LSTM (projection), GRU and cells, every option", reads="exact", writes="exact")
@pytest.mark.parametrize(("kind", "options"), OPTIONS, ids=str)
def test_round_trip_through_pytorch(kind: str, options: dict[str, Any]) -> None:
    """Options and weights are converted bit for bit, and back again."""
    module = getattr(torch.nn, kind)(3, 4, **options)
    layer = gt.from_torch(module)
    assert type(layer) is getattr(gw, kind)
    names = {**options, "input_size": 3, "hidden_size": 4}
    for name, value in names.items():
        want = np.dtype(str(value).removeprefix("torch.")) if name == "dtype" else value
        assert getattr(layer, name) == want, name
    back = gt.to_torch(layer)
    assert type(back) is type(module)
    assert repr(back) == repr(module)
    assert list(back.state_dict()) == list(module.state_dict()) == list(layer.params)
    for name, tensor in module.state_dict().items():
        assert back.state_dict()[name].dtype == tensor.dtype
        np.testing.assert_array_equal(layer.params[name], tensor.numpy())
        assert torch.equal(back.state_dict()[name], tensor)


def test_weights_are_copied() -> None:
    module = torch.nn.GRU(2, 3)
    layer = gt.from_torch(module)
    back = gt.to_torch(layer)
    before = layer.state_dict()
    with torch.no_grad():
        module.weight_hh_l0.zero_()
        back.weight_hh_l0.zero_()
    np.testing.assert_array_equal(layer.params["weight_hh_l0"], before["weight_hh_l0"])


@pytest.mark.interop("PyTorch", "computed weights (parametrizations)", reads="exact")
def test_computed_weights_are_taken_as_they_are() -> None:
    module = torch.nn.utils.parametrizations.weight_norm(torch.nn.LSTM(2, 3), "weight_hh_l0")
    layer = gt.from_torch(module)
    np.testing.assert_array_equal(layer.params["weight_hh_l0"], module.weight_hh_l0.detach().numpy())


@pytest.mark.interop("PyTorch", "PackedSequence", reads="exact", writes="exact")
@pytest.mark.parametrize("batch_first", [False, True])
def test_packed_sequences(batch_first: bool) -> None:
    rows = [torch.randn(length, 3) for length in (2, 5, 1, 5)]
    packed = torch.nn.utils.rnn.pack_sequence(rows, enforce_sorted=False)
    x, lengths = gt.from_packed(packed, batch_first)
    assert lengths.tolist() == [2, 5, 1, 5]
    assert x.shape == ((4, 5, 3) if batch_first else (5, 4, 3))
    module = torch.nn.GRU(3, 4, batch_first=batch_first)
    y, h = gt.from_torch(module)(x, lengths=lengths)
    want, want_h = module(packed)
    got = gt.to_packed(y, lengths, batch_first)
    # Each step has 4 roundings of products of at most 4 terms before an activation, and the values are below 1.
    assert torch.allclose(got.data, want.data, rtol=0, atol=5e-7)
    np.testing.assert_allclose(h, want_h.detach().numpy(), rtol=0, atol=5e-7)
    for name in ("batch_sizes", "sorted_indices", "unsorted_indices"):
        assert torch.equal(getattr(got, name), getattr(want, name)), name


REFUSED: list[tuple[Any, type[Exception], str]] = [
    (lambda: gt.from_torch(torch.nn.Linear(2, 3)), TypeError, "expected one of torch.nn.RNN, .*Linear"),
    (lambda: gt.from_torch(torch.nn.LSTM(2, 3).half()), TypeError, "expected torch.float32 .* got torch.float16"),
    (lambda: gt.from_torch(torch.nn.LSTM(2, 3, device="meta")), TypeError, "weight_ih: expected a tensor on the CPU"),
    (lambda: gt.from_torch(torch.nn.LSTM(2, 3, 2, dropout=1.0)), ValueError, "dropout: expected"),
    (lambda: gt.to_torch(torch.nn.LSTM(2, 3)), TypeError, "expected one of gatewise.RNN"),
    (lambda: gt.to_torch(gw.LSTM(2, 3, peephole=True)), ValueError, "peephole: expected False.* got True"),
    (
        lambda: gt.to_torch(gw.LSTM(2, 3, zoneout=(0.1, 0.0))),
        ValueError,
        r"zoneout: expected \(0\.0, 0\.0\), since torch\.nn\.LSTM has no such option, got \(0\.1, 0\.0\)",
    ),
    (lambda: gt.to_torch(gw.GRU(2, 3, recurrent_dropout=0.1)), ValueError, "recurrent_dropout: expected 0.0.* got 0.1"),
    (lambda: gt.to_torch(gw.GRUCell(2, 3, clip=1.0)), ValueError, "clip: expected None.* got 1.0"),
    (lambda: gt.to_torch(gw.RNN(2, 3, nonlinearity="elu")), ValueError, "nonlinearity: expected 'tanh' or 'relu'"),
    (lambda: gt.to_torch(gw.LSTMCell(2, 3, input_forget=True)), ValueError, "input_forget: expected False.* got True"),
    (lambda: gt.to_torch(gw.GRUCell(2, 3, reset_after=False)), ValueError, "reset_after: expected True.* got False"),
    (lambda: gt.from_packed(torch.zeros(2)), TypeError, "packed: expected a PackedSequence, got Tensor"),
    (lambda: gt.to_packed(np.zeros((2, 3)), [1]), ValueError, r"y: expected three axes, got \(2, 3\)"),
    (lambda: gt.to_packed(np.zeros((2, 1, 3)), [0]), RuntimeError, "greater than 0"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED, ids=[message for _, _, message in REFUSED])
def test_what_cannot_be_converted_is_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
