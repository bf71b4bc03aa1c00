"""Forecasting: reading series, windows and scales, Adam, exact gradients, training without peeking, model files."""

from __future__ import annotations

import json
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

from gatewise import forecasting
from gatewise._files import replace_file
from gatewise.forecasting import Forecaster, ForecastError, Scaling, Series, Settings, Split, Training
from gatewise.forecasting.training import Adam, clip_by_norm
from gatewise.forecasting.windows import targets, windows

TINY = Settings(hidden_size=3, window=4, horizon=2)


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


@given(st.integers(1, 200), st.integers(1, 20), st.integers(1, 10), st.integers(1, 60))
def test_no_target_belongs_to_two_parts(length: int, window: int, horizon: int, held_out: int) -> None:
    try:
        split = Split.of(length, window, horizon, held_out)
    except ForecastError:
        rest = length - held_out
        assert held_out < horizon or rest - max(horizon, rest // 7) < window + horizon
        return
    parts = [targets(np.arange(float(length)), o, horizon) for o in (split.train, split.validation, split.held_out)]
    rows = [set(part.ravel().tolist()) for part in parts]
    assert all(rows)
    assert split.train[0] >= window
    assert sorted(rows[0] | rows[1] | rows[2]) == list(range(window, length))
    assert max(rows[0]) < min(rows[1])
    assert max(rows[1]) < min(rows[2]) == length - held_out


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
    evaluation = forecasting.Evaluation(np.array([2, 3]), truth, {"x": forecast})
    assert evaluation.rmse("x") == np.sqrt((1 + 0 + 0 + 9) / 4)
    assert evaluation.mae("x") == (1 + 0 + 0 + 3) / 4
    np.testing.assert_array_equal(evaluation.rmse_by_step("x"), np.sqrt([1 / 2, 9 / 2]))


def test_the_scale_is_the_naive_error() -> None:
    values = wave(100)
    origins = np.arange(1, 99)
    scaling = Scaling.of(values, 2)
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
        Scaling.of(values, 2)


# Adam and gradients


def test_adam_by_hand() -> None:
    adam = Adam(lr=0.1)
    one = adam.update({"p": np.array([1.0])}, {"p": np.array([2.0])})["p"][0]
    # The first step's moments are g and g^2, whatever the betas.
    assert one == pytest.approx(1 - 0.1 * 2 / (2 + 1e-8), rel=1e-15)
    two = adam.update({"p": np.array([one])}, {"p": np.array([-1.0])})["p"][0]
    # m = 0.9 * 0.2 - 0.1 = 0.08, v = 0.999 * 0.004 + 0.001 = 0.004996, corrected by 1 - 0.9^2 and 1 - 0.999^2.
    step = 0.1 * (0.08 / 0.19) / (np.sqrt(0.004996 / 0.001999) + 1e-8)
    # 1 - 0.999^2 loses three digits to cancellation.
    assert two == pytest.approx(one - step, rel=1e-12)


def test_clipping_keeps_the_direction() -> None:
    gradients = {"a": np.array([3.0, 0.0]), "b": np.array([[4.0]])}
    clipped = clip_by_norm(gradients, 1.0)
    np.testing.assert_allclose(clipped["a"], [0.6, 0.0], rtol=1e-15)
    np.testing.assert_allclose(clipped["b"], [[0.8]], rtol=1e-15)
    assert clip_by_norm(gradients, 5.0) is gradients


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gradients_of_network_and_head_by_central_differences(cell: str) -> None:
    settings = Settings(cell, hidden_size=3, num_layers=2, window=4, horizon=2)
    forecaster = Forecaster(settings, Scaling(1.0), seed=1, dtype=np.float64)
    rng = np.random.default_rng(2)
    x, target = rng.standard_normal((5, 4)), rng.standard_normal((5, 2))
    parameters = forecaster.parameters
    _, gradients = forecaster.loss_and_gradients(x, target)
    assert gradients.keys() == parameters.keys()
    # At h = eps^(1/3) rounding and the term of third order are both of the order of eps^(2/3); the loss and its third
    # derivatives are below 10 here.
    h = np.finfo(float).eps ** (1 / 3)
    tolerance = 10 * np.finfo(float).eps ** (2 / 3)
    for name, gradient in gradients.items():
        assert gradient.shape == parameters[name].shape
        for index in np.ndindex(gradient.shape):
            losses = []
            for shift in (h, -h):
                moved = {**parameters, name: parameters[name].copy()}
                moved[name][index] += shift
                forecaster.assign(moved)
                losses.append(float(np.mean((forecaster.scaled_forecast(x) - target) ** 2)))
            assert abs((losses[0] - losses[1]) / (2 * h) - gradient[index]) <= tolerance, (name, index)


# Training and forecasting


def trained(values: np.ndarray, cell: str = "lstm", seed: int = 0, epochs: int = 3) -> forecasting.Result:
    settings = Settings(cell, hidden_size=4, window=12, horizon=3, season=12)
    return forecasting.run(Series(values), settings, Training(epochs=epochs, seed=seed), holdout=20)


def test_training_repeats_to_the_bit() -> None:
    first, second, other = (trained(wave(150), seed=seed) for seed in (3, 3, 4))
    assert first.history == second.history != other.history
    np.testing.assert_array_equal(first.evaluation.forecasts["LSTM"], second.evaluation.forecasts["LSTM"])


def test_training_never_sees_the_held_out_end() -> None:
    values = wave(150)
    changed = values.copy()
    changed[-20:] = 1000.0 * np.arange(20)
    first, second = trained(values), trained(changed)
    assert first.history == second.history
    assert first.forecaster.scaling == second.forecaster.scaling
    for name, value in first.forecaster.parameters.items():
        np.testing.assert_array_equal(value, second.forecaster.parameters[name])
    # The first held-out forecast reads nothing of the end either; the last one does.
    before, after = (result.evaluation.forecasts["LSTM"] for result in (first, second))
    np.testing.assert_array_equal(before[0], after[0])
    assert (before[-1] != after[-1]).all()


def test_the_kept_weights_are_those_of_the_lowest_validation_loss() -> None:
    values, options = wave(150), Training(epochs=30, lr=0.3)  # a step so long that the losses rise and fall
    settings = Settings(hidden_size=4, window=12, horizon=3)
    split = Split.of(150, 12, 3, 20)
    forecaster = Forecaster(settings, Scaling.of(values[:130], 3), seed=0)
    history = forecasting.train(forecaster, values[:130], split, options)
    assert history.validation[history.best_epoch - 1] == min(history.validation) < history.validation[-1]
    x = windows(values, split.validation, 12)
    forecast, target = forecaster.predict(x), targets(values, split.validation, 3)
    difference = np.abs(forecast - target)
    loss = np.mean(difference**2) / forecaster.scaling.scale**2
    # Training rounded target and forecast, both from the window's last value, to float32, then squares and their mean,
    # which NumPy adds in 8 chains: 48 / 8 + 3 additions.
    size = np.abs(target - x[:, -1:]) + np.abs(forecast - x[:, -1:])
    roundings = 2 * np.mean(difference * size) / np.mean(difference**2) + 1 + 9 + 1
    assert loss == pytest.approx(history.best, rel=float(roundings * np.finfo(np.float32).eps))


def test_training_stops_after_patience() -> None:
    values = wave(150)
    settings = Settings(hidden_size=4, window=12, horizon=3)
    forecaster = Forecaster(settings, Scaling.of(values[:130], 3))
    seen: list[int] = []
    history = forecasting.train(
        forecaster,
        values[:130],
        Split.of(150, 12, 3, 20),
        Training(epochs=200, lr=0.3, patience=2),
        lambda so_far: seen.append(len(so_far.train)),
    )
    assert len(history.train) == history.best_epoch + 2 < 200
    assert seen == list(range(1, len(history.train) + 1))


def test_divergence_is_told() -> None:
    values = wave(150)
    with pytest.raises(ForecastError, match=r"lr: expected a step size that converges; with 1e\+30 epoch 1 diverged"):
        forecasting.run(Series(values), TINY, Training(lr=1e30), holdout=20)


def test_a_longer_forecast_reads_its_own_values() -> None:
    values = wave(30)
    forecaster = Forecaster(TINY, Scaling(1.0), seed=5)
    first = forecaster.predict(values[None, -4:])[0]
    second = forecaster.predict(np.concatenate([values, first])[None, -4:])[0]
    np.testing.assert_array_equal(forecaster.forecast(values, 3), [*first, second[0]])
    np.testing.assert_array_equal(forecaster.forecast(values, 1), first[:1])
    with pytest.raises(ForecastError, match="expected at least one window of 4 values, got 3"):
        forecaster.forecast(values[:3], 1)
    with pytest.raises(ForecastError, match="steps: expected an integer >= 1, got 0"):
        forecaster.forecast(values, 0)
    with pytest.raises(ForecastError, match="expected values of a size like those the model was trained on"):
        forecaster.forecast(values * 1e100, 1)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_bundled_series_is_forecast_better_than_naive(cell: str) -> None:
    result = forecasting.run(forecasting.bundled(), Settings(cell, season=12), Training(epochs=40), holdout=122)
    evaluation, name = result.evaluation, cell.upper()
    assert evaluation.truth.shape == (117, 6)
    for other in ("naive", "seasonal naive"):
        assert evaluation.rmse(name) < evaluation.rmse(other)
        assert evaluation.mae(name) < evaluation.mae(other)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Settings(cell="rnn"), "cell: expected lstm or gru, got 'rnn'"),
        (lambda: Settings(window=0), "window: expected an integer >= 1, got 0"),
        (lambda: Settings(horizon=2.0), "horizon: expected an integer >= 1, got 2.0"),  # type: ignore[arg-type]
        (lambda: Training(epochs=0), "epochs: expected an integer >= 1, got 0"),
        (lambda: Training(seed=-1), "seed: expected an integer >= 0, got -1"),
        (lambda: Training(lr=float("nan")), "lr: expected a number > 0, got nan"),
        (lambda: Training(lr=float("inf")), "lr: expected a finite number, got inf"),
        (lambda: Training(clip=0.0), "clip: expected a number > 0, got 0.0"),
        (lambda: Split.of(100, 10, 5, 4), "holdout: expected at least the horizon = 5 rows, got 4"),
        (lambda: Split.of(30, 10, 5, 12), "got 30: without the holdout and 5 rows to validate, 13 are left"),
        (
            lambda: forecasting.run(Series(wave(150)), Settings(window=4, season=131), Training(), 20),
            "season: expected at most the 130 rows before the holdout, got 131",
        ),
    ],
)
def test_bad_options(make: Any, message: str) -> None:
    with pytest.raises(ForecastError, match=message):
        make()


