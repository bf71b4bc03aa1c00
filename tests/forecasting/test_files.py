"""The file of a forecaster: forecasts survive it, and errors name what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pandas", reason='forecasting reads CSV files by pandas: pip install "gatewise[forecast]"')
pytest.importorskip("safetensors", reason='model files are safetensors: pip install "gatewise[forecast]"')

from safetensors.numpy import save as to_safetensors

import gatewise as gw
from gatewise.forecasting import Forecaster, InputError, Series
from series import fitted, wave


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    Forecaster(hidden_size=2, window=4, horizon=2, epochs=1).fit(Series(wave(60), "°C"), wave(60)).save(path)
    return path


@pytest.mark.parametrize("mode", ["direct", "autoregressive"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_saved_forecaster_forecasts_the_same(tmp_path: Path, cell: str, mode: str) -> None:
    forecaster = fitted(Series(wave(150), "sales [$]"), cell, num_layers=2, mode=mode)
    forecaster.save(tmp_path / "m.safetensors")
    loaded = Forecaster.load(tmp_path / "m.safetensors")
    assert (loaded.series, loaded.series_name) == (None, "sales [$]")
    assert loaded.settings == forecaster.settings
    assert loaded.scaling == forecaster.scaling
    np.testing.assert_array_equal(loaded.predict(10, wave(150)), forecaster.predict(10))
    loaded.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "m.safetensors").read_bytes()
    with pytest.raises(
        InputError, match="series: give the series to forecast, since a loaded forecaster does not have one"
    ):
        loaded.predict(1)
    with pytest.raises(InputError, match="start: give the first origin, since a loaded forecaster has no series"):
        loaded.backtest(wave(150))


def test_covariates_have_their_names_in_the_file(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    covariates = pandas.DataFrame({"price": wave(60), "week": np.arange(60)})
    forecaster = Forecaster(hidden_size=2, window=4, horizon=2, epochs=1).fit(wave(60), covariates)
    forecaster.save(tmp_path / "m.safetensors")
    loaded = Forecaster.load(tmp_path / "m.safetensors")
    assert loaded.covariate_names == ("price", "week")
    np.testing.assert_array_equal(loaded.predict(2, wave(60), covariates), forecaster.predict(2))


def rewrite(path: Path, change: Any) -> None:
    """Save the model again after `change(note)` has changed its note about the forecaster."""
    saved = gw.load(path)
    change(saved.notes["forecaster"])
    saved.save(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda note: note.clear(), "expected the settings of a forecaster, got: 'series'"),
        (lambda note: note.pop("scale"), "expected the settings of a forecaster, got: 'scale'"),
        (lambda note: note.update(window="4"), "window: expected an integer >= 1, got '4'"),
        (lambda note: note.update(other=1), "unexpected keyword argument 'other'"),
        (lambda note: note.update(scale=0.0), "scaling: expected as many means as spreads, and numbers > 0"),
        (lambda note: note.update(scale="1"), "scaling: expected finite numbers"),
        (lambda note: note.update(spreads=[]), "scaling: expected as many means as spreads"),
        (
            lambda note: note.update(means=[], spreads=[]),
            r"settings describe, .*, got .*LSTM\(2",
        ),
        (lambda note: note.update(hidden_size=10**12), "expected the model that its settings describe"),
        (lambda note: note.update(cell="gru"), "expected the model that its settings describe"),
        (lambda note: note.update(mode="autoregressive"), "expected the model that its settings describe"),
        (lambda note: note.update(horizon=3), "expected the model that its settings describe"),
        (lambda note: note.update(series=5), "series, covariates: expected names, got 5"),
        (lambda note: note.update(covariates=[None]), "series, covariates: expected names"),
    ],
)
def test_a_note_that_does_not_fit_the_model_is_an_error(model: Path, change: Any, message: str) -> None:
    rewrite(model, change)
    with pytest.raises(InputError, match=message):
        Forecaster.load(model)


def test_parameters_that_are_not_finite_are_an_error(model: Path) -> None:
    saved = gw.load(model)
    saved.flat_params[3] = np.nan
    saved.save(model)
    with pytest.raises(InputError, match="expected finite parameters, got NaN or infinity"):
        Forecaster.load(model)


def test_a_file_of_another_kind_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(to_safetensors({"x": np.zeros(3)}))
    with pytest.raises(InputError, match="expected a model written by gatewise, got another"):
        Forecaster.load(path)
    gw.Sequential(gw.Linear(2, 2)).save(path)
    with pytest.raises(InputError, match=r"expected a forecaster's model, got another: Sequential\(Linear"):
        Forecaster.load(path)
    with pytest.raises(InputError, match=r"nowhere: expected a model file, got: No such file or directory"):
        Forecaster.load(tmp_path / "nowhere")
    with pytest.raises(InputError, match="expected a model file, got: Is a directory"):
        Forecaster.load(tmp_path)
