"""Losses: gradients against central differences, weights that equal repetition, and targets that are not read."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.special
from numpy.typing import NDArray

import gatewise as gw
from gatewise.training.losses import MAE, MSE, BinaryCrossEntropy, CrossEntropy, Huber, Loss, accuracy

Array = NDArray[Any]
RNG = np.random.default_rng(0)
NUMBERS, UNITS = RNG.standard_normal((4, 5, 3)), RNG.uniform(size=(4, 5, 3))
CLASSES = RNG.integers(0, 3, (4, 5))
SHARES = UNITS / UNITS.sum(axis=-1, keepdims=True)
CASES: list[tuple[Loss, Array]] = [
    (MSE(), NUMBERS),
    (MAE(), NUMBERS),
    (Huber(0.7), NUMBERS),
    (BinaryCrossEntropy(), UNITS),
    (BinaryCrossEntropy([0.5, 3.0]), (UNITS > 0.5).astype(float)),
    (CrossEntropy(), CLASSES),
    (CrossEntropy([0.5, 3.0, 1.0]), CLASSES),
    (CrossEntropy({0: 2.0}), CLASSES),
    (CrossEntropy(), SHARES),
    (CrossEntropy({1: 2.0}), SHARES),
]
IDS = [f"{loss!r}, {target.dtype}" for loss, target in CASES]
PREDICTION = np.random.default_rng(1).standard_normal((4, 5, 3)) * 2.0
WEIGHT = np.random.default_rng(2).integers(0, 3, (4, 5)).astype(float)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["no weights", "weights"])
@pytest.mark.parametrize(("loss", "target"), CASES, ids=IDS)
def test_gradients_are_central_differences(loss: Loss, target: Array, weight: Array | None) -> None:
    _, gradient, _ = loss(PREDICTION, target, weight)
    h, numeric = 1e-6, np.empty_like(PREDICTION)
    for index in np.ndindex(PREDICTION.shape):
        ends = []
        for sign in (1.0, -1.0):
            moved = PREDICTION.copy()
            moved[index] += sign * h
            ends.append(loss(moved, target, weight).value)
        numeric[index] = (ends[0] - ends[1]) / (2.0 * h)
    # The truncation error is h^2 times a third derivative below 1, the rounding error eps / 2h times values below 20.
    np.testing.assert_allclose(gradient, numeric, rtol=0.0, atol=20 * np.finfo(float).eps / h + h * h)


@pytest.mark.parametrize(("loss", "target"), CASES, ids=IDS)
def test_weights_equal_repetition(loss: Loss, target: Array) -> None:
    times = WEIGHT.astype(int).ravel()
    flat = PREDICTION.reshape(-1, 3)
    targets = target.reshape(-1, *target.shape[2:])
    weighted = loss(flat, targets, WEIGHT.ravel())
    repeated = loss(flat.repeat(times, axis=0), targets.repeat(times, axis=0))
    assert weighted.value == pytest.approx(repeated.value, rel=1e-12)
    owner = np.arange(20).repeat(times)
    gathered = np.zeros_like(flat)
    np.add.at(gathered, owner, repeated.gradient)
    np.testing.assert_allclose(weighted.gradient, gathered, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("loss", "target"), CASES, ids=IDS)
def test_targets_of_weight_0_are_not_read(loss: Loss, target: Array) -> None:
    wrong = target.copy()
    wrong[WEIGHT == 0] = -7 if target.dtype.kind == "i" else np.nan
    a, b = loss(PREDICTION, target, WEIGHT), loss(PREDICTION, wrong, WEIGHT)
    assert a.value == b.value
    np.testing.assert_array_equal(a.gradient, b.gradient)
    assert not a.gradient[WEIGHT == 0].any()


@pytest.mark.parametrize(("loss", "target"), CASES, ids=IDS)
def test_the_loss_without_weights_is_0(loss: Loss, target: Array) -> None:
    value, gradient, weight = loss(PREDICTION, target, np.zeros((4, 5)))
    assert value == weight == 0.0
    assert not gradient.any()


def test_values() -> None:
    z, one = np.array([[2.0, -1.0]]), np.array([[1.0, 1.0]])
    assert MSE()(z, one).value == pytest.approx((1.0 + 4.0) / 2)
    assert MAE()(z, one).value == pytest.approx((1.0 + 2.0) / 2)
    assert Huber(1.5)(z, one).value == pytest.approx((0.5 + 1.5 * (2.0 - 0.75)) / 2)
    s = 1.0 / (1.0 + np.exp(-z))
    assert BinaryCrossEntropy()(z, one).value == pytest.approx(-np.log(s).mean())
    assert CrossEntropy()(z, np.array([1])).value == pytest.approx(math.log(1.0 + math.exp(3.0)))


def test_large_logits_neither_overflow_nor_vanish() -> None:
    z = np.array([[1e4], [-1e4]], np.float32)
    assert BinaryCrossEntropy()(z, np.array([0.0, 1.0])).value == 1e4
    value, gradient, _ = CrossEntropy()(np.array([[1e4, -1e4]], np.float32), np.array([1]))
    assert value == 2e4
    np.testing.assert_array_equal(gradient, np.array([[1.0, -1.0]], np.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1.0, 1e4, 1e30])
def test_softmax(dtype: type, size: float) -> None:
    """It is SciPy's, for large logits and for logits of -inf, too."""
    z = (size * np.random.default_rng(3).standard_normal((4, 5, 3))).astype(dtype)
    z[0, 0, 0] = z[0, 1, :2] = -np.inf
    given = z.copy()
    found = gw.losses.softmax(z)
    assert (found.dtype, found.shape) == (dtype, z.shape)
    np.testing.assert_array_equal(z, given)
    # Both take the same differences from the largest. Exponential, sum of three and quotient round.
    np.testing.assert_allclose(found, scipy.special.softmax(z, axis=-1), rtol=8 * np.finfo(dtype).eps, atol=0)
    np.testing.assert_allclose(found.sum(axis=-1), 1.0, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(found[0, 1], [0.0, 0.0, 1.0])


def test_softmax_of_lists_and_other_types() -> None:
    assert gw.losses.softmax([0, 0]).dtype == np.float64
    np.testing.assert_array_equal(gw.losses.softmax([0, 0]), [0.5, 0.5])
    assert gw.losses.softmax(np.zeros((2, 0), np.float32)).shape == (2, 0)
    assert gw.losses.softmax(np.zeros(2, np.float16)).dtype == np.float16


def test_gradients_have_the_dtype_of_the_predictions() -> None:
    for loss, target in CASES:
        for weight in (None, WEIGHT):
            assert loss(PREDICTION.astype(np.float32), target, weight).gradient.dtype == np.float32


def test_a_single_feature_needs_no_axis() -> None:
    z = PREDICTION[..., :1]
    assert MSE()(z, NUMBERS[..., 0]).value == MSE()(z, NUMBERS[..., :1]).value


def test_accuracy() -> None:
    z = np.array([[1.0, 2.0], [3.0, 0.0]])
    assert accuracy(np.array([1, 1]), z, None) == 0.5
    assert accuracy(np.array([1, 1]), z, np.array([3.0, 1.0])) == 0.75
    assert accuracy(np.array([[0.0, 1.0], [1.0, 0.0]]), z, None) == 1.0
    assert accuracy(np.array([1, 0, 0]), np.array([[0.2], [-0.2], [0.1]]), None) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: MSE()(np.zeros((4, 2)), np.zeros(4)), ValueError, r"y: expected \(4, 2\), got \(4,\)"),
        (lambda: MSE()(np.zeros((4, 1)), np.zeros((4, 4))), ValueError, r"y: expected \(4, 1\), got \(4, 4\)"),
        (lambda: MSE()(np.zeros((1, 1)), np.array(["a"])), TypeError, "y: expected numbers, got <U1"),
        (lambda: CrossEntropy()(np.zeros((1, 3)), np.array([3])), ValueError, "y: expected classes from 0 to 2, got 3"),
        (lambda: CrossEntropy()(np.zeros((1, 3)), np.array([-1])), ValueError, "classes from 0 to 2, got -1"),
        (lambda: CrossEntropy()(np.zeros((2, 3)), np.zeros(2)), ValueError, r"y: expected classes as integers \(2,\)"),
        (lambda: CrossEntropy()(np.zeros((4, 1)), np.zeros(4, int)), ValueError, "at least 2 classes, got "),
        (lambda: CrossEntropy()(np.zeros((1, 2)), np.array([[0.7, 0.2]])), ValueError, "0.2 and a sum of 0."),
        (lambda: CrossEntropy()(np.zeros((1, 2)), np.array([[1.5, -0.5]])), ValueError, "-0.5 and a sum"),
        (lambda: CrossEntropy()(np.zeros((1, 2)), np.array([[np.nan, 1]])), ValueError, "expected probabilities"),
        (lambda: BinaryCrossEntropy()(np.zeros((1, 1)), np.array([2.0])), ValueError, "y: expected numbers from"),
        (lambda: MSE()(np.zeros((2, 1)), np.zeros(2), np.zeros(3)), ValueError, r"sample_weight: expected \(2,\), got"),
        (lambda: Huber(0.0), ValueError, "delta: expected a number above 0, got 0.0"),
        (lambda: BinaryCrossEntropy([1.0]), ValueError, "class_weight: expected 2 numbers of at least 0"),
        (lambda: gw.losses.get("mes"), ValueError, "loss: expected one of mae, mse, huber, bce, cross_entropy"),
        (lambda: gw.losses.softmax(1.0), ValueError, r"logits: expected \(..., C\), got \(\)"),
        (lambda: gw.losses.softmax(["a"]), TypeError, "logits: expected real numbers, got <U1"),
        (lambda: gw.losses.metric("f1"), ValueError, "metrics: expected 'accuracy', 'mae', 'mse' or"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
