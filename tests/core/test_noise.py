"""Recurrent dropout and zoneout: their random words, their effect on a step, and what they depend on.

tests/reference checks their gradients by central differences, and test_core.py compares the core with the reference.
"""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import draw
import gatewise as gw
from bits import VARIANTS, assert_same_bits, gather, gathered, halves, own, padded, run
from differences import EPS, chain
from draw import CELLS, KEY, Array, Case, Option, noises
from gatewise import reference
from gatewise._core import dispatch
from gatewise._core.state import join, parts
from gatewise.reference.philox import Use, below, philox
from rounding import fma, multiply_then_add
from tolerances import named, unit

ZONEOUTS = (Use.ZONEOUT_H, Use.ZONEOUT_C)


def with_noise(cell: Option, **keywords: Any) -> Option:
    """Return the cell with these keywords. Zoneout is a pair, of which only an LSTM uses both."""
    if "zoneout" in keywords:
        keywords |= noises(cell.kind, *keywords["zoneout"])
    return Option(cell.kind, {**cell.keywords, **keywords}, cell.projected)


@pytest.mark.parametrize("use", Use)
def test_every_use_reads_its_own_random_words(use: Use) -> None:
    """Unit u of sequence b at step t uses word u % 4 of the counter (u // 4, b, t, use 2^30 + index)."""
    t, b = np.ogrid[:2, :3]
    struck = below(0.3, KEY, use, 5, t, b, 6)
    for place in np.ndindex(2, 3, 6):
        step, sequence, u = place
        word = int(philox(KEY, u // 4, sequence, step, int(use) * 2**30 + 5)[u % 4])
        assert struck[place] == (word < math.floor(0.3 * 2**32))


def hidden(case: Case, layer: Any, index: int = 0) -> Array:
    """Return the units that recurrent dropout hides from W_hh, as bool (B, Y), from the random words."""
    o = layer._options
    batch = case.usual(case.x).shape[1]
    return below(o.recurrent_dropout, case.key or 0, Use.RECURRENT_DROPOUT, index, 0, np.arange(batch), o.output_size)


@pytest.mark.parametrize("library", [gw, reference], ids=["core", "reference"])
@pytest.mark.parametrize("variant", ["dense", "lengths-resets", "mask-resets"])
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_recurrent_dropout_is_a_change_of_w_hh(cell: Option, variant: str, library: Any) -> None:
    """Results are those of a layer whose W_hh has zeros in the hidden columns and 1 / (1 - p) times the others.

    This holds in every gate, at every step, and between resets. With p = 1/2 both products are exactly equal, so the
    core's results are bit-identical, except for gradients of a GRU with reset_after=False, which adds in another order.
    """
    case = draw.make(with_noise(cell, recurrent_dropout=0.5, bidirectional=True), VARIANTS[variant], hidden_size=13)
    layer = case.layer(library)
    got = run(case, layer)
    plain = case.replace(options={**case.options, "recurrent_dropout": 0.0})
    sums = {name: np.zeros_like(value) for name, value in case.params.items()}

    def close(name: str, actual: Array, expected: Array) -> None:
        rows = case.unmasked.size if name in sums else 1
        atol = 2 * EPS * chain(case) * rows * (1 + np.abs(expected).max())
        np.testing.assert_allclose(actual, expected, rtol=0, atol=atol, err_msg=name)

    for b in range(4):
        masks = [np.where(hidden(case, layer, d)[b], 0.0, 2.0) for d in range(2)]
        scales = {"weight_hh_l0": masks[0], "weight_hh_l0_reverse": masks[1]}
        params = {name: value * scales.get(name, 1.0) for name, value in case.params.items()}
        alone = gather(plain.replace(params=params), np.array([b]))
        want, ours = run(alone, alone.layer(library)), gathered(case, got, np.array([b]))
        exact = {name for name in ours if library is gw and (not name.startswith("grads") or not reset_before(cell))}
        assert_same_bits({name: ours[name] for name in exact}, {name: want[name] for name in exact})
        for name, value in own(want).items():
            close(name, ours[name], value)
        for name in sums:
            sums[name] += want[f"grads.params.{name}"] * scales.get(name, 1.0)
    for name, value in sums.items():
        close(name, got[f"grads.params.{name}"], value)


def reset_before(cell: Option) -> bool:
    return cell.keywords.get("reset_after") is False


def states_step_by_step(case: Case, layer: Any, zoned: Any) -> list[tuple[Array, ...]]:
    """Call a layer without zoneout step by step, apply `zoned(t, before, new)` after every step; return the states."""
    state = parts(draw.cast(case.state, layer.dtype))
    states = []
    for t, x_t in enumerate(draw.cast(case.x, layer.dtype)):
        _, new = layer(x_t[np.newaxis], join(state))
        state = zoned(t, state, parts(new))
        states.append(state)
    return states


def without_zoneout(case: Case) -> Case:
    return case.replace(options={**case.options, "zoneout": 0.0})


@pytest.mark.parametrize("library", [gw, reference], ids=["core", "reference"])
@pytest.mark.parametrize("zoneout", [(0.3, 0.0), (0.3, 0.4), (0.0, 0.4)], ids=str)
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_zoneout_keeps_the_previous_state(cell: Option, zoneout: tuple[float, float], library: Any, dtype: Any) -> None:
    """In forward, each unit is bit-identical to the cell's or, if its random word says so, to the previous state's."""
    case = draw.make(with_noise(cell, zoneout=zoneout), VARIANTS["dense"], n_steps=9, hidden_size=13)
    case = case.replace(key=KEY)
    y, state, _ = case.forward(case.layer(library, dtype))

    def zoned(t: int, before: tuple[Array, ...], new: tuple[Array, ...]) -> tuple[Array, ...]:
        rows, uses = np.arange(4), zip(zoneout, ZONEOUTS, new, strict=False)
        stays = [below(p, KEY, use, 0, t, rows, part.shape[-1]) for p, use, part in uses]
        return tuple(np.where(s, a, b) for s, a, b in zip(stays, before, new, strict=False))

    plain = without_zoneout(case)
    states = states_step_by_step(plain, plain.layer(library, dtype), zoned)
    want = {"y": np.concatenate([state[0] for state in states]), **halves(states[-1])}
    assert_same_bits({"y": np.asarray(y), **halves(state)}, want)


@pytest.mark.parametrize("zoneout", [(0.3, 0.0), (0.3, 0.4), (0.0, 0.4)], ids=str)
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_inference_uses_the_expectation_of_zoneout(cell: Option, zoneout: tuple[float, float], isa: str) -> None:
    """Layer and stream give p s + (1 - p) s' after every step, bit-identical to fma(p, s, (1 - p) s')."""
    case = draw.make(with_noise(cell, zoneout=zoneout), VARIANTS["dense"], n_steps=9, hidden_size=13)
    layer, multiply_add = case.layer(gw, np.float32), multiply_then_add if isa == "x86-64" else fma
    x, state = draw.cast(case.x, np.float32), draw.cast(case.state, np.float32)
    y, final = layer(x, state)

    def zoned(t: int, before: tuple[Array, ...], new: tuple[Array, ...]) -> tuple[Array, ...]:
        shares = [(np.float32(p), np.float32(1 - p)) for p in zoneout]
        pairs = zip(shares, before, new, strict=False)
        return tuple(multiply_add(p, a, q * b) if p else b for (p, q), a, b in pairs)

    plain = without_zoneout(case)
    states = states_step_by_step(plain, plain.layer(gw, np.float32), zoned)
    want = {"y": np.concatenate([state[0] for state in states]), **halves(states[-1])}
    assert_same_bits({"y": y, **halves(final)}, want)
    stream = layer.stream(4)
    stream.state = state
    steps = np.stack([stream.step(x_t) for x_t in x[:4]])
    assert_same_bits({"y": np.concatenate([steps, stream.run(x[4:])]), **halves(stream.state)}, want)
    # The reference agrees up to 3 roundings per step, and the roundings of the step itself.
    y_64, _ = case.layer(reference)(case.x, case.state)
    np.testing.assert_allclose(y, y_64, rtol=0, atol=9 * 100 * unit(np.float32))


def seen_mask(layer: Any, shape: tuple[int, int], key: int) -> Array:
    """Return the units, as (T, B, H), that remain at each step of an RNN that only copies its state of ones."""
    units = layer.hidden_size
    for name in layer.params:
        layer.params[name] = np.eye(units) if "_hh_" in name else np.zeros((units, layer.input_size))
    y, _, _ = layer.forward(np.zeros((*shape, layer.input_size)), np.ones((1, shape[1], units)), key=key)
    return np.asarray(y)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_masks_have_the_right_share(isa: str, p: float) -> None:
    """The shares over units, sequences and steps are within 5 standard deviations of a binomial share."""
    units, batch, n_steps = 40, 500, 30
    dropping = gw.RNN(1, units, bias=False, nonlinearity="relu", recurrent_dropout=p, seed=0)
    y = seen_mask(dropping, (2, batch), KEY)
    scale = np.float32(1 / (1 - p))
    np.testing.assert_array_equal(np.unique(y[0]), np.array([0, scale]))
    np.testing.assert_array_equal(y[1], y[0] * scale)  # the mask of the first step is that of the second
    assert abs(np.mean(y[0] > 0) - (1 - p)) < 5 * math.sqrt(p * (1 - p) / (units * batch))

    # x counts the steps, so h shows the last step at which a unit changed.
    zoning = gw.RNN(1, units, bias=False, nonlinearity="relu", zoneout=p, seed=0)
    zoning.params["weight_ih_l0"], zoning.params["weight_hh_l0"] = np.ones((units, 1)), np.zeros((units, units))
    x = np.broadcast_to(np.arange(1.0, n_steps + 1)[:, None, None], (n_steps, batch, 1))
    y, _, _ = zoning.forward(x, key=KEY)
    moved = np.asarray(y) == x
    assert abs(np.mean(moved) - (1 - p)) < 5 * math.sqrt(p * (1 - p) / moved.size)
    # Every step draws again: a unit is kept in two consecutive steps with probability p².
    kept_twice = ~moved[1:] & ~moved[:-1]
    # Pairs overlap in one step, so the variance is at most three times that of disjoint pairs.
    assert abs(np.mean(kept_twice) - p * p) < 5 * math.sqrt(3 * p * p * (1 - p * p) / kept_twice.size)


ALL = {"recurrent_dropout": 0.4, "zoneout": (0.2, 0.3), "num_layers": 2, "dropout": 0.3, "bidirectional": True}


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_noise_depends_on_key_and_place_alone(isa: str, dtype: Any, cell: Option) -> None:
    """It does not depend on batch size or padding. Another index in the batch or another key gives other noise."""
    case = draw.make(with_noise(cell, **ALL), VARIANTS["lengths"], n_steps=6, batch=5, input_size=5, hidden_size=13)
    layer = case.layer(gw, dtype)
    want = run(case, layer)
    assert_same_bits(run(case, layer), want)
    rows = np.array([0, 1, 2])
    assert_same_bits(own(run(gather(case, rows), layer)), gathered(case, want, rows))
    longer = own(run(padded(case, 3), layer))
    assert_same_bits(longer | {name: longer[name][:6] for name in ("y", "grads.x")}, own(want))
    moved = own(run(gather(case, np.array([1])), layer))
    assert not np.array_equal(moved["y"], gathered(case, want, np.array([1]))["y"])
    assert case.key is not None
    assert not np.array_equal(run(case.replace(key=case.key + 1), layer)["y"], want["y"])


@pytest.mark.parametrize("library", [gw, reference], ids=["core", "reference"])
def test_layers_and_directions_have_noise_of_their_own(library: Any) -> None:
    """Columns of W_hh without gradient and unchanged units of h show the number l D + d in the counter."""
    x, h = np.ones((1, 1, 3)), np.full((4, 1, 40), 0.5)
    sizes: dict[str, Any] = {"num_layers": 2, "bidirectional": True, "seed": 0}
    dropping, zoning = library.RNN(3, 40, recurrent_dropout=0.4, **sizes), library.RNN(3, 40, zoneout=0.4, **sizes)
    _, state, _ = zoning.forward(x, h, key=KEY)
    y, _, tape = dropping.forward(x, h, key=KEY)
    grads = dropping.backward(tape, np.ones_like(y)).params
    seen = [~grads[f"weight_hh_l{layer}{suffix}"].any(axis=0) for layer in (0, 1) for suffix in ("", "_reverse")]
    for index in range(4):
        np.testing.assert_array_equal(seen[index], below(0.4, KEY, Use.RECURRENT_DROPOUT, index, 0, 0, 40))
        np.testing.assert_array_equal(state[index, 0] == 0.5, below(0.4, KEY, Use.ZONEOUT_H, index, 0, 0, 40))
    assert len({mask.tobytes() for mask in [*seen, *(state[:, 0] == 0.5)]}) == 8


TEAM_SIZES = [(1, 9, 40, 70), (64, 20, 64, 48), (5, 7, 3, 200), (3, 1, 9, 260), (20, 2, 5, 300)]
"""(B, T, I, H), chosen so that threads divide sequences for some and units for others."""


@pytest.mark.usefixtures("eight_threads")
@pytest.mark.parametrize("sizes", TEAM_SIZES, ids=str)
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_threads(isa: str, cell: Option, sizes: tuple[int, int, int, int]) -> None:
    """Noise, expectation and all gradients do not depend on the number of threads, with checkpoints too."""
    batch, n_steps, input_size, hidden_size = sizes
    case = draw.make(
        with_noise(cell, **ALL), VARIANTS["lengths-resets"], n_steps, batch, input_size, hidden_size, hidden_size // 2
    )
    layer = case.layer(gw, np.float32)
    arguments = draw.cast(case.x, np.float32), draw.cast(case.state, np.float32)

    def everything() -> dict[str, Array]:
        y, state = layer(*arguments, **case.limits)
        results = run(case, layer)
        y_again, final, tape = layer.forward(*arguments, **case.limits, checkpoint=1, key=case.key)
        grads = layer.backward(tape, draw.cast(case.dy, np.float32), draw.cast(case.d_state, np.float32))
        assert_same_bits(named(draw.Result(y_again, final, tape, grads)), results)
        return results | {"inference": y, **halves(state)}

    with gw.threads(1):
        want = everything()
    for n in (2, 3, 5):
        with gw.threads(n):
            assert_same_bits(everything(), want)


@pytest.mark.usefixtures("eight_threads")
def test_many_callers_at_once(isa: str) -> None:
    """Eight Python threads call one layer with their own keys, backward twice; results equal those of one thread."""
    case = draw.case_for_threads(with_noise(CELLS[5], **ALL))
    layer = case.layer(gw, np.float32)
    cases = [case.replace(key=KEY + k) for k in range(8)]
    want = [run(c, layer) for c in cases]
    gate = threading.Barrier(8)

    def call(k: int) -> list[dict[str, Array]]:
        gate.wait()
        first = cases[k].run(layer)
        dy, d_state = draw.cast(case.dy, np.float32), draw.cast(case.d_state, np.float32)
        return [named(first), named(first._replace(grads=layer.backward(first.tape, dy, d_state)))]

    with gw.threads(2), ThreadPoolExecutor(8) as pool:
        for k, results in enumerate(pool.map(call, range(8))):
            for got in results:
                assert_same_bits(got, want[k])


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_chunks_of_inference(isa: str, dtype: Any, cell: Option) -> None:
    """Inference with zoneout is deterministic, so it does not depend on chunks or on the batch."""
    option = with_noise(cell, zoneout=(0.2, 0.3), recurrent_dropout=0.5, num_layers=2)
    case = draw.make(option, VARIANTS["lengths-resets"], n_steps=12)
    layer = case.layer(gw, dtype)
    x, state = draw.cast(case.x, dtype), draw.cast(case.state, dtype)
    y, final = layer(x, state, **case.limits)
    pieces = []
    for start, end in ((0, 1), (1, 5), (5, 5), (5, 12)):
        limits = {"lengths": np.clip(case.lengths - start, 0, end - start), "resets": case.resets[start:end]}  # type: ignore[index]
        piece, state = layer(x[start:end], state, **limits)
        pieces.append(piece)
    assert_same_bits({"y": np.concatenate(pieces), **halves(state)}, {"y": y, **halves(final)})
    for b in range(4):
        alone = gather(case, np.array([b]))
        y_b, _ = layer(alone.x, alone.state, **alone.limits)
        assert_same_bits({"y": y_b}, {"y": y[:, b : b + 1]})


@pytest.mark.parametrize("library", [gw, reference], ids=["core", "reference"])
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_hidden_units_may_be_nan(cell: Option, library: Any) -> None:
    """W_hh does not read the NaN of a hidden unit. The z h of a GRU reads it, but only in the same unit."""
    case = draw.make(with_noise(cell, recurrent_dropout=0.5), VARIANTS["dense"], n_steps=1, hidden_size=13)
    layer = case.layer(library, np.float32)
    h = np.array(parts(case.state)[0])
    h[0, hidden(case, layer)] = np.nan
    state = (h, *parts(case.state)[1:])
    y, _, _ = layer.forward(case.x, join(state), key=case.key)
    np.testing.assert_array_equal(np.isnan(y[0]), hidden(case, layer) if case.kind == "GRU" else False)


@pytest.mark.parametrize("library", [gw, reference], ids=["core", "reference"])
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_noise_does_not_cross_a_reset(cell: Option, library: Any) -> None:
    """After a reset zoneout keeps zeros, whatever the state was before, and no gradient passes."""
    case = draw.make(with_noise(cell, recurrent_dropout=0.3, zoneout=(0.4, 0.4)), VARIANTS["dense"], n_steps=6)
    resets = np.zeros((6, 4), bool)
    resets[3] = True
    case = case.replace(resets=resets)
    layer = case.layer(library, np.float32)
    clean = case.run(layer)
    assert np.any(np.asarray(clean.y[3]) == 0)  # the units that are kept after the reset
    x, dy = np.array(case.x), np.array(case.dy)
    x[2], dy[4] = np.nan, np.nan
    late = case.replace(x=x).run(layer)
    np.testing.assert_array_equal(late.y[3:], clean.y[3:])
    np.testing.assert_array_equal(late.grads.x[3:], clean.grads.x[3:])
    np.testing.assert_array_equal(case.replace(dy=dy).run(layer).grads.x[:3], clean.grads.x[:3])


@pytest.mark.parametrize("library", [gw, reference], ids=["core", "reference"])
@pytest.mark.parametrize("keywords", [{"recurrent_dropout": 0.5}, {"zoneout": 0.5}, {"zoneout": (0.0, 0.5)}], ids=str)
def test_keys(library: Any, keywords: dict[str, Any]) -> None:
    """Each option alone draws a key from the layer's generator. A given key is stored and repeats the call."""
    x = np.ones((4, 3, 2))
    first, second = (library.LSTM(2, 8, seed=7, **keywords) for _ in range(2))
    y, _, tape = first.forward(x)
    assert 0 <= tape.key < 2**64
    np.testing.assert_array_equal(second.forward(x)[0], y)
    assert first.forward(x)[2].key != tape.key
    again, _, kept = first.forward(x, key=tape.key)
    assert kept.key == tape.key
    np.testing.assert_array_equal(again, y)
    assert library.LSTM(2, 8, seed=7).forward(x, key=1)[2].key is None


def test_a_tape_holds_no_mask(isa: str) -> None:
    """The size of the tape is that of a layer without noise."""
    x = np.ones((50, 20, 4))
    plain = gw.LSTM(4, 32, 2, peephole=True, seed=0).forward(x)[2]
    noisy = gw.LSTM(4, 32, 2, peephole=True, recurrent_dropout=0.5, zoneout=(0.3, 0.3), seed=0).forward(x)[2]
    assert noisy.nbytes == plain.nbytes


FMA = [name for name in dispatch.available() if name != "x86-64"]


@pytest.mark.skipif(len(FMA) < 2, reason=f"needs two instruction sets with fused multiply-add, and has {FMA}")
@pytest.mark.parametrize("option", draw.NOISY, ids=str)
def test_instruction_sets_agree(monkeypatch: pytest.MonkeyPatch, dtype: Any, option: Option) -> None:
    case = draw.make(option, VARIANTS["mask-resets"], hidden_size=13, input_size=9)
    results = []
    for name in FMA:
        monkeypatch.setattr(dispatch, "extension", dispatch.load(name))
        layer = case.layer(gw, dtype)
        y, _ = layer(draw.cast(case.x, dtype), draw.cast(case.state, dtype), **case.limits)
        results.append(run(case, layer) | {"inference": y})
    for other in results[1:]:
        assert_same_bits(other, results[0])
