"""A sensor, step by step: forecasts live, and how strange what then came was: `python examples/streaming.py`.

An LSTM learns from 30 years of sea temperatures off Peru (NOAA; monthly, 1950 to 2010) to tell that of half a year
later. Then it lives: a stream takes one month at a time, as a sensor would give it, keeps its state, answers at once.
The error of its forecast, in standard deviations of the errors while learning, is an anomaly score (Malhotra et al.
2015): the El Niños of 1982 and 1997 stand out. Halfway the program is "restarted": the state is saved to a file and
loaded into another stream. The forecasts are, to the last bit, those of one call on the whole sequence.

The LSTM's projection to one number is the output layer, so that every bit comes from the recurrent core.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import gatewise as gw
from gatewise import forecasting

AHEAD = 6  # months from the last one seen to that of the forecast


def restarted(model, stream):
    """A new stream that goes on where this one is, by way of a file."""
    with tempfile.TemporaryDirectory() as folder:
        h, c = stream.state[0]  # of the model's only recurrent part
        np.savez(Path(folder) / "state.npz", h=h, c=c)
        with np.load(Path(folder) / "state.npz") as file:
            stream = model.stream(batch_size=None)
            stream.state = [(file["h"], file["c"])]
    return stream


def live(model, x):
    """Forecasts (T,), step by step with a restart halfway, and how long each step took, in microseconds."""
    stream = model.stream(batch_size=None)
    forecasts, microseconds = [], []
    for month, features in enumerate(x):
        if month == len(x) // 2:
            stream = restarted(model, stream)
        start = time.perf_counter_ns()
        forecasts.append(stream.step(features)[0])
        microseconds.append((time.perf_counter_ns() - start) / 1000)
    return np.array(forecasts), np.array(microseconds)


def plot(dates, truth, forecast, score, split, microseconds, path):
    """Truth and forecasts, the anomaly score, and the time of a step."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    axes = figure.subplot_mosaic([["sea"], ["score"], ["time"]], height_ratios=[3, 2, 2])
    axes["sea"].plot(dates, truth, color="0.6", label="sea temperature [°C]")
    axes["sea"].plot(dates, forecast, color="tab:blue", linewidth=1, label="forecast of half a year before")
    axes["score"].plot(dates, score, color="tab:red", linewidth=1)
    axes["score"].axhline(3, color="0.4", linestyle=":")
    axes["score"].set_ylabel("anomaly score [σ]")
    axes["score"].sharex(axes["sea"])
    for name in ("sea", "score"):
        axes[name].axvspan(dates[0], dates[split], color="0.94", label="learned from")
        axes[name].margins(x=0)
    axes["sea"].legend(ncols=3, loc="upper left", fontsize="small")
    axes["sea"].set_ylim(top=truth.max() + 3)
    axes["time"].hist(microseconds, bins=np.geomspace(microseconds.min(), microseconds.max(), 60), color="tab:blue")
    axes["time"].set(xscale="log", yscale="log", xlabel="microseconds of a step", ylabel="steps")
    axes["time"].xaxis.set_major_formatter("{x:g}")
    half, most = np.percentile(microseconds, [50, 99])
    axes["time"].set_title(
        f"half of the steps took up to {half:.1f} µs, 99 % of them up to {most:.1f} µs", fontsize="medium"
    )
    figure.savefig(path)


def main():
    """Train, live, compare, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=32, help="units of the LSTM")
    parser.add_argument("--epochs", type=int, default=150, help="passes over the first 30 years")
    parser.add_argument("--small", action="store_true", help="few epochs, for a first look")
    parser.add_argument("--out", type=Path, default=Path("streaming.png"), help="where the picture goes")
    options = parser.parse_args()
    if options.small:
        options.epochs = 40

    sea = forecasting.bundled()
    split = 360  # months to learn from
    mean, deviation = sea.values[:split].mean(), sea.values[:split].std()
    phase = 2 * np.pi * np.arange(len(sea)) / 12
    features = np.stack([(sea.values - mean) / deviation, np.sin(phase), np.cos(phase)], axis=1).astype(np.float32)
    x, y = features[:-AHEAD], features[AHEAD:, :1]

    model = gw.Sequential(gw.LSTM(3, options.hidden, proj_size=1, batch_first=True), seed=0)
    model.fit(
        x[None, :split],
        y[None, :split],
        epochs=options.epochs,
        bptt=60,
        optimizer=gw.optimizers.AdamW(lr=5e-3, weight_decay=0.01, clip_norm=1.0),
    )

    forecast, microseconds = live(model, x)
    whole = model(x[None])[0, :, 0]
    error = forecast - y[:, 0]
    score = np.abs(error) / error[12:split].std()
    dates, truth = sea.dates[AHEAD:], sea.values[AHEAD:]
    plot(dates, truth, forecast * deviation + mean, score, split, microseconds, options.out)

    months = sea.dates[AHEAD:].astype("datetime64[M]")
    strange = split + np.argsort(score[split:])[::-1][:8]
    print("strangest months:", ", ".join(f"{months[i]} ({score[i]:.1f} σ)" for i in sorted(strange)))
    print(f"mean error after {months[split]}: {np.abs(error[split:]).mean() * deviation:.2f} °C")
    print(f"a step: {np.median(microseconds):.1f} µs")
    print(f"forecasts that differ from those of one call: {np.count_nonzero(forecast != whole)}")


if __name__ == "__main__":
    main()
