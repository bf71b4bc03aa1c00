"""The logic of the benches: cases, timing, a race of gatewise alone, its table, targets and plots, and comparisons.

Speed is not tested, because a machine that runs tests is busy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cases
import draw
import gatewise as gw
import marks
import race
import report
import training
from cases import Case
from paths import BENCH, ROOT
from peers._data import inputs, weights
from process import cmake
from rows import rows_of
from tolerances import expect

CELLS = {"LSTM": draw.CELLS[2], "GRU": draw.CELLS[6], "RNN": draw.CELLS[0]}
# Each size once, as far as the reference is fast enough.
SIZES = sorted({(c.cell, c.B, c.I, c.H) for c in cases.all_cases() if c.B * c.H * (c.I + c.H) < 2**19})


def run(script: str, *arguments: object) -> str:
    """Run a bench and return what it prints."""
    command = [sys.executable, BENCH / script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(("cell", "batch", "inputs", "hidden"), SIZES)
def test_measured_sizes_are_right(cell: str, batch: int, inputs: int, hidden: int) -> None:
    want = expect(draw.make(CELLS[cell], draw.VARIANTS[0], 2, batch, inputs, hidden))
    want.check(want.case.run(want.case.layer(gw, np.float32)), np.float32)


def test_cases_have_names_of_their_own() -> None:
    listed = cases.all_cases()
    assert len({case.name for case in listed}) == len(listed)
    assert listed[: len(list(cases.grid()))] == list(cases.grid())


def test_ragged_lengths_span_a_quarter_to_all() -> None:
    for case in cases.all_cases():
        if case.ragged:
            assert len(case.lengths()) == case.B
            assert (min(case.lengths()), max(case.lengths())) == (case.T // 4, case.T)


def test_operations_are_those_of_the_unmasked_steps() -> None:
    assert Case("infer", "LSTM", 5, 3, 7, 11).flops == 2 * 4 * 11 * (7 + 11) * 5 * 3
    assert Case("train", "GRU", 5, 3, 7, 11).flops == 3 * 2 * 3 * 11 * (7 + 11) * 5 * 3
    ragged = Case("infer", "RNN", 8, 2, 7, 11, ragged=True)
    assert ragged.flops == 2 * 11 * (7 + 11) * (2 + 8)
    assert Case("infer", "RNN", 8, 2, 7, 11, layers=2).flops == 2 * 11 * (7 + 11 + 11 + 11) * 8 * 2
    both_ways = Case("infer", "RNN", 8, 2, 7, 11, layers=2, directions=2)
    assert both_ways.flops == 2 * 2 * 11 * (7 + 11 + 2 * 11 + 11) * 8 * 2


def test_cpp_benches_get_every_full_case() -> None:
    lines = run("cases.py").splitlines()
    simple = [case for case in cases.all_cases() if not case.ragged and case.layers == case.directions == 1]
    assert len(lines) == len(simple)
    assert lines[0] == '{infer, "LSTM", 1, 1, 32, 32, 32 / 8},'


@pytest.mark.parametrize("seconds", [0.0, 0.02])
def test_time_of_a_call(seconds: float) -> None:
    best, median = race.time_calls(lambda: time.sleep(0.002), seconds)
    assert 0.002 <= best < median


@pytest.fixture(scope="module")
def peak(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the program that measures the machine's peak, and return its path."""
    build = tmp_path_factory.mktemp("build")
    cmake("-S", ROOT, "-B", build, "-DGATEWISE_BENCH=ON", "-DGATEWISE_BENCH_FLAGS=")
    cmake("--build", build, "--target", "gatewise_peak", "--config", "Release")
    return next(path for path in build.rglob("gatewise_peak*") if path.is_file() and path.stem == "gatewise_peak")


