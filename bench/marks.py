"""Measure what the race does not show, and compare each value with a target.

    python bench/marks.py --threads 1 2 --wheel dist/gatewise-….whl

The values are: the time of ragged against padded batches, of float64 against float32, and of denormal against normal
inputs (timed in turn, best of all rounds); the slowdown of a thread pool with one core occupied; the time of a stream's
step called from Python; the import time; and the size of a wheel.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from cases import Case
from peers import gatewise
from race import time_calls
from rows import count

SHAPES = [(50, 32, 32, 64), (100, 32, 128, 256)]


class Mark(NamedTuple):
    """A measured value and its target: `value` should be at most `bound`."""

    name: str
    value: float
    bound: float
    unit: str = ""


def in_turn(calls: list[Callable[[], Any]], rounds: int, seconds: float) -> list[float]:
    """Time the calls in turn and return the best time of each."""
    best = [float("inf")] * len(calls)
    for _ in range(rounds):
        best = [min(so_far, time_calls(call, seconds)[0]) for so_far, call in zip(best, calls, strict=True)]
    return best


def pairs(threads: int, rounds: int, seconds: float) -> Iterator[Mark]:
    """Compare ragged with padded batches, float64 with float32, and denormal with normal inputs."""
    for mode in ("infer", "train"):
        for cell in ("LSTM", "GRU"):
            for shape in SHAPES:
                case = Case(mode, cell, *shape)
                ragged, double = replace(case, ragged=True), replace(case, dtype="float64")
                calls = [gatewise.make(each, threads) for each in (case, ragged, double)]
                calls += [gatewise.make(case, threads, *scales) for scales in ((1, 1e-39), (1e-39, 1e-39))]
                normal, of_ragged, of_double, *tiny = in_turn(calls, rounds, seconds)
                name = f"{case.name}, {count(threads)}"
                share = ragged.rows / case.rows
                yield Mark(f"{name}: ragged / (share of unmasked steps × padded)", of_ragged / (share * normal), 1.15)
                yield Mark(f"{name}: float64 / float32", of_double / normal, 2)
                yield Mark(f"{name}: denormal x, dy and biases / normal", tiny[0] / normal, 1.1)
                yield Mark(f"{name}: denormal weights too / normal", tiny[1] / normal, 1.1)


@contextmanager
def busy_core() -> Iterator[None]:
    """Run another process that keeps one of our processors busy."""
    script = f"import os\nos.sched_setaffinity(0, {{{min(os.sched_getaffinity(0))}}})\nwhile True: pass"
    process = subprocess.Popen([sys.executable, "-c", script])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def crowded(threads: int, seconds: float) -> Iterator[Mark]:
    """Compare several threads, one core of which is occupied, with one thread.

    This takes the mean time of all calls: the best call may be one that the other process did not disturb.
    """

    def mean(case: Case, members: int) -> float:
        call = gatewise.make(case, members)
        call()
        calls, start = 0, time.perf_counter()
        while (spent := time.perf_counter() - start) < seconds or not calls:
            call()
            calls += 1
        return spent / calls

    with busy_core():
        cases = [Case("infer", "LSTM", *shape) for shape in (*SHAPES, (100, 1, 40, 256))]
        for case in (*cases, Case("infer", "LSTM", 100, 1, 40, 64, layers=2)):
            ratio = mean(case, threads) / mean(case, 1)
            yield Mark(f"{case.name}, one core occupied: {count(threads)} / 1 thread", ratio, 1.3)


def steps(rounds: int, seconds: float) -> Iterator[Mark]:
    """Time a stream's step with 32 units, called from Python."""
    for cell in ("LSTM", "GRU"):
        case = Case("step", cell, 1, 1, 32, 32)
        normal, tiny = in_turn([gatewise.make(case, 1), gatewise.make(case, 1, 1, 1e-39)], rounds, seconds)
        yield Mark(case.name, normal * 1e6, 1, " µs")
        yield Mark(f"{case.name}: denormal x and biases / normal", tiny / normal, 1.1)


def import_seconds() -> float:
    """Time `import gatewise` after `import numpy`: the best of ten processes."""
    script = "import numpy, time; start = time.perf_counter(); import gatewise; print(time.perf_counter() - start)"
    return min(float(subprocess.check_output([sys.executable, "-c", script])) for _ in range(10))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], help="numbers of threads (default: 1 2)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; the best counts (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.1, help="time per call and round (default: 0.1)")
    parser.add_argument("--wheel", type=Path, help="a wheel whose size to show")
    options = parser.parse_args()
    print("| what | measured | target (at most) | |\n|---|---:|---:|---|")

    def show(mark: Mark) -> None:
        verdict = "met" if mark.value <= mark.bound else "missed"
        print(f"| {mark.name} | {mark.value:.3g}{mark.unit} | {mark.bound:g}{mark.unit} | {verdict} |", flush=True)

    show(Mark("import time, beyond NumPy's", import_seconds(), 0.05, " s"))
    if options.wheel:
        show(Mark("wheel size", options.wheel.stat().st_size / 1e6, 3, " MB"))
    for mark in steps(options.rounds, options.seconds):
        show(mark)
    for threads in options.threads:
        for mark in pairs(threads, options.rounds, options.seconds):
            show(mark)
        if threads > 1 and hasattr(os, "sched_setaffinity"):
            for mark in crowded(threads, 10 * options.seconds):
                show(mark)


if __name__ == "__main__":
    main()
