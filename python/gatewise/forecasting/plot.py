"""Plots of forecasts."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import plotting
from ..files.libraries import library
from ..plotting import INK, MUTED
from ..training.history import History
from .baselines import Evaluation
from .series import Series
from .windows import Floats

NETWORK, FURTHER, SEASONAL, *_, NAIVE = plotting.PALETTE
SHOWN = 180  # rows of the held-out end that are drawn at most, unless the horizon is long
STYLE = {**plotting.STYLE, "date.converter": "concise"}


def training_figure(series: Series, evaluation: Evaluation, history: History, further: Floats, name: str) -> bytes:
    """Draw the forecasts of the held-out rows and after the end, the losses, and the errors of each step ahead.

    further : the forecast after the end of the series, (steps,).
    name : the name of the network's forecast in `evaluation`.

    Returns a PNG, 1200 pixels wide.
    """
    with library("matplotlib", "forecast").rc_context(STYLE):
        figure = library("matplotlib.figure", "forecast").Figure(figsize=(12, 8), dpi=100, layout="constrained")
        grid = figure.add_gridspec(2, 2, height_ratios=(1.45, 1))
        _draw_series(figure.add_subplot(grid[0, :]), series, evaluation, further, name)
        _draw_losses(figure.add_subplot(grid[1, 0]), history)
        _draw_errors(figure.add_subplot(grid[1, 1]), evaluation, name)
        return plotting.png(figure)


def further_figure(series: Series, further: Floats, name: str) -> bytes:
    """Draw the end of the series and the forecast after it as a PNG, 1200 pixels wide."""
    with library("matplotlib", "forecast").rc_context(STYLE):
        figure = library("matplotlib.figure", "forecast").Figure(figsize=(12, 4.6), dpi=100, layout="constrained")
        draw_forecast(series, further, name, figure.subplots())
        return plotting.png(figure)


def draw_forecast(series: Series, further: Floats, name: str, axes: Any = None) -> Any:
    """Draw the end of the series and the forecast after it on `axes`, or on new ones, which are returned."""
    with library("matplotlib", "forecast").rc_context(STYLE):
        axes = plotting.axes(axes)
        shown = max(60, 4 * len(further))
        _draw_known(axes, series, max(0, len(series) - shown))
        _draw_further(axes, series, further, f"{name}, {len(further)} steps past the end")
        axes.set_title(f"{plotting.plain(series.name)}: forecast of the next {len(further)} steps", pad=34)
        _legend(axes)
    return axes


def _draw_series(axes: Any, series: Series, evaluation: Evaluation, further: Floats, name: str) -> None:
    horizon = evaluation.truth.shape[1]
    place = series.axis(len(series))
    first, shown = int(evaluation.origins[0]), max(SHOWN, 8 * horizon)
    start = max(first, len(series) - shown)
    # Every horizon-th forecast, counted from the last: each row has one forecast. A NaN after each breaks the line.
    chosen = evaluation.origins[start - first :][::-horizon]
    rows = chosen[:, None] + np.minimum(np.arange(horizon + 1), horizon - 1)
    axes.axvspan(place[start], place[-1], color="#f1f4f7", zorder=0)
    _draw_known(axes, series, max(0, start - (len(series) - start) // 4))
    for label, color, width, line in (
        ("naive", NAIVE, 1.5, "-"),
        ("seasonal naive", SEASONAL, 1.5, (0, (3, 1.5))),
        (name, NETWORK, 2.2, "-"),
    ):
        pieces = np.pad(evaluation.forecasts[label][chosen - first], ((0, 0), (0, 1)), constant_values=np.nan)
        axes.plot(
            place[rows].ravel(), pieces.ravel(), color=color, linewidth=width, linestyle=line, label=label, zorder=3
        )
    _draw_further(axes, series, further, f"{name}, past the end")
    axes.set_title(f"Held-out end (shaded), forecast {horizon} steps at a time", pad=34)
    _legend(axes)


def _draw_known(axes: Any, series: Series, start: int) -> None:
    place = series.axis(len(series))
    axes.plot(place[start:], series.values[start:], color=INK, linewidth=1.3, label="series", zorder=2)
    axes.set_ylabel(plotting.plain(series.name))
    if series.dates is None:
        axes.set_xlabel("row")


def _draw_further(axes: Any, series: Series, further: Floats, label: str) -> None:
    place = series.axis(len(series) + len(further))[len(series) - 1 :]
    axes.plot(place, np.append(series.values[-1:], further), color=FURTHER, linewidth=2.0, label=label, zorder=4)
    axes.margins(x=0.01)


def _draw_losses(axes: Any, history: History) -> None:
    losses, validation = history.history["loss"], history.history["val_loss"]
    epochs, best = np.arange(1, history.epochs + 1), history.best_epoch or history.epochs
    axes.plot(epochs, losses, color=MUTED, linewidth=1.5, label="training")
    axes.plot(epochs, validation, color=NETWORK, linewidth=1.8, label="validation")
    axes.plot(best, validation[best - 1], "o", color=NETWORK, label=f"kept: epoch {best}")
    axes.set_yscale("log")
    ticker = library("matplotlib.ticker", "forecast")
    axes.yaxis.set_major_formatter("{x:g}")
    low, high = axes.get_ylim()
    axes.yaxis.set_minor_formatter("{x:g}" if high < 10 * low else ticker.NullFormatter())
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss (1: naive forecast)")
    axes.set_title("Mean squared error in training", pad=34)
    _legend(axes)


def _draw_errors(axes: Any, evaluation: Evaluation, name: str) -> None:
    ahead = np.arange(1, evaluation.truth.shape[1] + 1)
    for label, color, marker in (("naive", NAIVE, "s"), ("seasonal naive", SEASONAL, "^"), (name, NETWORK, "o")):
        axes.plot(ahead, evaluation.rmse_by_step(label), color=color, marker=marker, linewidth=1.8, label=label)
    axes.set_ylim(bottom=0.0)
    axes.xaxis.set_major_locator(library("matplotlib.ticker", "forecast").MaxNLocator(integer=True))
    axes.set_xlabel("steps ahead")
    axes.set_ylabel("RMSE, in the series' units")
    axes.set_title("Error on the held-out end", pad=34)
    _legend(axes)


def _legend(axes: Any) -> None:
    """Draw the legend above the axes, where it covers no data."""
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=5, borderaxespad=0.3, handlelength=1.8)
