"""Plot what the gates of an LSTM do: `python examples/gates.py`.

The LSTM learns to store a number. Each step has a number and a mark, which is mostly 0. Where the mark is 1, the LSTM
must store the number and output it at every step until the next mark.

We know what must happen inside, so you can check the plot. Look at the unit that remembers longest. At marks, its input
gate i opens and its forget gate f closes. Between marks i is closed, f stays near 1, and the cell state c is constant.
This is the constant error carousel of Hochreiter and Schmidhuber (1997), with the forget gate of Gers, Schmidhuber and
Cummins (2000) to empty it.
"""

import argparse
from pathlib import Path

import numpy as np

import gatewise as gw


def latch(sequences, steps, rng):
    """Draw x (N, T, 2), a number and a mark per step, and y (N, T, 1), the number at the last mark."""
    numbers = rng.uniform(-1, 1, (sequences, steps))
    marks = rng.random((sequences, steps)) < 0.05
    marks[:, 0] = True
    last = np.maximum.accumulate(np.where(marks, np.arange(steps), 0), axis=1)
    y = np.take_along_axis(numbers, last, axis=1)[..., None]
    return np.stack([numbers, marks], axis=2).astype(np.float32), y.astype(np.float32)


def main():
    """Train, and plot the gates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=4, help="units of the LSTM")
    parser.add_argument("--epochs", type=int, default=200, help="passes over 512 sequences")
    parser.add_argument("--small", action="store_true", help="few epochs, for a first look")
    parser.add_argument("--out", type=Path, default=Path("gates.png"), help="file for the plot")
    parser.add_argument("--loss", type=Path, help="file for a plot of the losses (default: none)")
    options = parser.parse_args()
    if options.small:
        options.epochs = 30

    rng = np.random.default_rng(0)
    lstm = gw.LSTM(2, options.hidden, batch_first=True)
    model = gw.Sequential(lstm, gw.Linear(options.hidden, 1), seed=0)
    x, y = latch(512, 60, rng)
    history = model.fit(
        x, y, epochs=options.epochs, optimizer=gw.optimizers.Adam(lr=1e-2, clip_norm=1.0), validation_split=0.2
    )
    if options.loss:
        history.plot().figure.savefig(options.loss)

    x, y = latch(1, 80, rng)
    marked = x[0, :, 1] > 0
    gates = gw.gate_activations(lstm, x[0])
    axes = gates.plot()
    for one in axes:
        for step in np.flatnonzero(marked):
            one.axvline(step - 0.5, color="black", linewidth=0.8, linestyle=":")
    axes[0].figure.suptitle(
        "An LSTM that stores a number; dotted: a mark tells it to store a new one", fontsize="medium"
    )
    axes[0].figure.savefig(options.out)

    keeper = gates["f"][~marked].mean(axis=0).argmax()  # the unit that remembers longest
    print(f"loss {history.history['val_loss'][-1]:.5f}; loss of always predicting 0: {np.mean(y**2):.3f}")
    for name in "if":
        gate = gates[name][:, keeper]
        print(f"unit {keeper}, gate {name}: {gate[marked].mean():.2f} at marks, {gate[~marked].mean():.2f} between")


if __name__ == "__main__":
    main()
