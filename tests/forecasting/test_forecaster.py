"""Forecaster: training, forecasts of one series or several, covariates, and backtests that never read ahead."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pandas", reason='forecasting reads CSV files by pandas: pip install "gatewise[forecast]"')

from gatewise import forecasting
from gatewise.forecasting import Forecaster, InputError
from gatewise.forecasting.windows import Split, targets
from series import fitted, wave

# Training


@pytest.mark.parametrize("mode", ["direct", "autoregressive"])
def test_training_is_repeatable_bit_for_bit(mode: str) -> None:
    first, second, other = (fitted(wave(150), mode=mode, seed=seed) for seed in (3, 3, 4))
    assert first.history.history == second.history.history != other.history.history
    np.testing.assert_array_equal(first.predict(7), second.predict(7))


@pytest.mark.parametrize("mode", ["direct", "autoregressive"])
def test_the_kept_validation_loss_is_that_of_the_forecasts(mode: str) -> None:
    """It is the mean squared error of the forecasts that the kept weights make, in units of the scale."""
    values = wave(150)
    # With so high a learning rate, the losses rise and fall.
    forecaster = fitted(values, mode=mode, epochs=60, lr=0.1, patience=10)
    losses = forecaster.history.history["val_loss"]
    best = forecaster.history.best_epoch
    assert best is not None
    assert losses[best - 1] == min(losses)
    assert best < forecaster.history.epochs
    split = Split.of(150, 12, 3)
    last = values[split.validation - 1, None]
    if mode == "direct":
        forecast = forecaster.backtest(values, start=int(split.validation[0])).forecasts["LSTM"]
    else:  # the model reads true values where a forecast would read its own
        read = np.stack([values[origin - 12 : origin + 2] for origin in split.validation])
        x = ((read - last) / forecaster.scaling.scale)[..., None].astype(np.float32)
        forecast = forecaster.model.predict(x)[:, 11:, 0] * forecaster.scaling.scale + last
    difference = forecast - targets(values, split.validation, 3)
    loss = np.mean(difference**2) / forecaster.scaling.scale**2
    # Targets and forecasts of about size 1 were rounded to float32: each difference is off by up to 4 eps / 2.
    bound = 4 * np.finfo(np.float32).eps * np.mean(np.abs(difference)) * 2 / forecaster.scaling.scale
    assert abs(loss - losses[best - 1]) <= bound + 20 * np.finfo(np.float32).eps * loss


def test_training_stops_after_patience() -> None:
    forecaster = fitted(wave(150), epochs=200, lr=0.3, patience=2)
    assert forecaster.history.best_epoch is not None
    assert forecaster.history.epochs == forecaster.history.best_epoch + 2 < 200


def test_divergence_is_an_error() -> None:
    with pytest.raises(InputError, match=r"lr: training with 1e\+30 diverged in epoch 1; try a smaller learning rate"):
        fitted(wave(150), lr=1e30)


def test_a_fit_that_fails_leaves_the_forecaster_as_it_was() -> None:
    forecaster = Forecaster(window=12, horizon=3, lr=1e30)
    with pytest.raises(InputError, match="diverged"):
        forecaster.fit(wave(150))
    with pytest.raises(InputError, match=r"^call fit\(\) first$"):
        forecaster.predict(1)
    forecaster = fitted(wave(150))
    before, history = forecaster.predict(3), forecaster.history
    forecaster.training = replace(forecaster.training, lr=1e30)
    with pytest.raises(InputError, match="diverged"):
        forecaster.fit(1000 * wave(120))
    np.testing.assert_array_equal(forecaster.predict(3), before)
    assert forecaster.history is history


# Forecasts


def test_a_longer_direct_forecast_reads_its_own_values() -> None:
    values = wave(150)
    forecaster = fitted(values)
    first = forecaster.predict(3)
    second = forecaster.predict(3, np.concatenate([values, first]))
    np.testing.assert_array_equal(forecaster.predict(5), [*first, *second[:2]])
    np.testing.assert_array_equal(forecaster.predict(1), first[:1])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_an_autoregressive_forecast_carries_the_state(cell: str) -> None:
    """Each value is what the model predicts after reading the window and all earlier forecasts as one sequence."""
    values = wave(150)
    forecaster = fitted(values, cell, mode="autoregressive")
    scale, last = forecaster.scaling.scale, values[-1]
    read = list((values[-12:] - last) / scale)
    for found in forecaster.predict(6):
        expected = float(forecaster.model.predict(np.array(read, np.float32)[None, :, None])[0, -1, 0])
        # NumPy computes the sums of 4 products in the linear layer, in an order that depends on the number of steps.
        # Later steps read the value with this rounding error.
        assert abs(found - (expected * scale + last)) <= 32 * np.finfo(np.float32).eps * scale
        read.append(expected)


def test_another_series_can_be_forecast() -> None:
    values = wave(150)
    forecaster = fitted(values)
    np.testing.assert_array_equal(forecaster.predict(3), forecaster.predict(3, values[-12:]))
    for wrong, n, message in (
        (values[:11], 1, "expected at least one window of 12 values, got 11"),
        (values, 0, "steps: expected an integer >= 1, got 0"),
        (values * 1e100, 1, "expected values of about the size of those in fit, got a range of"),
        (values[:, None], 1, r"series: expected \(N,\) numbers, got \(150, 1\) of float64"),
        (["a"] * 20, 1, r"series: expected \(N,\) numbers, got \(20,\) of <U1"),
    ):
        with pytest.raises(InputError, match=message):
            forecaster.predict(n, wrong)
    with pytest.raises(InputError, match=r"^call fit\(\) first$"):
        Forecaster().predict(1)


def test_forecasts_of_pandas_series_have_dates_and_name() -> None:
    pandas = pytest.importorskip("pandas")
    months = pandas.Series(wave(150), pandas.date_range("2001-01", periods=150, freq="MS"), name="units")
    forecaster = fitted(months)
    forecast = forecaster.predict(4)
    assert list(forecast.index.strftime("%Y-%m")) == ["2013-07", "2013-08", "2013-09", "2013-10"]
    assert forecast.name == "units"
    np.testing.assert_array_equal(forecast.to_numpy(), fitted(wave(150)).predict(4))
    periods = fitted(months.to_period("M")).predict(4)
    assert (periods.index == forecast.index).all()
    counted = fitted(pandas.Series(wave(150))).predict(2)
    assert list(counted.index) == [150, 151]
    with pytest.raises(InputError, match="units: expected increasing dates"):
        forecaster.predict(1, months[::-1])


def test_several_series_train_one_model() -> None:
    """The model learns from the windows of all series, which share one scale, and forecasts each series as if alone."""
    first, second = wave(150), 5 + 2 * wave(100)[::-1]
    forecaster = fitted([first, second])
    squares = [(targets(v, np.arange(1, len(v) - 2), 3) - v[:-3, None]) ** 2 for v in (first, second)]
    assert forecaster.scaling.scale == np.sqrt(np.mean(np.concatenate(squares)))
    assert forecaster.history.history != fitted(first).history.history
    forecasts = forecaster.predict(4)
    assert isinstance(forecasts, list)
    for series, forecast in zip((first, second), forecasts, strict=True):
        # The order of the sums of 4 products in the linear layer depends on the number of windows. The second horizon
        # reads the first with this rounding error.
        bound = 32 * np.finfo(np.float32).eps * forecaster.scaling.scale
        np.testing.assert_allclose(forecast, forecaster.predict(4, series), rtol=0, atol=bound)
    assert forecaster.backtest(first, start=130).truth.shape == (18, 3)
    with pytest.raises(InputError, match="series: expected one series, got 2"):
        forecaster.backtest([first, second], start=130)
    with pytest.raises(InputError, match=r"start: give the first origin, since fit\(\) was given several series"):
        forecaster.backtest(first)
    short = [first, first[:10]]
    with pytest.raises(InputError, match="the series needs at least 18 rows for window 12, horizon 3; got 10"):
        fitted(short)


def test_covariates_of_several_series() -> None:
    """Each series has covariates of its own, or all share them. Covariates of another series are not read."""
    hint = np.random.default_rng(0).standard_normal((2, 200))
    values = [np.concatenate([[0.0], 8 * row[:-1]]) for row in hint]
    options: dict[str, Any] = {"hidden_size": 8, "window": 4, "horizon": 1, "epochs": 40}
    forecaster = Forecaster(**options).fit([v[:150] for v in values], [row[:150] for row in hint])
    for series, row in zip(values, hint, strict=True):
        errors = forecaster.backtest(series, row, start=150)
        assert errors.rmse("LSTM") < errors.rmse("naive") / 4
    shared = Forecaster(**options).fit([v[:150] for v in values], hint[0, :150])
    assert shared.backtest(values[0], hint[0], start=150).rmse("LSTM") > 1.0  # they are those of the first series alone
    for wrong, message in (
        ([hint[0]], "past_covariates: expected 2, one for each series, got 1"),
        ([hint[0], hint.T], "past_covariates: expected 1 for each series, as for the first, got 2"),
    ):
        with pytest.raises(InputError, match=message):
            Forecaster(**options).fit(values, wrong)


def test_the_columns_of_a_frame_are_series() -> None:
    pandas = pytest.importorskip("pandas")
    months = pandas.date_range("2001-01", periods=150, freq="MS")
    frame = pandas.DataFrame({"a": wave(150), "b": 3 - wave(150)}, months)
    forecaster = fitted(frame)
    forecast = forecaster.predict(2)
    assert list(forecast.columns) == ["a", "b"]
    assert list(forecast.index.strftime("%Y-%m")) == ["2013-07", "2013-08"]
    found = fitted([wave(150), 3 - wave(150)]).predict(2)
    np.testing.assert_array_equal(forecast.to_numpy(), np.stack(found, axis=1))
    assert forecaster.series_name == "a, b"
    single = fitted(frame[["a"]].iloc[:120])
    assert list(single.predict(2).columns) == ["a"]
    assert single.backtest(frame[["a"]]).origins[0] == 120
    np.testing.assert_array_equal(single.predict(2)["a"].to_numpy(), fitted(wave(150)[:120]).predict(2))


def test_the_series_can_change_after_fit() -> None:
    values = wave(150)
    forecaster = fitted(values)
    before = forecaster.predict(3)
    values[:] = 0.0
    np.testing.assert_array_equal(forecaster.predict(3), before)


def test_covariates_are_read() -> None:
    """A covariate that predicts the next value makes the forecast far better. None is read after the origin."""
    rng = np.random.default_rng(0)
    hint = rng.standard_normal(300)
    values = 50 + np.concatenate([[0.0], 8 * hint[:-1]])
    options: dict[str, Any] = {"hidden_size": 8, "window": 4, "horizon": 1, "epochs": 60}
    blind = Forecaster(**options).fit(values[:250])
    seeing = Forecaster(**options).fit(values[:250], 1000 + 100 * hint[:250])
    assert seeing.scaling.means[0] == pytest.approx(1000, abs=30)
    errors = [f.backtest(values, c).rmse("LSTM") for f, c in ((blind, None), (seeing, 1000 + 100 * hint))]
    assert errors[1] < errors[0] / 5
    covariates = 1000 + 100 * hint
    changed = covariates.copy()
    changed[280:] = 0.0
    before, after = (seeing.backtest(values, c).forecasts["LSTM"] for c in (covariates, changed))
    np.testing.assert_array_equal(before[:31], after[:31])  # origins 250 to 280
    assert (before[31:] != after[31:]).all()
    longer = seeing.predict(3, values, np.append(covariates, [1000.0, 900.0]))
    np.testing.assert_array_equal(longer[:1], seeing.predict(1, values, covariates))
    with pytest.raises(
        InputError, match="past_covariates: expected 302 rows, 2 of them after the end of the series, for 3 steps"
    ):
        seeing.predict(3, values, covariates)
    for wrong, message in (
        (None, "past_covariates: expected 1, as in fit, got 0"),
        (np.zeros((300, 2)), "past_covariates: expected 1, as in fit, got 2"),
        (
            covariates[:299],
            r"past_covariates: expected at least 300 rows of numbers, \(N,\) or \(N, C\), got \(299, 1\)",
        ),
        (covariates * np.nan, "past_covariates: expected finite numbers, got NaN or infinity"),
    ):
        with pytest.raises(InputError, match=message):
            seeing.predict(1, values, wrong)
    with pytest.raises(InputError, match="past_covariates: expected none with mode 'autoregressive'"):
        Forecaster(mode="autoregressive").fit(values, covariates)


# Backtests


@pytest.mark.parametrize("mode", ["direct", "autoregressive"])
def test_backtests_never_see_the_future(mode: str) -> None:
    values = wave(150)
    changed = values.copy()
    changed[140:] = 1000.0 * np.arange(10)
    first, second = (fitted(series[:130], mode=mode).backtest(series) for series in (values, changed))
    assert list(first.origins) == list(range(130, 148))
    before, after = first.forecasts["LSTM"], second.forecasts["LSTM"]
    np.testing.assert_array_equal(before[:11], after[:11])  # origins 130 to 140
    assert (before[11:] != after[11:]).all()


def test_backtests_are_predictions_from_rolling_origins() -> None:
    values = wave(150)
    forecaster = fitted(values[:100])
    evaluation = forecaster.backtest(values, start=60, stride=7)
    assert list(evaluation.origins) == list(range(60, 148, 7))
    for origin, forecast in zip(evaluation.origins, evaluation.forecasts["LSTM"], strict=True):
        # The order of the sums of 4 products in the linear layer depends on the number of windows.
        bound = 8 * np.finfo(np.float32).eps * forecaster.scaling.scale
        np.testing.assert_allclose(forecast, forecaster.predict(3, values[:origin]), rtol=0, atol=bound)
    np.testing.assert_array_equal(evaluation.truth[0], values[60:63])
    for options, message in (
        ({"start": 148}, "series: expected a horizon of 3 values from row 148 on, got 150 values in all"),
        ({"start": 12}, "start: expected at least 13 rows before the first origin, got 12"),
        ({"stride": 0}, "stride: expected an integer >= 1, got 0"),
    ):
        with pytest.raises(InputError, match=message):
            forecaster.backtest(values, **options)


@pytest.mark.parametrize("mode", ["direct", "autoregressive"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_bundled_series_is_forecast_better_than_naive(cell: str, mode: str) -> None:
    series = forecasting.bundled()
    evaluation = Forecaster(cell, season=12, epochs=60, mode=mode).fit(series.head(610)).backtest(series)
    errors, name = evaluation.table(), cell.upper()
    assert evaluation.truth.shape == (117, 6)
    for other in ("naive", "seasonal naive"):
        assert all(errors[name][metric] < errors[other][metric] for metric in errors[name])


def test_the_plot_shows_past_and_forecast() -> None:
    pytest.importorskip("matplotlib")
    forecaster = fitted(wave(150))
    axes = forecaster.plot(5)
    past, further = axes.get_lines()
    np.testing.assert_array_equal(past.get_ydata(), wave(150)[-60:])
    np.testing.assert_array_equal(further.get_ydata(), [wave(150)[-1], *forecaster.predict(5)])
    assert list(further.get_xdata()) == list(range(150, 156))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Forecaster(cell="rnn"), "cell: expected lstm or gru, got 'rnn'"),
        (lambda: Forecaster(mode="both"), "mode: expected direct or autoregressive, got 'both'"),
        (lambda: Forecaster(window=0), "window: expected an integer >= 1, got 0"),
        (lambda: Forecaster(horizon=2.0), "horizon: expected an integer >= 1, got 2.0"),  # type: ignore[arg-type]
        (lambda: Forecaster(num_layers=True), "num_layers: expected an integer >= 1, got True"),
        (lambda: Forecaster(epochs=0), "epochs: expected an integer >= 1, got 0"),
        (lambda: Forecaster(seed=-1), "seed: expected an integer >= 0, got -1"),
        (lambda: Forecaster(lr=float("nan")), "lr: expected a number > 0, got nan"),
        (lambda: Forecaster(lr=float("inf")), "lr: expected a finite number, got inf"),
        (lambda: Forecaster(clip=0.0), "clip: expected a number > 0, got 0.0"),
        (lambda: Split.of(18, 10, 5), "the series needs at least 20 rows for window 10, horizon 5; got 18"),
    ],
)
def test_bad_options(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_integers_can_be_those_of_numpy() -> None:
    one = np.int64(1)
    forecaster = fitted(wave(150), hidden_size=4 * one, window=np.uint8(12), epochs=2 * one, seed=0 * one)
    assert asdict(forecaster.settings) == asdict(fitted(wave(150), epochs=2).settings)
    assert type(forecaster.settings.window) is int  # a uint8 would overflow
    np.testing.assert_array_equal(forecaster.predict(2 * one), forecaster.predict(2))
    assert len(forecaster.backtest(wave(150), start=140 * one, stride=2 * one).origins) == 4
    with pytest.raises(InputError, match=r"start: expected an integer >= 1, got 140\.0"):
        forecaster.backtest(wave(150), start=140.0)  # type: ignore[arg-type]
