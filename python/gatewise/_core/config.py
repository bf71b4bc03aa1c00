"""Threads, and what this installation consists of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from . import dispatch


def set_num_threads(num_threads: int) -> None:
    """Let each call use up to this many threads.

    A call never uses more than the machine grants at that moment: the affinity mask, the control group's quota,
    ``OMP_NUM_THREADS`` and threadpoolctl's limits. Small calls use one thread whatever is set. The results do not
    depend on it, not even in their last bit.

    Raises
    ------
    TypeError, ValueError : not an integer >= 1.

    >>> import gatewise as gw
    >>> gw.set_num_threads(2)
    >>> gw.get_num_threads()
    2
    """
    if isinstance(num_threads, (bool, np.bool_)) or not hasattr(num_threads, "__index__"):
        raise TypeError(f"num_threads: expected an integer >= 1, got {num_threads!r}")
    if not 1 <= int(num_threads) < 2**31:
        raise ValueError(f"num_threads: expected an integer from 1 to {2**31 - 1}, got {int(num_threads)}")
    dispatch.extension.set_num_threads(int(num_threads))


def get_num_threads() -> int:
    """What was set, or, if nothing was, as many threads as the machine grants now."""
    return dispatch.extension.num_threads()


@contextmanager
def threads(num_threads: int) -> Iterator[None]:
    """``set_num_threads`` for the length of a with block; the setting is the process's, not the thread's.

    >>> import gatewise as gw
    >>> with gw.threads(1):
    ...     gw.get_num_threads()
    1
    """
    before = dispatch.extension.wanted_threads()
    set_num_threads(num_threads)
    try:
        yield
    finally:
        dispatch.extension.set_num_threads(before)


def show_config(mode: str = "stdout") -> dict[str, Any] | None:
    """What this installation consists of: versions, instruction sets, threads, OpenMP.

    Parameters
    ----------
    mode : "stdout" prints it, "dicts" returns it, as in ``numpy.show_config``.

    Raises
    ------
    ValueError : another mode.
    """
    core = dispatch.extension
    config: dict[str, Any] = {
        "gatewise": core.version,
        "instruction set": core.isa,
        "instruction sets available": dispatch.available(),
        "packet": f"{core.packet_bytes} bytes",
        "threads": core.num_threads(),
        "threads granted": core.usable_threads(),
        "OpenMP": core.has_openmp,
        "Eigen": core.eigen_version,
        "NumPy": np.__version__,
    }
    if mode == "dicts":
        return config
    if mode != "stdout":
        raise ValueError(f"mode: expected 'stdout' or 'dicts', got {mode!r}")
    for name, value in config.items():
        print(f"{name + ':':28}{', '.join(value) if isinstance(value, list) else value}")
    return None
