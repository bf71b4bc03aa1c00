"""Time series and where they come from: a CSV file, or the one that ships with the package."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.errors import InputError, listed, naming
from ..files.libraries import library
from ..files.tables import dates_in, numbers, numeric, parsed_dates, read_table

BUNDLED_SOURCE = "monthly means of the Pacific off Peru, region Niño 1+2, by NOAA (ERSST.V3B); public domain"
LARGEST = 1e140  # sums of squares of such values stay finite
_LAST_DATE = np.datetime64("2250-01-01", "us")  # pandas counts dates in nanoseconds up to 2262


@dataclass(frozen=True)
class Series:
    """Values at even steps of time.

    values : (N,) float64, none of them NaN or beyond 1e140.
    name : what the values are, with their unit if there is one.
    dates : (N,) datetime64[us], increasing, or None, where the steps are only counted.
    """

    values: NDArray[np.float64]
    name: str = "value"
    dates: NDArray[np.datetime64] | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 1 or self.values.dtype != np.float64:
            raise InputError(f"values: expected (N,) float64, got {self.values.shape} {self.values.dtype}")
        bad = np.flatnonzero(~(np.abs(self.values) <= LARGEST))
        if len(bad):
            found = self.values[bad[0]]
            raise InputError(f"{self.name}, row {bad[0] + 1}: expected a number up to {LARGEST:g}, got {found}")

    def __len__(self) -> int:
        return len(self.values)

    def head(self, rows: int) -> Series:
        """The first so many."""
        return Series(self.values[:rows], self.name, None if self.dates is None else self.dates[:rows])

    def following(self, values: NDArray[np.float64]) -> Any:
        """Values after the end, as a ``pandas.Series`` with the dates, or the row numbers, that follow."""
        pandas = library("pandas", "forecast")
        count = len(self)
        if self.dates is None:
            index = pandas.RangeIndex(count, count + len(values))
        else:
            index = pandas.DatetimeIndex(self.axis(count + len(values))[count:])
        return pandas.Series(values, index=index, name=self.name)

    @property
    def season(self) -> int:
        """The steps of one season as the dates suggest it: a year of months, quarters or weeks, a week of days, a day
        of hours or less; 1 (none) where the dates suggest nothing, are missing or span less than two seasons."""
        if self.dates is None or len(self) < 3:
            return 1
        step = np.median(np.diff(self.dates).astype(np.int64)) / 1e6
        day = 86400.0
        season = int(day / step) if step <= 3600 and day % step == 0 else 1
        for shortest, longest, steps in ((1, 1, 7), (7, 7, 52), (28, 31, 12), (90, 92, 4)):
            if shortest * day <= step <= longest * day:
                season = steps
        return season if 2 * season <= len(self) else 1

    def labels(self, start: int, stop: int) -> list[str]:
        """The dates of rows `start` to `stop` - 1, continued past the series' end, or without dates the row numbers."""
        if self.dates is None:
            return [str(row + 1) for row in range(start, stop)]
        return format_dates(self.axis(stop)[start:])

    def axis(self, stop: int) -> NDArray[Any]:
        """Where rows 0 to `stop` - 1 lie on an axis of time: dates, continued past the end, or row numbers from 1."""
        if self.dates is None:
            return np.arange(1, stop + 1)
        if stop <= len(self):
            return self.dates[:stop]
        return np.concatenate([self.dates, _next_dates(self.dates, stop - len(self))])


def read_covariates(path: str | Path, names: Sequence[str]) -> Any:
    """These columns of numbers of a CSV file, as a ``pandas.DataFrame``; files and errors as for `read_csv`."""
    table = read_table(Path(path))
    for name in names:
        if name not in table.columns:
            raise InputError(f"--covariate: expected one of {listed(table.columns)}, got {name!r}")
    with naming(path):
        return library("pandas", "forecast").DataFrame({name: numbers(table[name], name) for name in names})


def format_dates(dates: NDArray[np.datetime64]) -> list[str]:
    """ISO 8601, as short as these dates allow: month, day, minute, second or microsecond."""
    for unit in ("M", "D", "m", "s"):
        if np.array_equal(dates.astype(f"datetime64[{unit}]").astype(dates.dtype), dates):
            return [str(date) for date in dates.astype(f"datetime64[{unit}]")]
    return [str(date) for date in dates]


