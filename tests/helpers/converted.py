"""Data, Keras models and comparisons for the tests of converted layers, models and files."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tolerances import CELL, chain, unit

os.environ.setdefault("KERAS_BACKEND", "torch")
pytest.importorskip("torch", reason="Keras computes with PyTorch here, which is not installed")
keras = pytest.importorskip("keras", reason="compares with Keras, which is not installed")
h5py = pytest.importorskip("h5py", reason="reads .keras files, and h5py is not installed")
kl = keras.layers

import gatewise.keras as gk  # noqa: E402

Array = NDArray[Any]
OWN_VARIABLES = "ignore:__array__ implementation:DeprecationWarning"
"""A warning about Keras's own variables."""

T, B, INPUTS, UNITS = 6, 4, 3, 5
ATOL = 2 * 4 * T * (chain(12) + CELL) * unit(np.float32)
"""Both libraries round in up to four layers, and each step passes its roundings on to the next."""
X = np.random.default_rng(0).uniform(-1, 1, (B, T, INPUTS)).astype(np.float32)
MASK = np.random.default_rng(1).random((B, T)) < 0.6
MASK[0], MASK[1], MASK[2, -1], MASK[3, 0] = True, False, False, False
TOKENS = np.array([[1, 5, 0, 3, 0, 0], [2, 2, 2, 2, 2, 2], [0, 0, 0, 0, 0, 0], [0, 9, 0, 0, 1, 0]])


def drawn(layer: Any) -> Any:
    """The layer or model with random weights. Keras's initial biases are zeros, which would hide errors."""
    rng = np.random.default_rng(0)
    layer.set_weights([rng.uniform(-0.5, 0.5, array.shape).astype(array.dtype) for array in layer.get_weights()])
    return layer


def flat(results: Any) -> list[Array]:
    """All arrays in nested lists and dicts; a dict's in the order of its keys."""
    if isinstance(results, dict):
        results = [results[key] for key in sorted(results)]
    if isinstance(results, (list, tuple)):
        return [array for part in results for array in flat(part)]
    return [results if isinstance(results, np.ndarray) else keras.ops.convert_to_numpy(results)]


def agree(layer: Any, converted: Any, x: Any, atol: float = ATOL, **given: Any) -> None:
    """Check that both give the same results, in the same lists and dicts."""
    got, want = converted(x, **given), layer(x, **given)
    assert type(got) is (type(want) if isinstance(want, (tuple, list, dict)) else np.ndarray)
    assert not isinstance(want, dict) or set(got) == set(want)
    for value, other in zip(flat(got), flat(want), strict=True):
        assert (value.shape, value.dtype) == (other.shape, other.dtype)
        np.testing.assert_allclose(value, other, rtol=0, atol=atol)


def agree_live_and_from_a_file(model: Any, x: Any, folder: Path, atol: float = ATOL) -> None:
    """Check that the converted live model agrees with Keras, and that its file gives a bit-identical one."""
    converted = gk.from_keras(model)
    agree(model, converted, x, atol)
    model.save(folder / "model.keras")
    loaded = gk.load(folder / "model.keras")
    for got, want in zip(flat(loaded(x)), flat(converted(x)), strict=True):
        np.testing.assert_array_equal(got, want)


def masking_model() -> Any:
    return keras.Sequential(
        [
            keras.Input((None, INPUTS)),
            kl.Masking(0.5),
            kl.SimpleRNN(UNITS, return_sequences=True),
            kl.Dense(3, use_bias=False, activation="sigmoid"),
            kl.LSTM(UNITS, return_sequences=True),
        ]
    )


def rewritten(path: Path, config: Any = None, weights: Any = None) -> Path:
    """The path of a copy of the file with changed configuration or weights."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    if config is not None:
        described = json.loads(parts["config.json"])
        config(described)
        parts["config.json"] = json.dumps(described).encode()
    if weights is not None:
        buffer = io.BytesIO(parts["model.weights.h5"])
        with h5py.File(buffer, "r+") as file:
            weights(file)
        parts["model.weights.h5"] = buffer.getvalue()
    changed = path.with_name("changed.keras")
    with zipfile.ZipFile(changed, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return changed
