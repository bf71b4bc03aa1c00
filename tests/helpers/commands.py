"""Helpers for tests of the commands: data files, a command that must fail, a command as a process, PNG sizes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gatewise.cli import main

for library in ("typer", "tqdm", "pandas", "matplotlib", "safetensors"):
    pytest.importorskip(library, reason='the commands need: pip install "gatewise[cli]"')

Capture = pytest.CaptureFixture[str]
QUICK = ["--hidden", "8", "--epochs", "2"]
GROUPED = ["--target", "gesture", "--group", "recording", "--time", "t"]


def gestures(name: str = "gestures.csv", count: int = 60, seed: int = 0) -> str:
    """Write a CSV file of recordings of 6 to 12 steps, circles and rest, with its rows in random order."""
    rng = np.random.default_rng(seed)
    rows = []
    for recording in range(count):
        circle, start = recording % 3 == 0, rng.uniform(0, 6)
        for step in range(int(rng.integers(6, 13))):
            x, y = np.array([np.cos(step + start), np.sin(step + start)]) * circle + 0.1 * rng.standard_normal(2)
            rows.append(f"r{recording},{step},{1000 + 100 * x:.3f},{y:.3f},ann,{'circle' if circle else 'rest'}")
    Path(name).write_text("\n".join(["recording,t,x,y,who,gesture", *rng.permutation(rows)]))
    return name


def arrays(name: str = "data.npz", per_step: bool = False, **others: Any) -> str:
    """Write an NPZ file of ragged sequences, NaN past their ends, whose targets are means or running sums."""
    rng = np.random.default_rng(0)
    x, lengths = rng.standard_normal((80, 12, 2)), rng.integers(3, 13, 80)
    y = x[:, :, 0].cumsum(axis=1) if per_step else np.array([one[:n].mean() for one, n in zip(x, lengths, strict=True)])
    x[np.arange(12) >= lengths[:, None]] = np.nan
    np.savez(name, **{"x": x, "y": 50 + 20 * y, "lengths": lengths, **others})
    return name


def failure(arguments: list[str], capsys: Capture, code: int = 2) -> str:
    """Run a command that must fail, and return its message: one line, before any progress bar."""
    assert main(arguments) == code
    err = capsys.readouterr().err
    assert err.startswith("gatewise: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    return err


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gatewise.cli", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )


def png_size(path: str) -> tuple[int, int]:
    content = Path(path).read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert content[-12:-4] == b"\0\0\0\0IEND"
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
