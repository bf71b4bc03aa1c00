"""The tutorial's training, gatewise beside PyTorch where that is installed, and what of a step is not arithmetic.

    python bench/training.py --threads 2

Windows of one feature, an LSTM of two layers, a linear layer on the flattened outputs, mean squared error, Adam: epochs
of 40 batches, in turn, the best of the rounds. Python's share is what a step takes beyond its calls into the core
(weights packed, forward, backward, Adam) and the three matrix products of the linear layer, all timed apart.
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
    """Windows (N, T, 1) and what follows each, (N, 1)."""
    wave = np.sin(np.arange(BATCH * BATCHES + steps) * 0.1).astype(np.float32)
    return np.lib.stride_tricks.sliding_window_view(wave, steps)[:-1, :, None].copy(), wave[steps:, None]


def model_of(hidden: int, steps: int) -> gw.Sequential:
    """The tutorial's."""
    layer = gw.LSTM(1, hidden, 2, batch_first=True)
    return gw.Sequential(layer, gw.Flatten(steps), gw.Linear(steps * hidden, 1), seed=0)


def epoch(hidden: int, steps: int) -> Callable[[], Any]:
    """One epoch with gatewise."""
    (x, y), model, adam = data(steps), model_of(hidden, steps), gw.optimizers.Adam(1e-3)
    return lambda: model.fit(x, y, batch_size=BATCH, optimizer=adam, verbose=False)


def epoch_in_pytorch(hidden: int, steps: int, threads: int) -> Callable[[], Any] | None:
    """One with PyTorch, the batches drawn by a permutation as gatewise's are."""
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
    """The arithmetic of one step alone."""
    model, (x, _) = model_of(hidden, steps), data(steps)
    layer, batch, adam = model.parts[0], x[:BATCH], gw.optimizers.Adam(1e-3)
    dy, d = np.ones((BATCH, steps, hidden), np.float32), np.ones((BATCH, 1), np.float32)
    weight, flat = model.params["2.weight"], dy.reshape(BATCH, -1)

    def run() -> None:
        _, _, tape = layer.forward(batch)  # packs the weights too: they are the model's arrays
        layer.backward(tape, dy, wrt_x=False)
        _ = flat @ weight.T, d.T @ flat, d @ weight
        adam.update(model.flat_params, model.flat_grads)

    return run


def best(calls: list[Callable[[], Any]], rounds: int) -> list[float]:
    """The best seconds of each, in turn."""
    times = [float("inf")] * len(calls)
    for _ in range(rounds):
        for i, call in enumerate(calls):
            start = time.perf_counter()
            call()
            times[i] = min(times[i], time.perf_counter() - start)
    return times


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    gw.set_num_threads(options.threads)
    print("| H | T | a step, µs | Python's share | PyTorch's, µs | times as long |\n|---:|---:|---:|---:|---:|---:|")
    for hidden, steps in SIZES:
        alone = arithmetic(hidden, steps)
        calls = [epoch(hidden, steps), lambda alone=alone: [alone() for _ in range(BATCHES)]]
        theirs = epoch_in_pytorch(hidden, steps, options.threads)
        ours, arithmetics, *others = (
            t / BATCHES * 1e6 for t in best([*calls, *([theirs] if theirs else [])], options.rounds)
        )
        share = max(0.0, 1 - arithmetics / ours)
        beside = f"{others[0]:.0f} | {others[0] / ours:.2f}" if others else " | "
        print(f"| {hidden} | {steps} | {ours:.0f} | {share:.0%} | {beside} |", flush=True)


if __name__ == "__main__":
    main()
