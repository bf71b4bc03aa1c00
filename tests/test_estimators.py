"""The estimators in scikit-learn's hands: its own checks, pipelines and searches, and what they promise beyond them."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the estimators are scikit-learn's, and it is not installed")
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from gatewise.estimators import RecurrentClassifier, RecurrentRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KINDS = [RecurrentClassifier, RecurrentRegressor]
# What does not apply, and why.
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "asks for 1e-7 of float32 sums in another order, as the sequences "
    "are shuffled; test_integer_weights_equal_repetition shows it without shuffling, to rounding",
}


def sequences(n: int = 60, steps: int = 6, seed: int = 0) -> tuple[Any, Any]:
    """Sequences (n, steps, 2), and whether the first feature's last two steps sum to more than 0."""
    x = np.random.default_rng(seed).standard_normal((n, steps, 2)).astype(np.float32)
    return x, np.where(x[:, -2:, 0].sum(axis=1) > 0, "up", "down")


def ragged(n: int = 60, seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((length, 2)).astype(np.float32) for length in rng.integers(1, 9, n)]


def make(kind: Any, **options: Any) -> Any:
    return kind(**{"hidden_size": 8, "max_iter": 10, "random_state": 0, **options})


@pytest.mark.parametrize("kind", KINDS)
def test_scikit_learns_own_checks(kind: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(make(kind, max_iter=100), expected_failed_checks=EXPECTED, on_skip=None)
    by_status = {status: [r["check_name"] for r in results if r["status"] == status] for status in ("skipped", "xfail")}
    assert len(results) > 50
    assert by_status == {"skipped": ["check_array_api_input"], "xfail": list(EXPECTED)}  # SCIPY_ARRAY_API is not set


def test_a_classifier_learns_ragged_sequences() -> None:
    """The answer is that of each sequence's own last steps; a sequence alone gets the same answer."""
    x, new = ragged(200), ragged(50, seed=1)
    y, truth = ([("up" if one[-2:, 0].sum() > 0 else "down") for one in data] for data in (x, new))
    classifier = make(RecurrentClassifier, cell="gru", max_iter=60, batch_size=20).fit(x, y)
    assert classifier.score(new, truth) > 0.85
    alone = np.concatenate([classifier.predict_proba([one.tolist()]) for one in new])
    np.testing.assert_allclose(classifier.predict_proba(new), alone, atol=1e-6)


def test_probabilities() -> None:
    x, y = sequences()
    y = np.where(x[:, 0, 1] > 1, "first", y)
    classifier = make(RecurrentClassifier).fit(x, y)
    probabilities, scores = classifier.predict_proba(x), classifier.decision_function(x)
    assert list(classifier.classes_) == ["down", "first", "up"]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    exact = np.exp(scores.astype(float))
    np.testing.assert_allclose(probabilities, exact / exact.sum(axis=1, keepdims=True), rtol=1e-6)
    assert (classifier.predict(x) == classifier.classes_[probabilities.argmax(axis=1)]).all()
    two = make(RecurrentClassifier).fit(*sequences())
    assert ((two.decision_function(x) > 0) == (two.predict(x) == "up")).all()


def test_layouts_that_mean_the_same() -> None:
    """A row of a table is a sequence of one feature, as is a list of numbers."""
    x, y = sequences()
    table = x[:, :, 0]
    expected = make(RecurrentClassifier).fit(x[:, :, :1], y).predict_proba(x[:, :, :1])
    for layout in (table, table.astype(float), table.tolist(), [row[:, None] for row in table]):
        assert np.array_equal(make(RecurrentClassifier).fit(layout, y).predict_proba(layout), expected)


@pytest.mark.parametrize("answers", [1, 3])
def test_a_regressor_has_as_many_answers_as_y(answers: int) -> None:
    x = sequences(200)[0]
    y = np.stack([x[:, -1, 0] * scale for scale in (1.0, -1.0, 0.5)[:answers]], axis=1)
    regressor = make(RecurrentRegressor, max_iter=150, readout="last").fit(x, y)
    assert regressor.predict(x).shape == y.shape
    assert regressor.score(x, y) > 0.9
    assert make(RecurrentRegressor).fit(x, y[:, 0]).predict(x).shape == (200,)


def test_random_state_fixes_every_bit() -> None:
    x, y = sequences()
    options = {"early_stopping": True, "dropout": 0.3, "num_layers": 2}
    first, again, other = (
        make(RecurrentClassifier, **options, random_state=seed).fit(x, y).predict_proba(x) for seed in (3, 3, 4)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_warm_start_goes_on_and_partial_fit_is_one_epoch() -> None:
    x, y = sequences()
    whole = make(RecurrentClassifier, max_iter=6, shuffle=False).fit(x, y)
    warm = make(RecurrentClassifier, max_iter=3, shuffle=False, warm_start=True).fit(x, y).fit(x, y)
    parts = make(RecurrentClassifier, shuffle=False)
    for _ in range(6):
        parts.partial_fit(x, y, classes=["down", "up"])
    for other in (warm, parts):
        assert other.n_iter_ == 6
        assert other.loss_curve_ == whole.loss_curve_
        assert np.array_equal(other.predict_proba(x), whole.predict_proba(x))
    cold = make(RecurrentClassifier, max_iter=3, shuffle=False).fit(x, y).fit(x, y)
    assert cold.n_iter_ == 3


def test_early_stopping_brings_back_the_best_weights() -> None:
    x, y = sequences(80)
    y = np.random.default_rng(1).permutation(y)  # nothing to learn: what is held out gets worse
    options = {"early_stopping": True, "learning_rate": 0.05}
    model = make(RecurrentClassifier, **options, max_iter=300, n_iter_no_change=4).fit(x, y)
    assert len(model.validation_curve_) == len(model.loss_curve_) == model.n_iter_ < 300
    best = int(np.argmin(model.validation_curve_)) + 1
    assert best <= model.n_iter_ - 4
    shorter = make(RecurrentClassifier, **options, max_iter=best, n_iter_no_change=99)
    assert np.array_equal(model.predict_proba(x), shorter.fit(x, y).predict_proba(x))
    assert make(RecurrentClassifier).fit(x, y).validation_curve_ is None


def test_what_is_held_out_has_every_class_in_its_share() -> None:
    x, _ = sequences(100)
    y = np.repeat([0, 1], [90, 10])  # sorted: the last tenth is of one class
    model = make(RecurrentClassifier, early_stopping=True, validation_fraction=0.2, max_iter=1)
    model._begin = lambda *_: None  # nothing is trained here
    model.classes_ = np.array([0, 1])
    _, rest, _, (_, held_out, _) = model._hold_out(x, y, None)
    assert (np.bincount(held_out) == [18, 2]).all()
    assert (np.bincount(rest) == [72, 8]).all()


def test_training_ends_when_the_loss_no_longer_sinks() -> None:
    x, y = sequences()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = make(RecurrentClassifier, max_iter=500, learning_rate=1e-9, n_iter_no_change=3).fit(x, y)
    assert model.n_iter_ == 4
    with pytest.warns(ConvergenceWarning, match="max_iter: 2 epochs done"):
        make(RecurrentClassifier, max_iter=2).fit(x, y)


@pytest.mark.parametrize("kind", KINDS)
def test_integer_weights_equal_repetition(kind: Any) -> None:
    x, y = sequences(30)
    y = y if kind is RecurrentClassifier else x[:, -1, 0]
    times = np.random.default_rng(0).integers(0, 3, 30)
    options = {"shuffle": False, "max_iter": 5, "batch_size": 100}
    weighted = make(kind, **options).fit(x, y, sample_weight=times)
    repeated = make(kind, **options).fit(np.repeat(x, times, axis=0), np.repeat(y, times))
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-5)


def test_balanced_classes_are_sample_weights() -> None:
    x, _ = sequences()
    y = np.where(np.arange(60) % 6 == 0, "rare", "usual")
    options = {"shuffle": False, "batch_size": 60}
    balanced = make(RecurrentClassifier, class_weight="balanced", **options).fit(x, y)
    weighted = make(RecurrentClassifier, **options).fit(x, y, sample_weight=np.where(y == "rare", 3.0, 0.6))
    np.testing.assert_allclose(balanced.loss_curve_, weighted.loss_curve_, rtol=1e-5)


def test_pipelines_searches_clones_and_pickles() -> None:
    x, y = sequences(60)
    table = 100 + 10 * x[:, :, 0]
    pipeline = make_pipeline(StandardScaler(), make(RecurrentClassifier, max_iter=40))
    search = GridSearchCV(pipeline, {"recurrentclassifier__cell": ["rnn", "gru"]}, cv=2).fit(table, y)
    assert search.best_score_ > 0.7
    best = search.best_estimator_[-1]
    assert np.array_equal(pickle.loads(pickle.dumps(search)).predict(table), search.predict(table))
    assert clone(best).get_params() == best.get_params()
    assert not hasattr(clone(best), "model_")


def test_the_summary_of_the_network_is_at_hand() -> None:
    x, y = sequences()
    model = make(RecurrentClassifier, cell="lstm", num_layers=2, bidirectional=True, readout="mean").fit(x, y)
    assert [row["part"].split("(")[0] for row in model.model_.summary("dicts")] == [
        "LSTM", "MeanOverSteps", "Dropout", "Linear",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cell": "transformer"}, "cell: expected one of rnn, lstm, gru, got 'transformer'"),
        ({"readout": "first"}, "readout: expected one of last, mean, got 'first'"),
        ({"optimizer": "lbfgs"}, "optimizer: expected one of .*, got 'lbfgs'"),
        ({"batch_size": 0}, "batch_size: expected an integer >= 1, got 0"),
    ],
)
def test_parameters_that_cannot_be(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(RecurrentRegressor, **change).fit([[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0])


def test_data_that_cannot_be() -> None:
    x, y = ragged(4), ["up", "down", "up", "down"]
    for wrong, answers, message in (
        ([*x[:3], np.zeros((2, 3))], y, r"X: expected sequences .* of one number of features, got \[\(2,\), \(3,\)\]"),
        ([*x[:3], np.full((9, 2), np.nan)], y, "X: expected finite numbers, got NaN or infinity"),
        ([*x[:3], np.zeros((0, 2))], y, "X: expected sequences of at least one step, got an empty one"),
        (x, y[:3], "inconsistent numbers of samples"),
        (np.zeros((4, 2, 2, 2)), y, r"X: expected \(N, T\) or \(N, T, features\), got \(4, 2, 2, 2\)"),
        (x, ["up"] * 4, "y: expected at least 2 classes, got 1 class: up"),
    ):
        with pytest.raises(ValueError, match=message):
            make(RecurrentClassifier).fit(wrong, answers)
    model = make(RecurrentClassifier).fit(x, y)
    with pytest.raises(ValueError, match="X: expected 2 features, got 3"):
        model.predict(np.zeros((1, 4, 3)))
    with pytest.raises(ValueError, match="classes: expected all classes in the first call of partial_fit, got None"):
        make(RecurrentClassifier).partial_fit(x, y)
    with pytest.raises(ValueError, match=r"y: expected classes of .*, got others"):
        model.partial_fit(x, ["left", "down", "up", "down"])
    with pytest.raises(ValueError, match="class_weight: expected numbers or None for partial_fit, got 'balanced'"):
        make(RecurrentClassifier, class_weight="balanced").partial_fit(x, y, classes=y)
    with pytest.raises(ValueError, match="warm_start: expected the classes of the earlier fit"):
        make(RecurrentClassifier, warm_start=True).fit(x, y).fit(x, ["left", "right"] * 2)
