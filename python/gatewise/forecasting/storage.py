"""A forecaster's file: that of its model, with the forecaster's own settings as a note in it."""

from __future__ import annotations

from dataclasses import asdict, fields
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

import gatewise as gw

from ..files.errors import InputError
from ..files.libraries import library
from ..models.storage import read_model
from .settings import CELLS, Settings
from .windows import Scaling

if TYPE_CHECKING:
    from .forecaster import Forecaster

NOTE = "forecaster"


def save(forecaster: Forecaster, path: str | PathLike[str]) -> None:
    """Write one that is fitted; see `Forecaster.save`."""
    library("safetensors", "forecast")
    note = {**asdict(forecaster.settings), **asdict(forecaster.scaling), "series": forecaster.series_name}
    note["covariates"] = forecaster.covariate_names
    forecaster.model.notes = {**forecaster.model.notes, NOTE: note}
    forecaster.model.save(path)


def load(path: str | PathLike[str]) -> tuple[Settings, Scaling, gw.Sequential, str, tuple[str, ...]]:
    """Settings, scaling, model, the series' name and the covariates' names; see `Forecaster.load`."""
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
        raise InputError(f"{path}: expected a model that its settings describe, {note}, got {model}")
    if not np.isfinite(model.flat_params).all():
        raise InputError(f"{path}: expected finite numbers in the model, got others")
    return settings, scaling, model, name, tuple(covariates)


def _fits(model: gw.Sequential, settings: Settings, covariates: int) -> bool:
    """Whether it is what `network.make` makes, values apart."""
    answers = settings.horizon if settings.mode == "direct" else 1
    layer, *middle, head = model.parts
    return (
        type(layer) is getattr(gw, CELLS[settings.cell])
        and (layer.input_size, layer.hidden_size, layer.num_layers)
        == (1 + covariates, settings.hidden_size, settings.num_layers)
        and [type(part) for part in middle] == ([gw.LastStep] if settings.mode == "direct" else [])
        and type(head) is gw.Linear
        and head.out_features == answers
    )
