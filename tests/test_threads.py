"""Threads: the setting and the limits above it, many callers at once, forks, and the caller's floating-point mode."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import platform
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import draw
import gatewise as gw
import numpy as np
import pytest
from gatewise import _dispatch
from numpy.typing import NDArray
from test_bits import assert_same_bits, run

Array = NDArray[Any]
VARIANTS = {variant.name: variant for variant in draw.VARIANTS}


def python(script: str, *arguments: str, **environment: str) -> str:
    """What a script prints in a Python of its own, whose environment has no other settings of threads than these."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "KMP_", "GATEWISE_"))}
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(script), *arguments],
        env={**kept, "OPENBLAS_NUM_THREADS": "1", **environment},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


def cores() -> int:
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


LIMIT = "import gatewise as gw; print(gw.get_num_threads())"


def with_openmp() -> bool:
    """Whether the library was built with OpenMP: with two threads allowed and a machine of two, it has teams of two."""
    return cores() < 2 or int(python(LIMIT)) > 1


needs_two_cores = pytest.mark.skipif(cores() < 2, reason="this process may run on one core only, which is no team")
needs_affinity = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity masks")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


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
        with pytest.raises(TypeError, match="expected .*, got "):
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
    from gatewise import _dispatch
    _dispatch.core = _dispatch.load(sys.argv[1])
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
    """A call that may use one thread starts none; afterwards, free to use two, it does (if built with OpenMP)."""
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


def big_case(cell: draw.Option = draw.CELLS[2]) -> draw.Case:
    """Enough work for a team."""
    return draw.make(
        cell, VARIANTS["lengths-resets"], n_steps=12, batch=32, input_size=24, hidden_size=64, proj_size=32
    )


@pytest.mark.usefixtures("wide_team")
@pytest.mark.parametrize("cell", [draw.CELLS[0], draw.CELLS[5], draw.CELLS[7]], ids=str)
def test_many_callers_at_once(isa: str, cell: draw.Option) -> None:
    """Sixteen Python threads call one layer, forward and backward, small calls among large ones: the bits of one."""
    large, small = big_case(cell), draw.make(cell, VARIANTS["mask"], input_size=24, hidden_size=64, proj_size=32)
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


def test_writers_beside_callers(isa: str) -> None:
    """Parameters written while others call: every result is that of the old values or of the new ones, never of a mixture."""
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
    case = big_case()
    layer = case.layer(gw, np.float32)
    want = case.run(layer)
    dy, d_state = draw.cast(case.dy, np.float32), draw.cast(case.d_state, np.float32)
    with ThreadPoolExecutor(8) as pool:
        for grads in pool.map(lambda _: layer.backward(want.tape, dy, d_state), range(16)):
            np.testing.assert_array_equal(grads.x, want.grads.x)
            for name, value in grads.params.items():
                np.testing.assert_array_equal(value, want.grads.params[name])


def test_other_threads_run_meanwhile(isa: str) -> None:
    """The GIL is released: another Python thread goes on counting during one long call."""
    layer = gw.LSTM(64, 256, seed=0)
    x = np.zeros((200, 32, 64), np.float32)
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
        layer(x)
    after = len(counted)
    done.set()
    counter.join()
    assert after - before >= 2


FORK = """
    import os, sys, hashlib
    import gatewise as gw, numpy as np
    from gatewise import _dispatch
    _dispatch.core = _dispatch.load(sys.argv[1])
    _dispatch.core.set_team_limit(4)
    gw.set_num_threads(4)
    layer = gw.LSTM(24, 64, bidirectional=True, seed=0)
    x = np.random.default_rng(0).standard_normal((12, 32, 24)).astype(np.float32)
    def digest():
        y, state, tape = layer.forward(x)
        grads = layer.backward(tape, y, state)
        parts = [y, *state, grads.x, *grads.state, *grads.params.values()]
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
    want = digest()
"""
FORKED = """
    for generation in range(2):
        child = os.fork()
        if child == 0:
            same = digest() == want and digest() == want
            if same:
                grandchild = os.fork()
                if grandchild == 0:
                    os._exit(0 if digest() == want else 1)
                same = os.waitpid(grandchild, 0)[1] == 0
            os._exit(0 if same else 1)
        assert os.waitpid(child, 0)[1] == 0, "the child's bits differ, or it crashed"
        assert digest() == want
    print("same")
"""
POOLED = """
    import multiprocessing
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print("same" if pool.starmap(digest, [()] * 6) == [want] * 6 else "different")
"""


