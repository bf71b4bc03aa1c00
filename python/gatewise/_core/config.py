"""Threads, and what this installation consists of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from . import dispatch


def set_num_threads(num_threads: int) -> None:
    """Set the number of threads that a call may use.

    A call never uses more than the machine grants at that moment: the affinity mask, the control group's quota,
    ``OMP_NUM_THREADS`` and threadpoolctl's limits. Small calls always use one thread. Results are
    bit-identical for any number of threads.

    Parameters
    ----------
    num_threads : int
        The largest number of threads, at least 1.

    Raises
    ------
    TypeError, ValueError
        If `num_threads` is not an integer >= 1.

    See Also
    --------
    threads : Set the number for a with block.
    get_num_threads : Return the number.

    Examples
    --------
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
    """Return the number of threads that a call may use.

    This is the number that `set_num_threads` has set, or, if none was set, what the machine grants now.

    Returns
    -------
    int
        The number of threads.

    See Also
    --------
    set_num_threads : Set the number.

    Examples
    --------
    >>> import gatewise as gw
    >>> gw.get_num_threads() >= 1
    True
    """
    return dispatch.extension.num_threads()


@contextmanager
def threads(num_threads: int) -> Iterator[None]:
    """Set the number of threads for a with block.

    The setting belongs to the process, not to the calling thread.

    Parameters
    ----------
    num_threads : int
        The largest number of threads, at least 1.

    Yields
    ------
    None
        Nothing; the former setting returns when the block ends.

    See Also
    --------
    set_num_threads : Set the number for good.

    Examples
    --------
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
    """Show what this installation consists of.

    It shows versions, the instruction set in use and those available, threads, and OpenMP.

    Parameters
    ----------
    mode : {"stdout", "dicts"}, default "stdout"
        "stdout" prints the table, "dicts" returns it, as in ``numpy.show_config``.

    Returns
    -------
    dict of str to object, or None
        The table with ``mode="dicts"``, otherwise None.

    Raises
    ------
    ValueError
        If `mode` is neither of the two.

    See Also
    --------
    get_num_threads : Return the number of threads that a call may use.

    Examples
    --------
    >>> import gatewise as gw
    >>> gw.show_config("dicts")["gatewise"] == gw.__version__
    True
    """
    extension = dispatch.extension
    config: dict[str, Any] = {
        "gatewise": extension.version,
        "instruction set": extension.isa,
        "instruction sets available": dispatch.available(),
        "packet": f"{extension.packet_bytes} bytes",
        "threads": extension.num_threads(),
        "threads granted": extension.usable_threads(),
        "OpenMP": extension.has_openmp,
        "Eigen": extension.eigen_version,
        "NumPy": np.__version__,
    }
    if mode == "dicts":
        return config
    if mode != "stdout":
        raise ValueError(f"mode: expected 'stdout' or 'dicts', got {mode!r}")
    for name, value in config.items():
        print(f"{name + ':':28}{', '.join(value) if isinstance(value, list) else value}")
    return None
