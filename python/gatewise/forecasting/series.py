"""A time series: evenly spaced values with a name and, if known, their dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.errors import InputError
from ..files.libraries import library
from .dates import Dates, following_dates, format_dates, suggested_season

LARGEST = 1e140  # sums of squares of such values stay finite


@dataclass(frozen=True)
class Series:
    """A time series of evenly spaced values.

    `read_csv` and `bundled` return one. `Forecaster` accepts one wherever it accepts an array or a ``pandas.Series``.

    Parameters
    ----------
    values : ndarray of shape (N,), float64
        The values, all finite and at most 1e140 in magnitude.
    name : str, default "value"
        What the values are, with their unit if they have one. Plots and files show it.
    dates : ndarray of shape (N,), datetime64[us], optional
        The date of each value, increasing. Without dates the steps are only counted.

    Raises
    ------
    InputError
        If the values have another shape or dtype, or one of them is NaN, infinite or too large.

    See Also
    --------
    read_csv : Read a series from a CSV file.
    bundled : Return the series that is part of gatewise.

    Examples
    --------
    >>> import numpy as np
    >>> from gatewise.forecasting import Series
    >>> days = np.arange("2024-01-01", "2024-01-29", dtype="datetime64[D]").astype("datetime64[us]")
    >>> series = Series(np.arange(28.0), "visits", days)
    >>> len(series), series.season
    (28, 7)
    """

    values: NDArray[np.float64]
    name: str = "value"
    dates: Dates | None = None

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
        """Return the first rows as a series of their own.

        Use it to keep the end of a series out of training. The result shares memory with this series.

        Parameters
        ----------
        rows : int
            The number of rows, counted from the start. A negative number leaves out rows at the end.

        Returns
        -------
        Series
            The first `rows` values, with their dates.

        See Also
        --------
        Forecaster.backtest : Forecast the rows that were kept out.

        Examples
        --------
        >>> from gatewise.forecasting import bundled
        >>> len(bundled().head(600))
        600
        """
        return Series(self.values[:rows], self.name, None if self.dates is None else self.dates[:rows])

    def following(self, values: NDArray[np.float64]) -> Any:
        """Return values after the end as a ``pandas.Series``.

        The index continues the dates of this series or, if it has none, its row numbers from 0.

        Parameters
        ----------
        values : ndarray of shape (n,)
            The values after the end, such as a forecast.

        Returns
        -------
        pandas.Series
            The values, with the name of this series.

        Raises
        ------
        InputError
            If the dates would go beyond the year 2250.
        MissingLibrary
            If pandas is not installed.

        See Also
        --------
        Series.labels : Return dates or row numbers as text.

        Examples
        --------
        >>> import numpy as np
        >>> from gatewise.forecasting import bundled
        >>> bundled().following(np.array([22.5, 23.8])).index[0]
        Timestamp('2011-01-01 00:00:00')
        """
        pandas = library("pandas", "forecast")
        count = len(self)
        if self.dates is None:
            index = pandas.RangeIndex(count, count + len(values))
        else:
            index = pandas.DatetimeIndex(self.axis(count + len(values))[count:])
        return pandas.Series(values, index=index, name=self.name)

    @property
    def season(self) -> int:
        """The number of steps in a season, as the dates suggest it.

        A season is a year for months, quarters and weeks, a week for days, and a day for hours or less. It is 1, which
        means none, if there are no dates, if they suggest nothing, or if they span less than two seasons.

        See Also
        --------
        seasonal_naive : Repeat the last season.

        Examples
        --------
        >>> from gatewise.forecasting import bundled
        >>> bundled().season
        12
        """
        if self.dates is None or len(self) < 3:
            return 1
        season = suggested_season(self.dates)
        return season if 2 * season <= len(self) else 1

    def labels(self, start: int, stop: int) -> list[str]:
        """Return the dates of some rows as text.

        Rows after the end of the series have the dates that follow. Without dates, the labels are row numbers from 1.

        Parameters
        ----------
        start : int
            The first row, counted from 0.
        stop : int
            The row after the last one.

        Returns
        -------
        list of str
            Dates in ISO 8601, as short as they allow, or row numbers.

        Raises
        ------
        InputError
            If the dates would go beyond the year 2250.
        MissingLibrary
            If there are rows after the end, and pandas is not installed.

        See Also
        --------
        Series.axis : Return the positions of rows on a time axis.

        Examples
        --------
        >>> from gatewise.forecasting import bundled
        >>> bundled().labels(731, 733)
        ['2010-12', '2011-01']
        """
        if self.dates is None:
            return [str(row + 1) for row in range(start, stop)]
        return format_dates(self.axis(stop)[start:])

    def axis(self, stop: int) -> NDArray[Any]:
        """Return the positions of the first rows on a time axis, for plots.

        Rows after the end of the series have the dates that follow. Without dates, the positions are row numbers from
        1.

        Parameters
        ----------
        stop : int
            The number of rows.

        Returns
        -------
        ndarray of shape (stop,)
            Dates as datetime64[us], or integers.

        Raises
        ------
        InputError
            If the dates would go beyond the year 2250.
        MissingLibrary
            If there are rows after the end, and pandas is not installed.

        See Also
        --------
        Series.labels : Return dates or row numbers as text.

        Examples
        --------
        >>> import numpy as np
        >>> from gatewise.forecasting import Series
        >>> Series(np.zeros(2)).axis(3)
        array([1, 2, 3])
        """
        if self.dates is None:
            return np.arange(1, stop + 1)
        if stop <= len(self):
            return self.dates[:stop]
        return np.concatenate([self.dates, following_dates(self.dates, stop - len(self))])