def test_race_of_gatewise_alone(tmp_path: Path, peak: Path) -> None:
    out, page = tmp_path / "race.json", tmp_path / "race.md"
    printed = run(
        "race.py", "--libraries", "gatewise", "--only", "LSTM 1,1,32,32", "--rounds", 2, "--seconds", 0.001,
        "--peak", peak, "--out", out, "--report", page,
    )  # fmt: skip
    result = json.loads(out.read_text())
    assert result["libraries"]["gatewise"]["version"] == gw.__version__
    rows = rows_of(result)
    assert [(row.threads, row.case.name) for row in rows] == [
        (threads, f"{mode} LSTM 1,1,32,32") for threads in (1, 2) for mode in ("infer", "step")
    ]
    for row in rows:
        assert 0 < row.best["gatewise"] <= row.median["gatewise"]
        assert row.peak is not None
        assert row.peak > 1e9
        assert row.share() == row.case.flops / row.best["gatewise"] / row.peak
        assert row.ratio is None
    assert printed.strip() == report.table(result)
    assert report.table(result) in page.read_text()
    pictures = {path.name for path in tmp_path.glob("*.png")}
    assert pictures == {"race-speed-1.png", "race-speed-2.png", "race-peak.png"}
    assert all(f"({name})" in page.read_text() for name in pictures)
    assert run("race.py", "--table", out) == printed

    compared = run("compare.py", out, out).splitlines()
    assert len(compared) == 2 + len(rows)
    assert compared[-1] == "geometric mean of 4: 1.000"


def test_exactness_with_and_without_pytorch() -> None:
    """float32 errors are a few roundings of 0.6e-7 each; the unit of the table is 1e-7."""
    head, _, *rows = (line.strip("| ").split(" | ") for line in run("exactness.py", "--draws", 1).splitlines())
    assert head[1] == "y"
    assert len(rows) == 15
    for row in rows:
        assert all(0.1 < float(value) < 100 for value in row[1:])


def result_of(
    times: dict[Case, dict[str, float]], threads: tuple[int, ...] = (1,), grid: Callable[[Case], bool] = lambda _: True
) -> dict[str, Any]:
    """Make a result with these times in seconds for every number of threads, with a peak of 100 GFLOP/s per thread."""
    of_cases = {
        case.name: {library: {"best": best, "median": 2 * best} for library, best in of_case.items()}
        for case, of_case in times.items()
    }
    return {
        "commit": "abc", "machine": "a machine", "python": "3", "threads": list(threads), "rounds": 1, "seconds": 1,
        "libraries": {name: {"version": "1", "instruction set": "x"} for name in ("gatewise", "jax", "pytorch")},
        "peak": {"float32": {str(n): n * 1e11 for n in threads}},
        "cases": {case.name: {**asdict(case), "grid": grid(case)} for case in times},
        "times": {str(n): of_cases for n in threads},
    }  # fmt: skip


SMALL, LARGE = Case("infer", "LSTM", 1, 1, 32, 32), Case("infer", "GRU", 50, 64, 512, 512)


def test_rows_and_table() -> None:
    result = result_of({SMALL: {"gatewise": 2**-19, "jax": 2**-17, "pytorch": 2.5 * 2**-19}, LARGE: {"jax": 0.0321}})
    small, large = rows_of(result)
    assert (small.peer, small.ratio) == ("pytorch", 2.5)
    assert (large.peer, large.ratio, large.share()) == ("jax", None, None)
    lines = report.table(result).splitlines()
    assert "| infer LSTM 1,1,32,32 | 1.91 | 7.63 | 4.77 | 3.81 | 8.6 | 9% | 2.50 |" in lines
    assert "| infer GRU 50,64,512,512 |  | 32100 |  |  |  |  |  |" in lines


def test_marks() -> None:
    seconds = LARGE.flops / 1e11  # at the peak
    result = result_of(
        {
            SMALL: {"gatewise": 1.0, "jax": 8.0},
            LARGE: {"gatewise": seconds / 0.89, "pytorch": seconds / 0.89 * 0.94},
            Case("infer", "RNN", 1, 1, 8, 8): {"gatewise": 9.0, "jax": 1.0},
        },
        grid=lambda case: case.cell != "RNN",
    )
    infer, everything, share = report.marks(rows_of(result))
    mean = (8 * 0.94) ** 0.5
    assert f"geometric mean of the ratios {mean:.2f} (target 2.50: met), lowest 0.94 (target 0.95: missed)" in infer
    assert everything.startswith("- 1 thread, infer and train and step")
    assert "B·H ≥ 32768: lowest share of the peak 89% (target 90%: missed)" in share


