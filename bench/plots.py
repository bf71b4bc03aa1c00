"""Plot the results of a race: speed over size, and shares of the machine's peak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.ticker import PercentFormatter

from rows import Row, count, rows_of

CELLS, MODES = ("LSTM", "GRU"), ("infer", "train", "step")
TITLES = {"infer": "inference", "train": "forward and backward", "step": "one step of a stream"}


def chosen(rows: list[Row], cell: str, mode: str) -> list[Row]:
    """The rows of a panel: float32, not ragged, sorted by the number of operations."""
    kept = [
        r for r in rows if (r.case.cell, r.case.mode, r.case.dtype) == (cell, mode, "float32") and not r.case.ragged
    ]
    return sorted(kept, key=lambda row: row.case.flops)


def sizes(row: Row) -> tuple[int, ...]:
    """The sizes (T, B, I, H) of a row's case."""
    return row.case.T, row.case.B, row.case.I, row.case.H


def label_sizes(axis: Any, found: list[tuple[int, ...]]) -> None:
    """Label the x axis with the sizes of the cases."""
    axis.set_xticks(range(len(found)), [",".join(map(str, s)) for s in found], rotation=90, fontsize=8)
    axis.set_xlim(-0.7, len(found) - 0.3)


def panels(rows: list[Row], modes: tuple[str, ...]) -> tuple[Any, list[tuple[Any, str, list[Row]]]]:
    """Make a figure with a row of panels per cell and a column per mode; return it, and each panel with its rows.

    A panel's width is proportional to its number of cases.
    """
    widths = [max(len({sizes(r) for r in chosen(rows, cell, mode)}) for cell in CELLS) + 2 for mode in modes]
    figure, axes = pyplot.subplots(
        len(CELLS), len(modes), figsize=(2 + 0.34 * sum(widths), 8.5), width_ratios=widths, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    found = []
    for i, cell in enumerate(CELLS):
        for j, mode in enumerate(modes):
            axes[i, j].set_title(f"{cell}, {TITLES[mode]}")
            axes[i, j].grid(alpha=0.3)
            found.append((axes[i, j], f"{cell} {mode}", chosen(rows, cell, mode)))
    return figure, found


def plot_speed(rows: list[Row], libraries: list[str], threads: int, path: Path) -> None:
    """Plot the GFLOP/s of every library over the cases, sorted by the number of operations, with the peak."""
    own = [row for row in rows if row.threads == threads]
    modes = tuple(mode for mode in MODES if any(chosen(own, cell, mode) for cell in CELLS))
    figure, found = panels(own, modes)
    for axis, _, of_panel in found:
        for number, library in enumerate(libraries):
            points = [(x, row.rate(library)) for x, row in enumerate(of_panel) if row.rate(library)]
            style: dict[str, Any] = {"linewidth": 1, "alpha": 0.8, "markersize": 4}
            if library == "gatewise":
                style = {"linewidth": 2.5, "zorder": 5, "markersize": 5}
            axis.plot(
                [x for x, _ in points], [y / 1e9 for _, y in points], "o-", label=library, color=f"C{number}", **style
            )
        if of_panel and of_panel[0].peak:
            axis.axhline(of_panel[0].peak / 1e9, color="black", linestyle="--", linewidth=1, label="measured peak")
        label_sizes(axis, [sizes(row) for row in of_panel])
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter("{x:g}")
    for axis in figure.axes[:: len(modes)]:
        axis.set_ylabel("GFLOP/s")
    figure.suptitle(f"Speed on {count(threads)}, float32 (sizes T,B,I,H, smaller calls first)")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def plot_peak(rows: list[Row], path: Path) -> None:
    """Plot gatewise's share of the peak for each number of threads, with that of the fastest other library."""
    modes = tuple(mode for mode in MODES[:2] if any(chosen(rows, cell, mode) for cell in CELLS))
    figure, found = panels(rows, modes)
    counts = sorted({row.threads for row in rows})
    width = 0.8 / len(counts)
    for axis, _, of_panel in found:
        cases = list(dict.fromkeys(sizes(row) for row in of_panel))
        for i, threads in enumerate(counts):
            own = {sizes(row): row for row in of_panel if row.threads == threads and row.share() is not None}
            at = {case: cases.index(case) + (i - (len(counts) - 1) / 2) * width for case in own}
            axis.bar(
                at.values(), [own[c].share() for c in own], width, color=f"C{i}", label=f"gatewise, {count(threads)}"
            )
            peers = {case: row.share(row.peer) for case, row in own.items() if row.peer}
            axis.plot(
                [at[c] for c in peers], peers.values(), "_", color="black", markersize=8, markeredgewidth=2,
                label="fastest other library" if i == 0 else None,
            )  # fmt: skip
        label_sizes(axis, cases)
        axis.set_ylim(0, 1)
        axis.yaxis.set_major_formatter(PercentFormatter(1))
    for axis in figure.axes[:: len(modes)]:
        axis.set_ylabel("share of the peak")
    figure.suptitle("Share of the measured peak of fused multiply-adds, float32 (sizes T,B,I,H, smaller calls first)")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def plot(result: dict[str, Any], folder: Path) -> list[tuple[str, Path]]:
    """Write the plots that the result has data for; return the description and path of each."""
    rows, pictures = rows_of(result), []
    for threads in result["threads"]:
        if any(
            row.threads == threads and chosen([row], cell, mode) for row in rows for cell in CELLS for mode in MODES
        ):
            path = folder / f"race-speed-{threads}.png"
            plot_speed(rows, list(result["libraries"]), threads, path)
            pictures.append((f"GFLOP/s of each library over the cases, {count(threads)}", path))
    if any(row.share() is not None and row.case.mode in MODES[:2] for row in rows):
        path = folder / "race-peak.png"
        plot_peak(rows, path)
        pictures.append(("Share of the peak over the cases", path))
    return pictures
