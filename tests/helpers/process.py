"""Run a script in another Python process, or cmake, and fail the test if it fails."""

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
    """Run a script and return what it prints.

    The first argument is the instruction set. Environment variables with settings of threads are not passed on. A
    crash, an exception, or running longer than `timeout` seconds fails the test.
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
    """Run cmake; when it configures, with the Eigen headers of the Python package."""
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
