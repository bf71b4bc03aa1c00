"""Compare RNN, GRU, LSTM and peephole LSTM on two long-term tasks: `python examples/long_dependencies.py`.

- The adding problem (Hochreiter and Schmidhuber 1997, "Long short-term memory", experiment 4): two numbers of a
  sequence are marked, and the target after the last step is their sum. Always predicting 1 has a mean squared error of
  1/6.
- The copy task (after their experiment 2): the network reads symbols and, after a long pause and a start sign, must
  output the symbols again.

In a plain RNN, what it has read vanishes or explodes over the steps. A gate that stays open keeps it. The gates' biases
are initialized for the length of the sequences (Tallec and Ollivier 2018, "Can recurrent neural networks warp time?").
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import gatewise as gw

KINDS = ["RNN", "GRU", "LSTM", "peephole LSTM"]
SYMBOLS, COPIED = 8, 3
BLANK, SIGN = SYMBOLS, SYMBOLS + 1


def adding(rng, steps, batch):
    """Yield numbers and marks (B, T, 2), and the sum (B, 1) of the two marked numbers, one in each half."""
    while True:
        x = np.zeros((batch, steps, 2), np.float32)
        x[..., 0] = rng.uniform(size=(batch, steps))
        rows, half = np.arange(batch), steps // 2
        x[rows, rng.integers(half, size=batch), 1] = 1
        x[rows, half + rng.integers(steps - half, size=batch), 1] = 1
        yield x, (x[..., 0] * x[..., 1]).sum(axis=1, keepdims=True)


def copying(rng, steps, batch):
    """Yield tokens, targets and weights, all (B, T + 2 * COPIED); the weights are 1 for the last COPIED targets."""
    while True:
        symbols = rng.integers(SYMBOLS, size=(batch, COPIED))
        x = np.full((batch, steps + 2 * COPIED), BLANK)
        x[:, :COPIED], x[:, COPIED + steps - 1] = symbols, SIGN
        y, counts = np.full_like(x, BLANK), np.zeros(x.shape)
        y[:, -COPIED:], counts[:, -COPIED:] = symbols, 1
        yield x, y, counts


def open_gates(layer, steps, rng):
    """Initialize the forget gates (a GRU's update gates) to remember for up to `steps` steps.

    Each unit's gate is initially about 1 - 1/t, with t drawn from 1 to `steps`.
    """
    if isinstance(layer, gw.RNN):
        return
    size = layer.hidden_size
    bias = np.zeros_like(layer.params["bias_ih_l0"])
    memory = np.log(rng.uniform(1, steps - 1, size))
    bias[size : 2 * size] = memory  # i f g o, or r z n
    if isinstance(layer, gw.LSTM):
        bias[:size] = -memory
    layer.params["bias_ih_l0"] = bias
    layer.params["bias_hh_l0"] = np.zeros_like(bias)


class Losses(gw.callbacks.Callback):
    """Record a running mean of the loss."""

    def __init__(self):
        self.smooth = []

    def on_batch_end(self, run):
        before = self.smooth[-1] if self.smooth else run.batch_loss
        self.smooth.append(0.95 * before + 0.05 * run.batch_loss)


def train(task, hidden, steps, batches, batch, kind, seed=0):
    """Train one network on one task; return the running mean of its loss after every step."""
    rng = np.random.default_rng(seed)
    options = {"peephole": True} if kind == "peephole LSTM" else {}
    make = getattr(gw, kind.split()[-1])
    if task is adding:
        layer = make(2, hidden, batch_first=True, **options)
        model = gw.Sequential(layer, gw.LastStep(), gw.Linear(hidden, 1), seed=seed)
    else:
        layer = make(SYMBOLS, hidden, batch_first=True, **options)
        model = gw.Sequential(gw.Embedding(SYMBOLS + 2, SYMBOLS), layer, gw.Linear(hidden, SYMBOLS + 1), seed=seed)
    open_gates(layer, steps, rng)
    losses = Losses()
    model.fit(
        islice(task(rng, steps, batch), batches),
        loss="mse" if task is adding else "cross_entropy",
        optimizer=gw.optimizers.Adam(3e-3 if task is adding else 1e-2, clip_norm=1.0),
        callbacks=[losses],
        verbose=False,
    )
    return losses.smooth


def draw(curves, path):
    """Plot the losses of all networks, with one panel per task."""
    figure = Figure(figsize=(9, 8), layout="constrained")
    panels = figure.subplots(2, sharex=True)
    levels = {"adding": (1 / 6, "always 1"), "copying": (np.log(SYMBOLS), "at random")}
    for axes, (task, (title, found)) in zip(panels, curves.items(), strict=True):
        for kind, losses in found.items():
            axes.plot(np.arange(1, len(losses) + 1), losses, label=kind)
        level, name = levels[task]
        axes.axhline(level, color="gray", linestyle=":", label=f"predicting {name}")
        axes.set(title=title, yscale="log", ylabel="loss", xlabel="step of the optimizer")
        axes.legend(ncols=5, fontsize="small", loc="lower left")
        axes.grid(alpha=0.3)
    figure.savefig(path)


def main():
    """Train all networks on both tasks, print the losses and plot them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--steps", type=int, default=400, help="T of the adding problem; the copy task's pause is a quarter"
    )
    parser.add_argument("--batches", type=int, default=2000, help="steps of the optimizer")
    parser.add_argument("--batch", type=int, default=32, help="sequences per batch")
    parser.add_argument("--hidden", type=int, default=64, help="units of the recurrent layer")
    parser.add_argument("--out", type=Path, default=Path("long_dependencies.png"), help="file for the plot")
    options = parser.parse_args()
    curves = {}
    for task, steps in ((adding, options.steps), (copying, options.steps // 4)):
        title = f"{'The adding problem' if task is adding else 'The copy task'}, T = {steps}"
        with gw.threads(1), ThreadPoolExecutor() as pool:  # trains the networks in parallel, with one thread each
            network = partial(train, task, options.hidden, steps, options.batches, options.batch)
            found = list(pool.map(network, KINDS))
        for kind, losses in zip(KINDS, found, strict=True):
            print(f"{title}, {kind}: loss {losses[-1]:.4f}")
        curves[task.__name__] = title, dict(zip(KINDS, found, strict=True))
    draw(curves, options.out)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
