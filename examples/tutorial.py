"""Train the model of a popular LSTM tutorial, in gatewise and in PyTorch: `python examples/tutorial.py`.

A series is scaled to [-1, 1] and cut into windows. A two-layer LSTM reads each window, and a linear layer predicts the
next value from its flattened outputs. The loss is the mean squared error, the optimizer Adam with a learning rate of
1e-3, for 100 epochs. Where PyTorch is installed, it trains the same model from the same weights with the same batches.
The script compares the losses, which must agree, and prints both times.
"""

import argparse
import time
from importlib import resources
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import gatewise as gw


def temperatures():
    """Load the series bundled with gatewise: monthly sea-surface temperatures off Peru, 1950 to 2010 (NOAA)."""
    with resources.files("gatewise.forecasting").joinpath("data/nino12.csv").open() as file:
        return np.loadtxt(file, delimiter=",", skiprows=1, usecols=1)


def windows(values, steps):
    """Scale the values to [-1, 1]; return windows (N, T, 1) of them and the value after each, (N, 1)."""
    low, high = values.min(), values.max()
    scaled = ((values - low) / (high - low) * 2 - 1).astype(np.float32)
    x = np.lib.stride_tricks.sliding_window_view(scaled, steps)[:-1, :, None]
    return np.ascontiguousarray(x), scaled[steps:, None]


class BatchLosses(gw.callbacks.Callback):
    """Record the loss of every step."""

    def __init__(self):
        self.losses = []

    def on_batch_end(self, run):
        self.losses.append(run.batch_loss)


def train(model, x, y, epochs, batch, verbose):
    """Train the model; return the loss of every step and the training time in seconds."""
    steps = BatchLosses()
    start = time.perf_counter()
    model.fit(
        x, y, epochs=epochs, batch_size=batch, optimizer=gw.optimizers.Adam(1e-3), shuffle=False, callbacks=[steps],
        verbose=verbose,
    )  # fmt: skip
    return np.array(steps.losses), time.perf_counter() - start


def train_in_pytorch(weights, hidden, x, y, epochs, batch):
    """Do the same with PyTorch, from the same weights; return None if it is not installed."""
    try:
        import torch
    except ModuleNotFoundError:
        return None
    lstm = torch.nn.LSTM(1, hidden, num_layers=2, batch_first=True)
    head = torch.nn.Linear(x.shape[1] * hidden, 1)
    tensors = {name: torch.tensor(value) for name, value in weights.items()}
    lstm.load_state_dict({name[2:]: value for name, value in tensors.items() if name.startswith("0.")})
    head.load_state_dict({name[2:]: value for name, value in tensors.items() if name.startswith("2.")})
    adam = torch.optim.Adam([*lstm.parameters(), *head.parameters()], lr=1e-3)
    xs, ys, losses = torch.tensor(x).split(batch), torch.tensor(y).split(batch), []
    start = time.perf_counter()
    for _ in range(epochs):
        for x_batch, y_batch in zip(xs, ys, strict=True):
            adam.zero_grad()
            outputs, _ = lstm(x_batch)
            loss = torch.nn.functional.mse_loss(head(outputs.flatten(1)), y_batch)
            loss.backward()
            adam.step()
            losses.append(loss.item())
    return np.array(losses), time.perf_counter() - start


def draw(ours, theirs, per_epoch, path):
    """Plot the mean loss of each epoch."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    for name, losses, color, line in (("PyTorch", theirs, "tab:orange", "-"), ("gatewise", ours, "tab:blue", ":")):
        if losses is not None:
            means = losses.reshape(-1, per_epoch).mean(axis=1)
            axes.plot(range(1, len(means) + 1), means, line, color=color, linewidth=3, label=name)
    axes.set(yscale="log", xlabel="epoch", ylabel="mean squared error", title="The same training")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path)


def main():
    """Train, compare and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=100, help="passes over the windows")
    parser.add_argument("--hidden", type=int, default=32, help="units of each LSTM layer")
    parser.add_argument("--steps", type=int, default=20, help="length of the windows")
    parser.add_argument("--batch", type=int, default=32, help="windows per batch")
    parser.add_argument("--out", type=Path, default=Path("tutorial.png"), help="file for the plot")
    options = parser.parse_args()

    x, y = windows(temperatures(), options.steps)
    model = gw.Sequential(
        gw.LSTM(1, options.hidden, num_layers=2, batch_first=True),
        gw.Flatten(options.steps),
        gw.Linear(options.steps * options.hidden, 1),
        seed=0,
    )
    model.summary()
    start = model.state_dict()
    ours, seconds = train(model, x, y, options.epochs, options.batch, verbose=True)
    print(f"gatewise: {seconds:.2f} s, last loss {ours[-1]:.6f}")
    found = train_in_pytorch(start, options.hidden, x, y, options.epochs, options.batch)
    if found is not None:
        theirs, seconds_there = found
        difference = np.abs(ours[:100] / theirs[:100] - 1).max()
        ratio = seconds_there / seconds
        print(f"PyTorch:  {seconds_there:.2f} s, last loss {theirs[-1]:.6f}; {ratio:.1f} times gatewise's time")
        print(f"largest relative difference of the first {len(theirs[:100])} losses: {difference:.1e}")
    draw(ours, found and found[0], -(-len(x) // options.batch), options.out)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
