"""Compare the speed of gatewise and of the other libraries that are installed.

    python bench/race.py --threads 1 2 --rounds 3 --out race.json --report race.md
    python bench/race.py --only "infer LSTM" --libraries gatewise pytorch
    python bench/race.py --table race.json

The libraries run one after another. Every round starts a new process per library and number of threads, and times every
case with as many calls as fit into --seconds. The results contain the best time of all rounds, and the median of the
rounds' medians.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import timeit
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cases import Case, all_cases, grid
from report import table, write_report

HERE = Path(__file__).parent
LIBRARIES = ["gatewise", "pytorch", "onnxruntime", "openvino", "jax"]
PEAK = HERE.parent / "build" / "bench" / "gatewise_peak"


def time_calls(call: Callable[[], Any], seconds: float) -> tuple[float, float]:
    """Return the best and the median time of a call, in seconds. Short calls are timed in groups."""
    timer = timeit.Timer(call)
    timer.timeit(1)  # just-in-time compilation and packing of weights happen here
    calls, warm = 1, timer.timeit(1)
    while warm < seconds / 4:
        calls *= 2
        warm = timer.timeit(calls)
    group = max(1, int(1e-4 * calls / warm))
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        times.append(timer.timeit(group) / group)
    return min(times), statistics.median(times)


def pin(threads: int) -> None:
    """Pin this process to as many processors as it has threads.

    Some libraries take their number of threads from the processors, and no thread can move to another processor.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def work(library: str, cases: list[Case], threads: int, seconds: float) -> None:
    """Run in a library's own process: print its facts, then one line of JSON per case that it supports."""
    pin(threads)
    peer = importlib.import_module(f"peers.{library}")
    print(json.dumps(peer.facts()), flush=True)
    for case in cases:
        call = peer.make(case, threads)
        if call is not None:
            best, median = time_calls(call, seconds)
            print(json.dumps({"case": case.name, "best": best, "median": median}), flush=True)


def run_round(library: str, cases: list[Case], threads: int, seconds: float) -> list[dict[str, Any]]:
    """Run one round of one library; return its lines, the facts first, or none if it cannot be imported."""
    command = [sys.executable, str(HERE / "race.py"), "--worker", library]
    command += ["--threads", str(threads), "--seconds", str(seconds)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "KMP_", "MKL_"))}
    counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    given = json.dumps([asdict(case) for case in cases])
    run = subprocess.run(command, input=given, capture_output=True, text=True, check=False, env={**kept, **counts})
    if run.returncode != 0:
        print(f"{library}: {(run.stderr.strip() or 'failed').splitlines()[-1]}", file=sys.stderr)
    return [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]


def measure_peak(program: Path, threads: int) -> dict[str, dict[str, float]]:
    """Return the FLOP/s of fused multiply-adds by dtype and number of threads; empty if the program is not built."""
    if not program.exists():
        return {}
    return dict(json.loads(subprocess.run([program, str(threads)], capture_output=True, check=True).stdout))


def commit() -> str:
    """The current commit, followed by + if the work tree has changes."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", HERE, *arguments], capture_output=True, text=True, check=False).stdout

    return git("rev-parse", "--short", "HEAD").strip() + ("+" if git("status", "--porcelain", "-uno").strip() else "")


def machine() -> str:
    """The model and number of processors."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        facts = dict(
            (part.strip() for part in line.split(":", 1)) for line in info.read_text().splitlines() if ":" in line
        )
        model = f"{facts.get('model name', model)}, family {facts.get('cpu family')}, model {facts.get('model')}"
    return f"{model}, {len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} processors"


def race(options: argparse.Namespace) -> dict[str, Any]:
    """Run all rounds and return their results."""
    in_grid = set(grid())
    cases = [case for case in (all_cases() if options.all else grid()) if options.only in case.name]
    if not cases:
        sys.exit(f"--only: no case has a name that contains {options.only!r}")
    result: dict[str, Any] = {
        "commit": commit(),
        "machine": machine(),
        "python": platform.python_version(),
        "threads": options.threads,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "libraries": {},
        "peak": {},
        "cases": {case.name: {**asdict(case), "grid": case in in_grid} for case in cases},
    }
    if not options.peak.exists():
        print(
            f"shares of the peak are left out: {options.peak} does not exist; see CONTRIBUTING.md for how to build it",
            file=sys.stderr,
        )
    # threads → case → library → [(best, median) of each round]
    rounds: dict[int, dict[str, dict[str, list[tuple[float, float]]]]] = {n: {} for n in options.threads}
    libraries = list(options.libraries)
    for number in range(options.rounds):
        for dtype, rates in measure_peak(options.peak, max(options.threads)).items():
            before = result["peak"].setdefault(dtype, {})
            before.update({n: max(rate, before.get(n, 0)) for n, rate in rates.items()})
        for threads in options.threads:
            for library in list(libraries):
                facts, *rows = run_round(library, cases, threads, options.seconds) or [None]
                if facts is None:
                    libraries.remove(library)
                    continue
                result["libraries"][library] = facts
                for row in rows:
                    times = rounds[threads].setdefault(row["case"], {}).setdefault(library, [])
                    times.append((row["best"], row["median"]))
                shown = f"round {number + 1} of {options.rounds}, {threads} threads: {library}"
                print(shown, file=sys.stderr, flush=True)
    result["times"] = {
        str(threads): {
            case: {
                library: {"best": min(best for best, _ in times), "median": statistics.median(m for _, m in times)}
                for library, times in of_case.items()
            }
            for case, of_case in of_threads.items()
        }
        for threads, of_threads in rounds.items()
    }
    return result


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--libraries", nargs="+", default=LIBRARIES, choices=LIBRARIES)
    parser.add_argument(
        "--threads", nargs="+", type=int, default=[1, 2], help="numbers of threads to run with (default: 1 2)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the best counts (default: 3)")
    parser.add_argument("--seconds", type=float, default=0.2, help="time per case and round (default: 0.2)")
    parser.add_argument("--only", default="", help="run only cases whose name contains this")
    parser.add_argument("--all", action="store_true", help="add the cases beyond the grid: see bench/cases.py")
    parser.add_argument("--peak", type=Path, default=PEAK, help="the program that measures the machine's peak")
    parser.add_argument("--out", type=Path, help="write the results as JSON")
    parser.add_argument("--report", type=Path, help="write the table into this Markdown file, with plots in its folder")
    parser.add_argument("--table", type=Path, help="show these results instead of running a race")
    parser.add_argument("--worker", choices=LIBRARIES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, [Case(**case) for case in json.load(sys.stdin)], options.threads[0], options.seconds)
        return
    result = json.loads(options.table.read_text()) if options.table else race(options)
    print(table(result))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(result, indent=1) + "\n")
    if options.report:
        write_report(result, options.report)


if __name__ == "__main__":
    main()
