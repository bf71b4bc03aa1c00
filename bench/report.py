"""A race's results as rows, a table and its marks, and a report with plots."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cases import Case

# The race's text in a Markdown file stands between these.
BEGIN, END = "<!-- race: written by bench/race.py -->", "<!-- end of the race -->"


@dataclass(frozen=True)
class Row:
    """One case on so many threads.

    best, median : seconds of each library.
    peak : FLOP/s that the machine reaches in this type on so many threads, or None if it was not measured.
    grid : whether the marks count it.
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
        """Its time over gatewise's."""
        if self.peer is None or "gatewise" not in self.best:
            return None
        return self.best[self.peer] / self.best["gatewise"]

    def rate(self, library: str = "gatewise") -> float | None:
        """FLOP/s."""
        return self.case.flops / self.best[library] if library in self.best else None

    def share(self, library: str = "gatewise") -> float | None:
        """The part of the peak."""
        rate = self.rate(library)
        return None if rate is None or self.peak is None else rate / self.peak


def rows_of(result: dict[str, Any]) -> list[Row]:
    """All rows of a result, thread count by thread count."""
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
    """NaN of none."""
    logarithms = [math.log(value) for value in values]
    return math.exp(sum(logarithms) / len(logarithms)) if logarithms else math.nan


def count(threads: int) -> str:
    """1 thread, 2 threads."""
    return f"{threads} thread" + ("s" if threads != 1 else "")


def microseconds(seconds: float | None) -> str:
    """Three digits, or all before the point."""
    if seconds is None:
        return ""
    value = seconds * 1e6
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def markdown(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    """The lines of a table whose first column is text and whose others are numbers."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    return [lines[0], "|---|" + "---:|" * (len(head) - 1), *lines[1:]]


def table_of(rows: list[Row], libraries: list[str]) -> list[str]:
    """Microseconds of each library; gatewise's median, GFLOP/s and share of the peak; the ratio."""
    head = ["case (T,B,I,H)", *libraries, "median", "GFLOP/s", "of peak", "ratio"]
    body = []
    for row in rows:
        rate, share = row.rate(), row.share()
        cells = [row.case.name, *(microseconds(row.best.get(library)) for library in libraries)]
        cells.append(microseconds(row.median.get("gatewise")))
        cells.append("" if rate is None else f"{rate / 1e9:.1f}")
        cells.append("" if share is None else f"{share:.0%}")
        cells.append("" if row.ratio is None else f"{row.ratio:.2f}")
        body.append(cells)
    return markdown(head, body)


def judged(name: str, value: float, mark: float, show: str) -> str:
    """A value beside what it should be at least."""
    verdict = "reached" if value >= mark else "missed"
    return f"{name} {value:{show}} (mark {mark:{show}}: {verdict})"


def marks(rows: list[Row]) -> list[str]:
    """How the grid stands against the marks: ratios, and shares of the peak in the large cases."""
    lines = []
    for threads in sorted({row.threads for row in rows}):
        for modes in (("infer",), ("train",), ("step",), ("infer", "train", "step")):
            found = {
                row.case.name: row.ratio
                for row in rows
                if row.grid and row.threads == threads and row.case.mode in modes and row.ratio is not None
            }
            if found:
                least = min(found, key=found.__getitem__)
                lines.append(
                    f"- {count(threads)}, {' and '.join(modes)}: "
                    + judged("geometric mean of the ratios", geometric_mean(found.values()), 2.5, ".2f")
                    + ", "
                    + judged("least", found[least], 0.95, ".2f")
                    + f", {least}"
                )
        for mode, shares in (("infer", (0.9, 0.8)), ("train", (0.85, 0.75))):
            for mark, most, fewest in zip(shares, (math.inf, 32768), (32768, 8192), strict=True):
                large = {
                    row.case.name: row.share()
                    for row in rows
                    if row.grid and row.threads == threads and row.case.mode == mode and row.share() is not None
                    if row.case.H >= 256 and fewest <= row.case.B * row.case.H < most
                }
                if large:
                    least = min(large, key=large.__getitem__)
                    lines.append(
                        f"- {count(threads)}, {mode}, H ≥ 256 and B·H ≥ {fewest}: "
                        + judged("least share of the peak", large[least], mark, ".0%")
                        + f", {least}"
                    )
    return lines


def table(result: dict[str, Any]) -> str:
    """Markdown: what was run, a table for each number of threads, the marks."""
    rows, libraries = rows_of(result), list(result["libraries"])
    facts = result["libraries"]
    versions = ", ".join(f"{library} {facts[library]['version']}" for library in libraries)
    isa = facts.get("gatewise", {}).get("instruction set", "no gatewise")
    peaks = [
        f"{dtype} {rate / 1e9:.0f} GFLOP/s on {count(int(threads))}"
        for dtype, rates in result["peak"].items()
        for threads, rate in rates.items()
    ]
    lines = [
        f"Commit {result['commit']} ({isa}), {result['machine']}, Python {result['python']}; best of "
        f"{result['rounds']} rounds. {versions}." + (f" Measured peak: {', '.join(peaks)}." if peaks else "")
    ]
    for threads in result["threads"]:
        for grid in (True, False):
            chosen = [row for row in rows if row.threads == threads and row.grid == grid]
            if chosen:
                title = f"**{count(threads).capitalize()}" + (", µs**" if grid else ", beyond the grid, µs**")
                lines += ["", title, "", *table_of(chosen, libraries)]
    return "\n".join([*lines, "", *marks(rows)]).strip()


def write_report(result: dict[str, Any], path: Path) -> None:
    """The table and the plots into a Markdown file, between its two markers (or a new file), the pictures beside it."""
    from plots import plot

    pictures = [f"![{text}]({picture.name})" for text, picture in plot(result, path.parent)]
    text = path.read_text() if path.exists() else f"{BEGIN}\n{END}\n"
    if BEGIN not in text or END not in text:
        raise SystemExit(f"--report: expected {path} to contain {BEGIN} and {END}")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    path.write_text("\n\n".join([before + BEGIN, table(result), *pictures, END + after]))
