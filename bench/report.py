"""A race's results as a table and a plot."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any


def ratios(result: dict[str, Any]) -> dict[str, float]:
    """Best peer's time over gatewise's, for every case that a peer has too."""
    found = {}
    for case, times in result["best"].items():
        peers = [seconds for library, seconds in times.items() if library != "gatewise"]
        if peers and "gatewise" in times:
            found[case] = min(peers) / times["gatewise"]
    return found


def geometric_mean(values: list[float]) -> float:
    """0 of none."""
    return math.exp(sum(map(math.log, values)) / len(values)) if values else 0.0


def table(result: dict[str, Any]) -> str:
    """Markdown: microseconds of the best round, GFLOP/s of gatewise, best peer / gatewise."""
    libraries = list(result["versions"])
    versions = ", ".join(f"{library} {version}" for library, version in result["versions"].items())
    lines = [
        f"Commit {result['commit']}, {result['machine']}, {result['threads']} threads, "
        f"best of {result['rounds']} rounds. {versions}.",
        "",
        "| case (T,B,I,H) | " + " | ".join(f"{library} µs" for library in libraries) + " | GFLOP/s | ratio |",
        "|---|" + "---:|" * (len(libraries) + 2),
    ]
    all_ratios = ratios(result)
    for case, times in result["best"].items():
        shown = [f"{times[library] * 1e6:.4g}" if library in times else "" for library in libraries]
        own = times.get("gatewise")
        rate = f"{result['cases'][case]['flops'] / own / 1e9:.0f}" if own else ""
        ratio = f"{all_ratios[case]:.2f}" if case in all_ratios else ""
        lines.append(f"| {case} | " + " | ".join(shown) + f" | {rate} | {ratio} |")
    for mode in ("infer", "train", "step"):
        own_ratios = [ratio for case, ratio in all_ratios.items() if case.startswith(mode)]
        if own_ratios:
            mean, least = geometric_mean(own_ratios), min(own_ratios)
            lines.append(f"\n{mode}: geometric mean of the ratios {mean:.2f}, least {least:.2f}")
    if all_ratios:
        lines.append(f"\nall: geometric mean {geometric_mean(list(all_ratios.values())):.2f}")
    return "\n".join(lines)


def plot(result: dict[str, Any], path: Path) -> None:
    """GFLOP/s of every library over the work of the LSTM's cases, inference and training side by side."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(12, 5), sharey=True, layout="constrained")
    titles = ("LSTM, inference", "LSTM, forward and backward")
    for axis, mode, title in zip(axes, ("infer", "train"), titles, strict=True):
        cases = sorted(
            (case for case in result["best"] if case.startswith(f"{mode} LSTM")),
            key=lambda case: result["cases"][case]["flops"],
        )
        for number, library in enumerate(result["versions"]):
            points = [
                (result["cases"][case]["flops"], result["cases"][case]["flops"] / result["best"][case][library] / 1e9)
                for case in cases
                if library in result["best"][case]
            ]
            if points:
                style = {"linewidth": 2.5, "zorder": 5} if library == "gatewise" else {"linewidth": 1, "alpha": 0.8}
                axis.plot(
                    *zip(*points, strict=True), marker="o", markersize=4, label=library, color=f"C{number}", **style
                )
        axis.set(xscale="log", yscale="log", title=title, xlabel="floating-point operations of the call")
        axis.grid(alpha=0.3, which="both")
    axes[0].set_ylabel("GFLOP/s")
    axes[0].legend()
    figure.savefig(path, dpi=110)
