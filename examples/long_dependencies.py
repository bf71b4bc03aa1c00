"""RNN, GRU, LSTM and peephole LSTM on two tasks whose answer lies far back: `python examples/long_dependencies.py`.

The adding problem (Hochreiter and Schmidhuber 1997, "Long short-term memory", experiment 4): a sequence of numbers, two
of them marked; the answer, after the last step, is their sum. Always to answer 1 gives a mean squared error of 1/6. The
copy task (after their experiment 2): symbols, a long pause, and then, at a sign, the symbols again.

What an RNN reads fades, or explodes, with every step; a gate that stays open keeps it. Gates start as open as the
sequence is long (Tallec and Ollivier 2018, "Can recurrent neural networks warp time?").
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
    """Batches (B, T, 2) of numbers and marks, and the sums (B, 1) of the two that are marked, one in each half."""
    while True:
        x = np.zeros((batch, steps, 2), np.float32)
        x[..., 0] = rng.uniform(size=(batch, steps))
        rows, half = np.arange(batch), steps // 2
        x[rows, rng.integers(half, size=batch), 1] = 1
        x[rows, half + rng.integers(steps - half, size=batch), 1] = 1
        yield x, (x[..., 0] * x[..., 1]).sum(axis=1, keepdims=True)


def copying(rng, steps, batch):
    """Batches of tokens (B, T + 2 * COPIED), and those to answer with; only the last COPIED answers count."""
    while True:
        symbols = rng.integers(SYMBOLS, size=(batch, COPIED))
        x = np.full((batch, steps + 2 * COPIED), BLANK)
        x[:, :COPIED], x[:, COPIED + steps - 1] = symbols, SIGN
        y, counts = np.full_like(x, BLANK), np.zeros(x.shape)
        y[:, -COPIED:], counts[:, -COPIED:] = symbols, 1
        yield x, y, counts


def open_gates(layer, steps, rng):
    """Let the layer remember for up to `steps` steps: forget gates (a GRU's update gates) of 1 - 1/t, t from 1 to T."""
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
    """Keeps the loss of every step, as a running mean."""

    def __init__(self):
        self.smooth = []

    def on_batch_end(self, run):
        before = self.smooth[-1] if self.smooth else run.batch_loss
        self.smooth.append(0.95 * before + 0.05 * run.batch_loss)


def train(task, hidden, steps, batches, batch, kind, seed=0):
    """The running loss of one network on one task."""
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
    """The losses of all networks, one panel a task."""
    figure = Figure(figsize=(9, 8), layout="constrained")
    panels = figure.subplots(2, sharex=True)
    levels = {"adding": (1 / 6, "always 1"), "copying": (np.log(SYMBOLS), "at random")}
    for axes, (task, (title, found)) in zip(panels, curves.items(), strict=True):
        for kind, losses in found.items():
            axes.plot(np.arange(1, len(losses) + 1), losses, label=kind)
        level, name = levels[task]
        axes.axhline(level, color="gray", linestyle=":", label=f"to answer {name}")
        axes.set(title=title, yscale="log", ylabel="loss", xlabel="step of the optimizer")
        axes.legend(ncols=5, fontsize="small", loc="lower left")
        axes.grid(alpha=0.3)
    figure.savefig(path)


def main():
    """Train all on both tasks, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--steps", type=int, default=400, help="T of the adding problem; the pause to copy over is a quarter"
    )
    parser.add_argument("--batches", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--out", type=Path, default=Path("long_dependencies.png"))
    options = parser.parse_args()
    curves = {}
    for task, steps in ((adding, options.steps), (copying, options.steps // 4)):
        title = f"{'The adding problem' if task is adding else 'The copy task'}, T = {steps}"
        with gw.threads(1), ThreadPoolExecutor() as pool:  # the networks side by side, one thread each: the same bits
            network = partial(train, task, options.hidden, steps, options.batches, options.batch)
            found = list(pool.map(network, KINDS))
        for kind, losses in zip(KINDS, found, strict=True):
            print(f"{title}, {kind}: loss {losses[-1]:.4f}")
        curves[task.__name__] = title, dict(zip(KINDS, found, strict=True))
    draw(curves, options.out)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
