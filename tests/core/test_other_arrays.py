"""Arrays and tables of other libraries give the same results as NumPy arrays, and the results are NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gatewise as gw

Array = NDArray[Any]
LAYER = gw.LSTM(3, 4, seed=0)
X = np.random.default_rng(0).standard_normal((7, 3))


class DLPackOnly:
    """An array in host memory that supports only DLPack, such as CuPy's pinned memory."""

    def __init__(self, array: Array) -> None:
        self._array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()


class InterfaceOnly:
    """An array that supports only the array interface."""

    def __init__(self, array: Array) -> None:
        self._array = array
        self.__array_interface__ = array.__array_interface__


def installed(name: str) -> Any:
    return pytest.importorskip(name, reason=f"takes {name}'s arrays, and it is not installed")


MAKERS: dict[str, Callable[[], Any]] = {
    "lists": lambda: X.tolist(),
    "array interface": lambda: InterfaceOnly(X),
    "torch": lambda: installed("torch").tensor(X),
    "torch, float32, transposed": lambda: installed("torch").tensor(X.T.copy()).T.float(),
    "jax": lambda: installed("jax").numpy.asarray(X),
    "pandas": lambda: installed("pandas").DataFrame(X, columns=["a", "b", "c"]),
    "polars": lambda: installed("polars").DataFrame(X, schema=["a", "b", "c"]),
}


@pytest.mark.interop("arrays", "lists, array interface, torch, JAX, pandas, polars", reads="exact")
@pytest.mark.parametrize("name", MAKERS)
def test_inputs(name: str) -> None:
    given = MAKERS[name]()
    y, (h, c) = LAYER(given)
    want, (want_h, want_c) = LAYER(X)
    for got, other in ((y, want), (h, want_h), (c, want_c)):
        assert type(got) is np.ndarray
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, other)
    forward, _, tape = LAYER.forward(given)
    np.testing.assert_array_equal(forward, want)
    assert type(LAYER.backward(tape, dy=forward).x) is np.ndarray


@pytest.mark.interop("arrays", "DLPack, through numpy.from_dlpack", reads="exact")
def test_dlpack_goes_through_numpy() -> None:
    np.testing.assert_array_equal(LAYER(np.from_dlpack(DLPackOnly(X)))[0], LAYER(X)[0])


def test_gradients_are_refused_with_a_reason() -> None:
    """A tensor that requires gradients would lose them silently."""
    torch = installed("torch")
    with pytest.raises((TypeError, ValueError, RuntimeError), match="requires grad"):
        LAYER(torch.tensor(X, requires_grad=True))
