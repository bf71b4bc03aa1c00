"""``.keras`` files, read without Keras: a zip of a JSON configuration and HDF5 weights. No code in a file is run."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..files.libraries import library
from .building import MODELS, build
from .layers import Array
from .model import Model
from .sources import Shapes, WeightSource, check_shapes
from .wiring import SEQUENTIAL, is_input, is_operation

__doctest_requires__ = ("keras", "h5py")
LARGEST_RATIO = 100
"""The largest allowed ratio of an unpacked file to the zip. Weights hardly compress, so a larger one is an attack."""


def load(path: str | os.PathLike[str]) -> Model:
    """Read a model from a ``.keras`` file that Keras 3 wrote.

    Keras need not be installed; h5py must be (``pip install "gatewise[keras]"``). No code in the file is run.

    Parameters
    ----------
    path : path-like
        The file of a Sequential or functional model of layers that `from_keras` converts.

    Returns
    -------
    Model
        The converted model, bit-identical to that of `from_keras`.

    Raises
    ------
    ValueError
        If the file is damaged or no ``.keras`` file, if sizes do not agree, or if a layer or option has no counterpart
        in gatewise.
    OSError
        If the file cannot be read.
    MissingLibrary
        If h5py is not installed.

    See Also
    --------
    from_keras : Convert a live Keras layer or model.
    recurrent_layers : The gatewise layers of a converted model.
    gatewise.weights.load : Read the recurrent layers of many formats.

    Examples
    --------
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
        config, weights = _contents(path)
        with h5py.File(io.BytesIO(weights), "r") as file:
            return _model(config, file)
    except (KeyError, IndexError, TypeError, AttributeError, RuntimeError, OverflowError, RecursionError) as error:
        raise ValueError(
            f"{os.fspath(path)}: expected a whole .keras file, got one that cannot be read: {error!r}"
        ) from error
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise ValueError(f"{os.fspath(path)}: expected HDF5 weights, got: {error}") from error


def _contents(path: str | os.PathLike[str]) -> tuple[dict[str, Any], bytes]:
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
        raise ValueError(f"config.json: expected a model's configuration, got a JSON {type(config).__name__}")
    return config, contents[1]


def _model(config: dict[str, Any], file: Any) -> Model:
    kind = config["class_name"]
    if kind not in MODELS:
        raise ValueError(f"model: expected {' or '.join(MODELS)}, got {kind!r}")
    model = build(kind, config["config"], FileSource(file, ""))
    assert isinstance(model, Model)
    return model


def _snake_case(name: str) -> str:
    """A class name as Keras names groups after it: SimpleRNN becomes simple_rnn."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


class FileSource:
    """The weights of a layer in a group of an HDF5 file."""

    def __init__(self, file: Any, path: str) -> None:
        self._file, self._path = file, path

    def child(self, name: str) -> WeightSource:
        """The source of the group of this name inside this one."""
        return FileSource(self._file, f"{self._path}/{name}")

    def layers(self, kind: str, described: Sequence[Mapping[str, Any]]) -> Mapping[str, WeightSource]:
        """The sources of a model's layers by name.

        Keras names the groups after classes and numbers them in the order of model.layers, which has input layers in
        functional models only, and operations in none.
        """
        found: dict[str, WeightSource] = {}
        used: dict[str, int] = {}
        for one in described:
            if is_operation(one) or (kind == SEQUENTIAL and is_input(one)):
                continue
            base = _snake_case(one["class_name"])
            number = used[base] = used.get(base, -1) + 1
            found[one["config"]["name"]] = self.child(f"layers/{base}_{number}" if number else f"layers/{base}")
        return found

    def arrays(self, expected: Callable[[int], Shapes]) -> list[Array]:
        """The weights, which are read only after their shapes are known to be right and their bytes to be there."""
        path = f"{self._path}/cell/vars".lstrip("/")
        path = path if path in self._file else f"{self._path}/vars".lstrip("/")
        if path not in self._file:
            raise ValueError(
                f"weights: expected arrays at {path}, got none (Keras stores a layer that two models share only once; "
                "convert the live model with from_keras instead)"
            )
        group = self._file[path]
        datasets = [self._dataset(group, str(index)) for index in range(len(group))]
        check_shapes([tuple(dataset.shape) for dataset in datasets], expected)
        return [np.asarray(dataset[()]) for dataset in datasets]

    def _dataset(self, group: Any, name: str) -> Any:
        h5py = library("h5py", extra="keras")
        dataset = group[name]
        if not isinstance(group.get(name, getlink=True), h5py.HardLink) or not isinstance(dataset, h5py.Dataset):
            raise ValueError(f"{group.name}/{name}: expected an array in the file itself, got a link or a group")
        plain = dataset.chunks is None and not dataset.is_virtual and not dataset.external
        if not plain or dataset.dtype.kind != "f" or dataset.id.get_storage_size() != dataset.nbytes:
            raise ValueError(f"{group.name}/{name}: expected uncompressed floats, stored in full, got {dataset!r}")
        return dataset
