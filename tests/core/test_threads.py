"""Threads: their number and its limits, many callers at once, and the GIL."""

from __future__ import annotations

import os
import sysconfig
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import draw
import gatewise as gw
from bits import assert_same_bits, run
from gatewise._core import dispatch
from process import python

Array = NDArray[Any]


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


LIMIT = "import gatewise as gw; print(gw.get_num_threads())"


def with_openmp() -> bool:
    """Return whether the library was built with OpenMP: then it uses two threads if the process may use two cores."""
    return cores() < 2 or int(python(LIMIT)) > 1


needs_two_cores = pytest.mark.skipif(cores() < 2, reason="this process may run on one core only, which is no team")
needs_affinity = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity masks")


@pytest.fixture(autouse=True)
def unchanged_setting() -> Iterator[None]:
    before = gw.get_num_threads()
    yield
    assert gw.get_num_threads() == before


def test_the_setting() -> None:
    before = gw.get_num_threads()
    assert isinstance(before, int)
    assert 1 <= before <= cores()
    with gw.threads(3):
        assert gw.get_num_threads() == 3
        with gw.threads(1):
            assert gw.get_num_threads() == 1
        assert gw.get_num_threads() == 3
        with pytest.raises(ZeroDivisionError), gw.threads(7):
            1 / 0  # noqa: B018
        assert gw.get_num_threads() == 3
    assert gw.get_num_threads() == before


def test_setting_it_for_good() -> None:
    script = """
        import gatewise as gw
        before = gw.get_num_threads()
        gw.set_num_threads(5)
        with gw.threads(2):
            pass
        print(gw.get_num_threads(), before)
    """
    after, before = map(int, python(script).split())
    assert after == 5
    assert before <= cores()


@pytest.mark.parametrize("call", [gw.set_num_threads, gw.threads])
def test_wrong_numbers_of_threads(call: Any) -> None:
    def enter(n: Any) -> None:
        context = call(n)
        if context is not None:
            with context:
                pass

    for wrong in (0, -1, 2**70):
        with pytest.raises(ValueError, match=r"expected .*, got -?\d+"):
            enter(wrong)
    for no_number in (1.5, "2", None, True):
        with pytest.raises(TypeError, match=r"expected .*, got "):
            enter(no_number)


def test_omp_num_threads_is_a_limit() -> None:
    assert int(python(LIMIT, OMP_NUM_THREADS="1")) == 1


@needs_affinity
def test_the_affinity_mask_is_a_limit() -> None:
    script = f"import os; os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}})\n{LIMIT}"
    assert int(python(script)) == 1
    later = (
        f"{LIMIT}\nimport os; os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}})\nprint(gw.get_num_threads())"
    )
    assert int(python(later).split()[-1]) == 1


@needs_two_cores
def test_threadpoolctl_is_a_limit() -> None:
    script = """
        import gatewise as gw, numpy as np, threadpoolctl
        gw.LSTM(1, 1)(np.zeros((1, 1, 1)))
        free = gw.get_num_threads()
        with threadpoolctl.threadpool_limits(1):
            held = gw.get_num_threads()
        with threadpoolctl.threadpool_limits(1, user_api="openmp"):
            held_openmp = gw.get_num_threads()
        print(free, held, held_openmp, gw.get_num_threads())
    """
    free, held, held_openmp, after = map(int, python(script).split())
    assert free == after
    assert held == held_openmp == 1


TASKS = """
    import os, sys, contextlib
    import gatewise as gw, numpy as np
    layer = gw.LSTM(64, 128, bidirectional=True, seed=0)
    x = np.ones((20, 32, 64), np.float32)
    def work():
        y, _, tape = layer.forward(x)
        layer.backward(tape, y)
    def tasks():
        return len(os.listdir("/proc/self/task"))
    before = tasks()
"""
needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="this system does not list its threads")
HELD = {
    "the setting": "gw.set_num_threads(1); work()",
    "the affinity mask": "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); gw.set_num_threads(2); work()",
    "threadpoolctl": """
import threadpoolctl
gw.set_num_threads(2)
with threadpoolctl.threadpool_limits(1):
    work()
""",
}


@needs_proc
@needs_two_cores
@pytest.mark.parametrize("what", HELD)
def test_no_thread_starts_beyond_the_limit(isa: str, what: str) -> None:
    """A call with a limit of one thread starts none; with a limit of two it starts one (if built with OpenMP)."""
    cores_line = "os.sched_setaffinity(0, range(os.cpu_count()))"
    script = textwrap.dedent(TASKS) + textwrap.dedent(HELD[what]) + "\nheld = tasks() - before\n"
    script += f"\n{cores_line}\ngw.set_num_threads(2); work()\nprint(held, tasks() - before)"
    held, free = map(int, python(script, isa).split())
    assert held == 0
    assert free == (1 if with_openmp() else 0)