@needs_fork
@pytest.mark.parametrize("script", [FORKED, POOLED], ids=["os.fork", "multiprocessing"])
def test_a_forked_child_computes(isa: str, script: str) -> None:
    """After the parent has used its team; and the parent still has it afterwards."""
    assert python(textwrap.dedent(FORK) + textwrap.dedent(script), isa) == "same"


@needs_fork
def test_a_child_forked_from_a_second_thread_computes(isa: str) -> None:
    script = textwrap.dedent(FORK) + textwrap.dedent("""
        import threading
        busy = threading.Thread(target=lambda: [digest() for _ in range(50)])
        busy.start()
        children = []
        for _ in range(5):
            child = os.fork()
            if child == 0:
                os._exit(0 if digest() == want else 1)
            children.append(child)
        assert all(os.waitpid(child, 0)[1] == 0 for child in children)
        busy.join()
        print("same")
    """)
    assert python(script, isa) == "same"


def test_the_forced_instruction_set(isa: str) -> None:
    script = "import gatewise as gw; from gatewise import _dispatch; print(_dispatch.core is _dispatch.load('{}'))"
    assert python(script.format(isa), GATEWISE_ISA=isa) == "True"


def test_an_unknown_forced_instruction_set() -> None:
    script = """
        try:
            import gatewise
        except Exception as error:
            print(type(error).__name__, error)
    """
    said = python(script, GATEWISE_ISA="x86-64-v9")
    assert "GATEWISE_ISA" in said
    assert "x86-64-v9" in said


def test_show_config(capsys: pytest.CaptureFixture[str]) -> None:
    gw.show_config()
    printed = capsys.readouterr().out
    config = gw.show_config(mode="dicts")
    assert isinstance(config, dict)
    assert capsys.readouterr().out == ""
    for name in _dispatch.available():
        assert name in printed
        assert name in str(config)


def test_subnormals_of_the_caller_stay(isa: str, dtype: Any) -> None:
    """After a call, and after an error in one, NumPy still computes with subnormals."""
    layer = gw.LSTM(2, 3, dtype=dtype)
    least, tiny = np.array([np.finfo(dtype).smallest_subnormal]), np.array([np.finfo(dtype).tiny])

    def check() -> None:
        assert (least * dtype(3)).view(f"u{least.itemsize}")[0] == 3
        assert (tiny / dtype(2)).any()

    check()
    _, _, tape = layer.forward(np.zeros((3, 2, 2)))
    check()
    layer.backward(tape, np.ones((3, 2, 3)))
    check()
    with pytest.raises(ValueError, match="x: "):
        layer(np.zeros((3, 2, 5)))
    check()


@pytest.mark.usefixtures("wide_team")
@pytest.mark.parametrize("cell", draw.CELLS, ids=str)
def test_subnormals_count_as_zeros_on_every_thread(isa: str, dtype: Any, cell: draw.Option) -> None:
    """Inputs, states, weights and cotangents that are subnormal give what zeros give, whichever thread meets them.

    Half of each array is subnormal. What is left of the results is compared as numbers: a subnormal keeps its sign, so a
    zero may have another one.
    """
    rng = np.random.default_rng(0)

    def mixed(value: Any, small: float) -> Any:
        if isinstance(value, tuple):
            return tuple(mixed(part, small) for part in value)
        return np.where(rng.random(value.shape) < 0.5, np.sign(value) * small, value).astype(dtype)

    case = big_case(cell).replace(lengths=None, resets=None, x=rng.standard_normal((12, 32, 24)))
    case = case.replace(dy=rng.standard_normal(case.dy.shape))  # type: ignore[union-attr]
    results = []
    for small in (float(np.finfo(dtype).tiny) / 2, 0.0):
        rng = np.random.default_rng(1)
        fields = {field: mixed(getattr(case, field), small) for field in ("x", "state", "dy", "d_state")}
        params = {name: mixed(value, small) for name, value in case.params.items()}
        other = case.replace(params=params, **fields)
        layer = other.layer(gw, dtype)
        for n in (1, 4):
            with gw.threads(n):
                results.append(run(other, layer))
    for other_result in results[1:]:
        for name, value in results[0].items():
            np.testing.assert_array_equal(other_result[name], value, err_msg=name)


MACHINE = platform.machine().lower()
needs_mxcsr = pytest.mark.skipif(
    MACHINE not in ("x86_64", "amd64") or not sys.platform.startswith("linux"),
    reason="reads the control word as the C library of Linux on x86-64 stores it",
)


