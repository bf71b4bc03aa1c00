"""The dates of a series: how they are written, how they continue, and whether some are missing."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.errors import InputError
from ..files.libraries import library

Dates = NDArray[np.datetime64]
"""Arrays of datetime64[us]."""

_LAST_DATE = np.datetime64("2250-01-01", "us")  # pandas counts dates in nanoseconds up to 2262


def format_dates(dates: Dates) -> list[str]:
    """Format dates by ISO 8601, all to the coarsest unit that loses nothing: month, day, minute, second or less."""
    for unit in ("M", "D", "m", "s"):
        if np.array_equal(dates.astype(f"datetime64[{unit}]").astype(dates.dtype), dates):
            return [str(date) for date in dates.astype(f"datetime64[{unit}]")]
    return [str(date) for date in dates]


def following_dates(dates: Dates, count: int) -> Dates:
    """The next `count` dates: at the frequency of `dates` if they have one (months differ in length), else at their
    median step."""
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


def suggested_season(dates: Dates) -> int:
    """The number of steps in a season, as the median step between dates suggests it; see `Series.season`."""
    step = np.median(np.diff(dates).astype(np.int64)) / 1e6
    day = 86400.0
    season = int(day / step) if step <= 3600 and day % step == 0 else 1
    for shortest, longest, steps in ((1, 1, 7), (7, 7, 52), (28, 31, 12), (90, 92, 4)):
        if shortest * day <= step <= longest * day:
            season = steps
    return season


def warn_of_jumps(dates: Dates) -> None:
    """Warn if dates without a frequency leave out more than weekends or uneven months explain."""
    steps = np.diff(dates).astype(np.int64)
    if _frequency(dates) is not None or len(steps) < 3:
        return
    # A fifth of the steps between business days are weekends: the 0.85 quantile is such a step.
    jumps = np.flatnonzero(steps > 1.5 * np.quantile(steps, 0.85))
    if not len(jumps):
        return
    longest = jumps[np.argmax(steps[jumps])]
    many = "1 jump of" if len(jumps) == 1 else f"{len(jumps)} jumps, the longest of"
    warnings.warn(
        f"dates: {many} {_duration(steps[longest])} after {format_dates(dates)[longest]}, where most steps are "
        f"{_duration(np.median(steps))}; the rows are treated as evenly spaced",
        UserWarning,
        stacklevel=3,
    )


def _frequency(dates: Dates) -> Any:
    """The frequency that pandas infers, or None."""
    return library("pandas", "forecast").DatetimeIndex(dates, freq="infer").freq if len(dates) >= 3 else None


def _duration(microseconds: float) -> str:
    """A duration in words, such as "2.5 hours"."""
    units = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 0))
    unit, size = next((unit, size) for unit, size in units if microseconds >= size * 1e6)
    count = microseconds / 1e6 / (size or 1)
    return f"{count:.4g} {unit}" + ("" if count == 1 else "s")
