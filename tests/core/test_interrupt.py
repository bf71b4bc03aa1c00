"""Ctrl-C interrupts a long call quickly; nothing leaks, and the layer stays usable."""

from __future__ import annotations

import textwrap

import pytest

from process import python

# Each script runs in its own process, with a time limit that shows whether it waits for the whole call.
SETTING = """
    import os, signal, threading, time
    import numpy as np, gatewise as gw

    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job in the background does not have by itself
    rng = np.random.default_rng(0)
    small = rng.standard_normal((7, 5, 16)).astype(np.float32)

    def bits(layer):
        y, state, tape = layer.forward(small)
        grads = layer.backward(tape, dy=y)
        return [y.tobytes(), grads.x.tobytes(), grads.flat.tobytes()]

    def resident():
        return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def interrupted(call, after=0.3):
        \"\"\"The processor time of a call that a signal ends, which comes so many seconds later.\"\"\"
        timer = threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT))
        before = time.process_time()
        timer.start()
        try:
            call()
        except KeyboardInterrupt:
            return time.process_time() - before
        finally:
            timer.join()
        raise AssertionError("went on to its end")
"""
# Each takes ten seconds to a minute on one core; the names say what is divided over threads.
CALLS = {
    "few sequences": "layer, shape = gw.LSTM(16, 1024, seed=0), (400_000, 2, 16)",
    "many sequences": "layer, shape = gw.GRU(16, 256, seed=0), (15_000, 300, 16)",
    "two directions": "layer, shape = gw.LSTM(16, 700, num_layers=2, bidirectional=True, seed=0), (20_000, 10, 16)",
    "layers": "layer, shape = gw.LSTM(16, 78, num_layers=9, seed=0), (600_000, 1, 16)",
}
LONG = "x = np.broadcast_to(np.float32(0.1), shape)"
MOST = 3.0
"""Seconds of processor time, far less than any of these calls take."""


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("setting", CALLS)
def test_long_calls_are_interrupted(setting: str, threads: int) -> None:
    script = f"""
    {CALLS[setting]}
    {LONG}
    dispatch.extension.set_team_limit(3)
    gw.set_num_threads({threads})
    want = bits(layer)
    assert interrupted(lambda: layer(x)) < {MOST}
    assert interrupted(lambda: layer.forward(x, checkpoint="sqrt")) < {MOST}
    assert bits(layer) == want
    print("interrupted")
    """
    assert python(textwrap.dedent(SETTING) + textwrap.dedent(script)) == "interrupted"


@pytest.mark.parametrize(("threads", "checkpoint"), [(1, None), (1, 10**9), (3, None), (3, 10**9)])
@pytest.mark.parametrize("layer", ["gw.LSTM(16, 192, bidirectional=True, seed=0)", "gw.LSTM(16, 78, 6, seed=0)"])
def test_backward_is_interrupted(layer: str, threads: int, checkpoint: int | None) -> None:
    """It takes less than half the processor time of a whole backward; earlier gradients and the tape stay usable."""
    script = f"""
    dispatch.extension.set_team_limit(3)
    gw.set_num_threads({threads})
    layer = {layer}
    x = rng.standard_normal((12_000, 6, 16)).astype(np.float32)
    y, _, tape = layer.forward(x, checkpoint={checkpoint})

    def seconds(call):
        before = time.process_time()
        call()
        return time.process_time() - before

    grads = []
    whole = seconds(lambda: grads.append(layer.backward(tape, dy=y)))
    into = layer.backward(layer.forward(small)[2])
    before = into.flat.copy()
    cut = interrupted(lambda: layer.backward(tape, dy=y, into=into), after=0.05)
    assert np.array_equal(into.flat, before)
    assert cut < whole / 2, (cut, whole)
    again = layer.backward(tape, dy=y)
    assert np.array_equal(again.flat, grads[0].flat) and np.array_equal(again.x, grads[0].x)
    print("interrupted")
    """
    assert python(textwrap.dedent(SETTING) + textwrap.dedent(script)) == "interrupted"


def test_streams_are_interrupted_and_keep_their_state(isa: str) -> None:
    script = f"""
    {CALLS["few sequences"]}
    {LONG}
    stream = layer.stream(batch_size=2)
    stream.run(np.ones((3, 2, 16)))
    before = [half.tobytes() for half in stream.state]
    assert interrupted(lambda: stream.run(x)) < {MOST}
    assert [half.tobytes() for half in stream.state] == before
    stream.step(np.ones((2, 16)))
    print("interrupted")
    """
    assert python(textwrap.dedent(SETTING) + textwrap.dedent(script), isa) == "interrupted"


def test_nothing_leaks() -> None:
    """Forty interrupted calls use no more memory than ten."""
    script = f"""
    {CALLS["many sequences"]}
    {LONG}
    gw.set_num_threads(2)

    def resident_after(calls):
        for _ in range(calls):
            interrupted(lambda: layer.forward(x, checkpoint="sqrt"), after=0.01)
        return resident()

    first, last = resident_after(10), resident_after(30)
    print(last - first)
    """
    assert float(python(textwrap.dedent(SETTING) + textwrap.dedent(script))) < 4


def test_a_handler_that_does_not_raise_lets_the_call_continue() -> None:
    """The handler runs on the main thread during the call and may call layers; the results do not change."""
    script = """
    layer = gw.LSTM(16, 256, seed=0)
    x = rng.standard_normal((12_000, 6, 16)).astype(np.float32)
    want, seen = layer(x)[0], []

    def handler(number, frame):
        seen.append((threading.current_thread() is threading.main_thread(), bits(layer)))

    apart = bits(layer)
    signal.signal(signal.SIGINT, handler)
    running = threading.Event()

    def send():
        while not running.wait(0.05):
            os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=send)
    sender.start()
    during = []
    for _ in range(3):
        before = len(seen)
        y = layer(x)[0]
        during.append(len(seen) - before)
        assert np.array_equal(y, want)
    running.set()
    sender.join()
    assert all(on_main and result == apart for on_main, result in seen)
    assert max(during) > 1, during
    print("went on")
    """
    assert python(textwrap.dedent(SETTING) + textwrap.dedent(script)) == "went on"


def test_other_threads_calls_are_left_alone() -> None:
    """Python runs signal handlers on the main thread, so calls on other threads complete."""
    script = """
    layer = gw.LSTM(16, 256, seed=0)
    x = rng.standard_normal((12_000, 6, 16)).astype(np.float32)
    want, results = layer(x)[0], []
    other = threading.Thread(target=lambda: results.append(layer(x)[0]))
    other.start()
    interrupted(lambda: time.sleep(60), after=0.05)
    other.join()
    print(np.array_equal(results[0], want))
    """
    assert python(textwrap.dedent(SETTING) + textwrap.dedent(script)) == "True"
