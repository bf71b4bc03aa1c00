"""The results of a race as rows, and the numbers of a row as text."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cases import Case


@dataclass(frozen=True)
class Row:
    """The times of one case on a number of threads.

    best, median : seconds per library.
    peak : the machine's FLOP/s for this dtype and number of threads, or None if it was not measured.
    grid : whether the case is part of the grid, which is compared with the targets.
    """

    threads: int
    case: Case
    grid: bool
    best: dict[str, float]
    median: dict[str, float]
    peak: float | None

    @property
    def peer(self) -> str | None:
        """The fastest other library."""
        peers = [library for library in self.best if library != "gatewise"]
        return min(peers, key=self.best.__getitem__) if peers else None

    @property
    def ratio(self) -> float | None:
        """The time of the fastest other library, divided by gatewise's time."""
        if self.peer is None or "gatewise" not in self.best:
            return None
        return self.best[self.peer] / self.best["gatewise"]

    def rate(self, library: str = "gatewise") -> float | None:
        """A library's FLOP/s."""
        return self.case.flops / self.best[library] if library in self.best else None

    def share(self, library: str = "gatewise") -> float | None:
        """A library's FLOP/s as a share of the peak."""
        rate = self.rate(library)
        return None if rate is None or self.peak is None else rate / self.peak


def rows_of(result: dict[str, Any]) -> list[Row]:
    """All rows of a result, sorted by the number of threads."""
    rows = []
    for threads, times in result["times"].items():
        for name, of_case in times.items():
            fields = dict(result["cases"][name])
            grid, case = fields.pop("grid"), Case(**fields)
            best, median = ({lib: t[kind] for lib, t in of_case.items()} for kind in ("best", "median"))
            peak = result["peak"].get(case.dtype, {}).get(threads)
            rows.append(Row(int(threads), case, grid, best, median, peak))
    return rows


def geometric_mean(values: Iterable[float]) -> float:
    """The geometric mean, or NaN if there are no values."""
    logarithms = [math.log(value) for value in values]
    return math.exp(sum(logarithms) / len(logarithms)) if logarithms else math.nan


def count(threads: int) -> str:
    """The number with its noun: "1 thread", "2 threads"."""
    return f"{threads} thread" + ("s" if threads != 1 else "")


def microseconds(seconds: float | None) -> str:
    """A time in microseconds with three significant digits, or with all digits before the decimal point."""
    if seconds is None:
        return ""
    value = seconds * 1e6
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def markdown(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    """The lines of a Markdown table; its first column is text and the others are numbers."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    return [lines[0], "|---|" + "---:|" * (len(head) - 1), *lines[1:]]
