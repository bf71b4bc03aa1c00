"""Every example runs in a small setting, and shows what it says it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

for library in ("matplotlib", "safetensors", "tqdm"):
    pytest.importorskip(library, reason='the examples need: pip install "gatewise[train]"')

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name: str, out: Path, *arguments: str) -> str:
    """What an example prints; it must have written its picture."""
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), "--out", str(out), *arguments]
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert out.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    return done.stdout


def numbers(pattern: str, text: str) -> list[float]:
    """The numbers in the first match."""
    found = re.search(pattern, text)
    assert found, text
    return [float(group) for group in found.groups()]


def test_tutorial(tmp_path: Path) -> None:
    printed = run("tutorial", tmp_path / "tutorial.png", "--epochs", "5")
    (loss,) = numbers(r"gatewise: [\d.]+ s, last loss ([\d.]+)", printed)
    assert loss < 0.1
    if "PyTorch" in printed:
        (difference,) = numbers(r"largest relative difference of the first 100 losses: ([\d.e-]+)", printed)
        assert difference < 1e-4


def test_sentences(tmp_path: Path) -> None:
    printed = run("sentences", tmp_path / "sentences.png")
    (answers,) = numbers(r"yes or no: accuracy ([\d.]+)", printed)
    tags, baseline = numbers(r"tags: accuracy ([\d.]+); each word's most frequent tag: ([\d.]+)", printed)
    assert answers > 0.95
    assert tags > 0.97 > 0.9 > baseline
    assert re.findall(r"^  (\w+) +(\w+)", printed, re.MULTILINE) == [
        ("the", "determiner"), ("can", "noun"), ("can", "modal"), ("watch", "verb"),
        ("her", "determiner"), ("light", "adjective"), ("fish", "noun"),
    ]  # fmt: skip


def test_long_dependencies(tmp_path: Path) -> None:
    """Already over 40 steps the gated networks leave the plain one behind."""
    options = ["--steps", "40", "--batches", "800", "--hidden", "32"]
    printed = run("long_dependencies", tmp_path / "long.png", *options)
    losses = {kind: float(loss) for kind, loss in re.findall(r"adding problem, T = 40, (.+): loss ([\d.]+)", printed)}
    assert losses["RNN"] > 0.12
    assert max(losses[kind] for kind in ("GRU", "LSTM", "peephole LSTM")) < 0.05
    copied = {kind: float(loss) for kind, loss in re.findall(r"copy task, T = 10, (.+): loss ([\d.]+)", printed)}
    assert max(copied[kind] for kind in ("GRU", "LSTM", "peephole LSTM")) < copied["RNN"]
