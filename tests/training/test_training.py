"""Training: fit does what its steps do one by one, for all kinds of data, and a seed makes it reproducible."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gatewise as gw
from fitting import EVERY, LENGTHS, RAGGED, Array, X, Y, every_step, fitted, one_answer, same
from gatewise.training.callbacks import EarlyStopping


def test_fit_is_forward_loss_backward_and_update() -> None:
    model, own = one_answer(), one_answer()
    loss, optimizer = gw.losses.MSE(), gw.optimizers.SGD(0.05)
    history = model.fit(X, Y, epochs=2, batch_size=8, shuffle=False, optimizer=gw.optimizers.SGD(0.05), verbose=False)
    for epoch in range(2):
        total = 0.0
        for start in (0, 8, 16):
            x, y = X[start : start + 8], Y[start : start + 8]
            prediction, tape = own.forward(x)
            value, gradient, _ = loss(prediction, y)
            total += value * len(x)
            optimizer.update(own.flat_params, own.backward(tape, gradient).flat)
        assert history.history["loss"][epoch] == pytest.approx(total / 20, rel=1e-12)
    same(model, own)


def test_training_learns() -> None:
    model = one_answer()
    history = model.fit(X, Y, epochs=150, optimizer=gw.optimizers.Adam(0.02), metrics=["mae"], verbose=False)
    losses = history.history["loss"]
    assert losses[-1] < 0.05 * losses[0]
    assert model.evaluate(X, Y, metrics=["mae"])["loss"] == pytest.approx(losses[-1], rel=0.5)
    assert model.evaluate(list(Batches())) == pytest.approx(model.evaluate(X, Y))
    assert history.history["mae"][-1] < history.history["mae"][0]
    assert history.epochs == len(history.seconds) == 150


def test_a_seed_makes_training_reproducible() -> None:
    def trained(seed: int) -> gw.Sequential:
        layers = [
            gw.LSTM(2, 5, num_layers=2, dropout=0.3, batch_first=True), gw.Dropout(0.3), gw.LastStep(), gw.Linear(5, 1),
        ]  # fmt: skip
        return fitted(gw.Sequential(layers, seed=seed), X, Y)

    same(trained(1), trained(1))
    assert not np.array_equal(trained(1).flat_params, trained(2).flat_params)


class Batches:
    """An iterable of the batches that fit makes of arrays without shuffling."""

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        for start in (0, 8, 16):
            yield X[start : start + 8], Y[start : start + 8]


def test_data_may_come_in_many_kinds(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas", reason='pip install "gatewise[test]" brings pandas')
    expected = fitted(one_answer(), X, Y, shuffle=False)
    np.save(tmp_path / "x.npy", X)
    for x, y in (
        (X.astype(np.float64), Y.tolist()),
        (list(X), list(Y)),
        (np.load(tmp_path / "x.npy", mmap_mode="r"), Y[:, 0]),
        ([pd.DataFrame(one) for one in X], pd.Series(Y[:, 0])),
        (X, pd.DataFrame(Y)),
        (Batches(), None),
        (list(Batches()), None),
        (iter(Batches()), None),
    ):
        epochs = 1 if isinstance(x, Iterator) else 2
        model = fitted(one_answer(), x, y, shuffle=False, epochs=epochs)
        same(model, expected if epochs == 2 else fitted(one_answer(), X, Y, shuffle=False, epochs=1))
    # Lists may mix integers and floats, in sequences and in targets per step.
    whole, mixed = ([[[1.0], [2.0], [3.0]], [[0.5], [0.25]]], [[[1], [2], [3]], [[0.5], [0.25]]])
    models = [gw.Sequential(gw.GRU(1, 2, batch_first=True), gw.Linear(2, 1), seed=0) for _ in range(2)]
    same(fitted(models[0], whole, whole), fitted(models[1], mixed, mixed))
    for one, other in zip(models[0].predict(whole), models[1].predict(mixed), strict=True):
        np.testing.assert_array_equal(one, other)
    tokens = gw.Sequential(gw.Embedding(3, 2), gw.LastStep(), seed=0).predict([[1, 2], []])
    np.testing.assert_array_equal(tokens[1], [0.0, 0.0])


def test_an_exhausted_iterator_is_refused() -> None:
    with pytest.raises(ValueError, match="x: the iterable was exhausted after the first epoch; pass an object whose"):
        fitted(one_answer(), iter(Batches()))


@pytest.mark.parametrize("step_by_step", [False, True])
def test_ragged_sequences_equal_padded_ones_with_lengths(step_by_step: bool) -> None:
    """With one batch per epoch, padding, buckets and masks only change the order of summation."""
    build, y = (every_step, EVERY) if step_by_step else (one_answer, Y)
    targets = [one[:n] for one, n in zip(y, LENGTHS, strict=True)] if step_by_step else y
    padded = fitted(build(), X, y, lengths=LENGTHS, batch_size=20, shuffle=False)
    masked = fitted(build(), X, y, mask=np.arange(6) < LENGTHS[:, None], batch_size=20, shuffle=False)
    ragged = fitted(build(), RAGGED, targets, batch_size=20)
    for other in (masked, ragged):
        np.testing.assert_allclose(other.flat_params, padded.flat_params, rtol=2e-5, atol=1e-6)
    predicted = padded.predict(RAGGED, batch_size=3)
    whole = padded.predict(X, lengths=LENGTHS)
    for one, expected, n in zip(predicted, whole, LENGTHS, strict=True):
        np.testing.assert_allclose(one, expected[:n] if step_by_step else expected, rtol=1e-5, atol=1e-6)
    for data in ((RAGGED, targets), (X, y)):
        options = {} if data[0] is RAGGED else {"lengths": LENGTHS}
        assert padded.evaluate(*data, **options)["loss"] == pytest.approx(padded.evaluate(RAGGED, targets)["loss"])


def test_batches_of_ragged_sequences_have_similar_lengths() -> None:
    from gatewise.training.data import Ragged

    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 200, 1000)
    x = [np.full((n, 1), i, float) for i, n in enumerate(lengths)]
    data = Ragged(x, np.arange(1000), None)
    batches = list(data.batches(10, np.random.default_rng(1)))
    assert sorted(np.concatenate([batch.y for batch in batches])) == list(range(1000))
    # A bucket is sorted by length, but its batches are shuffled.
    firsts = [batch.lengths.max() for batch in Ragged(x[:400], None, None).batches(10, np.random.default_rng(1))]
    assert firsts != sorted(firsts)
    for batch in batches:
        assert batch.x.shape[1] == batch.lengths.max()
        np.testing.assert_array_equal(batch.lengths, lengths[batch.y])
        for row, n, i in zip(batch.x, batch.lengths, batch.y, strict=True):
            assert (row[:n] == i).all()
            assert not row[n:].any()
    padding = sum(batch.x.shape[0] * batch.x.shape[1] for batch in batches) / lengths.sum()
    assert padding < 1.1


def test_weights_of_samples_and_steps() -> None:
    weight = np.arange(20) % 3
    chosen = np.repeat(np.arange(20), weight)
    a = fitted(one_answer(), X, Y, sample_weight=weight, batch_size=64, shuffle=False)
    b = fitted(one_answer(), X[chosen], Y[chosen], batch_size=64, shuffle=False)
    np.testing.assert_allclose(a.flat_params, b.flat_params, rtol=2e-5, atol=1e-6)
    # Each ragged sequence keeps its own weight, in any order.
    a = fitted(one_answer(), RAGGED, Y, sample_weight=weight, batch_size=64)
    b = fitted(one_answer(), [RAGGED[i] for i in chosen], Y[chosen], batch_size=64)
    np.testing.assert_allclose(a.flat_params, b.flat_params, rtol=2e-5, atol=1e-6)
    steps = (np.arange(6) < LENGTHS[:, None]).astype(float)
    c = fitted(every_step(), X, EVERY, sample_weight=steps, batch_size=20, shuffle=False)
    d = fitted(every_step(), X, EVERY, lengths=LENGTHS, batch_size=20, shuffle=False)
    np.testing.assert_allclose(c.flat_params, d.flat_params, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 7, 20])
def test_metrics_are_means_over_all_predictions_for_any_batch_size(batch_size: int) -> None:
    """Metrics know the weights of samples, but not those of classes."""
    classes, rare = (X.sum(axis=(1, 2)) > 4.0).astype(int), gw.losses.CrossEntropy([1.0, 50.0])
    model = gw.Sequential(gw.GRU(2, 3, batch_first=True), gw.LastStep(), gw.Linear(3, 2), seed=0)
    weight = np.arange(20) % 3
    right = model(X).argmax(axis=1) == classes
    assert 0 < right.mean() < 1
    assert len({right.mean(), np.average(right, weights=weight), right[weight > 0].mean()}) == 3
    options: dict[str, Any] = {"loss": rare, "metrics": ["accuracy"], "batch_size": batch_size}
    for given, expected in ((None, right.mean()), (weight, np.average(right, weights=weight))):
        found = model.evaluate(X, classes, sample_weight=given, **options)
        assert found["accuracy"] == pytest.approx(expected, rel=1e-12)
        still = {"epochs": 1, "optimizer": gw.optimizers.SGD(0.0), "verbose": False}
        history = model.fit(X, classes, sample_weight=given, **still, **options)
        assert history.history["accuracy"][0] == pytest.approx(expected, rel=1e-12)
        assert history.history["loss"][0] == pytest.approx(rare(model(X), classes, given).value, rel=1e-6)


def test_validation_is_evaluation_after_each_epoch() -> None:
    model = one_answer()
    history = model.fit(X[:15], Y[:15], epochs=2, validation_data=(X[15:], Y[15:]), verbose=False)
    assert history.history["val_loss"][-1] == pytest.approx(model.evaluate(X[15:], Y[15:])["loss"], rel=1e-6)
    other = one_answer()
    split = other.fit(X, Y, epochs=2, validation_split=0.25, verbose=False)
    assert split.history == history.history
    same(model, other)


def test_truncated_backpropagation_carries_states_and_no_gradients() -> None:
    model, own = every_step(), every_step()
    resets = np.zeros((20, 6), bool)
    resets[3, 2] = resets[5, 4] = True
    lengths = np.maximum(LENGTHS, 3)
    options = {"shuffle": False, "epochs": 1, "batch_size": 20, "lengths": lengths, "resets": resets}
    fitted(model, X, EVERY, bptt=4, **options)
    loss, optimizer = gw.losses.MSE(), gw.optimizers.SGD(0.05)
    layer, linear, state = own.layers[0], own.layers[1], None
    for part in (slice(0, 4), slice(4, 6)):
        n = np.clip(lengths - part.start, 0, X[:, part].shape[1])
        y, state, tape = layer.forward(X[:, part], state, lengths=n, resets=resets[:, part])
        prediction = y @ linear.params["weight"].T + linear.params["bias"]
        weight = (np.arange(y.shape[1]) < n[:, None]).astype(np.float32)
        d = loss(prediction, EVERY[:, part], weight).gradient
        grads = layer.backward(tape, d @ linear.params["weight"]).params
        linear_grads = [np.einsum("bto,bti->oi", d, y), d.sum(axis=(0, 1))]
        flat = np.concatenate([g.ravel() for g in [*grads.values(), *linear_grads]])
        optimizer.update(own.flat_params, flat)
    np.testing.assert_allclose(model.flat_params, own.flat_params, rtol=1e-5, atol=1e-7)
    whole = fitted(every_step(), X, EVERY, shuffle=False, epochs=1, batch_size=20, lengths=lengths, resets=resets)
    one_piece = fitted(
        every_step(), X, EVERY, bptt=6, shuffle=False, epochs=1, batch_size=20, lengths=lengths, resets=resets
    )
    whole = fitted(every_step(), X, EVERY, **options)
    same(whole, one_piece)
    assert not np.allclose(whole.flat_params, model.flat_params)


def test_checkpoints_of_the_tape_give_bit_identical_training() -> None:
    same(fitted(every_step(), X, EVERY, checkpoint=2), fitted(every_step(), X, EVERY))


def test_a_loss_that_is_not_finite_gives_a_warning() -> None:
    with pytest.warns(RuntimeWarning, match="loss: (nan|inf) in epoch 1; a lower learning rate, or"):
        fitted(one_answer(), X, Y * np.float32(1e30), epochs=1)


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("which", ["x", "y"])
def test_data_that_are_not_finite_are_refused_before_they_reach_the_weights(which: str, ragged: bool) -> None:
    model = every_step()
    x, y = ([one.copy() for one in data] for data in (X, EVERY))
    if ragged:
        x, y = ([one[:n] for one, n in zip(data, LENGTHS, strict=True)] for data in (x, y))
    {"x": x, "y": y}[which][7][0, 0] = np.nan
    with pytest.raises(
        ValueError, match=rf"{which}: expected finite numbers where they are used, got nan in sequence 7"
    ):
        fitted(model, x if ragged else np.array(x), y if ragged else np.array(y))
    assert np.isfinite(model.flat_params).all()


def test_steps_that_do_not_count_may_hold_anything() -> None:
    x, y, mask = X.copy(), EVERY.copy(), np.arange(6) < LENGTHS[:, None]
    x[~mask], y[~mask] = np.nan, np.nan
    same(fitted(every_step(), x, y, mask=mask), fitted(every_step(), X, EVERY, mask=mask))
    y[0, 0] = np.inf
    with pytest.raises(ValueError, match=r"y: expected finite numbers where they are used, got inf in sequence 0"):
        fitted(every_step(), x, y, mask=mask)


def test_training_ends_when_the_weights_are_no_longer_finite() -> None:
    model = one_answer()
    with pytest.warns(RuntimeWarning, match="training ends, as the parameters are no longer finite") as told:
        history = model.fit(X, Y, epochs=9, optimizer=gw.optimizers.SGD(1e30), verbose=False)
    assert history.epochs < 9
    assert sum("training ends" in str(one.message) for one in told) == 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"x": X[:0], "y": Y[:0]}, ValueError, "x: expected at least one sequence, got none"),
        ({"x": [], "y": []}, ValueError, "x: expected at least one sequence, got none"),
        ({"x": iter([]), "y": None}, ValueError, "x: expected at least one batch, got none"),
        ({"validation_data": (X[:0], Y[:0])}, ValueError, "x: expected at least one sequence, got none"),
        ({"validation_data": (X,)}, ValueError, r"validation_data: expected \(x, y\) or \(x, y, sample_weight\), got"),
        ({"validation_split": "a"}, TypeError, "validation_split: expected a number from 0 to 1, got 'a'"),
        ({"callbacks": [3]}, TypeError, "callbacks: expected callbacks of gw.callbacks, got int"),
        ({"bptt": 3}, ValueError, "bptt: expected None with one prediction per sequence"),
        ({"y": Y[:5]}, ValueError, r"y: expected one for each of the 20 sequences, got \(5, 1\)"),
        ({"y": None}, ValueError, "y: expected targets, got none"),
        ({"y": np.zeros((20, 2))}, ValueError, r"y: expected \(\d+, 1\), got \(\d+, 2\)"),
        ({"sample_weight": np.full(20, -1.0)}, ValueError, "sample_weight: expected numbers of at least 0, got -1.0"),
        ({"validation_split": 1.0}, ValueError, "validation_split: expected 0 <= validation_split < 1, got 1.0"),
        ({"validation_split": 0.5, "validation_data": (X, Y)}, ValueError, "validation_data, validation_split:"),
        ({"lengths": LENGTHS, "mask": np.ones((20, 6), bool)}, ValueError, "lengths, mask: expected one of the two"),
        ({"batch_size": 0}, ValueError, "batch_size: expected an integer >= 1, got 0"),
        ({"optimizer": "adagrad"}, ValueError, "optimizer: expected one of sgd"),
        ({"x": list(X), "y": None}, ValueError, "y: expected targets, got none"),
        ({"x": RAGGED, "y": None}, ValueError, "y: expected targets, got none"),
        ({"x": Batches(), "y": None, "lengths": LENGTHS}, ValueError, "lengths: expected None with an iterable"),
        ({"x": 3}, TypeError, "x: expected an array, a list of sequences or an iterable, got int"),
        ({"x": iter([3]), "y": None}, TypeError, r"x: expected an iterable of \(x, y\)"),
        ({"x": RAGGED, "y": Y[:5]}, ValueError, "y: expected one for each of the 20 sequences, got 5"),
        ({"callbacks": [EarlyStopping("f1")]}, ValueError, "monitor: expected one of loss, got 'f1'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(options: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments = {"x": X, "y": Y, "verbose": False, **options}
    with pytest.raises(error, match=message):
        one_answer().fit(arguments.pop("x"), arguments.pop("y"), **arguments)


def test_truncated_backpropagation_needs_unidirectional_layers() -> None:
    model = gw.Sequential(gw.GRU(2, 5, bidirectional=True, batch_first=True), gw.Linear(10, 1))
    with pytest.raises(ValueError, match="bptt: expected None with a bidirectional layer"):
        fitted(model, X, EVERY, bptt=3)
