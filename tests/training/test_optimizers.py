"""Optimizers: the published formulas in plain NumPy, clipping, schedules, and equal bits for all instruction sets."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gatewise as gw
from gatewise._core import dispatch
from gatewise.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop

Array = NDArray[Any]
Step = Callable[[int, Array, Array, dict[str, Array]], Array]


def sgd(momentum: float, nesterov: bool, decay: float) -> Step:
    def step(t: int, p: Array, g: Array, s: dict[str, Array]) -> Array:
        g = g + decay * p
        s["b"] = momentum * s.get("b", 0.0 * g) + g
        return p - 0.1 * (g + momentum * s["b"] if nesterov else s["b"])

    return step


def rmsprop(momentum: float) -> Step:
    def step(t: int, p: Array, g: Array, s: dict[str, Array]) -> Array:
        g = g + 0.2 * p
        s["v"] = 0.9 * s.get("v", 0.0) + 0.1 * g * g
        s["b"] = momentum * s.get("b", 0.0) + g / (np.sqrt(s["v"]) + 1e-8)
        return p - 0.1 * s["b"]

    return step


def adam(decay: float, decoupled: bool) -> Step:
    def step(t: int, p: Array, g: Array, s: dict[str, Array]) -> Array:
        g = g if decoupled else g + decay * p
        p = (1.0 - 0.1 * decay) * p if decoupled else p
        s["m"] = 0.8 * s.get("m", 0.0) + 0.2 * g
        s["v"] = 0.9 * s.get("v", 0.0) + 0.1 * g * g
        m, v = s["m"] / (1.0 - 0.8**t), s["v"] / (1.0 - 0.9**t)
        return p - 0.1 * m / (np.sqrt(v) + 1e-8)

    return step


CASES: list[tuple[Callable[[], Optimizer], Step]] = [
    (lambda: SGD(0.1), sgd(0.0, False, 0.0)),
    (lambda: SGD(0.1, momentum=0.9, weight_decay=0.2), sgd(0.9, False, 0.2)),
    (lambda: SGD(0.1, momentum=0.9, nesterov=True), sgd(0.9, True, 0.0)),
    (lambda: RMSprop(0.1, alpha=0.9, weight_decay=0.2), rmsprop(0.0)),
    (lambda: RMSprop(0.1, alpha=0.9, weight_decay=0.2, momentum=0.5), rmsprop(0.5)),
    (lambda: Adam(0.1, betas=(0.8, 0.9), weight_decay=0.2), adam(0.2, False)),
    (lambda: AdamW(0.1, betas=(0.8, 0.9), weight_decay=0.2), adam(0.2, True)),
]
IDS = [repr(make()) for make, _ in CASES]


@pytest.mark.parametrize(("make", "step"), CASES, ids=IDS)
def test_five_updates_follow_the_formulas(isa: str, dtype: type[np.floating], make: Any, step: Step) -> None:
    rng = np.random.default_rng(0)
    p = rng.standard_normal(37).astype(dtype)
    expected, memory, optimizer = p.astype(np.float64), {}, make()
    for t in range(1, 6):
        g = rng.standard_normal(37).astype(dtype)
        optimizer.update(p, g)
        expected = step(t, expected, g.astype(np.float64), memory)
    # An update has fewer than 20 roundings on its longest path, each relative to numbers of order 1.
    assert np.max(np.abs(p - expected)) <= 5 * 20 * np.finfo(dtype).eps
    assert optimizer.steps == 5


@pytest.mark.parametrize(("make", "step"), CASES, ids=IDS)
def test_instruction_sets_and_thread_counts_give_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, make: Any, step: Step
) -> None:
    results = []
    for name in dispatch.available():
        core = dispatch.load(name)
        monkeypatch.setattr(dispatch, "extension", core)
        for threads in (1, 3):
            core.set_team_limit(threads)
            rng = np.random.default_rng(0)
            p, optimizer = rng.standard_normal(70_001).astype(np.float32), make()
            for _ in range(2):
                optimizer.update(p, rng.standard_normal(p.size).astype(np.float32))
            results.append(p)
            core.set_team_limit(0)
    for other in results[1:]:
        np.testing.assert_array_equal(results[0], other)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1000])
def test_norms_are_clipped_together(isa: str, dtype: type[np.floating], size: int) -> None:
    g = np.random.default_rng(size).standard_normal(size).astype(dtype)
    norm = math.sqrt(np.sum(g.astype(np.float64) ** 2))
    for limit in (0.5, 1e3):
        p, optimizer = np.zeros_like(g), SGD(1.0, clip_norm=limit)
        optimizer.update(p, g)
        assert optimizer.norm == pytest.approx(norm, rel=1e-12)
        expected = -g * min(1.0, limit / norm) if norm else -g
        np.testing.assert_allclose(p, expected, rtol=4 * np.finfo(dtype).eps)


def test_values_are_clipped_one_by_one_after_the_norm(isa: str) -> None:
    g = np.array([3.0, -4.0, 0.1])
    p = np.zeros(3)
    SGD(1.0, clip_value=1.0).update(p, g)
    np.testing.assert_array_equal(p, [-1.0, 1.0, -0.1])
    p[:] = 0.0
    SGD(1.0, clip_norm=2.5, clip_value=1.6).update(p, g)
    np.testing.assert_allclose(p, [-3.0 * 2.5 / math.sqrt(25.01), 1.6, -0.1 * 2.5 / math.sqrt(25.01)], rtol=1e-12)


def test_nan_gradients_stay_visible(isa: str) -> None:
    p = np.zeros(3)
    SGD(1.0, clip_value=1.0).update(p, np.array([np.nan, 1.0, np.inf]))
    np.testing.assert_array_equal(p, [np.nan, -1.0, -1.0])


def test_a_rate_may_follow_a_schedule() -> None:
    p, rates = np.zeros(1), []
    optimizer = SGD(lr=lambda step: 10.0**-step)
    for _ in range(3):
        before = p.copy()
        optimizer.update(p, np.ones(1))
        rates.append((before - p).item())
    assert rates == pytest.approx([1.0, 0.1, 0.01])


def test_schedules() -> None:
    s = gw.schedules
    assert [s.Step(1.0, every=2, factor=0.5)(t) for t in range(5)] == [1.0, 1.0, 0.5, 0.5, 0.25]
    assert [s.Exponential(1.0, 0.5)(t) for t in range(3)] == [1.0, 0.5, 0.25]
    cosine = s.Cosine(1.0, steps=4, least=0.2)
    assert [cosine(t) for t in range(6)] == pytest.approx(
        [0.2 + 0.4 * (1 + math.cos(math.pi * min(t, 4) / 4)) for t in range(6)]
    )
    warm = s.Warmup(cosine, steps=2)
    assert [warm(t) for t in range(4)] == pytest.approx([0.5, 1.0, cosine(0), cosine(1)])
    assert [s.Warmup(0.3, steps=3)(t) for t in (0, 2, 9)] == pytest.approx([0.1, 0.3, 0.3])


@pytest.mark.parametrize(("make", "step"), CASES, ids=IDS)
def test_a_copy_of_the_state_gives_bit_identical_updates(make: Any, step: Step) -> None:
    rng = np.random.default_rng(0)
    p, optimizer = rng.standard_normal(9), make()
    gradients = rng.standard_normal((4, 9))
    optimizer.update(p, gradients[0])
    q, other = p.copy(), make()
    other.load_state_dict(optimizer.state_dict())
    for g in gradients[1:]:
        optimizer.update(p, g)
        other.update(q, g)
    np.testing.assert_array_equal(p, q)


def test_what_does_not_fit_is_refused(isa: str) -> None:
    p, g = np.zeros(4, np.float32), np.zeros(4, np.float32)
    for error, params, grads, message in (
        (TypeError, [0.0], g, "params: expected a flat array of float32 or float64, got list"),
        (TypeError, np.zeros(4, int), g, "params: expected a flat array of float32 or float64, got ndarray"),
        (TypeError, np.zeros((2, 2)), g, "params: expected a flat array, got ndarray"),
        (TypeError, p, np.zeros(4), "array of the parameters' dtype, got one of float64"),
        (TypeError, p, np.zeros(8, np.float32)[::2], "got a strided one of float32"),
        (TypeError, p, None, "grads: expected a C-contiguous array of the parameters' dtype, got NoneType"),
        (ValueError, p, g[:3], r"grads: expected \(4,\), got \(3,\)"),
    ):
        with pytest.raises(error, match=message):
            Adam().update(params, grads)
    locked = np.zeros(4, np.float32)
    locked.flags.writeable = False
    with pytest.raises(ValueError, match="params: expected a writeable array, got a read-only one"):
        SGD().update(locked, g)
    optimizer = Adam()
    with pytest.raises(ValueError, match=r"grads: expected \(4,\), got \(3,\)"):
        optimizer.update(p, g[:3])
    assert optimizer.state_dict().keys() == {"steps"}
    optimizer.update(np.zeros(5, np.float32), np.zeros(5, np.float32))  # the failed update left no state
    optimizer = Adam()
    optimizer.update(p, g)
    with pytest.raises(ValueError, match=r"mean: expected \(3,\), got \(4,\)"):
        optimizer.update(p[:3], g[:3])
    with pytest.raises(ValueError, match="mapping: expected exactly buffer, steps, got mean, square, steps"):
        SGD(momentum=0.9).load_state_dict(optimizer.state_dict())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(lr=-1.0), "lr: expected a number from 0, below inf, got -1.0"),
        (lambda: SGD(nesterov=True), "nesterov: expected a momentum above 0 with nesterov=True, got 0"),
        (lambda: Adam(betas=(0.9, 1.0)), r"betas\[1\]: expected a number from 0, below 1, got 1.0"),
        (lambda: Adam(clip_norm=0.0), "clip_norm: expected a number above 0 or None, got 0.0"),
        (lambda: gw.schedules.Step(0.1, every=0), "every: expected an integer >= 1, got 0"),
        (lambda: gw.schedules.Cosine(0.1, steps=0), "steps: expected an integer >= 1, got 0"),
        (lambda: gw.optimizers.get("adagrad"), "optimizer: expected one of sgd, rmsprop, adam, adamw"),
    ],
)
def test_settings_out_of_range_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
