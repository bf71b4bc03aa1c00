"""All parameters or gradients as one vector, gradients added to earlier ones, and layers in another dtype."""

from __future__ import annotations

import copy
import pickle
import runpy
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import draw
import gatewise as gw
from bits import assert_same_bits
from gatewise import reference
from gatewise._core.state import parts
from paths import EXAMPLES
from tolerances import named

Array = NDArray[Any]

OPTIONS = draw.OPTIONS[::7]
NAMESPACES = pytest.mark.parametrize("namespace", [gw, reference], ids=["compiled", "reference"])


def joined(mapping: Any) -> Array:
    """Concatenate the values of a mapping."""
    return np.concatenate([value.ravel() for value in mapping.values()])


@NAMESPACES
@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_parameters_as_one_vector(namespace: Any, option: draw.Option) -> None:
    """The order is that of state_dict. Reading gives a copy, and one assignment writes all parameters."""
    case = draw.make(option, draw.VARIANTS[0])
    layer = case.layer(namespace, np.float32)
    before, vector = layer.state_dict(), layer.params.flat
    np.testing.assert_array_equal(vector, joined(before))
    assert vector.dtype == np.float32
    vector *= 2
    np.testing.assert_array_equal(layer.params.flat, joined(before))
    layer.params.flat = vector.astype(np.float64)
    for name, value in layer.params.items():
        np.testing.assert_array_equal(value, 2 * before[name])
    doubled = case.replace(params={name: 2 * value for name, value in case.params.items()})
    assert_same_bits(named(case.run(layer)), named(doubled.run(doubled.layer(namespace, np.float32))))


def test_a_vector_is_written_whole_or_not_at_all(isa: str) -> None:
    cell = gw.LSTMCell(2, 3, seed=0)
    before = cell.params.flat
    for error, wrong in (
        (ValueError, before[1:]),
        (ValueError, before[:, None]),
        (ValueError, 0.0),
        (TypeError, before * 1j),
        (TypeError, ["a"] * len(before)),
    ):
        with pytest.raises(error, match=r"^flat: expected .*, got "):
            cell.params.flat = wrong
    np.testing.assert_array_equal(cell.params.flat, before)


def test_a_vector_reaches_adopted_arrays(isa: str) -> None:
    layer = gw.GRU(2, 3, seed=0)
    arrays = layer.state_dict()
    layer.adopt(arrays)
    arrays["bias_hh_l0"][:] = 7
    np.testing.assert_array_equal(layer.params.flat, joined(arrays))
    layer.params.flat = np.arange(63)
    np.testing.assert_array_equal(joined(arrays), np.arange(63))


@NAMESPACES
@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_gradients_as_one_vector(namespace: Any, option: draw.Option) -> None:
    """The gradients of the parameters are views of the vector."""
    case = draw.make(option, draw.VARIANTS[0])
    layer = case.layer(namespace, np.float32)
    grads = case.run(layer).grads
    want = {name: np.array(value) for name, value in grads.params.items()}
    np.testing.assert_array_equal(grads.flat, joined({name: want[name] for name in layer.params}))
    assert list(want) == list(layer.state_dict())

    grads.flat *= 2
    grads.params["weight_hh_l0"] *= 2
    grads.params["weight_ih_l0"] = np.zeros(want["weight_ih_l0"].shape)
    factors = dict.fromkeys(want, 2) | {"weight_hh_l0": 4, "weight_ih_l0": 0}
    for name, value in want.items():
        np.testing.assert_array_equal(grads.params[name], factors[name] * value)
    np.testing.assert_array_equal(grads.flat, joined(grads.params))
    grads.flat = np.arange(grads.flat.size)
    np.testing.assert_array_equal(joined(grads.params), np.arange(grads.flat.size))
    for _, value in grads.params.items():
        assert np.shares_memory(value, grads.flat)


def test_gradients_refuse_what_does_not_fit(isa: str) -> None:
    layer = gw.GRU(2, 3, seed=0)
    grads = layer.backward(layer.forward(np.ones((2, 1, 2)))[2])
    with pytest.raises(ValueError, match=r"^flat: expected \(63,\), got \(62,\)"):
        grads.flat = np.zeros(62)
    with pytest.raises(ValueError, match=r"^bias_ih_l0: expected \(9,\), got \(8,\)"):
        grads.params["bias_ih_l0"] = np.zeros(8)
    with pytest.raises(KeyError):
        grads.params["bias"] = np.zeros(9)
    with pytest.raises(TypeError, match="cannot be removed; assign a value to 'bias_ih_l0' instead"):
        del grads.params["bias_ih_l0"]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda grads: pickle.loads(pickle.dumps(grads))])
def test_gradients_pickle_and_copy(isa: str, duplicate: Any) -> None:
    """The gradients of a copy are views of the copy's vector."""
    layer = gw.LSTM(2, 3, seed=0)
    y, _, tape = layer.forward(np.ones((2, 1, 2)))
    grads = layer.backward(tape, dy=y)
    other = duplicate(grads)
    np.testing.assert_array_equal(other.x, grads.x)
    assert all(np.array_equal(a, b) for a, b in zip(other.state, grads.state, strict=True))
    assert repr(other) == repr(grads)
    layer.backward(tape, dy=y, into=other)
    np.testing.assert_array_equal(other.flat, joined(other.params))
    assert other.flat.any()


