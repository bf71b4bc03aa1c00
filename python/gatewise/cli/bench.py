"""The work of ``gatewise bench``: time this machine, and PyTorch on it if it is installed."""

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
from ..models.building import RECURRENT_LAYERS

SIZES = ("100,1,40,64", "50,32,8,32", "50,32,32,64", "100,32,128,256")
CALLS = ("forward", "training", "step")
Calls = dict[str, Callable[[], Any]]


def bench(cell: str, sizes: list[str], seconds: float) -> None:
    """Time a layer's forward pass, its forward and backward pass, and one step of a stream, for each size."""
    chosen = [_size(text) for text in sizes or SIZES]
    torch = importlib.import_module("torch") if importlib.util.find_spec("torch") else None
    config = gw.show_config(mode="dicts")
    assert config is not None
    threads = gw.get_num_threads()
    print(
        f"gatewise {gw.__version__}, {config['instruction set']}, {threads} thread{'s' if threads > 1 else ''}, float32"
    )
    print(f"PyTorch {torch.__version__}" if torch else "PyTorch is not installed, so only gatewise is measured.")
    print(
        f"\n{cell.upper():<5}{'T,B,I,H':<18}{'':<10}{'gatewise':>12}{'GFLOP/s':>10}"
        + (f"{'PyTorch':>14}{'PyTorch/gatewise':>19}" if torch else "")
    )
    for size in chosen:
        ours, theirs = _gatewise(cell, *size), _pytorch(torch, cell, *size) if torch else {}
        for call in CALLS:
            best = _time(ours[call], seconds)
            speed = _flops(call, cell, *size) / best / 1e9
            line = f"{'':<5}{','.join(map(str, size)):<18}{call:<10}{_shown(best):>12}{speed:>10.1f}"
            if theirs:
                other = _time(theirs[call], seconds)
                line += f"{_shown(other):>14}{other / best:>18.3g}x"
            print(line, flush=True)
    print("\nBest times. forward: T steps. training: forward and backward. step: one step of a stream, batch size B.")
    print("GFLOP/s counts matrix products only, and a backward pass as two forward passes.")


def _size(text: str) -> tuple[int, int, int, int]:
    try:
        steps, batch, features, units = (int(number) for number in text.split(","))
    except ValueError:
        steps = batch = features = units = 0
    if min(steps, batch, features, units) < 1:
        raise InputError(f"--sizes: expected T,B,I,H as in {SIZES[0]}, integers >= 1, got {text!r}")
    return steps, batch, features, units


def _flops(call: str, cell: str, steps: int, batch: int, features: int, units: int) -> float:
    weights = sum(array.size for array in RECURRENT_LAYERS[cell](features, units, bias=False).params.values())
    one_step = 2.0 * weights * batch
    return {"forward": steps * one_step, "training": 3 * steps * one_step, "step": one_step}[call]


def _time(call: Callable[[], Any], seconds: float) -> float:
    """Return the best time of a call; short calls are timed in groups of about 0.1 ms."""
    timer = timeit.Timer(call)
    timer.timeit(1)  # packs weights and compiles kernels
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
    layer = RECURRENT_LAYERS[cell](features, units, seed=0)
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
    layer = getattr(torch.nn, RECURRENT_LAYERS[cell].__name__)(features, units)
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
