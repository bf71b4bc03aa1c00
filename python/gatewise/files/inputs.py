"""What users hand to forecasting and to the commands: tables in CSV files, saved models; and the error that says what
is wrong with them."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .libraries import library

_GAPS = {"", "-", "na", "n/a", "nan", "null", "none"}


class InputError(ValueError):
    """Something given cannot be worked with; the message says what was expected and what came."""


def read_table(path: Path) -> Any:
    """The file as a pandas.DataFrame of stripped strings, without empty rows at its end."""
    pandas = library("pandas", "forecast")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file, warnings.catch_warnings():
            # Where rows have more fields than the header, pandas drops the rest with a warning only.
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            header = file.readline()
            file.seek(0)
            separator = max(",;\t", key=header.count)
            table = pandas.read_csv(
                file, sep=separator, dtype=str, keep_default_na=False, index_col=False, skip_blank_lines=False
            )
    except OSError as error:
        raise InputError(f"{path}: expected a CSV file, got: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected text in UTF-8, got the byte {error.object[error.start]:#04x}") from error
    except pandas.errors.EmptyDataError as error:
        raise InputError(f"{path}: expected a CSV file with a header line, got an empty file") from error
    except (pandas.errors.ParserError, pandas.errors.ParserWarning) as error:
        raise InputError(
            f"{path}: expected as many fields in every row as in the header"
            f"{_longer_row(path, separator) or f'; {_one_line(error)}'}"
        ) from error
    table = table.fillna("").apply(lambda cells: cells.str.strip())
    table.columns = table.columns.str.strip()
    if len(same := table.columns[table.columns.duplicated(keep=False)]):
        raise InputError(f"{path}: expected columns of different names, got {listed(same)}")
    filled = np.flatnonzero((table != "").any(axis=1))
    table = table.iloc[: filled[-1] + 1 if len(filled) else 0]
    if table.empty:
        raise InputError(f"{path}: expected rows of values below the header, got none")
    return table


def _longer_row(path: Path, separator: str) -> str:
    """The first row that has more fields than the header, for a message."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            rows = csv.reader(file, delimiter=separator)
            header = len(next(rows))
            return next((f", {header}, got {len(r)} in row {i}" for i, r in enumerate(rows, 1) if len(r) > header), "")
        except csv.Error:
            return ""


@contextmanager
def naming(path: str | PathLike[str]) -> Iterator[None]:
    """Name the file in what is wrong with its columns."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def numeric(cells: Any) -> Any:
    """The cells as numbers, NaN where they are none."""
    return library("pandas", "forecast").to_numeric(cells, errors="coerce")


def parsed_dates(cells: Any) -> Any:
    """The cells as dates in UTC, NaT where they are none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a format that pandas cannot infer is told by the NaT that follow
        return library("pandas", "forecast").to_datetime(cells, errors="coerce", utc=True)


def dates_in(cells: Any, name: str) -> Any:
    """The cells of a column as dates in UTC, or the error that names the first cell that is none."""
    dates = parsed_dates(cells)
    if len(bad := np.flatnonzero(dates.isna())):
        raise InputError(f"{name}, row {bad[0] + 1}: expected a date such as 2001-12-31, got {cells.iloc[bad[0]]!r}")
    return dates


def numbers(cells: Any, name: str) -> NDArray[np.float64]:
    """The cells of a column as finite numbers, or the error that names the first cell that is none."""
    values: NDArray[np.float64] = numeric(cells).to_numpy(dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        row, cell = int(bad[0]) + 1, cells.iloc[bad[0]]
        if cell.lower() in _GAPS:
            raise InputError(f"{name}, row {row}: expected a number, got a gap ({cell!r}); fill gaps first")
        raise InputError(f"{name}, row {row}: expected a finite number, got {cell!r}")
    return values


def listed(names: Sequence[str]) -> str:
    """Names for a message."""
    return ", ".join(repr(str(name)) for name in names)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
