"""Time the training of examples/tutorial.py, and the same training in PyTorch where it is installed.

    python bench/training.py --threads 2

A two-layer LSTM reads windows of one feature, and a linear layer reads its flattened outputs; the loss is the mean
squared error, the optimizer Adam. Epochs of 40 batches are timed in turn, and the best of all rounds counts. Python's
share is the part of a step's time that is neither in the core (packing weights, forward, backward, Adam) nor in the
three matrix products of the linear layer; these are timed separately.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import gatewise as gw

BATCH, BATCHES = 32, 40
SIZES = [(32, 20), (32, 50), (64, 20), (64, 50)]


def data(steps: int) -> tuple[Any, Any]:
    """Windows (N, T, 1) of a sine wave, and the value after each, (N, 1)."""
    wave = np.sin(np.arange(BATCH * BATCHES + steps) * 0.1).astype(np.float32)
    return np.lib.stride_tricks.sliding_window_view(wave, steps)[:-1, :, None].copy(), wave[steps:, None]


def model_of(hidden: int, steps: int) -> gw.Sequential:
    """The model of the tutorial."""
    layer = gw.LSTM(1, hidden, 2, batch_first=True)
    return gw.Sequential(layer, gw.Flatten(steps), gw.Linear(steps * hidden, 1), seed=0)


def epoch(hidden: int, steps: int) -> Callable[[], Any]:
    """A function that trains one epoch with gatewise."""
    (x, y), model, adam = data(steps), model_of(hidden, steps), gw.optimizers.Adam(1e-3)
    return lambda: model.fit(x, y, batch_size=BATCH, optimizer=adam, verbose=False)


def epoch_in_pytorch(hidden: int, steps: int, threads: int) -> Callable[[], Any] | None:
    """The same with PyTorch, with shuffled batches as in gatewise; None if PyTorch is not installed."""
    try:
        import torch
    except ModuleNotFoundError:
        return None
    torch.set_num_threads(threads)
    lstm, head = torch.nn.LSTM(1, hidden, 2, batch_first=True), torch.nn.Linear(steps * hidden, 1)
    adam = torch.optim.Adam([*lstm.parameters(), *head.parameters()], 1e-3)
    x, y = map(torch.tensor, data(steps))

    def run() -> None:
        for rows in torch.randperm(len(x)).split(BATCH):
            adam.zero_grad()
            torch.nn.functional.mse_loss(head(lstm(x[rows])[0].flatten(1)), y[rows]).backward()
            adam.step()

    return run


def arithmetic(hidden: int, steps: int) -> Callable[[], Any]:
    """A function that does only the arithmetic of one step."""
    model, (x, _) = model_of(hidden, steps), data(steps)
    layer, batch, adam = model.layers[0], x[:BATCH], gw.optimizers.Adam(1e-3)
    dy, d = np.ones((BATCH, steps, hidden), np.float32), np.ones((BATCH, 1), np.float32)
    weight, flat = model.params["2.weight"], dy.reshape(BATCH, -1)

    def run() -> None:
        _, _, tape = layer.forward(batch)  # also packs the weights, which are the model's arrays
        layer.backward(tape, dy, wrt_x=False)
        _ = flat @ weight.T, d.T @ flat, d @ weight
        adam.update(model.flat_params, model.flat_grads)

    return run


def best(calls: list[Callable[[], Any]], rounds: int) -> list[float]:
    """Time the calls in turn; return the best time of each, in seconds."""
    times = [float("inf")] * len(calls)
    for _ in range(rounds):
        for i, call in enumerate(calls):
            start = time.perf_counter()
            call()
            times[i] = min(times[i], time.perf_counter() - start)
    return times


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="threads (default: 2)")
    parser.add_argument("--rounds", type=int, default=20, help="rounds; the best counts (default: 20)")
    options = parser.parse_args()
    gw.set_num_threads(options.threads)
    print("| H | T | step, µs | Python's share | PyTorch, µs | PyTorch / gatewise |\n|---:|---:|---:|---:|---:|---:|")
    for hidden, steps in SIZES:
        alone = arithmetic(hidden, steps)
        calls = [epoch(hidden, steps), lambda alone=alone: [alone() for _ in range(BATCHES)]]
        theirs = epoch_in_pytorch(hidden, steps, options.threads)
        ours, arithmetics, *others = (
            t / BATCHES * 1e6 for t in best([*calls, *([theirs] if theirs else [])], options.rounds)
        )
        share = max(0.0, 1 - arithmetics / ours)
        of_pytorch = f"{others[0]:.0f} | {others[0] / ours:.2f}" if others else " | "
        print(f"| {hidden} | {steps} | {ours:.0f} | {share:.0%} | {of_pytorch} |", flush=True)


if __name__ == "__main__":
    main()
