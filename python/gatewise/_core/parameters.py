"""Parameters of a layer or cell, and gradients as named views of one vector.

Callers read parameters as read-only arrays and write them through `Parameters`, which counts versions. So the compiled
core knows when its packed copy is out of date.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def convert(name: str, value: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """Convert `value` to an array of this dtype and shape; an error names what was expected and what was given."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name}: expected an array of {dtype}, got {type(value).__name__}: {error}") from None
    if not np.can_cast(array.dtype, dtype, casting="same_kind"):
        raise TypeError(f"{name}: expected numbers that convert to {dtype}, got {array.dtype}")
    if array.shape != shape:
        raise ValueError(f"{name}: expected {shape}, got {array.shape}")
    return array.astype(dtype, copy=False)


def suffixes(layer: int, directions: int) -> list[str]:
    """The suffixes of the names of one layer's parameters, one for each direction."""
    return [f"_l{layer}", f"_l{layer}_reverse"][:directions]


def reordered(array: Array, order: Sequence[str], wanted: Sequence[str]) -> Array:
    """Rearrange the blocks of rows, one per gate, from the order `order` to the order `wanted`.

    >>> reordered(np.array([1, 2, 3]), ["z", "r", "n"], ["r", "z", "n"])
    array([2, 1, 3])
    """
    blocks = dict(zip(order, np.split(array, len(order)), strict=True))
    return np.concatenate([blocks[gate] for gate in wanted])


def size_of(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """The number of elements of all these arrays."""
    return sum(math.prod(shape) for shape in shapes.values())


class Pieces(MutableMapping[str, Array]):
    """A mapping of names to consecutive views into one vector. Assigning copies the value into the view."""

    def __init__(self, vector: Array, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.shapes = dict(shapes)
        self._views: dict[str, Array] = {}
        start = 0
        for name, shape in self.shapes.items():
            end = start + math.prod(shape)
            self._views[name] = vector[start:end].reshape(shape)
            start = end

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def __setitem__(self, name: str, value: Any) -> None:
        view = self._views[name]
        if value is not view:  # as after `pieces[name] *= 2`
            view[...] = convert(name, value, view.dtype, view.shape)

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"params: gradients cannot be removed; assign a value to {name!r} instead")

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def __repr__(self) -> str:
        return repr(self._views)


def lend(array: Array) -> Array:
    """A read-only view that cannot be made writeable, since its base is read-only too."""
    array.flags.writeable = False
    return array.view()


class Parameters(MutableMapping[str, Array]):
    """A mapping of names to parameters. Reading returns a read-only array; writing copies the value.

    Every write makes a new array, so arrays that were read before keep their values; adopted arrays are written in
    place. Every write increases `version`.

    >>> import gatewise as gw
    >>> lstm = gw.LSTM(2, 3, seed=0)
    >>> lstm.params["weight_hh_l0"].shape
    (12, 3)
    >>> lstm.params["bias_ih_l0"] = np.zeros(12)
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], dtype: np.dtype[Any]) -> None:
        self.shapes = dict(shapes)
        self.dtype = dtype
        self.adopted = False
        self.version = 0
        self._arrays: dict[str, Array] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Array:
        self._known(name)
        return self._arrays[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._known(name)
        self.update_all({name: value})

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"params: parameters cannot be removed; assign a value to {name!r} instead")

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)

    def __repr__(self) -> str:
        return f"Parameters({', '.join(f'{name}: {shape}' for name, shape in self.shapes.items())})"

    @property
    def flat(self) -> Array:
        """A copy of all parameters as one vector, in ``state_dict()``'s order; assigning one writes them all.

        >>> import gatewise as gw
        >>> gru = gw.GRU(2, 3, seed=0)
        >>> gru.params.flat = 0.5 * gru.params.flat
        >>> gru.params.flat.shape
        (63,)
        """
        arrays = self._arrays  # read once, since another thread may write meanwhile
        return np.concatenate([arrays[name].ravel() for name in self.shapes])

    @flat.setter
    def flat(self, vector: Any) -> None:
        self.update_all(Pieces(convert("flat", vector, self.dtype, (size_of(self.shapes),)), self.shapes))

    def update_all(self, values: Mapping[str, Any]) -> None:
        """Write several parameters, or none: every value is checked before the first is written."""
        checked = {name: convert(name, value, self.dtype, self.shapes[name]) for name, value in values.items()}
        # Copy before writing: the values may be views of the arrays that are written.
        copies = {name: np.array(array, order="C") for name, array in checked.items()}
        with self._lock:
            if self.adopted:
                for name in copies:
                    if not self._owners[name].flags.writeable:
                        raise ValueError(f"{name}: expected the adopted array to be writeable, got a read-only one")
                for name, array in copies.items():
                    np.copyto(self._owners[name], array)
            else:
                self._arrays = {**self._arrays, **{name: lend(array) for name, array in copies.items()}}
            self.version += 1

    def snapshot(self) -> tuple[int, list[Array]]:
        """The version and the current arrays, in order. Adopted arrays always get a new version, since they can
        change without notice."""
        with self._lock:
            self.version += self.adopted
            return self.version, [self._arrays[name] for name in self.shapes]

    def copies(self) -> list[Array]:
        """The current parameters, in order, as arrays that never change."""
        return [array.copy() if self.adopted else array for array in self.values()]

    def adopt(self, mapping: Mapping[str, Array]) -> None:
        """Use the caller's arrays as the parameters: of this dtype, C-contiguous and writeable."""
        require_keys("mapping", self.shapes, mapping)
        owners = {name: mapping[name] for name in self.shapes}
        for name, shape in self.shapes.items():
            array = owners[name]
            if not isinstance(array, np.ndarray):
                raise TypeError(f"{name}: expected an ndarray to adopt, got {type(array).__name__}")
            if array.dtype != self.dtype:
                raise TypeError(f"{name}: expected {self.dtype} to adopt without a copy, got {array.dtype}")
            if array.shape != shape:
                raise ValueError(f"{name}: expected {shape}, got {array.shape}")
            if not (array.flags.c_contiguous and array.flags.aligned and array.flags.writeable):
                raise ValueError(f"{name}: expected a C-contiguous, aligned, writeable array, got one that is not")
        with self._lock:
            self._owners = owners
            self._arrays = {name: self._lent_view(array) for name, array in owners.items()}
            self.adopted = True
            self.version += 1

    @staticmethod
    def _lent_view(array: Array) -> Array:
        view = array.view()
        view.flags.writeable = False
        return view

    def _known(self, name: str) -> None:
        if name not in self.shapes:
            raise KeyError(f"{name}: expected one of {', '.join(self.shapes)}")

    def __getstate__(self) -> dict[str, Any]:
        # A copy owns its values, even if the original uses adopted arrays.
        arrays = {name: np.array(array) for name, array in self._arrays.items()}
        return {"shapes": self.shapes, "dtype": self.dtype, "arrays": arrays}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Parameters.__init__(self, state["shapes"], state["dtype"])
        self.update_all(state["arrays"])


def require_keys(argument: str, expected: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """A ValueError that lists the names missing from and unknown in `given`, if there are any."""
    missing = [name for name in expected if name not in given]
    unknown = [name for name in given if name not in expected]
    if missing or unknown:
        problems = [f"{what} {', '.join(names)}" for what, names in (("without", missing), ("with", unknown)) if names]
        raise ValueError(f"{argument}: expected exactly {', '.join(expected)}, got one {' and '.join(problems)}")
