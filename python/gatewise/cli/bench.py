"""What ``gatewise bench`` does: time this machine, beside PyTorch where it is installed."""

from __future__ import annotations

import importlib
import importlib.util
import time
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np

import gatewise as gw

from ..files.errors import InputError

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
SIZES = ("100,1,40,64", "50,32,8,32", "50,32,32,64", "100,32,128,256")
KINDS = ("forward", "training", "step")
Calls = dict[str, Callable[[], Any]]


def bench(cell: str, sizes: list[str], seconds: float) -> None:
    """Time a layer's forward pass, its forward and backward pass, and a stream's step, for each size."""
    chosen = [_size(text) for text in sizes or SIZES]
    torch = importlib.import_module("torch") if importlib.util.find_spec("torch") else None
    config = gw.show_config(mode="dicts")
    assert config is not None
    threads = gw.get_num_threads()
    print(
        f"gatewise {gw.__version__}, {config['instruction set']}, {threads} thread{'s' if threads > 1 else ''}, float32"
    )
    print("PyTorch " + (torch.__version__ if torch else "is not installed: gatewise alone"))
    print(
        f"\n{cell.upper():<5}{'T,B,I,H':<18}{'':<10}{'gatewise':>12}{'GFLOP/s':>10}"
        + (f"{'PyTorch':>14}" if torch else "")
    )
    for size in chosen:
        ours, theirs = _gatewise(cell, *size), _pytorch(torch, cell, *size) if torch else {}
        for kind in KINDS:
            best = _time(ours[kind], seconds)
            speed = _flops(kind, cell, *size) / best / 1e9
            line = f"{'':<5}{','.join(map(str, size)):<18}{kind:<10}{_shown(best):>12}{speed:>10.1f}"
            if theirs:
                other = _time(theirs[kind], seconds)
                line += f"{_shown(other):>14}, {other / best:.3g} times as long"
            print(line, flush=True)
    print("\nforward: T steps; training: forward and backward; step: one step of a stream of B sequences. Best times.")
    print("GFLOP/s counts the products' operations alone, a backward pass as two forward ones.")


def _size(text: str) -> tuple[int, int, int, int]:
    try:
        steps, batch, features, units = (int(part) for part in text.split(","))
    except ValueError:
        steps = batch = features = units = 0
    if min(steps, batch, features, units) < 1:
        raise InputError(f"--sizes: expected T,B,I,H as in {SIZES[0]}, whole numbers from 1, got {text!r}")
    return steps, batch, features, units


def _flops(kind: str, cell: str, steps: int, batch: int, features: int, units: int) -> float:
    one = 2.0 * GATES[cell] * units * (features + units) * batch
    return {"forward": steps * one, "training": 3 * steps * one, "step": one}[kind]


def _time(call: Callable[[], Any], seconds: float) -> float:
    """The best time of a call; short ones are timed in groups of about 0.1 ms."""
    timer = timeit.Timer(call)
    timer.timeit(1)  # where weights are packed and kernels compiled
    calls = 1
    while (taken := timer.timeit(calls)) < min(1e-3, seconds):
        calls *= 2
    group = max(1, int(1e-4 * calls / taken))
    end, best = time.perf_counter() + seconds, taken / calls
    while time.perf_counter() < end:
        best = min(best, timer.timeit(group) / group)
    return best


def _shown(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def _gatewise(cell: str, steps: int, batch: int, features: int, units: int) -> Calls:
    layer = {"lstm": gw.LSTM, "gru": gw.GRU, "rnn": gw.RNN}[cell](features, units, seed=0)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((steps, batch, features), np.float32)
    dy = rng.standard_normal((steps, batch, units), np.float32)
    stream = layer.stream(batch)
    out = np.empty((batch, units), np.float32)

    def training() -> None:
        layer.backward(layer.forward(x)[2], dy)

    return {"forward": lambda: layer(x), "training": training, "step": lambda: stream.step(x[0], out)}


def _pytorch(torch: Any, cell: str, steps: int, batch: int, features: int, units: int) -> Calls:
    torch.set_num_threads(gw.get_num_threads())
    layer = getattr(torch.nn, cell.upper())(features, units)
    x, dy = torch.randn(steps, batch, features), torch.randn(steps, batch, units)
    x_trained = x.clone().requires_grad_()
    state = None

    def forward() -> None:
        with torch.inference_mode():
            layer(x)

    def training() -> None:
        layer.zero_grad()
        x_trained.grad = None
        layer(x_trained)[0].backward(dy)

    def step() -> None:
        nonlocal state
        with torch.inference_mode():
            _, state = layer(x[:1], state)

    return {"forward": forward, "training": training, "step": step}