def test_report_changes_only_the_text_between_its_comments(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{report.BEGIN}\n\nold\n\n{report.END}\n\nafter\n")
    result = result_of({SMALL: {"gatewise": 1e-6}}) | {"peak": {}}
    report.write_report(result, page)
    once = page.read_text()
    assert once.startswith(f"before\n\n{report.BEGIN}\n\nCommit abc")
    assert once.endswith(f"\n\n{report.END}\n\nafter\n")
    assert "old" not in once
    report.write_report(result, page)
    assert page.read_text() == once
    page.write_text("nothing")
    with pytest.raises(SystemExit, match=r"expected .*page\.md to contain <!--"):
        report.write_report(result, page)


def test_plots_of_every_panel(tmp_path: Path) -> None:
    from matplotlib import image

    from plots import plot

    rng = np.random.default_rng(0)
    times = {
        case: {lib: float(rng.uniform(1, 3)) * case.flops / 2e11 for lib in ("gatewise", "jax")}
        for case in cases.all_cases()
    }
    pictures = plot(result_of(times, (1, 2)), tmp_path)
    assert [path.name for _, path in pictures] == ["race-speed-1.png", "race-speed-2.png", "race-peak.png"]
    for _, path in pictures:
        assert image.imread(path)[..., :3].std() > 0.05  # the plot is not empty


def test_comparison_of_different_results(tmp_path: Path) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    before.write_text(json.dumps(result_of({SMALL: {"gatewise": 4e-6}, LARGE: {"gatewise": 1.0}})))
    after.write_text(json.dumps(result_of({SMALL: {"gatewise": 1e-6}, LARGE: {"jax": 1.0}}, (1, 2))))
    lines = run("compare.py", before, after).splitlines()
    assert lines[1].split() == ["1", "infer", "LSTM", "1,1,32,32", "4", "1", "4.00"]
    assert lines[2:] == ["geometric mean of 1: 4.000", f"cases only in {before}: 1", f"cases only in {after}: 1"]
    assert run("compare.py", before, after, "--library", "pytorch").splitlines()[1] == "geometric mean of 0: nan"


def test_marks_of_gatewise_against_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "SHAPES", [(4, 3, 2, 8)])
    found = [*marks.pairs(1, 1, 0.0), *marks.steps(1, 0.0), marks.Mark("import", marks.import_seconds(), 0.05)]
    assert len({mark.name for mark in found}) == len(found) == 2 * 2 * 4 + 4 + 1
    assert all(mark.value > 0 for mark in found)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system keeps no process on one core")
def test_marks_with_a_busy_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "SHAPES", [(4, 3, 2, 8)])
    found = list(marks.crowded(2, 0.01))
    assert len(found) == 3
    assert all(mark.value > 0 for mark in found)


def test_training_beside_itself(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(training, "BATCHES", 2)
    monkeypatch.setattr(training, "SIZES", [(4, 3)])
    monkeypatch.setattr(sys, "argv", ["training.py", "--threads", "1", "--rounds", "1"])
    training.main()
    row = [cell.strip() for cell in capsys.readouterr().out.splitlines()[2].strip("|").split("|")]
    assert row[:2] == ["4", "3"]
    assert float(row[2]) > 0
    assert 0 <= float(row[3].rstrip("%")) <= 100


def test_tiny_numbers_are_denormal() -> None:
    case = Case("train", "LSTM", 3, 2, 4, 5)
    least = np.finfo(np.float32).tiny
    for tiny in (*weights(case, 1e-39, 1e-39).values(), *inputs(case, 1e-39)):
        assert tiny.any()
        assert (abs(tiny) < least).all()
