"""Damaged and malicious .keras files give a clear error, and no code in them is run."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gatewise.keras as gk
from converted import INPUTS, OWN_VARIABLES, UNITS, h5py, masking_model, rewritten

pytestmark = pytest.mark.filterwarnings(OWN_VARIABLES)
KERNEL = "layers/simple_rnn/cell/vars/0"


def replace(file: Any, **options: Any) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, **options)


def soft_link(file: Any) -> None:
    del file[KERNEL]
    file[KERNEL] = h5py.SoftLink("/layers/simple_rnn/cell/vars/1")


def outside(file: Any) -> None:
    del file[KERNEL]
    file[KERNEL] = h5py.ExternalLink("/etc/passwd", "/x")


BAD_WEIGHTS: list[tuple[str, Any, str]] = [
    ("NaN", lambda f: f[KERNEL].write_direct(np.full((INPUTS, UNITS), np.nan, np.float32)), "expected finite numbers"),
    (
        "shape",
        lambda f: replace(f, data=np.zeros((INPUTS, 4), np.float32)),
        r"weights: expected \(3, 5\), .*, got \(3, 4\)",
    ),
    (
        "integers",
        lambda f: replace(f, data=np.zeros((INPUTS, UNITS), np.int32)),
        "expected uncompressed floats, stored in full",
    ),
    (
        "huge",
        lambda f: replace(f, shape=(2**40, UNITS), dtype="f4", chunks=(64, UNITS)),
        "expected uncompressed floats, stored in full",
    ),
    ("missing", lambda f: f.__delitem__(KERNEL), "expected a whole .keras file|weights"),
    ("soft link", soft_link, "expected an array in the file itself"),
    ("other file", outside, "expected a whole .keras file"),
]


@pytest.mark.parametrize(("name", "change", "message"), BAD_WEIGHTS, ids=[name for name, _, _ in BAD_WEIGHTS])
def test_bad_weights(name: str, change: Any, message: str, tmp_path: Path) -> None:
    masking_model().save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=message):
        gk.load(rewritten(tmp_path / "model.keras", weights=change))


def test_bad_files(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    masking_model().save(path)
    for change, message in [
        (lambda c: c.update(class_name="Evil"), "model: expected Sequential or Functional, got 'Evil'"),
        (lambda c: c["config"]["layers"][2].update(class_name="Lambda"), "got Lambda"),
        (lambda c: c["config"]["layers"][2]["config"].update(units=2**40), "weights: expected"),
        (lambda c: c["config"]["layers"][2]["config"].pop("units"), "expected a whole .keras file"),
    ]:
        with pytest.raises(ValueError, match=message):
            gk.load(rewritten(path, config=change))
    content, bad = path.read_bytes(), tmp_path / "bad.keras"
    rng = np.random.default_rng(0)
    for cut in rng.integers(0, len(content), 40):
        bad.write_bytes(content[:cut])
        with pytest.raises(ValueError, match="expected"):
            gk.load(bad)
    with zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}" + " " * 10**7)
        archive.writestr("model.weights.h5", "")
    with pytest.raises(ValueError, match=r"config\.json: expected at most"):
        gk.load(bad)
    with pytest.raises(FileNotFoundError):
        gk.load(tmp_path / "nobody.keras")


FUZZ = """
import sys, zipfile
import numpy as np
import gatewise.keras as gk

path, changed = sys.argv[1:]
with zipfile.ZipFile(path) as archive:
    config, weights = archive.read("config.json"), archive.read("model.weights.h5")
loaded = refused = 0
for seed in range(300):
    rng = np.random.default_rng(seed)
    damaged = bytearray(weights)
    if seed % 5 == 0:
        damaged = damaged[: rng.integers(len(damaged))]
    else:
        for place in rng.integers(0, len(damaged) - 8, rng.integers(1, 6)):
            width = int(rng.integers(1, 9))
            bits = rng.integers(0, 256, width).astype(np.uint8).tobytes()
            damaged[place : place + width] = [bits, b"\\xff" * width, bytes(width)][rng.integers(3)]
    with zipfile.ZipFile(changed, "w") as archive:  # with right checksums, so that HDF5 reads the damaged bytes
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", bytes(damaged))
    try:
        gk.load(changed)
        loaded += 1
    except ValueError:
        refused += 1
print(loaded, refused)
"""


def test_damaged_weights_do_not_crash(tmp_path: Path) -> None:
    """Bytes of the weights are cut off, overwritten, set and cleared. The process that reads them must not crash."""
    masking_model().save(tmp_path / "model.keras")
    command = [sys.executable, "-c", FUZZ, str(tmp_path / "model.keras"), str(tmp_path / "changed.keras")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    loaded, refused = map(int, run.stdout.split())
    assert loaded + refused == 300
    assert refused > 60
