"""Checkpoints: bit-identical to a tape that stores every step, with memory that grows with the square root of T."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import draw
import gatewise as gw
from bits import OPTIONS, THREADS, WIDE, assert_same_bits
from draw import Case, Option
from gatewise import reference
from process import python
from tolerances import named

Array = NDArray[Any]

VARIANTS = {variant.name: variant for variant in draw.VARIANTS}
EVERY = (1, 20, "sqrt", 10**30)
"""Steps between checkpoints, for segments of one block, of several blocks, and of all blocks."""


def run(case: Case, layer: Any, checkpoint: Any, **keywords: Any) -> dict[str, Array]:
    """Run the case with checkpoints and return all results, without the states of the tape."""
    x, state, dy, d_state = (draw.cast(value, layer.dtype) for value in (case.x, case.state, case.dy, case.d_state))
    y, final, tape = layer.forward(x, state, key=case.key, checkpoint=checkpoint, **case.limits)
    grads = layer.backward(tape, dy, d_state, **keywords)
    arrays = named(draw.Result(y, final, tape, grads)) if grads.h_steps is None else {"tape.hidden": tape.hidden}
    steps = {"h_steps": grads.h_steps, "c_steps": grads.c_steps}
    return arrays | {name: value for name, value in steps.items() if value is not None}


ALL = [*draw.OPTIONS, *draw.FEW_CHOSEN, *draw.NOISY]
PAIRS = [(o, (o + 4 * i) % len(draw.VARIANTS)) for o in range(len(ALL)) for i in range(2)]


@pytest.mark.parametrize(("option", "variant"), PAIRS, ids=[f"{ALL[o]}-{draw.VARIANTS[v]}" for o, v in PAIRS])
def test_every_option_has_the_same_bits(isa: str, option: int, variant: int) -> None:
    """40 steps of 30 sequences give three blocks of gradients; 40 steps of one sequence give one block."""
    case = draw.make(ALL[option], draw.VARIANTS[variant], 40, 30, 3, 9, 4)
    for dtype in (np.float32, np.float64):
        layer = case.layer(gw, dtype)
        want = run(case, layer, None)
        for every in EVERY:
            assert_same_bits(run(case, layer, every), want)


@pytest.mark.parametrize("call", ["unbatched", "unbatched-mask-resets"])
@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_a_single_long_sequence_has_the_same_bits(isa: str, option: Option, call: str) -> None:
    """Three blocks of 512 steps and a rest; the reverse direction counts blocks from the end."""
    case = draw.make(option, VARIANTS[call], 1700, 1, 2, 5, 3)
    layer = case.layer(gw, np.float32)
    want = run(case, layer, None)
    for every in (1, 1000):
        assert_same_bits(run(case, layer, every), want)


@pytest.mark.usefixtures("eight_threads")
@pytest.mark.parametrize("sizes", [*WIDE[:1], (40, 35, 4, 64), (512, 3, 9, 260), (64, 20, 64, 48)], ids=str)
@pytest.mark.parametrize("option", OPTIONS[1::2], ids=str)
def test_threads(isa: str, option: Option, sizes: tuple[int, int, int, int]) -> None:
    """The sizes include layers whose sequences and layers whose units are divided over threads."""
    batch, n_steps, input_size, hidden_size = sizes
    case = draw.make(option, VARIANTS["lengths-resets"], n_steps, batch, input_size, hidden_size, hidden_size // 2)
    layer = case.layer(gw, np.float32)
    with gw.threads(1):
        want = run(case, layer, None)
    for n in THREADS:
        with gw.threads(n):
            assert_same_bits(run(case, layer, 1), want)


@pytest.mark.parametrize("call", ["lengths-resets", "mask-resets"])
@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_gradients_of_states_and_a_second_use(isa: str, option: Option, call: str) -> None:
    """Several threads may use a tape with checkpoints at once; it has every h and the gradients of every step."""
    case = draw.make(option, VARIANTS[call], 40, 30, 3, 9, 4)
    layer = case.layer(gw, np.float32)
    want, want_steps = run(case, layer, None), run(case, layer, None, steps=True)
    x, state, dy, d_state = (draw.cast(value, np.float32) for value in (case.x, case.state, case.dy, case.d_state))
    y, final, tape = layer.forward(x, state, checkpoint=1, **case.limits)
    with ThreadPoolExecutor(4) as pool:
        for grads in pool.map(lambda _: layer.backward(tape, dy, d_state), range(8)):
            assert_same_bits(named(draw.Result(y, final, tape, grads)), want)
    assert_same_bits(run(case, layer, 1, steps=True), want_steps)


def test_the_weights_are_those_of_the_forward(isa: str) -> None:
    """Changing x and the parameters before backward recomputes the steps has no effect."""
    layer = gw.LSTM(3, 8, seed=0)
    x = np.random.default_rng(0).standard_normal((60, 32, 3)).astype(np.float32)
    y, _, tape = layer.forward(x)
    want = layer.backward(tape, y)
    y, _, tape = layer.forward(x, checkpoint="sqrt")
    x[:] = np.nan
    layer.params.flat = 9 * layer.params.flat
    got = layer.backward(tape, y)
    np.testing.assert_array_equal(got.x, want.x)
    np.testing.assert_array_equal(got.flat, want.flat)


@pytest.mark.parametrize("cell", draw.CELLS, ids=str)
def test_memory_grows_with_the_square_root_of_the_steps(isa: str, cell: Option) -> None:
    """Without the copy of x, four times the steps need at most twice the bytes; without checkpoints, four times."""
    layer = draw.make(cell, VARIANTS["dense"], 1, 1, 3, 16, 8).layer(gw, np.float32)

    def kept(n_steps: int, checkpoint: Any) -> int:
        x = np.zeros((n_steps, 8, 3), np.float32)
        return int(layer.forward(x, checkpoint=checkpoint)[2].nbytes) - x.nbytes

    sizes = [kept(n, "sqrt") for n in (4096, 16384, 65536)]
    has_cells, all_kept = cell.kind == "LSTM", [kept(n, None) for n in (4096, 16384)]
    assert sizes == [has_cells * root * 8 * 16 * 4 for root in (64, 128, 256)]
    if cell.kind != "RNN":  # The backward of an RNN needs only h, which y contains.
        assert 3.9 < all_kept[1] / all_kept[0] <= 4
        assert sizes[0] < all_kept[0] / 100


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of the resident memory as Linux counts it")
def test_a_hundred_thousand_steps_train_in_40_megabytes(isa: str) -> None:
    """y takes 24.4 MB, the tape's copy of x and its gradient 3.1 MB each. Storing every step would take 150 MB more."""
    script = """
        import numpy as np, gatewise as gw
        gw.set_num_threads(1)
        layer = gw.LSTM(8, 64, seed=0)

        def megabytes():
            status = dict(line.split(":") for line in open("/proc/self/status"))
            return int(status["VmHWM"].split()[0]) / 1024

        def train(x):
            y, _, tape = layer.forward(x, checkpoint="sqrt")
            return layer.backward(tape, dy=y), tape.nbytes / 2**20

        train(np.zeros((600, 1, 8), np.float32))
        x = np.zeros((100_000, 1, 8), np.float32)
        x[:] = 0.5
        before = megabytes()
        _, tape = train(x)
        print(megabytes() - before, tape)
    """
    peak, tape = map(float, python(script, isa).split())
    assert 30 < peak < 40
    assert tape < 3.2


