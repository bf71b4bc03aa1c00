"""Series: CSV files, seasons, dates after the end, windows, scaling, and the naive forecasts."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pandas", reason='forecasting reads CSV files by pandas: pip install "gatewise[forecast]"')

from gatewise import forecasting
from gatewise.forecasting import InputError, Series
from gatewise.forecasting.baselines import evaluate
from gatewise.forecasting.inputs import Observed, as_series
from gatewise.forecasting.scaling import Scaling
from gatewise.forecasting.windows import Split, targets, windows
from series import wave


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "series.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# Reading


def test_the_bundled_series_is_complete() -> None:
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
        ("", {}, "the file is empty; expected a CSV file with a header line"),
        ("v\n", {}, "the file has no rows of values below its header"),
        ("v\n\n\n", {}, "the file has no rows of values below its header"),
        ("v\n1\nfive\n3\n", {}, r"v, row 2: expected a finite number, got 'five'"),
        ("v\n1\n2\ninf\n", {}, r"v, row 3: expected a finite number, got 'inf'"),
        ("v,w\n1,a\n,b\n3,c\n", {}, r"v, row 2: expected a number, got ''; fill missing values first"),
        ("v\n1\nNaN\n3\n", {}, r"v, row 2: expected a number, got 'NaN'; fill missing"),
        ("v\n1\n\n3\n", {}, r"v, row 2: expected a number, got ''"),
        ("a,b\n1,2\n3,4\n", {}, "column: name the column of values, since several hold numbers: 'a', 'b'"),
        ("a,b\nx,y\n", {}, "column: name the column of values, since none of 'a', 'b' holds numbers"),
        ("a,b\n1,2\n", {"column": "c"}, "column: expected one of 'a', 'b', got 'c'"),
        ("a,b\n1,2\n", {"date_column": "c"}, "date_column: expected one of 'a', 'b', got 'c'"),
        ("d,v\n2024-01-01,1\nsoon,2\n2024-01-03,2\n", {}, "d, row 2: expected a date such as 2001-12-31, got 'soon'"),
        ("d,v\n2024-01-02,1\n2024-01-02,2\n", {}, "d, row 2: expected a date after 2024-01-02, got 2024-01-02"),
        ("d,v\n2024-01-01,12,5\n2024-01-02,13,5\n", {}, "fields in every row as in the header, 2, got 3 in row 1$"),
        ("d,v\n2024-01-01,12\n2024-01-02,13,5\n", {}, "fields in every row as in the header, 2, got 3 in row 2$"),
        ("d,v, v\n1,2,3\n", {}, "expected every column to have a name of its own, got 'v', 'v'"),
        (b"v\n1\n\xff\n", {}, "expected text in UTF-8, got the byte 0xff"),
    ],
)
def test_csv_errors(tmp_path: Path, text: str | bytes, options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        forecasting.read_csv(write(tmp_path, text), **options)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv: cannot read this CSV file: No such file"):
        forecasting.read_csv(tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match="cannot read this CSV file: Is a directory"):
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


def test_uneven_dates_continue_at_the_median_step() -> None:
    dates = np.array(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-08"], "datetime64[us]")
    assert Series(np.zeros(4), dates=dates).labels(4, 6) == ["2024-01-09", "2024-01-10"]


def test_missing_dates_cause_a_warning(tmp_path: Path) -> None:
    import pandas as pd

    days = pd.date_range("2020-08-01", periods=200, freq="D")
    cut = days.delete(range(87, 117))
    text = (
        "dates: 1 jump of 31 days after 2020-10-26, where most steps are 1 day; the rows are treated as evenly spaced"
    )
    rows = "".join(f"{day:%Y-%m-%d},{i}\n" for i, day in enumerate(cut))
    with pytest.warns(UserWarning, match=text):
        forecasting.read_csv(write(tmp_path, f"day,v\n{rows}"))
    with pytest.warns(UserWarning, match=text):
        as_series(pd.Series(np.zeros(len(cut)), cut))
    months = pd.date_range("2001-01", periods=60, freq="MS").delete([7, 30, 31])
    with pytest.warns(UserWarning, match="dates: 2 jumps, the longest of 92 days after 2003-06, where most"):
        as_series(pd.Series(np.zeros(57), months))
    with pytest.warns(UserWarning, match="1 jump of 2.5 hours after 2020-08-01T02:00, where most steps are 30 min"):
        as_series(pd.Series(np.zeros(96), pd.date_range("2020-08-01", periods=100, freq="30min").delete(range(5, 9))))


@pytest.mark.parametrize("step", ["1D", "B", "W", "MS", "ME", "QS", "YS", "1h"])
def test_dates_at_a_frequency_cause_no_warning(step: str) -> None:
    import pandas as pd

    index = pd.date_range("2001-01-01", periods=130, freq=step)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        as_series(pd.Series(np.zeros(130), index))
        as_series(pd.Series(np.zeros(9), index[:9]))
        if step == "B":  # holidays make weekends longer
            as_series(pd.Series(np.zeros(127), index.delete([15, 64, 100])))


def test_dates_end_in_2250() -> None:
    dates = np.array(["2001-01", "2001-02", "2001-03"], "datetime64[M]").astype("datetime64[us]")
    series = Series(np.zeros(3), dates=dates)
    assert series.labels(2000, 2001) == ["2167-09"]
    with pytest.raises(InputError, match="steps: expected dates up to the year 2250, got 100000 steps"):
        series.axis(100_003)


def test_series_must_be_finite() -> None:
    for value in (np.nan, np.inf, -1e141):
        with pytest.raises(InputError, match=re.escape(f"value, row 2: expected a number up to 1e+140, got {value}")):
            Series(np.array([1.0, value]))
    with pytest.raises(InputError, match=r"values: expected \(N,\) float64, got \(2, 2\) float64"):
        Series(np.zeros((2, 2)))


# Windows, scaling and the naive forecasts


def test_windows_and_targets() -> None:
    values = np.arange(10.0)
    origins = np.array([3, 7])
    np.testing.assert_array_equal(windows(values, origins, 3), [[0, 1, 2], [4, 5, 6]])
    np.testing.assert_array_equal(targets(values, origins, 2), [[3, 4], [7, 8]])


@pytest.mark.parametrize(("length", "horizon", "first"), [(70, 3, 60), (76, 3, 66), (77, 3, 66), (70, 12, 58)])
def test_the_last_seventh_is_the_validation_set(length: int, horizon: int, first: int) -> None:
    split = Split.of(length, 5, horizon)
    assert (split.validation[0], split.train[-1] + horizon) == (first, first)


@given(st.integers(1, 200), st.integers(1, 20), st.integers(1, 10))
def test_no_target_is_in_both_subsets(length: int, window: int, horizon: int) -> None:
    try:
        split = Split.of(length, window, horizon)
    except InputError:
        assert length - max(horizon, length // 7) < window + horizon
        return
    subsets = [targets(np.arange(float(length)), origins, horizon) for origins in (split.train, split.validation)]
    rows = [set(part.ravel().tolist()) for part in subsets]
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
    scaling = Scaling.of([Observed.of(values)], 2)
    assert scaling.scale == np.sqrt(np.mean((targets(values, origins, 2) - forecasting.naive(values, origins, 2)) ** 2))


@given(st.floats(1e-6, 1e6), st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), st.floats(-1e6, 1e6))
def test_scaling_round_trip(scale: float, values: list[float], last: float) -> None:
    scaling, there, anchor = Scaling(scale), np.array([values]), np.array([last])
    back = scaling.invert(scaling.apply(there, anchor), anchor)
    # Four roundings: difference, quotient, product, sum; each of numbers no larger than |value| + 2 |last|.
    bound = 4 * np.finfo(float).eps * (np.abs(there) + 2 * abs(last))
    assert (np.abs(back - there) <= bound + np.finfo(float).tiny).all()


@pytest.mark.parametrize(
    ("values", "found"),
    [(np.full(9, 5.0), "the constant 5.0"), (np.arange(9) * 1e-200, "squares of these are rounded to 0")],
)
def test_series_that_hardly_change_have_no_scale(values: np.ndarray, found: str) -> None:
    with pytest.raises(InputError, match=found):
        Scaling.of([Observed.of(values)], 2)
