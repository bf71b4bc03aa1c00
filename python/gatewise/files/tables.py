"""CSV files as tables of text, and columns as numbers or dates, with errors that name the cell."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError, listed
from .libraries import library

SUFFIXES = (".csv", ".tsv", ".txt")
_GAPS = {"", "-", "na", "n/a", "nan", "null", "none"}


def read_table(path: Path) -> Any:
    """Read a CSV file as a ``pandas.DataFrame`` of stripped strings, without empty rows at the end."""
    pandas = library("pandas", "forecast")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file, warnings.catch_warnings():
            # If a row has more fields than the header, pandas drops the extra ones and only warns.
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            header = file.readline()
            file.seek(0)
            separator = max(",;\t", key=header.count)
            table = pandas.read_csv(
                file, sep=separator, dtype=str, keep_default_na=False, index_col=False, skip_blank_lines=False
            )
    except OSError as error:
        raise InputError(f"{path}: cannot read this CSV file: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected text in UTF-8, got the byte {error.object[error.start]:#04x}") from error
    except pandas.errors.EmptyDataError as error:
        raise InputError(f"{path}: the file is empty; expected a CSV file with a header line") from error
    except (pandas.errors.ParserError, pandas.errors.ParserWarning) as error:
        raise InputError(
            f"{path}: expected as many fields in every row as in the header"
            f"{_longer_row(path, separator) or f'; {_one_line(error)}'}"
        ) from error
    table = table.fillna("").apply(lambda cells: cells.str.strip())
    table.columns = table.columns.str.strip()
    if len(same := table.columns[table.columns.duplicated(keep=False)]):
        raise InputError(f"{path}: expected every column to have a name of its own, got {listed(same)}")
    filled = np.flatnonzero((table != "").any(axis=1))
    table = table.iloc[: filled[-1] + 1 if len(filled) else 0]
    if table.empty:
        raise InputError(f"{path}: the file has no rows of values below its header")
    return table


def _longer_row(path: Path, separator: str) -> str:
    """Describe the first row with more fields than the header, for a message; "" if there is none."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            rows = csv.reader(file, delimiter=separator)
            header = len(next(rows))
            return next((f", {header}, got {len(r)} in row {i}" for i, r in enumerate(rows, 1) if len(r) > header), "")
        except csv.Error:
            return ""


def numeric(cells: Any) -> Any:
    """Return the cells as numbers, with NaN for cells that are not numbers."""
    return library("pandas", "forecast").to_numeric(cells, errors="coerce")


def parsed_dates(cells: Any) -> Any:
    """Return the cells as dates in UTC, with NaT for cells that are not dates."""
    with warnings.catch_warnings():
        # pandas warns if it cannot infer a format; NaT in the result says the same.
        warnings.simplefilter("ignore", UserWarning)
        return library("pandas", "forecast").to_datetime(cells, errors="coerce", utc=True)


def dates_in(cells: Any, name: str) -> Any:
    """Return a column as dates in UTC, or raise an error that names the first cell which is not a date."""
    dates = parsed_dates(cells)
    if len(bad := np.flatnonzero(dates.isna())):
        raise InputError(f"{name}, row {bad[0] + 1}: expected a date such as 2001-12-31, got {cells.iloc[bad[0]]!r}")
    return dates


def numbers(cells: Any, name: str) -> NDArray[np.float64]:
    """Return a column as finite numbers, or raise an error that names the first cell which is not one."""
    values: NDArray[np.float64] = numeric(cells).to_numpy(dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        row, cell = int(bad[0]) + 1, cells.iloc[bad[0]]
        if cell.lower() in _GAPS:
            raise InputError(f"{name}, row {row}: expected a number, got {cell!r}; fill missing values first")
        raise InputError(f"{name}, row {row}: expected a finite number, got {cell!r}")
    return values


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
