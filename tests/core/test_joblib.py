"""Layers in joblib's workers: nested processes and threads give results bit-identical to a single call."""

from __future__ import annotations

import hashlib
from typing import Any

import joblib
import numpy as np
import pytest

import gatewise as gw

BACKENDS = ["loky", "multiprocessing", "threading"]


def digest(layer: Any, x: Any) -> str:
    y, state, tape = layer.forward(x)
    grads = layer.backward(tape, dy=y)
    return hashlib.sha256(b"".join(part.tobytes() for part in (y, *state, grads.x, grads.flat))).hexdigest()


def nested(layer: Any, x: Any, backend: str) -> list[str]:
    """Compute the digest in two workers; to be called in a worker."""
    with joblib.parallel_config(backend=backend):
        return joblib.Parallel(n_jobs=2)(joblib.delayed(digest)(layer, x) for _ in range(2))


def threads() -> int:
    return gw.get_num_threads()


@pytest.fixture(scope="module")
def work() -> Any:
    """A layer, an input that is large enough for several threads, and the digest of a single call."""
    layer = gw.LSTM(24, 64, bidirectional=True, seed=0)
    x = np.random.default_rng(0).standard_normal((12, 32, 24)).astype(np.float32)
    return layer, x, digest(layer, x)


@pytest.mark.parametrize("backend", BACKENDS)
def test_workers_compute_the_same(work: Any, backend: str) -> None:
    layer, x, want = work
    with joblib.parallel_config(backend=backend):
        got = joblib.Parallel(n_jobs=3)(joblib.delayed(digest)(layer, x) for _ in range(6))
    assert got == [want] * 6


# joblib itself refuses processes inside threads.
@pytest.mark.parametrize(("outer", "inner"), [("loky", "loky"), ("loky", "threading"), ("threading", "threading")])
def test_nested_workers_compute_the_same(work: Any, outer: str, inner: str) -> None:
    layer, x, want = work
    with joblib.parallel_config(backend=outer):
        got = joblib.Parallel(n_jobs=2)(joblib.delayed(nested)(layer, x, inner) for _ in range(2))
    assert got == [[want] * 2] * 2


def test_workers_use_no_more_threads_than_joblib_allows() -> None:
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        assert joblib.Parallel(n_jobs=2)(joblib.delayed(threads)() for _ in range(2)) == [1, 1]
