"""The arguments of `Forecaster`, checked and converted to one form: arrays, pandas objects, and lists of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..files.errors import InputError
from ..files.libraries import library
from .dates import warn_of_jumps
from .series import Series
from .windows import Floats, Origins, Windows, windows


@dataclass(frozen=True)
class Observed:
    """One series and its covariates.

    series : N values.
    covariates : (N or more, C); rows after the N-th are after the end of the series.
    """

    series: Series
    covariates: Floats

    @classmethod
    def of(cls, series: Any, covariates: Any = None) -> Observed:
        """Check one series and its covariates, which may be None; errors are those of the two functions used."""
        checked = as_series(series)
        return cls(checked, _as_covariates(covariates, len(checked)))

    def __len__(self) -> int:
        return len(self.series)

    @property
    def values(self) -> Floats:
        """The values of the series, (N,)."""
        return self.series.values

    def windows(self, origins: Origins, window: int) -> Windows:
        """The windows before these origins."""
        return Windows(windows(self.values, origins, window), windows(self.covariates, origins, window))


@dataclass(frozen=True)
class Inputs:
    """One series or several, each with its covariates.

    given : the series as the caller passed them, which decides the form of forecasts.
    observed : each series with its covariates.
    covariate_names : the columns' names, if the covariates were a ``pandas.DataFrame``.
    """

    given: Any
    observed: tuple[Observed, ...]
    covariate_names: tuple[str, ...]

    @classmethod
    def of(cls, series: Any, past_covariates: Any = None) -> Inputs:
        """Check series and covariates; covariates that are not a list apply to every series.

        Raises
        ------
        InputError
            If a series or its covariates are not as expected, or if the numbers of lists or of columns differ.
        """
        several = _several(series)
        each = several or [series]
        one_each = several is not None and isinstance(past_covariates, (list, tuple))
        covariates = list(past_covariates) if one_each else [past_covariates] * len(each)
        if len(covariates) != len(each):
            raise InputError(f"past_covariates: expected {len(each)}, one for each series, got {len(covariates)}")
        observed = tuple(map(Observed.of, each, covariates))
        count = observed[0].covariates.shape[1]
        for one in observed:
            if one.covariates.shape[1] != count:
                raise InputError(
                    f"past_covariates: expected {count} for each series, as for the first, got "
                    f"{one.covariates.shape[1]}"
                )
        return cls(series, observed, tuple(map(str, getattr(covariates[0], "columns", ()))))

    @property
    def name(self) -> str:
        """The names of all series, each once."""
        return ", ".join(dict.fromkeys(one.series.name for one in self.observed))

    @property
    def covariate_count(self) -> int:
        """C, the number of covariates of each series."""
        return int(self.observed[0].covariates.shape[1])

    def single(self) -> Observed:
        """The only series; an error if there are several."""
        if len(self.observed) != 1:
            raise InputError(f"series: expected one series, got {len(self.observed)}")
        return self.observed[0]

    def in_given_form(self, forecasts: Floats) -> Any:
        """Forecasts (M, n), one for each series, in the form in which the series were given."""
        each = _several(self.given)
        found = [
            one.series.following(forecast) if hasattr(given, "to_numpy") else forecast
            for given, one, forecast in zip(each or [self.given], self.observed, forecasts, strict=True)
        ]
        if each is None:
            return found[0]
        return library("pandas", "forecast").concat(found, axis=1) if hasattr(self.given, "columns") else found


def _several(series: Any) -> list[Any] | None:
    """The series in a list, or the columns of a ``pandas.DataFrame``; None for a single series."""
    if hasattr(series, "columns"):
        return [series.iloc[:, column] for column in range(series.shape[1])]
    if isinstance(series, (list, tuple)) and any(isinstance(one, Series) or np.ndim(one) for one in series):
        return list(series)
    return None


def as_series(data: Any) -> Series:
    """Check one series: a `Series`, a ``pandas.Series``, a table of one column, or numbers (N,).

    Raises
    ------
    InputError
        If there is not one number per step, a number is not finite, or the dates of the index do not increase.
    """
    if isinstance(data, Series):
        return data
    dates, name = None, "value"
    if hasattr(data, "columns") and data.shape[1] == 1:
        data = data.iloc[:, 0]
    if hasattr(data, "to_numpy") and not hasattr(data, "columns"):
        name = str(data.name) if data.name is not None else name
        index = data.index.to_timestamp() if type(data.index).__name__ == "PeriodIndex" else data.index
        if np.asarray(index).dtype.kind == "M":
            dates = np.asarray(index.tz_localize(None)).astype("datetime64[us]")
            if (np.diff(dates).astype(np.int64) <= 0).any():
                raise InputError(f"{name}: expected increasing dates, got an index that is not sorted")
            warn_of_jumps(dates)
        data = data.to_numpy()
    values = np.asarray(data)
    if values.ndim != 1 or values.dtype.kind not in "fiub":
        raise InputError(f"series: expected (N,) numbers, got {values.shape} of {values.dtype}")
    return Series(values.astype(np.float64), name, dates)


def _as_covariates(data: Any, rows: int) -> Floats:
    """Check the covariates of a series with `rows` values: at least as many rows of finite numbers, (N, C).

    None becomes (rows, 0).
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
