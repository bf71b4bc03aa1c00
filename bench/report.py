"""The results of a race as a table compared with targets, and as a report with plots."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from rows import Row, count, geometric_mean, markdown, microseconds, rows_of

# In a Markdown file, the report is the text between these two comments.
BEGIN, END = "<!-- race: written by bench/race.py -->", "<!-- end of the race -->"


def table_of(rows: list[Row], libraries: list[str]) -> list[str]:
    """The table of times per library; gatewise's median, GFLOP/s and share of the peak; and the ratio."""
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
    """A value with its target, which it should reach at least."""
    verdict = "met" if value >= mark else "missed"
    return f"{name} {value:{show}} (target {mark:{show}}: {verdict})"


def marks(rows: list[Row]) -> list[str]:
    """Compare the grid with the targets: the ratios, and the shares of the peak of the large cases."""
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
                    + judged("lowest", found[least], 0.95, ".2f")
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
                        + judged("lowest share of the peak", large[least], mark, ".0%")
                        + f", {least}"
                    )
    return lines


def table(result: dict[str, Any]) -> str:
    """The report in Markdown: what was run, a table per number of threads, and the comparison with the targets."""
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
    """Write the table and links to the plots between the two comments of a Markdown file, or into a new file.

    The plots are written to the folder of that file.
    """
    from plots import plot  # which needs matplotlib

    pictures = [f"![{text}]({picture.name})" for text, picture in plot(result, path.parent)]
    text = path.read_text() if path.exists() else f"{BEGIN}\n{END}\n"
    if BEGIN not in text or END not in text:
        raise SystemExit(f"--report: expected {path} to contain {BEGIN} and {END}, got a file without them")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    path.write_text("\n\n".join([before + BEGIN, table(result), *pictures, END + after]))