@needs_proc
@needs_two_cores
def test_omp_num_threads_holds_a_larger_setting(isa: str) -> None:
    script = textwrap.dedent(TASKS) + "\ngw.set_num_threads(2); work(); print(tasks() - before)"
    assert int(python(script, isa, OMP_NUM_THREADS="1")) == 0


@pytest.mark.usefixtures("eight_threads")
@pytest.mark.parametrize("cell", [draw.CELLS[0], draw.CELLS[5], draw.CELLS[7]], ids=str)
def test_many_callers_at_once(isa: str, cell: draw.Option) -> None:
    """Sixteen Python threads make small and large calls of one layer; results are bit-identical to those of one."""
    large, small = (
        draw.case_for_threads(cell),
        draw.make(cell, draw.VARIANTS[7], input_size=24, hidden_size=64, proj_size=32),
    )
    layer = large.layer(gw, np.float32)
    small = small.replace(params=large.params)
    want = [run(large, layer), run(small, layer)]
    gate = threading.Barrier(16)

    def call(i: int) -> list[dict[str, Array]]:
        gate.wait()
        return [run((large, small)[(i + j) % 2], layer) for j in range(4)]

    with gw.threads(3), ThreadPoolExecutor(16) as pool:
        for i, results in enumerate(pool.map(call, range(16))):
            for j, got in enumerate(results):
                assert_same_bits(got, want[(i + j) % 2])


def test_writing_parameters_during_calls(isa: str) -> None:
    """Results computed while parameters are written come from the old or the new values, never from a mixture."""
    layer = gw.GRU(8, 32, seed=0)
    x = np.random.default_rng(0).standard_normal((10, 4, 8)).astype(np.float32)
    values = [gw.GRU(8, 32, seed=seed).state_dict() for seed in (0, 1)]
    wanted = []
    for value in values:
        layer.load_state_dict(value)
        wanted.append(layer(x)[0].tobytes())
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            for value in values:
                layer.load_state_dict(value)

    with ThreadPoolExecutor(5) as pool:
        writer = pool.submit(write)
        try:
            for result in pool.map(lambda _: layer(x)[0].tobytes(), range(400)):
                assert result in wanted
        finally:
            done.set()
        writer.result()


def test_one_tape_in_many_threads(isa: str) -> None:
    case = draw.case_for_threads()
    layer = case.layer(gw, np.float32)
    want = case.run(layer)
    dy, d_state = draw.cast(case.dy, np.float32), draw.cast(case.d_state, np.float32)
    with ThreadPoolExecutor(8) as pool:
        for grads in pool.map(lambda _: layer.backward(want.tape, dy, d_state), range(16)):
            np.testing.assert_array_equal(grads.x, want.grads.x)
            for name, value in grads.params.items():
                np.testing.assert_array_equal(value, want.grads.params[name])


def long_forward() -> Callable[[], Any]:
    return partial(gw.LSTM(64, 256, seed=0), np.zeros((200, 32, 64), np.float32))


def long_norm() -> Callable[[], Any]:
    return partial(dispatch.extension.Float64Optimizers.sum_of_squares, np.zeros(20_000_000))


@pytest.mark.parametrize("work", [long_forward, long_norm])
def test_calls_release_the_gil(isa: str, work: Callable[[], Callable[[], Any]]) -> None:
    """A call releases the GIL: another Python thread keeps counting during one long call."""
    call = work()
    counted: list[int] = []
    done = threading.Event()

    def count() -> None:
        while not done.wait(0.001):
            counted.append(1)

    counter = threading.Thread(target=count)
    counter.start()
    while not counted:
        pass
    before = len(counted)
    with gw.threads(1):
        call()
    after = len(counted)
    done.set()
    counter.join()
    assert after - before >= 2


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python is not a free-threaded one")
def test_a_free_threaded_python_stays_without_its_gil(isa: str) -> None:
    """Importing the extension module does not enable the GIL, and sixteen threads compute at once."""
    script = """
        import sys, threading
        import numpy as np, gatewise as gw
        layer = gw.LSTM(16, 32, seed=0)
        x = np.random.default_rng(0).standard_normal((20, 4, 16)).astype(np.float32)
        want, wrong = layer(x)[0].tobytes(), []

        def work():
            for _ in range(200):
                y, _, tape = layer.forward(x)
                layer.backward(tape, dy=y)
                if y.tobytes() != want:
                    wrong.append(1)

        threads = [threading.Thread(target=work) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(sys._is_gil_enabled(), len(wrong))
    """
    assert python(script, isa) == "False 0"
