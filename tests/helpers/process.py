"""Scripts in a Python of their own: what they print, and proof that they did not crash."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from importlib.metadata import distribution

HEADER = """
import faulthandler, sys
faulthandler.enable()
from gatewise._core import dispatch
if len(sys.argv) > 1:
    dispatch.extension = dispatch.load(sys.argv[1])
"""


def python(script: str, *arguments: str, header: str = HEADER, timeout: float = 120, **environment: str) -> str:
    """What a script prints. The first argument is the instruction set; no settings of threads are handed down.

    A crash, an exception, or an end that does not come within `timeout` seconds fails the test.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "KMP_", "GATEWISE_"))}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(header) + textwrap.dedent(script), *arguments],
        env={**kept, "OPENBLAS_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


def cmake(*arguments: object) -> None:
    """Runs cmake, with Eigen's headers from their Python package where it configures."""
    eigen = distribution("cmeel-eigen").locate_file("cmeel.prefix/include/eigen3")
    where = [f"-DGATEWISE_EIGEN_INCLUDE_DIR={eigen}"] if "-S" in arguments else []
    done = subprocess.run(
        [sys.executable, "-m", "cmake", *map(str, arguments), *where],
        env={name: value for name, value in os.environ.items() if not name.startswith("SKBUILD")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