# Model files


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    forecasting.save(Forecaster(TINY, Scaling(0.1), seed=3), path, "°C")
    return path


def rewritten(path: Path, change: Any) -> None:
    """Write the model anew after `change(tensors, description)` has changed what it holds."""
    from safetensors import safe_open

    with safe_open(str(path), framework="np") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    description = json.loads(metadata["gatewise.forecaster"])
    change(tensors, description)
    path.write_bytes(to_safetensors(tensors, metadata={"gatewise.forecaster": json.dumps(description)}))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_saved_forecaster_forecasts_the_same(tmp_path: Path, cell: str) -> None:
    settings = Settings(cell, hidden_size=5, num_layers=2, window=7, horizon=3, season=12)
    forecaster = Forecaster(settings, Scaling(0.1), seed=1)
    forecasting.save(forecaster, tmp_path / "m", "sales [$]")
    saved = forecasting.load(tmp_path / "m")
    assert saved.series == "sales [$]"
    assert saved.forecaster.settings == settings
    assert saved.forecaster.scaling == forecaster.scaling
    np.testing.assert_array_equal(saved.forecaster.forecast(wave(40), 10), forecaster.forecast(wave(40), 10))


def test_every_cut_of_a_file_is_told(model: Path) -> None:
    whole = model.read_bytes()
    for length in range(len(whole)):
        model.write_bytes(whole[:length])
        with pytest.raises(ForecastError, match=r"expected a whole \.safetensors file"):
            forecasting.load(model)


