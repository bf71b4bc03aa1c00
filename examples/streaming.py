"""Forecast a sensor's values live, and score how anomalous they are: `python examples/streaming.py`.

An LSTM is trained on the first 30 years of monthly sea temperatures off Peru (NOAA, 1950 to 2010) to forecast the
temperature half a year ahead. Then a stream reads one month at a time, as from a sensor. It keeps its state and returns
a forecast at each step.

The anomaly score is the forecast error divided by the standard deviation of the training errors (Malhotra et al.
2015). The El Niños of 1982 and 1997 stand out. Halfway the program is "restarted": the state is saved to a file and
loaded into another stream. The forecasts are bit-identical to those of one call on the whole sequence.

The LSTM's projection to one number serves as the output layer, so the recurrent core computes the whole forecast.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import gatewise as gw
from gatewise import forecasting

AHEAD = 6  # months from the last observation to the forecast


def restarted(model, stream):
    """Return a new stream that continues from this stream's state, saved to a file and loaded again."""
    with tempfile.TemporaryDirectory() as folder:
        h, c = stream.state[0]  # of the model's only recurrent layer
        np.savez(Path(folder) / "state.npz", h=h, c=c)
        with np.load(Path(folder) / "state.npz") as file:
            stream = model.stream(batch_size=None)
            stream.state = [(file["h"], file["c"])]
    return stream


def live(model, x):
    """Run a stream, with a restart halfway; return the forecasts (T,) and the time of each step, in microseconds."""
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
    """Plot observations and forecasts, the anomaly score, and a histogram of the time per step."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    axes = figure.subplot_mosaic([["sea"], ["score"], ["time"]], height_ratios=[3, 2, 2])
    axes["sea"].plot(dates, truth, color="0.6", label="sea temperature [°C]")
    axes["sea"].plot(dates, forecast, color="tab:blue", linewidth=1, label="forecast made 6 months earlier")
    axes["score"].plot(dates, score, color="tab:red", linewidth=1)
    axes["score"].axhline(3, color="0.4", linestyle=":")
    axes["score"].set_ylabel("anomaly score [σ]")
    axes["score"].sharex(axes["sea"])
    for name in ("sea", "score"):
        axes[name].axvspan(dates[0], dates[split], color="0.94", label="training data")
        axes[name].margins(x=0)
    axes["sea"].legend(ncols=3, loc="upper left", fontsize="small")
    axes["sea"].set_ylim(top=truth.max() + 3)
    axes["time"].hist(microseconds, bins=np.geomspace(microseconds.min(), microseconds.max(), 60), color="tab:blue")
    axes["time"].set(xscale="log", yscale="log", xlabel="time per step [µs]", ylabel="steps")
    axes["time"].xaxis.set_major_formatter("{x:g}")
    half, most = np.percentile(microseconds, [50, 99])
    axes["time"].set_title(
        f"half of the steps took up to {half:.1f} µs, 99 % of them up to {most:.1f} µs", fontsize="medium"
    )
    figure.savefig(path)


def main():
    """Train, run the stream, compare and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=32, help="units of the LSTM")
    parser.add_argument("--epochs", type=int, default=150, help="passes over the first 30 years")
    parser.add_argument("--small", action="store_true", help="few epochs, for a first look")
    parser.add_argument("--out", type=Path, default=Path("streaming.png"), help="file for the plot")
    options = parser.parse_args()
    if options.small:
        options.epochs = 40

    sea = forecasting.bundled()
    split = 360  # months to train on
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
    anomalous = split + np.argsort(score[split:])[::-1][:8]
    print("most anomalous months:", ", ".join(f"{months[i]} ({score[i]:.1f} σ)" for i in sorted(anomalous)))
    print(f"mean absolute error after {months[split]}: {np.abs(error[split:]).mean() * deviation:.2f} °C")
    print(f"median time per step: {np.median(microseconds):.1f} µs")
    print(f"forecasts that differ from those of one call: {np.count_nonzero(forecast != whole)}")


if __name__ == "__main__":
    main()
