"""Forecasters as .safetensors files: arrays and text, nothing that runs when it is read."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from .._files import replace_file
from .errors import ForecastError, library
from .forecaster import Array, Forecaster, Settings
from .windows import Scaling

FORMAT = "gatewise.forecaster"
VERSION = 1
GATES = {"lstm": 4, "gru": 3}


@dataclass(frozen=True)
class Saved:
    """What a file holds: the forecaster and the name of the series that it was trained on."""

    forecaster: Forecaster
    series: str


def save(forecaster: Forecaster, path: str | Path, series: str = "") -> None:
    """Write a file of the parameters under ``net.*`` and ``head.*``, with the settings and the scale in its metadata.

    The file appears whole or not at all. `series` names what the forecaster was trained on.
    """
    settings = asdict(forecaster.settings)
    description = {"version": VERSION, **settings, "scale": forecaster.scaling.scale, "series": series}
    # Under one key, since safetensors writes several in any order, and equal forecasters shall give equal files.
    metadata = {FORMAT: json.dumps(description)}
    tensors = {name: np.ascontiguousarray(value) for name, value in forecaster.parameters.items()}
    replace_file(Path(path), library("safetensors.numpy").save(tensors, metadata=metadata))


def load(path: str | Path) -> Saved:
    """Read a file that `save` wrote.

    Raises
    ------
    ForecastError : it is missing, damaged, of another kind or of a later version, or its sizes do not agree.
    MissingLibrary : safetensors is not installed.
    """
    safetensors = library("safetensors")
    try:
        with Path(path).open("rb"):  # a missing or unreadable file is the operating system's to explain
            pass
        with safetensors.safe_open(str(path), framework="np") as file:
            metadata = file.metadata() or {}
            names = list(file.keys())
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
            dtypes = {file.get_slice(name).get_dtype() for name in names}
            settings, scaling, series = _description(path, metadata)
            _check_tensors(path, settings, shapes, dtypes)
            tensors = {name: file.get_tensor(name) for name in names}
    except OSError as error:
        raise ForecastError(f"{path}: expected a model file, got: {error.strerror or error}") from error
    except safetensors.SafetensorError as error:
        raise ForecastError(
            f"{path}: expected a whole .safetensors file, got one that does not read: {error}"
        ) from error
    return Saved(_forecaster(path, settings, scaling, tensors), series)


def _description(path: str | Path, metadata: dict[str, str]) -> tuple[Settings, Scaling, str]:
    if FORMAT not in metadata:
        raise ForecastError(f"{path}: expected a model written by gatewise forecast, got another .safetensors file")
    try:
        description: dict[str, Any] = json.loads(metadata[FORMAT])
        version = description.pop("version")
        if version != VERSION:
            raise ForecastError(f"format version {version!r} instead of {VERSION}; a newer gatewise may read it")
        scale, series = description.pop("scale"), description.pop("series")
        settings = Settings(**{item.name: description.pop(item.name) for item in fields(Settings)})
    except KeyError as error:
        raise ForecastError(
            f"{path}: expected the settings of a forecaster in the metadata, got none for {error}"
        ) from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:  # ForecastError is a ValueError
        raise ForecastError(f"{path}: expected the settings of a forecaster in the metadata, got: {error}") from error
    if description:
        raise ForecastError(
            f"{path}: expected the settings of a forecaster in the metadata, got also {list(description)}"
        )
    if not isinstance(scale, float) or not (math.isfinite(scale) and scale > 0.0) or not isinstance(series, str):
        raise ForecastError(f"{path}: expected a finite scale > 0 and a series' name, got {scale!r} and {series!r}")
    return settings, Scaling(scale), series


def _check_tensors(path: str | Path, settings: Settings, shapes: dict[str, tuple[int, ...]], dtypes: set[str]) -> None:
    """Sizes that the metadata claims are believed, and memory is taken, only where the tensors bear them out."""
    if dtypes != {"F32"}:
        raise ForecastError(f"{path}: expected tensors of F32, got {', '.join(sorted(dtypes)) or 'no tensors'}")
    if len(shapes) != 4 * settings.num_layers + 2:
        raise ForecastError(
            f"{path}: expected {4 * settings.num_layers + 2} tensors for num_layers {settings.num_layers}, "
            f"got {len(shapes)}"
        )
    hidden, rows = settings.hidden_size, GATES[settings.cell] * settings.hidden_size
    expected: dict[str, tuple[int, ...]] = {"head.weight": (settings.horizon, hidden), "head.bias": (settings.horizon,)}
    for layer in range(settings.num_layers):
        expected[f"net.weight_ih_l{layer}"] = (rows, 1 if layer == 0 else hidden)
        expected[f"net.weight_hh_l{layer}"] = (rows, hidden)
        expected[f"net.bias_ih_l{layer}"] = expected[f"net.bias_hh_l{layer}"] = (rows,)
    for name, shape in expected.items():
        if shapes.get(name) != shape:
            raise ForecastError(f"{path}: expected {name} of shape {shape}, got {shapes.get(name, 'none')}")


def _forecaster(path: str | Path, settings: Settings, scaling: Scaling, tensors: dict[str, Array]) -> Forecaster:
    for name, value in tensors.items():
        if not np.isfinite(value).all():
            raise ForecastError(f"{path}: expected finite numbers in {name}, got others")
    forecaster = Forecaster(settings, scaling)
    forecaster.assign(tensors)
    return forecaster
