"""Forecasting: reading series, windows and scales, Adam, exact gradients, training without peeking, model files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pandas", reason='forecasting reads CSV files by pandas: pip install "gatewise[forecast]"')
pytest.importorskip("safetensors", reason='model files are safetensors: pip install "gatewise[forecast]"')

from safetensors.numpy import save as to_safetensors

import gatewise as gw
from gatewise import forecasting
from gatewise._files import replace_file
from gatewise.forecasting import Forecaster, ForecastError, Series
from gatewise.forecasting.baselines import evaluate
from gatewise.forecasting.windows import Scaling, Split, targets, windows


def wave(length: int) -> np.ndarray:
    """A season of 12, a drift, and noise."""
    rows = np.arange(length)
    noise = np.random.default_rng(0).standard_normal(length)
    values: np.ndarray = np.sin(2 * np.pi * rows / 12) + 0.01 * rows + 0.1 * noise
    return values


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "series.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# Reading


def test_the_bundled_series_is_whole() -> None:
    series = forecasting.bundled()
    assert len(series) == 61 * 12
    assert series.labels(0, 2) == ["1950-01", "1950-02"]
    assert series.labels(731, 734) == ["2010-12", "2011-01", "2011-02"]
    assert series.season == 12
    np.testing.assert_array_equal(series.values[[0, 1, -1]], [23.11, 24.20, 22.07])


@pytest.mark.parametrize(
    ("text", "options", "values", "labels"),
    [
        ("v\n1\n2.5\n-3e2\n", {}, [1, 2.5, -300], ["1", "2", "3"]),
        ("day;v\n2024-01-01;1\n2024-01-02;2\n\n\n", {}, [1, 2], ["2024-01-01", "2024-01-02"]),
        ("v\tday\n1\t2024-01-01 10:00\n2\t2024-01-01 11:00\n", {}, [1, 2], ["2024-01-01T10:00", "2024-01-01T11:00"]),
        ("\ufeffv\n1\n", {"column": "v"}, [1], ["1"]),
        ("\ufeffmonth, v \n1999-12, 1 \n2000-01, 2 \n", {}, [1, 2], ["1999-12", "2000-01"]),
        ("year,a,b\n1999,1,10\n2000,2,20\n", {"column": "b", "date_column": "year"}, [10, 20], ["1999-01", "2000-01"]),
        ("a,b,c\n1,x,10\n2,y,20\n", {"prefer": "c"}, [10, 20], ["1", "2"]),
        ("t,v\n2024-03-01T00:00:00+01:00,1\n2024-03-01T01:00:00+01:00,2\n", {}, [1, 2],
         ["2024-02-29T23:00", "2024-03-01T00:00"]),
    ],
)  # fmt: skip
def test_csv(tmp_path: Path, text: str, options: dict[str, str], values: list[float], labels: list[str]) -> None:
    series = forecasting.read_csv(write(tmp_path, text), **options)
    np.testing.assert_array_equal(series.values, values)
    assert series.labels(0, len(series)) == labels


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "expected a CSV file with a header line, got an empty file"),
        ("v\n", {}, "expected rows of values below the header, got none"),
        ("v\n\n\n", {}, "expected rows of values below the header, got none"),
        ("v\n1\nfive\n3\n", {}, r"v, row 2: expected a finite number, got 'five'"),
        ("v\n1\n2\ninf\n", {}, r"v, row 3: expected a finite number, got 'inf'"),
        ("v,w\n1,a\n,b\n3,c\n", {}, r"v, row 2: expected a number, got a gap \(''\)"),
        ("v\n1\nNaN\n3\n", {}, r"v, row 2: expected a number, got a gap \('NaN'\)"),
        ("v\n1\n\n3\n", {}, r"v, row 2: expected a number, got a gap"),
        ("a,b\n1,2\n3,4\n", {}, "expected a column of numbers to be named, since several are: 'a', 'b'"),
        ("a,b\nx,y\n", {}, "expected a column of numbers to be named, since none is: 'a', 'b'"),
        ("a,b\n1,2\n", {"column": "c"}, "--column: expected one of 'a', 'b', got 'c'"),
        ("a,b\n1,2\n", {"date_column": "c"}, "--date-column: expected one of 'a', 'b', got 'c'"),
        ("d,v\n2024-01-01,1\nsoon,2\n2024-01-03,2\n", {}, "d, row 2: expected a date such as 2001-12-31, got 'soon'"),
        ("d,v\n2024-01-02,1\n2024-01-02,2\n", {}, "d, row 2: expected a date after 2024-01-02, got 2024-01-02"),
        ("d,v\n2024-01-01,12,5\n2024-01-02,13,5\n", {}, "expected as many fields in every row as in the header"),
        ("d,v\n2024-01-01,12\n2024-01-02,13,5\n", {}, "expected as many fields in every row as in the header"),
        (b"v\n1\n\xff\n", {}, "expected text in UTF-8, got the byte 0xff"),
    ],
)
def test_csv_errors(tmp_path: Path, text: str | bytes, options: dict[str, str], message: str) -> None:
    with pytest.raises(ForecastError, match=message):
        forecasting.read_csv(write(tmp_path, text), **options)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ForecastError, match=r"nowhere\.csv: expected a CSV file, got: No such file"):
        forecasting.read_csv(tmp_path / "nowhere.csv")
    with pytest.raises(ForecastError, match="expected a CSV file, got: Is a directory"):
        forecasting.read_csv(tmp_path)


@pytest.mark.parametrize(
    ("step", "season"), [("1h", 24), ("15min", 96), ("1D", 7), ("7D", 52), ("MS", 12), ("ME", 12), ("QS", 4), ("YS", 1)]
)
def test_season_and_following_dates(step: str, season: int) -> None:
    import pandas as pd

    index = pd.date_range("2001-01-01", periods=210, freq=step)
    dates = index.values.astype("datetime64[us]")
    series = Series(np.zeros(200), dates=dates[:200])
    assert series.season == season
    np.testing.assert_array_equal(series.axis(210), dates)


def test_dates_at_uneven_steps_go_on_by_the_median_step() -> None:
    dates = np.array(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-08"], "datetime64[us]")
    assert Series(np.zeros(4), dates=dates).labels(4, 6) == ["2024-01-09", "2024-01-10"]


def test_dates_have_an_end() -> None:
    dates = np.array(["2001-01", "2001-02", "2001-03"], "datetime64[M]").astype("datetime64[us]")
    series = Series(np.zeros(3), dates=dates)
    assert series.labels(2000, 2001) == ["2167-09"]
    with pytest.raises(ForecastError, match="steps: expected dates up to the year 2250, got 100000 steps"):
        series.axis(100_003)


def test_series_refuses_what_is_not_finite() -> None:
    for value in (np.nan, np.inf, -1e141):
        with pytest.raises(
            ForecastError, match=re.escape(f"value, row 2: expected a number up to 1e+140, got {value}")
        ):
            Series(np.array([1.0, value]))
    with pytest.raises(ForecastError, match=r"values: expected \(N,\) float64, got \(2, 2\) float64"):
        Series(np.zeros((2, 2)))


# Windows, scales and the forecasts to beat


def test_windows_and_targets() -> None:
    values = np.arange(10.0)
    origins = np.array([3, 7])
    np.testing.assert_array_equal(windows(values, origins, 3), [[0, 1, 2], [4, 5, 6]])
    np.testing.assert_array_equal(targets(values, origins, 2), [[3, 4], [7, 8]])


@given(st.integers(1, 200), st.integers(1, 20), st.integers(1, 10))
def test_no_target_belongs_to_two_parts(length: int, window: int, horizon: int) -> None:
    try:
        split = Split.of(length, window, horizon)
    except ForecastError:
        assert length - max(horizon, length // 7) < window + horizon
        return
    parts = [targets(np.arange(float(length)), origins, horizon) for origins in (split.train, split.validation)]
    rows = [set(part.ravel().tolist()) for part in parts]
    assert all(rows)
    assert split.train[0] >= window
    assert sorted(rows[0] | rows[1]) == list(range(window, length))
    assert max(rows[0]) < min(rows[1])


def test_naive_forecasts_by_hand() -> None:
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    origins = np.array([4, 5])
    np.testing.assert_array_equal(forecasting.naive(values, origins, 3), [[4, 4, 4], [5, 5, 5]])
    # Season 2: before row 4 the last season is 3, 4; before row 5 it is 4, 5.
    np.testing.assert_array_equal(forecasting.seasonal_naive(values, origins, 3, 2), [[3, 4, 3], [4, 5, 4]])
    np.testing.assert_array_equal(
        forecasting.seasonal_naive(values, origins, 3, 1), forecasting.naive(values, origins, 3)
    )


def test_errors_by_hand() -> None:
    truth, forecast = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[2.0, 2.0], [3.0, 1.0]])
    evaluation = forecasting.Evaluation(np.array([2, 3]), truth, {"x": forecast}, scale=0.5)
    assert evaluation.rmse("x") == np.sqrt((1 + 0 + 0 + 9) / 4)
    assert evaluation.mae("x") == (1 + 0 + 0 + 3) / 4
    assert evaluation.mase("x") == (1 + 0 + 0 + 3) / 4 / 0.5
    assert evaluation.smape("x") == 200 * (1 / 3 + 0 + 0 + 3 / 5) / 4
    np.testing.assert_array_equal(evaluation.rmse_by_step("x"), np.sqrt([1 / 2, 9 / 2]))
    assert evaluation.table() == {
        "x": {name: getattr(evaluation, name.lower())("x") for name in ("RMSE", "MAE", "MASE", "sMAPE")}
    }
    nothing = forecasting.Evaluation(np.array([2]), np.zeros((1, 2)), {"x": np.zeros((1, 2))}, scale=0.0)
    assert nothing.smape("x") == 0.0
    assert np.isnan(nothing.mase("x"))


def test_mase_divides_by_the_seasonal_difference_before_the_first_origin() -> None:
    values = np.array([1.0, 5.0, 2.0, 7.0, 100.0, -100.0])
    evaluation = evaluate(values, np.array([4]), 2, np.zeros((1, 2)), "x")
    assert evaluation.scale == (1.0 + 2.0) / 2


def test_the_scale_is_the_naive_error() -> None:
    values = wave(100)
    origins = np.arange(1, 99)
    scaling = Scaling.of([values], 2)
    assert scaling.scale == np.sqrt(np.mean((targets(values, origins, 2) - forecasting.naive(values, origins, 2)) ** 2))


@given(st.floats(1e-6, 1e6), st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), st.floats(-1e6, 1e6))
def test_scaling_round_trip(scale: float, values: list[float], last: float) -> None:
    scaling, there, anchor = Scaling(scale), np.array([values]), np.array([last])
    back = scaling.invert(scaling.apply(there, anchor), anchor)
    # Four roundings: difference, quotient, product, sum; each of numbers no larger than |value| + 2 |last|.
    bound = 4 * np.finfo(float).eps * (np.abs(there) + 2 * abs(last))
    assert (np.abs(back - there) <= bound + np.finfo(float).tiny).all()


@pytest.mark.parametrize(("values", "found"), [(np.full(9, 5.0), "the constant 5.0"), (np.arange(9) * 1e200, "inf")])
def test_scale_of_hopeless_series(values: np.ndarray, found: str) -> None:
    with pytest.raises(ForecastError, match=found):
        Scaling.of([values], 2)


# Training


def fitted(values: Any, cell: str = "lstm", **options: Any) -> Forecaster:
    sizes = {"hidden_size": 4, "window": 12, "horizon": 3, "season": 12, "epochs": 3}
    return Forecaster(cell, **{**sizes, **options}).fit(values)


@pytest.mark.parametrize("mode", ["direct", "autoregressive"])
def test_training_repeats_to_the_bit(mode: str) -> None:
    first, second, other = (fitted(wave(150), mode=mode, seed=seed) for seed in (3, 3, 4))
    assert first.history.history == second.history.history != other.history.history
    np.testing.assert_array_equal(first.predict(7), second.predict(7))


@pytest.mark.parametrize("mode", ["direct", "autoregressive"])
def test_what_is_learnt_by_hand(mode: str) -> None:
    """The validation loss of the weights that were kept is that of their forecasts, in units of the scale."""
    values = wave(150)
    forecaster = fitted(
        values, mode=mode, epochs=60, lr=0.1, patience=10
    )  # so long a step that the losses rise and fall
    losses = forecaster.history.history["val_loss"]
    best = forecaster.history.best_epoch
    assert best is not None
    assert losses[best - 1] == min(losses)
    assert best < forecaster.history.epochs
    split = Split.of(150, 12, 3)
    last = values[split.validation - 1, None]
    if mode == "direct":
        forecast = forecaster.backtest(values, start=int(split.validation[0])).forecasts["LSTM"]
    else:  # with the true values for those that it would read of its own
        read = np.stack([values[origin - 12 : origin + 2] for origin in split.validation])
        x = ((read - last) / forecaster.scaling.scale)[..., None].astype(np.float32)
        forecast = forecaster.model.predict(x)[:, 11:, 0] * forecaster.scaling.scale + last
    difference = forecast - targets(values, split.validation, 3)
    loss = np.mean(difference**2) / forecaster.scaling.scale**2
    # Targets and forecasts, of the size of 1, were rounded to float32: each difference by up to 4 halves of eps.
    bound = 4 * np.finfo(np.float32).eps * np.mean(np.abs(difference)) * 2 / forecaster.scaling.scale
    assert abs(loss - losses[best - 1]) <= bound + 20 * np.finfo(np.float32).eps * loss


def test_training_stops_after_patience() -> None:
    forecaster = fitted(wave(150), epochs=200, lr=0.3, patience=2)
    assert forecaster.history.best_epoch is not None
    assert forecaster.history.epochs == forecaster.history.best_epoch + 2 < 200


def test_divergence_is_told() -> None:
    with pytest.raises(ForecastError, match=r"lr: expected a step size that converges; with 1e\+30 epoch 1 diverged"):
        fitted(wave(150), lr=1e30)


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
    """Each value is what the model says when it reads the window and all earlier forecasts as one sequence."""
    values = wave(150)
    forecaster = fitted(values, cell, mode="autoregressive")
    scale, last = forecaster.scaling.scale, values[-1]
    read = list((values[-12:] - last) / scale)
    for found in forecaster.predict(6):
        expected = float(forecaster.model.predict(np.array(read, np.float32)[None, :, None])[0, -1, 0])
        # The head's sums of 4 products are NumPy's, and rounded in another order for another number of steps; later
        # steps read what that made of the value.
        assert abs(found - (expected * scale + last)) <= 32 * np.finfo(np.float32).eps * scale
        read.append(expected)


def test_the_series_that_is_forecast_may_be_another() -> None:
    values = wave(150)
    forecaster = fitted(values)
    np.testing.assert_array_equal(forecaster.predict(3), forecaster.predict(3, values[-12:]))
    for wrong, n, message in (
        (values[:11], 1, "expected at least one window of 12 values, got 11"),
        (values, 0, "steps: expected an integer >= 1, got 0"),
        (values * 1e100, 1, "expected values of a size like those the model was trained on"),
        (values[:, None], 1, r"series: expected \(N,\) numbers, got \(150, 1\) of float64"),
        (["a"] * 20, 1, r"series: expected \(N,\) numbers, got \(20,\) of <U1"),
    ):
        with pytest.raises(ForecastError, match=message):
            forecaster.predict(n, wrong)
    with pytest.raises(ForecastError, match="forecaster: expected one that is fitted"):
        Forecaster().predict(1)


def test_pandas_keep_their_dates_and_name() -> None:
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
    with pytest.raises(ForecastError, match="units: expected dates one after another"):
        forecaster.predict(1, months[::-1])


def test_several_series_train_one_model() -> None:
    """It learns from the windows of all, which have one scale, and forecasts each as it would alone."""
    first, second = wave(150), 5 + 2 * wave(100)[::-1]
    forecaster = fitted([first, second])
    squares = [(targets(v, np.arange(1, len(v) - 2), 3) - v[:-3, None]) ** 2 for v in (first, second)]
    assert forecaster.scaling.scale == np.sqrt(np.mean(np.concatenate(squares)))
    assert forecaster.history.history != fitted(first).history.history
    forecasts = forecaster.predict(4)
    assert isinstance(forecasts, list)
    for series, forecast in zip((first, second), forecasts, strict=True):
        # The head's sums of 4 products are rounded in another order for another number of windows; the second horizon
        # reads what that made of the first.
        bound = 32 * np.finfo(np.float32).eps * forecaster.scaling.scale
        np.testing.assert_allclose(forecast, forecaster.predict(4, series), rtol=0, atol=bound)
    assert forecaster.backtest(first, start=130).truth.shape == (18, 3)
    with pytest.raises(ForecastError, match=r"series: expected \(N,\) numbers, got a list of several"):
        forecaster.backtest(first)
    short = [first, first[:10]]
    with pytest.raises(ForecastError, match="series: expected more rows for window 12, horizon 3, got 10"):
        fitted(short)


def test_covariates_of_several_series() -> None:
    """One for each or one for all; what belongs to another series is not read."""
    hint = np.random.default_rng(0).standard_normal((2, 200))
    values = [np.concatenate([[0.0], 8 * row[:-1]]) for row in hint]
    options: dict[str, Any] = {"hidden_size": 8, "window": 4, "horizon": 1, "epochs": 40}
    forecaster = Forecaster(**options).fit([v[:150] for v in values], [row[:150] for row in hint])
    for series, row in zip(values, hint, strict=True):
        errors = forecaster.backtest(series, row, start=150)
        assert errors.rmse("LSTM") < errors.rmse("naive") / 4
    shared = Forecaster(**options).fit([v[:150] for v in values], hint[0, :150])
    assert shared.backtest(values[0], hint[0], start=150).rmse("LSTM") > 1.0  # it tells of one of the two alone
    for wrong, message in (
        ([hint[0]], "past_covariates: expected 2, one for each series, got 1"),
        ([hint[0], hint.T], "past_covariates: expected 1 for each series, as for the first, got others"),
    ):
        with pytest.raises(ForecastError, match=message):
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


def test_what_was_given_may_change_afterwards() -> None:
    values = wave(150)
    forecaster = fitted(values)
    before = forecaster.predict(3)
    values[:] = 0.0
    np.testing.assert_array_equal(forecaster.predict(3), before)


def test_covariates_are_read() -> None:
    """What tells of the next value makes the forecast far better; a forecast reads none behind its origin."""
    rng = np.random.default_rng(0)
    hint = rng.standard_normal(300)
    values = 50 + np.concatenate([[0.0], 8 * hint[:-1]])
    options: dict[str, Any] = {"hidden_size": 8, "window": 4, "horizon": 1, "epochs": 60}
    blind = Forecaster(**options).fit(values[:250])
    seeing = Forecaster(**options).fit(values[:250], 1000 + 100 * hint[:250])
    assert seeing.scaling.means[0] == pytest.approx(1000, abs=30)
    errors = [f.backtest(values, c).rmse("LSTM") for f, c in ((blind, None), (seeing, 1000 + 100 * hint))]
    assert errors[1] < errors[0] / 5
    beside = 1000 + 100 * hint
    changed = beside.copy()
    changed[280:] = 0.0
    before, after = (seeing.backtest(values, c).forecasts["LSTM"] for c in (beside, changed))
    np.testing.assert_array_equal(before[:31], after[:31])  # origins 250 to 280
    assert (before[31:] != after[31:]).all()
    longer = seeing.predict(3, values, np.append(beside, [1000.0, 900.0]))
    np.testing.assert_array_equal(longer[:1], seeing.predict(1, values, beside))
    with pytest.raises(ForecastError, match="past_covariates: expected 302 rows, 2 behind the series, for 3 steps"):
        seeing.predict(3, values, beside)
    for wrong, message in (
        (None, "past_covariates: expected 1, as in fit, got 0"),
        (np.zeros((300, 2)), "past_covariates: expected 1, as in fit, got 2"),
        (beside[:299], r"past_covariates: expected at least 300 rows of numbers, \(N,\) or \(N, C\), got \(299, 1\)"),
        (beside * np.nan, "past_covariates: expected finite numbers, got NaN or infinity"),
    ):
        with pytest.raises(ForecastError, match=message):
            seeing.predict(1, values, wrong)
    with pytest.raises(ForecastError, match="past_covariates: expected none with mode 'autoregressive'"):
        Forecaster(mode="autoregressive").fit(values, beside)


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
        # The head's sums of 4 products are rounded in another order for another number of windows.
        bound = 8 * np.finfo(np.float32).eps * forecaster.scaling.scale
        np.testing.assert_allclose(forecast, forecaster.predict(3, values[:origin]), rtol=0, atol=bound)
    np.testing.assert_array_equal(evaluation.truth[0], values[60:63])
    for options, message in (
        ({"start": 148}, "series: expected a horizon of 3 values behind row 148, got 150 in all"),
        ({"start": 12}, "start: expected at least 13 rows before the first origin, got 12"),
        ({"stride": 0}, "stride: expected an integer >= 1, got 0"),
    ):
        with pytest.raises(ForecastError, match=message):
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
        (lambda: Forecaster(epochs=0), "epochs: expected an integer >= 1, got 0"),
        (lambda: Forecaster(seed=-1), "seed: expected an integer >= 0, got -1"),
        (lambda: Forecaster(lr=float("nan")), "lr: expected a number > 0, got nan"),
        (lambda: Forecaster(lr=float("inf")), "lr: expected a finite number, got inf"),
        (lambda: Forecaster(clip=0.0), "clip: expected a number > 0, got 0.0"),
        (lambda: Split.of(18, 10, 5), "got 18: without 5 rows to validate, 13 are left to train on"),
    ],
)
def test_bad_options(make: Any, message: str) -> None:
    with pytest.raises(ForecastError, match=message):
        make()


# Model files


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    Forecaster(hidden_size=2, window=4, horizon=2, epochs=1).fit(Series(wave(60), "°C"), wave(60)).save(path)
    return path


@pytest.mark.parametrize("mode", ["direct", "autoregressive"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_saved_forecaster_forecasts_the_same(tmp_path: Path, cell: str, mode: str) -> None:
    forecaster = fitted(Series(wave(150), "sales [$]"), cell, num_layers=2, mode=mode)
    forecaster.save(tmp_path / "m")
    loaded = Forecaster.load(tmp_path / "m")
    assert (loaded.series, loaded.series_name) == (None, "sales [$]")
    assert loaded.settings == forecaster.settings
    assert loaded.scaling == forecaster.scaling
    np.testing.assert_array_equal(loaded.predict(10, wave(150)), forecaster.predict(10))
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()
    with pytest.raises(ForecastError, match="series: expected one, since a loaded forecaster has none of its own"):
        loaded.predict(1)
    with pytest.raises(ForecastError, match="start: expected the first origin, as a loaded forecaster has no series"):
        loaded.backtest(wave(150))


def test_covariates_have_their_names_in_the_file(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    beside = pandas.DataFrame({"price": wave(60), "week": np.arange(60)})
    forecaster = Forecaster(hidden_size=2, window=4, horizon=2, epochs=1).fit(wave(60), beside)
    forecaster.save(tmp_path / "m")
    loaded = Forecaster.load(tmp_path / "m")
    assert loaded.covariate_names == ("price", "week")
    np.testing.assert_array_equal(loaded.predict(2, wave(60), beside), forecaster.predict(2))


def rewritten(path: Path, change: Any) -> None:
    """Write the model anew after `change(note)` has changed what it says of the forecaster."""
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
        (lambda note: note.update(hidden_size=10**12), "expected a model that its settings describe"),
        (lambda note: note.update(cell="gru"), "expected a model that its settings describe"),
        (lambda note: note.update(mode="autoregressive"), "expected a model that its settings describe"),
        (lambda note: note.update(horizon=3), "expected a model that its settings describe"),
        (lambda note: note.update(series=5), "series, covariates: expected names, got 5"),
        (lambda note: note.update(covariates=[None]), "series, covariates: expected names"),
    ],
)
def test_a_file_that_does_not_fit_is_told(model: Path, change: Any, message: str) -> None:
    rewritten(model, change)
    with pytest.raises(ForecastError, match=message):
        Forecaster.load(model)


def test_weights_that_are_no_numbers_are_told(model: Path) -> None:
    saved = gw.load(model)
    saved.flat_params[3] = np.nan
    saved.save(model)
    with pytest.raises(ForecastError, match="expected finite numbers in the model, got others"):
        Forecaster.load(model)


def test_a_foreign_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(to_safetensors({"x": np.zeros(3)}))
    with pytest.raises(ForecastError, match="expected a model written by gatewise, got another"):
        Forecaster.load(path)
    gw.Sequential(gw.Linear(2, 2)).save(path)
    with pytest.raises(ForecastError, match=r"expected a forecaster's model, got another: Sequential\(Linear"):
        Forecaster.load(path)
    with pytest.raises(ForecastError, match=r"nowhere: expected a model file, got: No such file or directory"):
        Forecaster.load(tmp_path / "nowhere")
    with pytest.raises(ForecastError, match="expected a model file, got: Is a directory"):
        Forecaster.load(tmp_path)


def test_a_crash_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    replace_file(path, b"before")

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    for step in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(f"os.{step}", interrupted)
            with pytest.raises(KeyboardInterrupt):
                replace_file(path, b"after")
        assert path.read_bytes() == b"before"
        assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    replace_file(path, b"after")
    assert path.read_bytes() == b"after"
