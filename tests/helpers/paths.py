"""The folders of the repository."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
BENCH = ROOT / "bench"
DATA = ROOT / "tests" / "data"
HELPERS = ROOT / "tests" / "helpers"