class Environment:
    """The C library's floating-point environment: 28 bytes of the x87 unit, then the SSE unit's control word."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL(ctypes.util.find_library("m"))

    @property
    def control(self) -> int:
        stored = (ctypes.c_uint32 * 8)()
        assert self.library.fegetenv(stored) == 0
        return stored[7]

    @control.setter
    def control(self, value: int) -> None:
        stored = (ctypes.c_uint32 * 8)()
        assert self.library.fegetenv(stored) == 0
        stored[7] = value
        assert self.library.fesetenv(stored) == 0


@pytest.fixture
def environment() -> Iterator[Environment]:
    mode = Environment()
    before = mode.control
    yield mode
    mode.control = before


ROUNDINGS = {"down": 0x2000, "up": 0x4000, "to zero": 0x6000}
FLAGS, MASKS, FLUSH, ZEROS = 0x3F, 0x1F80, 0x8000, 0x40


@needs_mxcsr
@pytest.mark.usefixtures("wide_team")
@pytest.mark.parametrize("mode", [*ROUNDINGS.values(), FLUSH, ZEROS, FLUSH | ZEROS | 0x6000, 0], ids=hex)
@pytest.mark.parametrize("flags", [0, FLAGS], ids=["no flags", "all flags"])
def test_the_callers_control_word(isa: str, environment: Environment, mode: int, flags: int) -> None:
    """Whatever rounding, flushing and flags the caller has, the bits are the same, and the word comes back whole."""
    case = big_case()
    x, state = draw.cast(case.x, np.float32), draw.cast(case.state, np.float32)
    dy, d_state = draw.cast(case.dy, np.float32), draw.cast(case.d_state, np.float32)
    layer = case.layer(gw, np.float32)
    want = run(case, layer)
    for n in (1, 2):
        with gw.threads(n):
            environment.control = word = MASKS | mode | flags
            y, final, tape = layer.forward(x, state, **case.limits)
            after_forward = environment.control
            environment.control = word
            grads = layer.backward(tape, dy, d_state)
            after_backward = environment.control
            environment.control = word
            layer(x, state, **case.limits)
            after_call = environment.control
            environment.control = MASKS
        assert_same_bits(draw_names(y, final, tape, grads), want)
        # The flags are the caller's too: what this interpreter itself computes around the call may raise them, no more.
        for after in (after_forward, after_backward, after_call):
            assert after & ~FLAGS == word & ~FLAGS
            assert after & flags == flags


def draw_names(y: Array, final: Any, tape: Any, grads: Any) -> dict[str, Array]:
    from tolerances import named

    return named(draw.Result(y, final, tape, grads))


@needs_mxcsr
def test_no_flag_is_raised(isa: str, environment: Environment) -> None:
    """Overflow, NaN and inexact results inside a call leave the caller's flags as they were: NumPy warns of nothing."""
    layer = gw.LSTM(2, 3, seed=0)
    cell = gw.LSTMCell(2, 3, seed=0)
    x = np.array([[[1e38, 3e38], [np.nan, np.inf], [1e-45, -1e-45], [0.1, 0.2]]], np.float32)
    big = tuple(np.full((1, 4, 3), 3e38, np.float32) for _ in range(2))
    environment.control = MASKS
    layer(x)
    _, _, tape = layer.forward(x, big)
    grads = layer.backward(tape, big[0], big)
    cell(x[0])
    assert environment.control & 0x1D == 0  # all but subnormal operand and inexact, which the interpreter's sums raise
    assert np.isnan(grads.x).any()
    with np.errstate(all="raise"):
        layer(x)
        layer.backward(tape, big[0], big)


@needs_mxcsr
def test_unmasked_exceptions_do_not_end_the_process(isa: str) -> None:
    """A caller that traps invalid operations, divisions by zero and overflows: a call has its own mask."""
    script = """
        import ctypes, ctypes.util, sys
        import gatewise as gw, numpy as np
        from gatewise import _dispatch
        _dispatch.core = _dispatch.load(sys.argv[1])
        gw.set_num_threads(2)
        layer = gw.LSTM(24, 64, seed=0)
        x = np.full((12, 32, 24), 3e38, np.float32)
        x[3, 5] = np.nan
        x[4, 6] = np.inf
        y, state, tape = layer.forward(x)
        library = ctypes.CDLL(ctypes.util.find_library("m"))
        library.feenableexcept(0x1D)
        y, state, tape = layer.forward(x)
        grads = layer.backward(tape, y, state)
        print(library.fegetexcept())
    """
    assert int(python(script, isa)) == 0x1D