def test_states_and_gates_of_steps_that_were_not_kept(isa: str) -> None:
    x = np.ones((4, 2, 3))
    _, _, tape = gw.LSTM(3, 5, seed=0).forward(x, checkpoint=2)
    for name in ("cells", "gates"):
        with pytest.raises(ValueError, match=rf"^{name}: not available, because the tape has checkpoints"):
            getattr(tape, name)
    _, _, tape = gw.GRU(3, 5, seed=0).forward(x, checkpoint=2)
    assert tape.cells is None
    y, _, tape = gw.RNN(3, 5, seed=0).forward(x, checkpoint=2)
    np.testing.assert_array_equal(tape.gates[0, :, 0], y)


@pytest.mark.parametrize("namespace", [gw, reference], ids=["compiled", "reference"])
def test_what_a_checkpoint_may_be(namespace: Any) -> None:
    layer = namespace.GRU(2, 3, seed=0)
    x = np.ones((4, 2, 2))
    y, _, tape = layer.forward(x)
    want = layer.backward(tape, y)
    for every in (None, "sqrt", 1, np.int32(3), 2**70):
        got = layer.backward(layer.forward(x, checkpoint=every)[2], y)
        np.testing.assert_array_equal(got.flat, want.flat)
    for wrong in (0, -1, "root", ""):
        with pytest.raises(ValueError, match=r"^checkpoint: expected .*, got "):
            layer.forward(x, checkpoint=wrong)
    for no_number in (2.0, True, [1]):
        with pytest.raises(TypeError, match=r"^checkpoint: expected an integer >= 1, got "):
            layer.forward(x, checkpoint=no_number)
    for shape in ((0, 3, 2), (3, 0, 2)):
        y, _, tape = layer.forward(np.ones(shape), checkpoint="sqrt")
        assert not layer.backward(tape, y).flat.any()
