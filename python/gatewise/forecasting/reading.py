"""Sources of series: a CSV file, or the series that is part of the package."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from ..files.errors import InputError, listed, naming
from ..files.libraries import library
from ..files.tables import dates_in, numbers, numeric, parsed_dates, read_table
from .dates import Dates, warn_of_jumps
from .series import Series

BUNDLED_SOURCE = "monthly means of the Pacific off Peru, region Niño 1+2, by NOAA (ERSST.V3B); public domain"


def bundled() -> Series:
    """Return the series that is part of gatewise.

    It holds the monthly sea-surface temperatures off Peru from 1950 to 2010, 732 values (region Niño 1+2, published by
    NOAA). The data are in the public domain.

    Returns
    -------
    Series
        The temperatures in °C, with their dates.

    Raises
    ------
    MissingLibrary
        If pandas is not installed.

    See Also
    --------
    read_csv : Read a series of your own.

    Examples
    --------
    >>> from gatewise.forecasting import bundled
    >>> series = bundled()
    >>> len(series), series.labels(0, 1)
    (732, ['1950-01'])
    """
    with resources.as_file(resources.files(__package__) / "data" / "nino12.csv") as path:
        return read_csv(path)


def read_csv(path: str | Path, column: str | None = None, date_column: str | None = None, prefer: str = "") -> Series:
    """Read a series from a CSV file.

    The file is UTF-8 text with a header line. Its fields are separated by commas, semicolons or tabs. Empty rows at the
    end are ignored; gaps elsewhere are errors.

    Parameters
    ----------
    path : str or Path
        The file.
    column : str, optional
        The column of the values. By default this is `prefer` if the file has it, else the only column of numbers.
    date_column : str, optional
        The column of the dates, in increasing order. By default this is the first column that holds dates and no
        numbers. If there is none, the series has no dates. Dates with an offset are converted to UTC.
    prefer : str, default ""
        The column to take if `column` is not given and the file has it.

    Returns
    -------
    Series
        The values, named after their column.

    Raises
    ------
    InputError
        If the file, a column or a cell is not as expected. Rows are counted from 1, after the header.
    MissingLibrary
        If pandas is not installed.

    Warns
    -----
    UserWarning
        If dates are missing in between. The rows are treated as evenly spaced all the same.

    See Also
    --------
    bundled : Return the series that is part of gatewise.

    Examples
    --------
    >>> import os, tempfile
    >>> from gatewise.forecasting import read_csv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "sales.csv")
    ...     with open(path, "w") as file:
    ...         _ = file.write("month,units\\n2024-01,12\\n2024-02,15\\n")
    ...     series = read_csv(path)
    >>> series.name, series.values, series.labels(0, 2)
    ('units', array([12., 15.]), ['2024-01', '2024-02'])
    """
    table = read_table(Path(path))
    for option, name in (("column", column), ("date_column", date_column)):
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


def read_covariates(path: str | Path, names: Sequence[str]) -> Any:
    """Read columns of numbers from a CSV file as a ``pandas.DataFrame``; files and errors are those of `read_csv`."""
    table = read_table(Path(path))
    for name in names:
        if name not in table.columns:
            raise InputError(f"covariate: expected one of {listed(table.columns)}, got {name!r}")
    with naming(path):
        return library("pandas", "forecast").DataFrame({name: numbers(table[name], name) for name in names})


def _value_column(table: Any, taken: str | None) -> str:
    """The only column whose first row holds a number."""
    candidates = [name for name in table.columns if name != taken and np.isfinite(numeric(table[name].iloc[:1])).all()]
    if len(candidates) == 1:
        return str(candidates[0])
    if candidates:
        raise InputError(f"column: name the column of values, since several hold numbers: {listed(candidates)}")
    raise InputError(f"column: name the column of values, since none of {listed(table.columns)} holds numbers")


def _date_column(table: Any, taken: str | None) -> str | None:
    """The first column that mostly reads as dates and does not begin with a number."""
    for name in table.columns:
        textual = not np.isfinite(numeric(table[name].iloc[:1])).all()
        if name != taken and textual and parsed_dates(table[name]).notna().mean() > 0.5:
            return str(name)
    return None


def _dates(cells: Any, name: str) -> Dates:
    """The cells of a column as increasing dates, in UTC and without a time zone."""
    dates: Dates = dates_in(cells, name).dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    unordered = np.flatnonzero(np.diff(dates).astype(np.int64) <= 0)
    if len(unordered):
        row = int(unordered[0]) + 1
        raise InputError(f"{name}, row {row + 1}: expected a date after {cells.iloc[row - 1]}, got {cells.iloc[row]}")
    return dates