def _next_dates(dates: NDArray[np.datetime64], count: int) -> NDArray[np.datetime64]:
    """At the frequency of these dates if they have one (months are of different lengths), else at their median step."""
    pandas = library("pandas", "forecast")
    frequency = _frequency(dates)
    step = np.timedelta64(int(np.median(np.diff(dates).astype(np.int64))) if len(dates) > 1 else 86400 * 10**6, "us")
    if count * step.astype(np.int64) > (_LAST_DATE - dates[-1]).astype(np.int64):
        raise InputError(
            f"steps: expected dates up to the year {_LAST_DATE.astype('datetime64[Y]')}, got {count} steps"
        )
    if frequency is None:
        return np.asarray(dates[-1] + np.arange(1, count + 1) * step)
    following = pandas.date_range(pandas.Timestamp(dates[-1]), periods=count + 1, freq=frequency)[1:]
    return np.asarray(following.values.astype(dates.dtype))


def _frequency(dates: NDArray[np.datetime64]) -> Any:
    return library("pandas", "forecast").DatetimeIndex(dates, freq="infer").freq if len(dates) >= 3 else None


def warn_of_jumps(dates: NDArray[np.datetime64]) -> None:
    """Warn where dates without a frequency leave out more than weekends and the lengths of months do."""
    steps = np.diff(dates).astype(np.int64)
    if _frequency(dates) is not None or len(steps) < 3:
        return
    # Of business days a fifth of the steps are weekends.
    jumps = np.flatnonzero(steps > 1.5 * np.quantile(steps, 0.85))
    if not len(jumps):
        return
    longest = jumps[np.argmax(steps[jumps])]
    many = "1 jump of" if len(jumps) == 1 else f"{len(jumps)} jumps, the longest of"
    warnings.warn(
        f"dates: {many} {_duration(steps[longest])} after {format_dates(dates)[longest]}, where most steps are of "
        f"{_duration(np.median(steps))}; rows are taken as evenly spaced",
        UserWarning,
        stacklevel=3,
    )


def _duration(microseconds: float) -> str:
    units = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 0))
    unit, size = next((unit, size) for unit, size in units if microseconds >= size * 1e6)
    count = microseconds / 1e6 / (size or 1)
    return f"{count:.4g} {unit}" + ("" if count == 1 else "s")


def bundled() -> Series:
    """The series that ships with gatewise: sea surface temperatures off Peru, 732 months from 1950 to 2010 (NOAA)."""
    with resources.as_file(resources.files(__package__) / "data" / "nino12.csv") as path:
        return read_csv(path)


def read_csv(path: str | Path, column: str | None = None, date_column: str | None = None, prefer: str = "") -> Series:
    """Read a series from a CSV file with a header line, separated by commas, semicolons or tabs, in UTF-8.

    Parameters
    ----------
    column : the column of the values; default: `prefer` if the file has it, else the only one that holds numbers.
    date_column : the column of the dates, in order; default: the first one that is not of numbers and reads as dates,
        else none. Dates with an offset are taken to UTC.

    Raises
    ------
    InputError : the file, a column or a cell is not as expected; rows are counted from 1 below the header.
    MissingLibrary : pandas is not installed.

    Warns
    -----
    UserWarning : dates are left out; rows are taken as evenly spaced all the same.
    """
    table = read_table(Path(path))
    for option, name in (("--column", column), ("--date-column", date_column)):
        if name is not None and name not in table.columns:
            raise InputError(f"{option}: expected one of {listed(table.columns)}, got {name!r}")
    if date_column is None:
        date_column = _date_column(table, taken=column)
    if column is None:
        column = prefer if prefer in table.columns else _value_column(table, taken=date_column)
    with naming(path):
        dates = None if date_column is None else _dates(table[date_column], date_column)
        series = Series(numbers(table[column], column), column, dates)
    if dates is not None:
        warn_of_jumps(dates)
    return series


def _value_column(table: Any, taken: str | None) -> str:
    candidates = [name for name in table.columns if name != taken and np.isfinite(numeric(table[name].iloc[:1])).all()]
    if len(candidates) == 1:
        return str(candidates[0])
    found = f"several are: {listed(candidates)}" if candidates else f"none is: {listed(table.columns)}"
    raise InputError(f"--column: expected a column of numbers to be named, since {found}")


def _date_column(table: Any, taken: str | None) -> str | None:
    for name in table.columns:
        textual = not np.isfinite(numeric(table[name].iloc[:1])).all()
        if name != taken and textual and parsed_dates(table[name]).notna().mean() > 0.5:
            return str(name)
    return None


def _dates(cells: Any, name: str) -> NDArray[np.datetime64]:
    dates: NDArray[np.datetime64] = dates_in(cells, name).dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    unordered = np.flatnonzero(np.diff(dates).astype(np.int64) <= 0)
    if len(unordered):
        row = int(unordered[0]) + 1
        raise InputError(f"{name}, row {row + 1}: expected a date after {cells.iloc[row - 1]}, got {cells.iloc[row]}")
    return dates
