"""``.keras`` files without Keras: a zip of a JSON configuration and HDF5 weights. Nothing in it is ever run."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.libraries import library
from .building import MODELS, Source, build, check_shapes
from .model import Model
from .wiring import is_operation

Array = NDArray[Any]
__doctest_requires__ = ("keras", "h5py")
LARGEST_RATIO = 100
"""How many times larger than the file its parts may be: weights hardly compress."""


def load(path: str | os.PathLike[str]) -> Model:
    """Read a ``.keras`` file that ``model.save`` of Keras 3 wrote; Keras need not be there.

    Parameters
    ----------
    path : the file of a Sequential or functional model of the layers that `from_keras` takes.

    Returns
    -------
    model : as from `from_keras`.

    Raises
    ------
    ValueError : not such a file; sizes that do not agree; a layer or option that gatewise does not have, named.
    OSError : the file does not read. MissingLibrary : h5py is not installed.

    >>> import keras, numpy as np, os, tempfile, gatewise.keras
    >>> model = keras.Sequential([keras.Input((None, 3)), keras.layers.GRU(8), keras.layers.Dense(1)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.keras")
    ...     model.save(path)
    ...     loaded = gatewise.keras.load(path)
    >>> loaded(np.ones((2, 5, 3), np.float32)).shape
    (2, 1)
    """
    h5py = library("h5py", extra="keras")
    try:
        config, weights = _parts(path)
        with h5py.File(io.BytesIO(weights), "r") as file:
            return _model(config, file)
    except (KeyError, IndexError, TypeError, AttributeError, RuntimeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{os.fspath(path)}: expected a whole .keras file, got: {error!r}") from error
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise ValueError(f"{os.fspath(path)}: expected HDF5 weights, got: {error}") from error


def _parts(path: str | os.PathLike[str]) -> tuple[dict[str, Any], bytes]:
    """The configuration, and the bytes of the weights."""
    allowed = LARGEST_RATIO * os.stat(path).st_size
    try:
        with zipfile.ZipFile(path) as archive:
            contents = []
            for name in ("config.json", "model.weights.h5"):
                size = archive.getinfo(name).file_size
                if size > allowed:
                    raise ValueError(f"{name}: expected at most {allowed} bytes in a file of this size, got {size}")
                contents.append(archive.read(name))
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, zlib.error) as error:
        raise ValueError(f"expected a zip with config.json and model.weights.h5, got: {error}") from None
    config = json.loads(contents[0])
    if not isinstance(config, dict):
        raise ValueError("config.json: expected a model's configuration, got something else")
    return config, contents[1]


def _model(config: dict[str, Any], file: Any) -> Model:
    kind = config["class_name"]
    if kind not in MODELS:
        raise ValueError(f"model: expected Sequential or Functional, got {kind!r}")
    model = build(kind, config["config"], Stored(file, ""))
    assert isinstance(model, Model)
    return model


def _snake_case(name: str) -> str:
    """As Keras makes it: SimpleRNN becomes simple_rnn."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


class Stored:
    """A group of an HDF5 file."""

    def __init__(self, file: Any, path: str) -> None:
        self._file, self._path = file, path

    def child(self, name: str) -> Stored:
        return Stored(self._file, f"{self._path}/{name}")

    def layers(self, kind: str, described: list[dict[str, Any]]) -> dict[str, Source]:
        # Keras names groups after classes, in the order of model.layers, which has input layers in functional models
        # only, and operations in none.
        found: dict[str, Source] = {}
        used: dict[str, int] = {}
        for one in described:
            if is_operation(one) or (kind == "Sequential" and one["class_name"] == "InputLayer"):
                continue
            base = _snake_case(one["class_name"])
            number = used[base] = used.get(base, -1) + 1
            found[one["config"]["name"]] = self.child(f"layers/{base}_{number}" if number else f"layers/{base}")
        return found

    def arrays(self, expected: Callable[[int], list[tuple[int, ...]]]) -> list[Array]:
        """The weights, read once their shapes are known to be right and all their bytes to be in the file."""
        path = f"{self._path}/cell/vars".lstrip("/")
        path = path if path in self._file else f"{self._path}/vars".lstrip("/")
        if path not in self._file:
            raise ValueError(f"weights: expected some at {path} (those of a layer in two models are stored in one)")
        group = self._file[path]
        datasets = [self._dataset(group, str(index)) for index in range(len(group))]
        check_shapes([tuple(dataset.shape) for dataset in datasets], expected)
        return [np.asarray(dataset[()]) for dataset in datasets]

    def _dataset(self, group: Any, name: str) -> Any:
        h5py = library("h5py", extra="keras")
        dataset = group[name]
        if not isinstance(group.get(name, getlink=True), h5py.HardLink) or not isinstance(dataset, h5py.Dataset):
            raise ValueError(f"{group.name}/{name}: expected an array in the file itself, got something else")
        plain = dataset.chunks is None and not dataset.is_virtual and not dataset.external
        if not plain or dataset.dtype.kind != "f" or dataset.id.get_storage_size() != dataset.nbytes:
            raise ValueError(f"{group.name}/{name}: expected floats, all of them there, got {dataset!r}")
        return dataset