@NAMESPACES
@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_gradients_added_to_earlier_ones(namespace: Any, option: draw.Option) -> None:
    """Gradients of parameters are the exact sum, in the earlier arrays; those of x and state are the call's own."""
    cases = [draw.make(option, draw.VARIANTS[v], seed=0).replace(key=5 if option.keywords.get("dropout") else None)
             for v in (0, 6, 10)]  # fmt: skip
    cases = [case.replace(params=cases[0].params) for case in cases]
    layer = cases[0].layer(namespace, np.float32)
    apart = [case.run(layer).grads for case in cases]
    total = cases[0].run(layer).grads
    for case, want in zip(cases[1:], apart[1:], strict=True):
        _, _, tape = case.forward(layer)
        before = total.flat.copy()
        got = layer.backward(tape, draw.cast(case.dy, np.float32), draw.cast(case.d_state, np.float32), into=total)
        np.testing.assert_array_equal(got.x, want.x)
        for a, b in zip(parts(got.state), parts(want.state), strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(total.flat, before + want.flat)
        np.testing.assert_array_equal(joined(total.params), total.flat)
        assert got.flat is total.flat
        assert all(np.shares_memory(got.params[name], value) for name, value in total.params.items())
    np.testing.assert_array_equal(total.x, apart[0].x)


@NAMESPACES
def test_only_matching_gradients_are_added_to(namespace: Any) -> None:
    layer = namespace.GRU(2, 3, seed=0)
    x = np.ones((4, 1, 2))
    y, _, tape = layer.forward(x)

    def of(other: Any) -> Any:
        return other.backward(other.forward(x)[2])

    for into in (of(namespace.GRU(2, 4)), of(namespace.RNN(2, 3)), of(namespace.GRU(2, 3, dtype=np.float64))):
        with pytest.raises(ValueError, match=r"^into: expected float32 gradients of .*, got "):
            layer.backward(tape, y, into=into)
    for wrong in (layer.params, {}, 1.0, of(layer).params):
        with pytest.raises(TypeError, match=r"^into: expected Gradients that backward returned, got "):
            layer.backward(tape, y, into=wrong)
    grads = layer.backward(tape, y)
    before = grads.flat.copy()
    with pytest.raises(ValueError, match=r"^dy: expected "):
        layer.backward(tape, y[1:], into=grads)
    np.testing.assert_array_equal(grads.flat, before)
    grads.flat.flags.writeable = False
    with pytest.raises(ValueError, match=r"^into: expected gradients that can be written to, got read-only"):
        layer.backward(tape, y, into=grads)
    np.testing.assert_array_equal(grads.flat, before)


@NAMESPACES
@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_a_copy_in_another_type(namespace: Any, option: draw.Option) -> None:
    """The copy equals a layer of that dtype with the same options, parameters and dropout keys."""
    case = draw.make(option, draw.VARIANTS[0])
    for source, target in ((np.float32, np.float64), (np.float64, np.float32), (np.float32, np.float32)):
        layer, want = case.layer(namespace, source), case.layer(namespace, target)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            other = layer.astype(target)
        assert (type(other), repr(other), other.dtype) == (type(layer), repr(want), np.dtype(target))
        assert_same_bits(named(case.run(other)), named(case.run(want)))
        assert other.forward(case.x)[2].key == layer.forward(case.x)[2].key
        other.params.flat = 0 * other.params.flat
        assert layer.dtype == source
        assert layer.params.flat.any()


def test_types_of_cells_and_of_adopted_parameters(isa: str) -> None:
    cell = gw.RNNCell(2, 3, seed=0).astype(np.float64)
    assert cell(np.ones(2)).dtype == np.float64
    layer = gw.GRU(2, 3, seed=0)
    arrays = layer.state_dict()
    layer.adopt(arrays)
    other = layer.astype(np.float32)
    arrays["bias_ih_l0"][:] = 9
    assert not np.any(other.params["bias_ih_l0"] == 9)
    with pytest.raises(TypeError, match="dtype: expected float32 or float64, got float16"):
        layer.astype(np.float16)
    with pytest.warns(UserWarning, match="no effect"):
        dropping = gw.GRU(2, 3, dropout=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dropping.astype(np.float64)


def test_scipy_trains_a_layer_through_its_vectors(capsys: pytest.CaptureFixture[str]) -> None:
    """The example with L-BFGS reduces the loss by more than a factor of 100."""
    example = runpy.run_path(str(EXAMPLES / "lbfgs.py"))
    before, after = example["main"]()
    assert after < before / 100
    assert "mean squared error" in capsys.readouterr().out
    y, _ = example["lstm"](example["x"])
    assert np.mean((y - example["target"]) ** 2) == pytest.approx(after)