def test_no_flipped_byte_of_the_header_is_more_than_an_error(model: Path) -> None:
    whole = model.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    refused = 0
    for place in range(header):
        for flip in (0x01, 0x10, 0x80):
            changed = bytearray(whole)
            changed[place] ^= flip
            model.write_bytes(changed)
            try:
                forecasting.load(model)
            except ForecastError:
                refused += 1
    assert refused > 2 * header  # the rest are letters and digits that stand for themselves, such as those of the name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t, d: d.update(version=2), "got: format version 2 instead of 1; a newer gatewise may read it"),
        (lambda t, d: d.pop("version"), "settings of a forecaster in the metadata, got none for 'version'"),
        (lambda t, d: d.pop("window"), "settings of a forecaster in the metadata, got none for 'window'"),
        (lambda t, d: d.update(window="4"), "window: expected an integer >= 1, got '4'"),
        (lambda t, d: d.update(lr=1.0), r"expected the settings of a forecaster in the metadata, got also \['lr'\]"),
        (lambda t, d: d.update(scale=0.0), "expected a finite scale > 0"),
        (lambda t, d: d.update(scale=float("nan")), "expected a finite scale > 0"),
        (lambda t, d: d.update(num_layers=10**12), "expected 4000000000002 tensors"),
        (lambda t, d: d.update(hidden_size=10**12), r"expected head.weight of shape \(2, 1000000000000\)"),
        (lambda t, d: d.update(cell="gru"), r"expected net.weight_ih_l0 of shape \(9, 1\), got \(12, 1\)"),
        (lambda t, d: t.pop("net.bias_hh_l0"), "expected 6 tensors for num_layers 1, got 5"),
        (lambda t, d: t.update(other=t.pop("head.bias")), r"expected head.bias of shape \(2,\), got none"),
        (lambda t, d: t.update({"head.bias": np.zeros((2, 1), np.float32)}), r"head.bias of shape \(2,\), got \(2, 1"),
        (lambda t, d: t.update({"head.bias": np.zeros(2)}), "expected tensors of F32, got F32, F64"),
        (lambda t, d: t["head.bias"].fill(np.nan), "expected finite numbers in head.bias"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_is_told(model: Path, change: Any, message: str) -> None:
    rewritten(model, change)
    with pytest.raises(ForecastError, match=message):
        forecasting.load(model)


@pytest.mark.parametrize("text", ["", "5", "[]", "{", "[" * 100_000])
def test_metadata_that_is_no_description_is_told(model: Path, text: str) -> None:
    model.write_bytes(to_safetensors({"x": np.zeros(3)}, metadata={"gatewise.forecaster": text}))
    with pytest.raises(ForecastError, match="expected the settings of a forecaster in the metadata"):
        forecasting.load(model)


def test_a_foreign_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(to_safetensors({"x": np.zeros(3)}))
    with pytest.raises(ForecastError, match="expected a model written by gatewise forecast, got another"):
        forecasting.load(path)
    with pytest.raises(ForecastError, match=r"nowhere: expected a model file, got: No such file or directory"):
        forecasting.load(tmp_path / "nowhere")
    with pytest.raises(ForecastError, match="expected a model file, got: Is a directory"):
        forecasting.load(tmp_path)


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
