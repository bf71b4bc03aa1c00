"""What `Forecaster` takes and gives back: arrays, pandas' series and tables, lists of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..files.errors import InputError
from ..files.libraries import library
from .series import Series, warn_of_jumps
from .windows import Floats


def several(data: Any) -> list[Any] | None:
    """The series of a list, or the columns of a ``pandas.DataFrame``; None where it is a single one."""
    if hasattr(data, "columns"):
        return [data.iloc[:, column] for column in range(data.shape[1])]
    if isinstance(data, (list, tuple)) and any(isinstance(one, Series) or np.ndim(one) for one in data):
        return list(data)
    return None


def pairs(data: Any, covariates: Any) -> tuple[list[Series], list[Floats]]:
    """Each series, and its covariates (N, C): one of a list, or, where they are no list, the same for all.

    Raises
    ------
    InputError : they are not as `as_series` and `covariate_rows` expect, or not as many.
    """
    each = several(data)
    if each is None:
        each, beside = [data], [covariates]
    elif isinstance(covariates, (list, tuple)):
        beside = list(covariates)
        if len(beside) != len(each):
            raise InputError(f"past_covariates: expected {len(each)}, one for each series, got {len(beside)}")
    else:
        beside = [covariates] * len(each)
    series = [as_series(one) for one in each]
    return series, [covariate_rows(one, len(of)) for one, of in zip(beside, series, strict=True)]


def answers(data: Any, series: list[Series], forecasts: Floats) -> Any:
    """The forecasts (M, n) after each series in the form of `data`, of which the series were made by `pairs`."""
    each = several(data)
    found = [
        of.following(forecast) if hasattr(one, "to_numpy") else forecast
        for one, of, forecast in zip([data] if each is None else each, series, forecasts, strict=True)
    ]
    if each is None:
        return found[0]
    return library("pandas", "forecast").concat(found, axis=1) if hasattr(data, "columns") else found


def as_series(data: Any) -> Series:
    """A `Series` of what was given: one, a ``pandas.Series`` or ``DataFrame`` of one column, or numbers (N,).

    Raises
    ------
    InputError : there are other than one number a step, or not all of them are finite.
    """
    if isinstance(data, Series):
        return data
    if isinstance(data, (list, tuple)) and several(data):
        raise InputError(f"series: expected (N,) numbers, got a list of several: {len(data)}")
    dates, name = None, "value"
    if hasattr(data, "columns") and data.shape[1] == 1:
        data = data.iloc[:, 0]
    if hasattr(data, "to_numpy") and not hasattr(data, "columns"):
        name = str(data.name) if data.name is not None else name
        index = data.index.to_timestamp() if type(data.index).__name__ == "PeriodIndex" else data.index
        if np.asarray(index).dtype.kind == "M":
            dates = np.asarray(index.tz_localize(None)).astype("datetime64[us]")
            if (np.diff(dates).astype(np.int64) <= 0).any():
                raise InputError(f"{name}: expected dates one after another, got an index that is not sorted")
            warn_of_jumps(dates)
        data = data.to_numpy()
    values = np.asarray(data)
    if values.ndim != 1 or values.dtype.kind not in "fiub":
        raise InputError(f"series: expected (N,) numbers, got {values.shape} of {values.dtype}")
    return Series(values.astype(np.float64), name, dates)


def covariate_rows(data: Any, rows: int) -> Floats:
    """Covariates as (N, C) numbers, N at least `rows`; None has C = 0.

    Raises
    ------
    InputError : they are too few, or not all finite.
    """
    if data is None:
        return np.empty((rows, 0))
    values = np.asarray(data)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or values.dtype.kind not in "fiub" or len(values) < rows:
        raise InputError(
            f"past_covariates: expected at least {rows} rows of numbers, (N,) or (N, C), got {values.shape} of "
            f"{values.dtype}"
        )
    if not np.isfinite(values).all():
        raise InputError("past_covariates: expected finite numbers, got NaN or infinity")
    return values.astype(np.float64)
