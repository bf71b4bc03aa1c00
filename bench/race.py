"""Race gatewise against the other libraries that are installed, in one run, each in processes of its own, in turn.

    python bench/race.py --threads 2 --rounds 3 --out bench/results/race.json
    python bench/race.py --only "infer LSTM" --libraries gatewise pytorch
    python bench/race.py --table bench/results/race.json

Every round starts each library anew and times every case: as many calls as fit into --seconds, of which the best and
the median stand in the results. The best of all rounds counts.
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
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cases import Case, all_cases, grid
from report import plot, table

HERE = Path(__file__).parent
LIBRARIES = ["gatewise", "pytorch", "onnxruntime", "openvino", "jax"]


def time_calls(call: Any, seconds: float) -> tuple[float, float]:
    """The best and the median time of a call, in seconds; short calls are timed in groups."""
    end = time.perf_counter() + seconds / 4
    calls, start = 0, time.perf_counter()
    while calls < 3 or time.perf_counter() < end:
        call()
        calls += 1
    group = max(1, int(1e-4 * calls / (time.perf_counter() - start)))
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(group):
            call()
        times.append((time.perf_counter() - start) / group)
    return min(times), statistics.median(times)


def work(library: str, cases: list[Case], threads: int, seconds: float) -> None:
    """In a library's own process: a line of JSON for each case that it has."""
    if threads == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    peer = importlib.import_module(f"peers.{library}")
    print(json.dumps({"version": peer.version()}), flush=True)
    for case in cases:
        call = peer.make(case, threads)
        if call is not None:
            best, median = time_calls(call, seconds)
            print(json.dumps({"case": case.name, "best": best, "median": median}), flush=True)


def run_round(library: str, cases: list[Case], threads: int, seconds: float) -> list[dict[str, Any]] | None:
    """One round of one library; None if it cannot be imported."""
    command = [sys.executable, str(HERE / "race.py"), "--worker", library, "--threads", str(threads)]
    command += ["--seconds", str(seconds)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(HERE)}
    given = json.dumps([asdict(case) for case in cases])
    run = subprocess.run(command, input=given, capture_output=True, text=True, check=False, env=environment)
    if run.returncode != 0:
        print(f"{library}: {run.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]


def commit() -> str:
    """The commit that is measured, with a + if the tree has changes."""
    git = ["git", "-C", str(HERE)]
    name = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    changed = subprocess.run(
        [*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False
    ).stdout
    return name.strip() + ("+" if changed.strip() else "")


def machine() -> str:
    """The processor and how many of it."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        facts = dict(
            (part.strip() for part in line.split(":", 1)) for line in info.read_text().splitlines() if ":" in line
        )
        model = f"{facts.get('model name', model)}, family {facts.get('cpu family')}, model {facts.get('model')}"
    return f"{model}, {len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} processors"


def race(options: argparse.Namespace) -> dict[str, Any]:
    """All rounds."""
    cases = [case for case in (all_cases() if options.all else grid()) if options.only in case.name]
    result: dict[str, Any] = {
        "commit": commit(),
        "machine": machine(),
        "python": platform.python_version(),
        "threads": options.threads,
        "rounds": options.rounds,
        "cases": {case.name: asdict(case) | {"flops": case.flops} for case in cases},
        "versions": {},
        "best": {},
        "median": {},
    }
    libraries = list(options.libraries)
    for number in range(options.rounds):
        for library in list(libraries):
            rows = run_round(library, cases, options.threads, options.seconds)
            if rows is None:
                libraries.remove(library)
                continue
            for row in rows:
                if "version" in row:
                    result["versions"][library] = row["version"]
                    continue
                for kind in ("best", "median"):
                    times = result[kind].setdefault(row["case"], {})
                    times[library] = min(times.get(library, float("inf")), row[kind])
            print(f"round {number + 1} of {options.rounds}: {library}", file=sys.stderr, flush=True)
    return result


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--libraries", nargs="+", default=LIBRARIES, choices=LIBRARIES)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.2, help="for each case and round")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--all", action="store_true", help="other types, cells and sizes too")
    parser.add_argument("--out", type=Path, help="write the results as JSON, and a plot beside them")
    parser.add_argument("--table", type=Path, help="show the results of an earlier run")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, [Case(**case) for case in json.load(sys.stdin)], options.threads, options.seconds)
        return
    result = json.loads(options.table.read_text()) if options.table else race(options)
    print(table(result))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(result, indent=1) + "\n")
        plot(result, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
