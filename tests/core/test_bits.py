"""Bit-identical results, checked by equality.

The results of a sequence do not depend on the other sequences of the batch, its index there, padding, chunks, threads,
or whether there is a tape. Gradients of parameters do not depend on threads or repetition. All instruction sets with
fused multiply-add give the same bits. test_order.py checks the order of the sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

import draw
import gatewise as gw
import strategies
from bits import OPTIONS, THREADS, VARIANTS, WIDE, assert_same_bits, gather, gathered, halves, own, padded, run
from draw import Case, Option
from gatewise._core import dispatch
from tolerances import named

Array = NDArray[Any]

KINDS_OF_CALL = ["dense", "lengths-resets", "mask-resets"]
CELLS = draw.CELLS + draw.FEW_CHOSEN


@pytest.mark.parametrize("hidden_size", [3, 16, 33])
@pytest.mark.parametrize("call", KINDS_OF_CALL)
@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_results_do_not_depend_on_the_batch(isa: str, dtype: Any, option: Option, call: str, hidden_size: int) -> None:
    """A sequence gives the same results alone, in batches of any size, and in any order among any others."""
    case = draw.make(option, VARIANTS[call], n_steps=6, batch=7, input_size=5, hidden_size=hidden_size)
    layer = case.layer(gw, dtype)
    results = run(case, layer)
    rng = np.random.default_rng(0)
    orders = [np.array([b]) for b in (0, 3, 6)] + [rng.integers(0, 7, n) for n in (2, 3, 4, 5, 8, 33)]
    for rows in orders:
        assert_same_bits(own(run(gather(case, rows), layer)), gathered(case, results, rows))


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_batch_of_hundreds(isa: str, dtype: Any, cell: Option) -> None:
    case = draw.make(cell, VARIANTS["lengths-resets"], n_steps=3, batch=5, input_size=5, hidden_size=9)
    layer = case.layer(gw, dtype)
    rows = np.random.default_rng(0).integers(0, 5, 600)
    assert_same_bits(own(run(gather(case, rows), layer)), gathered(case, run(case, layer), rows))


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38, 0.0])
@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_values_of_other_sequences_have_no_effect(isa: str, dtype: Any, option: Option, value: float) -> None:
    """NaN, infinities or overflow in all other sequences do not change the results of this one."""
    case = draw.make(option, VARIANTS["resets"], n_steps=5, batch=6, input_size=5, hidden_size=13)
    layer = case.layer(gw, dtype)
    row = np.array([3])
    others = np.arange(6) != 3

    def spoil(array: Array, axis: int) -> Array:
        where = np.expand_dims(others, tuple(i for i in range(array.ndim) if i != axis))
        return np.where(where, value, array)

    axis = 0 if case.options["batch_first"] else 1
    spoilt = case.replace(
        x=spoil(case.x, axis),
        dy=spoil(case.dy, axis),  # type: ignore[arg-type]
        state=tuple(spoil(half, 1) for half in case.state) if isinstance(case.state, tuple) else spoil(case.state, 1),
    )
    assert_same_bits(gathered(case, run(spoilt, layer), row), gathered(case, run(case, layer), row))


@pytest.mark.parametrize("call", ["dense", "lengths", "lengths-resets"])
@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_padding(isa: str, dtype: Any, option: Option, call: str) -> None:
    """Any number of padding steps may follow a sequence; its output and gradient there are 0."""
    case = draw.make(option, VARIANTS[call], n_steps=6, batch=5, input_size=5, hidden_size=13)
    layer = case.layer(gw, dtype)
    want = own(run(case, layer))
    for extra in (1, 30):
        got = own(run(padded(case, extra), layer))
        for name in ("y", "grads.x"):
            steps = case.usual(got[name])
            np.testing.assert_array_equal(steps[6:], 0)
            got[name] = case.lay(steps[:6])
        assert_same_bits(got, want)


@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_lengths_equal_sequences_cut_off(isa: str, dtype: Any, option: Option) -> None:
    """A sequence in a padded batch gives the same results as alone and without padding."""
    case = draw.make(option, VARIANTS["lengths-resets"], n_steps=9, batch=5, input_size=5, hidden_size=13)
    layer = case.layer(gw, dtype)
    results = run(case, layer)
    for b, length in enumerate(case.lengths):
        alone = gather(case, np.array([b]))
        short = {f: alone.lay(alone.usual(getattr(alone, f))[:length]) for f in ("x", "dy", "resets")}
        want = gathered(case, results, np.array([b]))
        for name in ("y", "grads.x"):
            want[name] = alone.lay(alone.usual(want[name])[:length])
        assert_same_bits(own(run(alone.replace(lengths=None, **short), layer)), want)


def chunks(case: Case, cuts: list[int]) -> Iterator[tuple[slice, dict[str, Any]]]:
    """Yield the steps and the arguments of each chunk of a case that is cut at these steps."""
    n_steps = len(case.usual(case.x))
    for start, end in zip([0, *cuts], [*cuts, n_steps], strict=True):
        steps = slice(start, end)
        part = {
            f: case.lay(case.usual(getattr(case, f))[steps]) for f in ("mask", "resets") if getattr(case, f) is not None
        }
        if case.lengths is not None:
            part["lengths"] = np.clip(case.lengths - start, 0, end - start)
        yield steps, {"x": case.lay(case.usual(case.x)[steps]), **part}


def run_in_chunks(case: Case, layer: Any, cuts: list[int]) -> tuple[Array, Any]:
    """Call the layer chunk by chunk, passing on the state; return y (T, B, Y) and the final state."""
    state, outputs = draw.cast(case.state, layer.dtype), []
    for _, arguments in chunks(case, cuts):
        y, state = layer(state=state, **arguments)
        outputs.append(case.usual(y))
    return np.concatenate(outputs), state


def before_the_first_unmasked(case: Case, cuts: list[int]) -> Array:
    """Return, as bool (T, B), the steps of each chunk before its first unmasked one: no output is repeated there."""
    return np.concatenate([~np.logical_or.accumulate(case.unmasked[steps]) for steps, _ in chunks(case, cuts)])


@pytest.mark.parametrize("cuts", [[1], [3, 4], [0, 5, 5, 9], list(range(1, 12))], ids=str)
@pytest.mark.parametrize("call", ["dense", "lengths-resets", "mask", "mask-resets"])
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_chunks(isa: str, dtype: Any, cell: Option, call: str, cuts: list[int]) -> None:
    """y and state do not depend on how a sequence is cut into calls, including single steps and empty calls."""
    option = Option(cell.kind, {**cell.keywords, "num_layers": 2, "batch_first": True}, cell.projected)
    case = draw.make(option, VARIANTS[call], n_steps=12, batch=5, input_size=5, hidden_size=13)
    layer = case.layer(gw, dtype)
    y, state = layer(draw.cast(case.x, dtype), draw.cast(case.state, dtype), **case.limits)
    y_cut, state_cut = run_in_chunks(case, layer, cuts)
    assert_same_bits(halves(state_cut), halves(state))
    free = before_the_first_unmasked(case, cuts) if case.mask is not None else np.zeros((12, 5), bool)
    assert_same_bits({"y": np.where(free[..., None], 0, y_cut)}, {"y": np.where(free[..., None], 0, case.usual(y))})


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_chunks_of_a_long_sequence(isa: str, dtype: Any, cell: Option) -> None:
    case = draw.make(cell, VARIANTS["resets"], n_steps=1100, batch=1, input_size=2, hidden_size=5)
    layer = case.layer(gw, dtype)
    y, state = layer(draw.cast(case.x, dtype), draw.cast(case.state, dtype), **case.limits)
    y_cut, state_cut = run_in_chunks(case, layer, [7, 512, 1000])
    assert_same_bits({"y": y_cut, **halves(state_cut)}, {"y": y, **halves(state)})


def assert_threads_change_nothing(case: Case, dtype: Any) -> None:
    """Assert that inference, forward and backward are bit-identical on any number of threads."""
    layer = case.layer(gw, dtype)

    def results() -> dict[str, Array]:
        y, state = layer(draw.cast(case.x, dtype), draw.cast(case.state, dtype), **case.limits)
        return {"inference": y, **halves(state), **run(case, layer)}

    with gw.threads(THREADS[0]):
        want = results()
    for n in THREADS[1:]:
        with gw.threads(n):
            assert_same_bits(results(), want)


@pytest.mark.usefixtures("eight_threads")
@pytest.mark.parametrize("sizes", WIDE, ids=str)
@pytest.mark.parametrize("call", ["dense", "lengths-resets"])
@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_threads(isa: str, option: Option, call: str, sizes: tuple[int, int, int, int]) -> None:
    batch, n_steps, input_size, hidden_size = sizes
    case = draw.make(option, VARIANTS[call], n_steps, batch, input_size, hidden_size, proj_size=hidden_size // 2)
    assert_threads_change_nothing(case, np.float32)


@pytest.mark.usefixtures("eight_threads")
@pytest.mark.parametrize("call", KINDS_OF_CALL)
@pytest.mark.parametrize("sizes", [(4, 1, 40, 40, 70), (4, 3, 400, 5, 24), (3, 1, 20, 9, 64)], ids=str)
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_threads_in_stacks(isa: str, cell: Option, sizes: tuple[int, ...], call: str) -> None:
    """Each layer of a stack may run on another thread; sizes are (L, B, T, I, H)."""
    num_layers, batch, n_steps, input_size, hidden_size = sizes
    option = Option(cell.kind, {**cell.keywords, "num_layers": num_layers}, cell.projected)
    case = draw.make(option, VARIANTS[call], n_steps, batch, input_size, hidden_size, proj_size=hidden_size // 2)
    assert_threads_change_nothing(case, np.float32)


@pytest.mark.usefixtures("eight_threads")
@pytest.mark.parametrize("cell", CELLS, ids=str)
@pytest.mark.parametrize("sizes", [(12, 33, 20, 50, 30), (5, 2, 30, 130, 70)], ids=str)
def test_threads_in_float64(isa: str, cell: Option, sizes: tuple[int, ...]) -> None:
    assert_threads_change_nothing(draw.make(cell, VARIANTS["lengths-resets"], *sizes), np.float64)


@pytest.mark.parametrize("variant", draw.VARIANTS, ids=str)
@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_call_and_forward_agree_and_repeat(isa: str, dtype: Any, option: Option, variant: draw.Variant) -> None:
    """layer(x) and forward agree; repeated calls agree, and so do gradients from a tape used twice and a new tape."""
    case = draw.make(option, variant, hidden_size=13, input_size=9)
    layer = case.layer(gw, dtype)
    first = case.run(layer)
    y, state = layer(draw.cast(case.x, dtype), draw.cast(case.state, dtype), **case.limits)
    assert_same_bits({"y": y, **halves(state)}, {"y": first.y, **halves(first.state)})
    grads = layer.backward(first.tape, draw.cast(case.dy, dtype), draw.cast(case.d_state, dtype))
    assert_same_bits(named(first._replace(grads=grads)), named(first))
    assert_same_bits(run(case, layer), named(first))
    assert_same_bits(run(case, case.layer(gw, dtype)), named(first))


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_dropout_depends_on_key_and_place_alone(isa: str, dtype: Any, cell: Option) -> None:
    """With dropout too, results do not depend on the number of other sequences or on their lengths."""
    option = Option(
        cell.kind, {**cell.keywords, "num_layers": 3, "dropout": 0.5, "bidirectional": True}, cell.projected
    )
    case = draw.make(option, VARIANTS["lengths"], n_steps=6, batch=5, input_size=5, hidden_size=13)
    layer = case.layer(gw, dtype)
    want = run(case, layer)
    rows = np.array([0, 1, 2])
    assert_same_bits(own(run(gather(case, rows), layer)), gathered(case, want, rows))
    longer = own(run(padded(case, 3), layer))
    assert_same_bits(longer | {name: longer[name][:6] for name in ("y", "grads.x")}, own(want))


@pytest.mark.parametrize("call", ["lengths", "mask"])
@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_a_sequence_without_steps_keeps_its_state(isa: str, dtype: Any, option: Option, call: str) -> None:
    """The state stays bit-identical, with subnormals, negative zeros and infinities; so does d_state in grads.state."""
    case = draw.make(option, VARIANTS[call], n_steps=3, batch=3, input_size=2, hidden_size=9)
    limits: dict[str, Any] = {"lengths": [0, 0, 0]} if call == "lengths" else {"mask": np.zeros_like(case.mask)}
    odd = np.array([np.finfo(dtype).smallest_subnormal, -0.0, np.inf, np.finfo(dtype).tiny / 2, np.nan, 1.5], dtype)
    state, d_state = (
        draw.cast(case.state, dtype),
        draw.cast(case.d_state, dtype),
    )
    for half in [*halves(state).values(), *halves(d_state).values()]:
        half[...] = np.resize(odd, half.shape)
    layer = case.layer(gw, dtype)
    y, final, tape = layer.forward(case.x, state, **limits)
    np.testing.assert_array_equal(y, 0)
    assert_same_bits(halves(final), halves(state))
    grads = layer.backward(tape, np.full_like(y, np.nan), d_state)
    assert_same_bits(halves(grads.state), halves(d_state))
    np.testing.assert_array_equal(grads.x, 0)
    for value in grads.params.values():
        np.testing.assert_array_equal(value, 0)


FMA = [name for name in dispatch.available() if name != "x86-64"]
BETWEEN_SETS = pytest.mark.skipif(
    len(FMA) < 2, reason=f"needs two instruction sets with fused multiply-add, and this machine has {FMA}"
)


def on_all_sets(case: Case, dtype: Any) -> list[dict[str, Array]]:
    results = []
    for name in FMA:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dispatch, "extension", dispatch.load(name))
            results.append(run(case, case.layer(gw, dtype)))
    return results


@BETWEEN_SETS
@pytest.mark.parametrize("variant", draw.VARIANTS, ids=str)
@pytest.mark.parametrize("option", draw.OPTIONS[::3] + draw.CHOSEN[::37], ids=str)
def test_instruction_sets_agree(dtype: Any, option: Option, variant: draw.Variant) -> None:
    results = on_all_sets(draw.make(option, variant, hidden_size=13, input_size=9), dtype)
    for other in results[1:]:
        assert_same_bits(other, results[0])


@BETWEEN_SETS
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_instruction_sets_agree_in_large_layers(dtype: Any, cell: Option) -> None:
    case = draw.make(cell, VARIANTS["dense"], n_steps=3, batch=300, input_size=520, hidden_size=100, proj_size=70)
    results = on_all_sets(case, dtype)
    for other in results[1:]:
        assert_same_bits(other, results[0])


@BETWEEN_SETS
@given(case=strategies.cases())
def test_instruction_sets_agree_on_drawn_cases(case: Case) -> None:
    for dtype in (np.float32, np.float64):
        results = on_all_sets(case, dtype)
        for other in results[1:]:
            assert_same_bits(other, results[0])


@given(case=strategies.cases(dropout=False), data=st.data())
def test_drawn_sequences_alone(case: Case, data: st.DataObject) -> None:
    """Hypothesis searches for a case in which the results of a sequence depend on its batch."""
    batch = case.usual(case.x).shape[1]
    assume(case.batched and batch > 0)
    rows = np.array([data.draw(st.integers(0, batch - 1))])
    for name in dispatch.available():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dispatch, "extension", dispatch.load(name))
            layer = case.layer(gw, np.float32)
            assert_same_bits(own(run(gather(case, rows), layer)), gathered(case, run(case, layer), rows))
