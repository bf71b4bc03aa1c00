"""The file of a forecaster: that of its model, whose notes hold the rest."""

from __future__ import annotations

from dataclasses import asdict, fields
from os import PathLike

import numpy as np

from ..files.errors import InputError
from ..files.libraries import library
from ..files.suffixes import require_suffix
from ..models import storage
from ..models.loading import read_model
from ..models.sequential import Sequential
from .predictor import Predictor, build_model
from .scaling import Scaling
from .settings import Settings

NOTE = "forecaster"  # the key of a forecaster's settings in the notes


def save(predictor: Predictor, path: str | PathLike[str]) -> None:
    """Write the file; see `Forecaster.save`."""
    library("safetensors", "forecast")
    require_suffix("path", path, ".safetensors")
    note = {**asdict(predictor.settings), **asdict(predictor.scaling), "series": predictor.series_name}
    storage.write(predictor.model, path, notes={NOTE: {**note, "covariates": predictor.covariate_names}})


def load(path: str | PathLike[str]) -> Predictor:
    """Read and check the file; see `Forecaster.load`."""
    library("safetensors", "forecast")
    model = read_model(path)
    if not isinstance(model.notes.get(NOTE), dict):
        raise InputError(f"{path}: expected a forecaster's model, got another: {model}")
    note = dict(model.notes[NOTE])
    try:
        name, covariates = note.pop("series"), note.pop("covariates")
        scaling = Scaling.read({item.name: note.pop(item.name) for item in fields(Scaling)})
        settings = Settings(**note)
        if not all(isinstance(one, str) for one in (name, *covariates)):
            raise InputError(f"series, covariates: expected names, got {name!r} and {covariates!r}")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: expected the settings of a forecaster, got: {error}") from error
    if not _fits(model, settings, len(scaling.means)):
        raise InputError(f"{path}: expected the model that its settings describe, {note}, got {model}")
    if not np.isfinite(model.flat_params).all():
        raise InputError(f"{path}: expected finite parameters, got NaN or infinity")
    return Predictor(settings, scaling, model, name, tuple(covariates))


def _fits(model: Sequential, settings: Settings, covariates: int) -> bool:
    """Whether the model is what `build_model` builds for these settings, values apart."""
    layers = storage.describe(model)
    sizes = {
        "input_size": 1 + covariates,
        "hidden_size": settings.hidden_size,
        "num_layers": settings.num_layers,
        "out_features": settings.outputs,
    }
    # The sizes come first: a number in a file must not decide how much memory the comparison takes.
    same_sizes = sizes.items() <= {**layers[0], **layers[-1]}.items()
    return same_sizes and layers == storage.describe(build_model(settings, covariates, seed=0))
