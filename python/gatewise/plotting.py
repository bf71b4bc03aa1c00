"""The style of all plots in the package, and helpers to draw them."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from typing import Any, TypeVar

from .files.libraries import library

INK, MUTED, GRID = "#1f2933", "#5b6770", "#e4e7eb"
PALETTE = ("#0b62a4", "#b3400f", "#2f7d4f", "#7a4fa3", "#a67c00", "#7b8288")
STYLE = {
    "font.size": 12,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 13,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GRID,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}


Plot = TypeVar("Plot", bound=Callable[..., Any])


def styled(plot: Plot) -> Plot:
    """Decorate a function so that it draws in this style."""

    @functools.wraps(plot)
    def draw(*arguments: Any, **keywords: Any) -> Any:
        with library("matplotlib", "train").rc_context(STYLE):
            return plot(*arguments, **keywords)

    return draw  # type: ignore[return-value]


def axes(given: Any = None, rows: int = 1, height: float = 4.5) -> Any:
    """Return the given axes, or new ones: a single one or, for several rows, an array of axes that share x."""
    if given is not None:
        return given
    figure = library("matplotlib.figure", "train").Figure(figsize=(9, height), dpi=100, layout="constrained")
    return figure.subplots(rows, sharex=rows > 1)


def png(figure: Any) -> bytes:
    """Return the figure as the bytes of a PNG file."""
    image = io.BytesIO()
    figure.savefig(image, format="png")
    return image.getvalue()


def plain(text: str) -> str:
    """Escape dollar signs, between which matplotlib expects a formula."""
    return text.replace("$", r"\$")


def colors(count: int) -> list[str]:
    """Return this many colours; they repeat after the last one of the palette."""
    return [PALETTE[i % len(PALETTE)] for i in range(count)]
