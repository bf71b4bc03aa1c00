"""No input crashes the process: sizes that fit no memory, and thousands of invalid and unusual calls."""

from __future__ import annotations

import re
import textwrap

import pytest

from process import python

LITTLE_MEMORY = """
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
except ImportError:
    pass  # no such limits on this system: the sizes below are beyond any memory anyway
"""

HUGE = """
    import numpy as np, gatewise as gw
    lstm, gru = gw.LSTM(2, 3), gw.GRU(2, 3, 2, bidirectional=True, batch_first=True)
    def view(shape, dtype=np.float32):
        return np.broadcast_to(np.zeros((), dtype), shape)
    def attempt(name, call):
        try:
            result = call()
            print(name, "ok", getattr(result[0], "shape", None))
        except (ValueError, TypeError, MemoryError) as error:
            print(name, type(error).__name__, error)
    for shape in [(2**40, 1, 2), (1, 2**40, 2), (2**31, 2**29, 2), (2**20, 2**40, 2), (2**59, 1, 2), (2**61, 0, 2),
                  (0, 2**61, 2), (0, 2**58, 2), (2**62, 0, 2), (0, 2**40, 2), (2**31, 0, 2)]:
        for dtype in (np.float32, np.int8):
            try:
                x = view(shape, dtype)
            except ValueError:
                continue  # NumPy itself has no such array
            for layer in (lstm, gru):
                attempt(f"{shape} {dtype.__name__}", lambda: layer(x))
                attempt(f"{shape} {dtype.__name__} forward", lambda: layer.forward(x))
                attempt(f"{shape} mask", lambda: layer(x, mask=view(shape[:2], bool)))
                attempt(f"{shape} resets", lambda: layer(x, resets=view(shape[:2], bool)))
    small = np.zeros((3, 1, 2), np.float32)
    attempt("lengths", lambda: lstm(small, lengths=view((2**40,), np.int64)))
    attempt("state", lambda: lstm(small, (view((1, 2**40, 3)), view((1, 2**40, 3)))))
    tape = lstm.forward(small)[2]
    attempt("dy", lambda: lstm.backward(tape, view((2**40, 1, 3))))
"""


def test_huge_shapes_do_not_crash(isa: str) -> None:
    """Sizes whose product overflows, and arrays that fit no memory, give an error or an empty result."""
    lines = python(LITTLE_MEMORY + textwrap.dedent(HUGE), isa).splitlines()
    assert any("MemoryError" in line for line in lines)
    for line in lines:
        empty = re.match(r"\(0, |\(\d+, 0, ", line)
        assert empty or " ok " not in line, line


@pytest.mark.parametrize("sizes", ["2**40, 1", "1, 2**20", "2**30, 2**20", "2, 3, 2**40", "2, 3, 2**62", "10**30, 3"])
def test_huge_layers_do_not_crash(sizes: str) -> None:
    """Layers that fit no memory give an error."""
    script = f"""
        import gatewise as gw
        try:
            gw.LSTM({sizes})
        except (ValueError, MemoryError) as error:
            print(type(error).__name__, error)
    """
    assert re.match("ValueError|MemoryError", python(LITTLE_MEMORY + textwrap.dedent(script), timeout=20))


FUZZ = """
    import contextlib, numpy as np, gatewise as gw
    rng = np.random.default_rng(int(sys.argv[2]))
    DTYPES = ["f4", "f8", ">f4", "f2", "i4", "u1", "?", "c8", "O", "U1", "S2", "M8[s]", "m8[s]", "V3", "g"]
    def shape(ndim=None):
        return tuple(int(n) for n in rng.choice([0, 1, 2, 3, 4, 6], rng.integers(0, 5) if ndim is None else ndim))
    def array(good):
        if rng.random() < 0.96:
            a = np.array(good, copy=True)
        else:
            try:
                a = np.zeros(shape(), rng.choice(DTYPES))
            except (TypeError, ValueError):
                a = np.zeros(())
        change = rng.integers(0, 40)
        if change == 0: a = a[::-1] if a.ndim else a
        if change == 1: a = np.asfortranarray(a)
        if change == 2: a = a.T
        if change == 3: a = a[..., ::2] if a.ndim else a
        if change in (4, 5, 6) and a.dtype.kind == "f" and a.size: a = a * rng.choice([np.nan, np.inf, 1e38, 0])
        if change == 7: a = np.broadcast_to(a, (2, *a.shape))
        if change == 8: a = a[None]
        if change in (9, 10, 11):
            with contextlib.suppress(TypeError, ValueError):  # NumPy's own refusal: then the array stays as it is
                a = a.astype(rng.choice(DTYPES))
        return rng.choice([None, 0, -1, 1.5, "x"]) if rng.random() < 0.01 else a
    done = errors = 0
    for trial in range(3000):
        kind = rng.choice(["RNN", "LSTM", "GRU"])
        I, H, L = int(rng.integers(1, 5)), int(rng.integers(2, 20)), int(rng.integers(1, 3))
        o = dict(num_layers=L, bias=bool(rng.integers(2)), batch_first=bool(rng.integers(2)),
                 bidirectional=bool(rng.integers(2)), dtype=rng.choice([np.float32, np.float64]))
        if rng.integers(2): o.update(recurrent_dropout=0.5, zoneout=0.3)
        P = 0
        if kind == "LSTM":
            P = int(rng.integers(0, H)) if rng.integers(2) else 0
            o.update(peephole=bool(rng.integers(2)), proj_size=P)
        if kind == "GRU": o.update(reset_after=bool(rng.integers(2)))
        layer = getattr(gw, kind)(I, H, **o)
        T, B, D = int(rng.integers(0, 4)), int(rng.integers(0, 4)), 1 + o["bidirectional"]
        lead = (B, T) if o["batch_first"] else (T, B)
        h, c = np.ones((L * D, B, P or H)), np.ones((L * D, B, H))
        state = lambda: None if rng.random() < 0.3 else (array(h), array(c)) if kind == "LSTM" else array(h)
        kw = {}
        if rng.random() < 0.3: kw["lengths"] = array(rng.integers(0, T + 1, B))
        if rng.random() < 0.3: kw["mask"] = array(rng.random(lead) < 0.5)
        if rng.random() < 0.3: kw["resets"] = array(rng.random(lead) < 0.5)
        try:
            y, s, tape = layer.forward(array(np.ones((*lead, I))), state(), **kw)
            dy = None if rng.random() < 0.2 else array(np.ones(y.shape))
            layer.backward(tape, dy, state(), wrt_x=bool(rng.integers(2)))
            done += 1
        except (ValueError, TypeError, MemoryError) as error:
            errors += 1
    print(done, errors)
"""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", [0, 1])
def test_fuzz(isa: str, seed: int) -> None:
    """Thousands of calls with valid, invalid and unusual arguments return, or raise one of three errors."""
    done, errors = map(int, python(FUZZ, isa, str(seed)).split())
    assert done > 300
    assert errors > 300
