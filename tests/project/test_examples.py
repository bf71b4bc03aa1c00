"""Every example runs with small settings, and its results are as it says."""

from __future__ import annotations

import math
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paths import EXAMPLES

for library in ("matplotlib", "safetensors", "tqdm"):
    pytest.importorskip(library, reason='the examples need: pip install "gatewise[train]"')


def run(name: str, out: Path, *arguments: str) -> str:
    """Run an example, check that it wrote its picture, and return what it printed."""
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), "--out", str(out), *arguments]
    # products this small gain nothing from the BLAS's threads
    environment = {**os.environ, "PYTHONWARNINGS": "error", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert out.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    return done.stdout


def numbers(pattern: str, text: str) -> list[float]:
    """Return the numbers in the first match."""
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
    tags, baseline = numbers(r"tags: accuracy ([\d.]+); with each word's most frequent tag: ([\d.]+)", printed)
    assert answers > 0.95
    assert tags > 0.97 > 0.9 > baseline
    assert re.findall(r"^  (\w+) +(\w+)", printed, re.MULTILINE) == [
        ("the", "determiner"), ("can", "noun"), ("can", "modal"), ("watch", "verb"),
        ("her", "determiner"), ("light", "adjective"), ("fish", "noun"),
    ]  # fmt: skip


def test_long_dependencies(tmp_path: Path) -> None:
    """Over 40 steps, the gated networks already do better than the plain one."""
    options = ["--steps", "40", "--batches", "800", "--hidden", "32"]
    printed = run("long_dependencies", tmp_path / "long.png", *options)
    losses = {kind: float(loss) for kind, loss in re.findall(r"adding problem, T = 40, (.+): loss ([\d.]+)", printed)}
    assert losses["RNN"] > 0.12
    assert max(losses[kind] for kind in ("GRU", "LSTM", "peephole LSTM")) < 0.05
    copied = {kind: float(loss) for kind, loss in re.findall(r"copy task, T = 10, (.+): loss ([\d.]+)", printed)}
    assert max(copied[kind] for kind in ("GRU", "LSTM", "peephole LSTM")) < 0.5 < copied["RNN"]


def names_of(name: str) -> dict[str, Any]:
    """Run an example as a module and return its names."""
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


def test_char_lm(tmp_path: Path) -> None:
    printed = run("char_lm", tmp_path / "char_lm.png", "--small")
    bits, entropy = numbers(r"bits per character: ([\d.]+) on unseen text, ([\d.]+) by character frequencies", printed)
    # Better than from letter frequencies alone: the model uses the letters before.
    assert bits < entropy - 0.8
    written = printed.split("\nbits per character")[0]
    assert len(written) > 500
    # Letters drawn by frequency alone rarely form these words.
    assert {"the", "thou", "thee", "and", "to"} & set(written.split())


def test_char_lm_cuts_the_text_into_streams_and_what_follows() -> None:
    x, y = names_of("char_lm")["streams"](np.arange(14), rows=3)
    assert x.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert np.array_equal(y, x + 1)


def test_ragged(tmp_path: Path) -> None:
    printed = run("ragged", tmp_path / "ragged.png", "--small")
    (accuracy,) = numbers(r"accuracy on 370 test utterances: ([\d.]+)", printed)
    assert accuracy > 0.9 > 88 / 370  # the accuracy of always predicting the most frequent speaker
    assert numbers(r"numbers changed by padding: (\d+)", printed) == [0]


def test_streaming(tmp_path: Path) -> None:
    pytest.importorskip("pandas", reason='the series needs: pip install "gatewise[forecast]"')
    printed = run("streaming", tmp_path / "streaming.png", "--small")
    assert numbers(r"forecasts that differ from those of one call: (\d+)", printed) == [0]
    years = re.findall(r"(\d{4})-\d\d \(", printed)
    assert len(years) == 8
    assert set(years) <= {"1982", "1983", "1997", "1998"}


def test_encoder_decoder(tmp_path: Path) -> None:
    printed = run("encoder_decoder", tmp_path / "encoder_decoder.png", "--small")
    loss, blind = numbers(r"cross-entropy ([\d.]+); lowest possible without reading the date ([\d.]+)", printed)
    assert blind == pytest.approx(math.log(3650) / 10, abs=1e-4)
    assert loss < blind - 0.1


def test_gradients_flow_from_the_decoder_through_the_state_into_the_encoder() -> None:
    names = names_of("encoder_decoder")
    model = names["Translator"](hidden=3, dtype=np.float64)
    pairs = names["draw_dates"](4, 100, np.random.default_rng(0))
    _, gradients = model.loss_and_gradients(pairs)
    start, rng = model.flat, np.random.default_rng(1)
    # The encoder's parameters come first. Those of letters that occur in no text have no gradient.
    encoder = np.flatnonzero(gradients[: model.encoder.params.flat.size])
    for index in [*rng.choice(encoder, 20), *rng.choice(gradients.size, 20)]:
        losses = []
        for step in (1e-5, -1e-5):
            moved = start.copy()
            moved[index] += step
            model.flat = moved
            losses.append(model.loss_and_gradients(pairs)[0])
        # The errors of central differences: the step squared, 1e-10, and rounding, 1e-16 / 1e-5.
        assert (losses[0] - losses[1]) / 2e-5 == pytest.approx(gradients[index], abs=1e-9)


def test_gradient_flow(tmp_path: Path) -> None:
    printed = run("gradient_flow", tmp_path / "gradient_flow.png", "--small")
    reaching = {
        name: numbers(rf"{name} +gradient .*?: +(\S+);", printed)[0] for name in ("RNN", "RNN, larger", "LSTM, f open")
    }
    assert reaching["RNN"] < 1e-6
    assert reaching["RNN, larger"] > 1e6
    assert 1e-4 < reaching["LSTM, f open"] < 1e2


def test_gates(tmp_path: Path) -> None:
    printed = run("gates", tmp_path / "gates.png", "--small", "--loss", str(tmp_path / "loss.png"))
    assert (tmp_path / "loss.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    loss, constant = numbers(r"loss ([\d.]+); loss of always predicting 0: ([\d.]+)", printed)
    assert loss < constant / 4
    at_marks, between = numbers(r"gate i: ([\d.]+) at marks, ([\d.]+) between", printed)
    assert at_marks > between + 0.3
    at_marks, between = numbers(r"gate f: ([\d.]+) at marks, ([\d.]+) between", printed)
    assert at_marks < between - 0.5
