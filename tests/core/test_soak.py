"""Memory does not grow over thousands of calls of changing sizes, measured in a separate process."""

from __future__ import annotations

import sys
import textwrap

import pytest

from process import python

SOAK = """
    import ctypes, gc, os
    import numpy as np, gatewise as gw

    layers = [
        gw.LSTM(3, 20, num_layers=2, bidirectional=True, dropout=0.3, seed=0),
        gw.LSTM(3, 17, proj_size=5, peephole=True, dtype=np.float64, seed=0),
        gw.GRU(3, 33, reset_after=False, batch_first=True, seed=0),
        gw.RNN(3, 8, num_layers=3, seed=0),
    ]
    rng = np.random.default_rng(0)

    def call(i, n_steps, batch):
        layer = layers[i % len(layers)]
        x = np.zeros((batch, n_steps, 3) if layer.batch_first else (n_steps, batch, 3), layer.dtype)
        lengths = rng.integers(0, n_steps + 1, batch) if i % 3 == 0 else None
        if i % 5 == 0:
            layer(x, lengths=lengths)
        if i % 7 == 0:
            layer.params.flat = layer.params.flat
        y, _, tape = layer.forward(x, lengths=lengths, checkpoint="sqrt" if i % 2 else None)
        layer.backward(tape, dy=y, wrt_x=i % 4 != 0, steps=i % 6 == 0)
        if i % 11 == 0 and not layer.bidirectional:
            stream = layer.stream(batch_size=batch + 1)
            stream.step(np.zeros((batch + 1, 3)))

    def megabytes():
        gc.collect()
        if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
            libc.malloc_trim(0)  # what is free is given back, where the C library can
        return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def calls(start, end):
        for i in range(start, end):
            call(i, *rng.integers(0, (24, 12)))
        return megabytes()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the resident memory as Linux counts it")
def test_memory_does_not_grow_over_ten_thousand_calls() -> None:
    """It is measured after every kind and size of call. A leak of a kilobyte per call would be ten megabytes."""
    script = "first = calls(0, 1000)\nprint(calls(1000, 11_000) - first)"
    assert float(python(textwrap.dedent(SOAK) + script)) < 2


@pytest.mark.skipif(sys.platform != "linux", reason="reads the resident memory as Linux counts it")
def test_a_large_call_frees_its_memory() -> None:
    """Tapes and scratch memory of up to 90 MB are returned, even with small calls in between."""
    script = """
        calls(0, 300)
        before = megabytes()
        large = gw.LSTM(16, 128, seed=0)
        for n_steps in (2000, 3000, 1000):
            y, _, tape = large.forward(np.zeros((n_steps, 10, 16), np.float32))
            large.backward(tape, dy=y)
            assert tape.nbytes > 20e6
            del y, tape
            calls(0, 20)
        print(megabytes() - before)
    """
    assert float(python(textwrap.dedent(SOAK) + textwrap.dedent(script))) < 4


@pytest.mark.skipif(sys.platform != "linux", reason="counts the pages that Linux has cleared")
def test_large_calls_reuse_memory() -> None:
    """The tape of a training step reuses the memory of the step before, so the system clears no new pages."""
    script = """
        import resource

        def pages_cleared():
            return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

        lstm = gw.LSTM(16, 128, seed=0)
        x = np.zeros((2000, 10, 16), np.float32)
        counts = []
        for _ in range(4):
            before = pages_cleared()
            y, _, tape = lstm.forward(x)
            counts.append(pages_cleared() - before)
            megabytes_of_tape = tape.nbytes / 2**20
            del y, tape
        print(megabytes_of_tape, *counts[1:])
    """
    tape, *cleared = map(float, python(textwrap.dedent(SOAK) + textwrap.dedent(script)).split())
    assert tape > 50  # 13,000 pages of 4 KB
    assert max(cleared) < 200
