"""The estimators: scikit-learn's own checks, pipelines and searches, and the guarantees beyond them."""

from __future__ import annotations

import inspect
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the estimators are scikit-learn's, and it is not installed")
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import gatewise as gw
from gatewise.estimators import RecurrentClassifier, RecurrentRegressor
from gatewise.estimators.data import Examples

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KINDS = [RecurrentClassifier, RecurrentRegressor]
# Checks that fail, and why.
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "expects 1e-7 of float32 sums, whose order differs since the "
    "sequences are shuffled; test_integer_weights_equal_repetition checks it without shuffling",
}


def sequences(n: int = 60, steps: int = 6, seed: int = 0) -> tuple[Any, Any]:
    """Sequences (n, steps, 2), labelled "up" if the last two steps of the first feature have a sum above 0."""
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
    by_status = {status: {r["check_name"] for r in results if r["status"] == status} for status in ("skipped", "xfail")}
    assert len(results) > 50
    assert by_status["xfail"] == set(EXPECTED)
    assert by_status["skipped"] <= {"check_array_api_input"}  # it runs only if SCIPY_ARRAY_API is set


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_and_method_is_documented(kind: Any) -> None:
    assert not [name for name in kind().get_params() if f"{name} : " not in kind.__doc__]
    assert "{" not in kind.__doc__.replace('{"', "")  # no passage is missing
    for name in ("fit", "partial_fit", "predict", "predict_proba", "decision_function"):
        method = getattr(kind, name, None)
        assert method is None or inspect.getdoc(method)


def test_a_classifier_learns_ragged_sequences() -> None:
    """Predictions depend on the last steps of each sequence, and are the same for a sequence alone."""
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


def test_equivalent_forms_of_x() -> None:
    """A row of a table is a sequence of one feature, as is a list of numbers."""
    x, y = sequences()
    table = x[:, :, 0]
    expected = make(RecurrentClassifier).fit(x[:, :, :1], y).predict_proba(x[:, :, :1])
    for layout in (table, table.astype(float), table.tolist(), [row[:, None] for row in table]):
        assert np.array_equal(make(RecurrentClassifier).fit(layout, y).predict_proba(layout), expected)


def test_lists_of_sequences_of_equal_length() -> None:
    """After `fit` on sequences, sequences of equal length are no table; after `fit` on a table, X must be a table."""
    x, y = [one[:, 0] for one in ragged(30)], ["up", "down"] * 15
    model = make(RecurrentClassifier).fit(x, y)
    assert model.n_features_in_ == 1
    alone = model.predict_proba([[1, 2, 3]])
    np.testing.assert_allclose(model.predict_proba([[1, 2, 3], [4]])[:1], alone, atol=1e-6)
    objects = np.empty(30, object)
    objects[:] = x
    assert np.array_equal(make(RecurrentClassifier).fit(objects, y).predict_proba(x), model.predict_proba(x))
    table = make(RecurrentClassifier).fit([[1, 2], [3, 4]], ["up", "down"])
    assert table.n_features_in_ == 2
    with pytest.raises(ValueError, match="X has 3 features, but RecurrentClassifier is expecting 2 features"):
        table.predict([[1, 2, 3]])
    with pytest.raises(ValueError, match=r"X: expected a table \(N, 2\) as in `fit`, got sequences"):
        table.predict(np.zeros((1, 5, 2)))


def test_feature_names_are_those_of_the_last_fit() -> None:
    pandas = pytest.importorskip("pandas", reason="tables with names are pandas's")
    x, y = sequences()
    table = pandas.DataFrame(x[:, :, 0], columns=[f"t{step}" for step in range(6)])
    model = make(RecurrentClassifier).fit(table, y)
    assert list(model.feature_names_in_) == list(table)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(table.rename(columns={"t0": "first"}))
    assert not hasattr(model.fit(x, y), "feature_names_in_")
    assert model.n_features_in_ == 2


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_regressor_predicts_the_shape_of_y(outputs: int) -> None:
    x = sequences(200)[0]
    y = np.stack([x[:, -1, 0] * scale for scale in (1.0, -1.0, 0.5)[:outputs]], axis=1)
    regressor = make(RecurrentRegressor, max_iter=150, readout="last").fit(x, y)
    assert regressor.predict(x).shape == y.shape
    assert regressor.score(x, y) > 0.9
    assert make(RecurrentRegressor).fit(x, y[:, 0]).predict(x).shape == (200,)


def test_an_integer_random_state_makes_results_bit_identical() -> None:
    x, y = sequences()
    options = {"early_stopping": True, "dropout": 0.3, "num_layers": 2}
    first, again, other = (
        make(RecurrentClassifier, **options, random_state=seed).fit(x, y).predict_proba(x) for seed in (3, 3, 4)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_warm_start_continues_and_partial_fit_is_one_epoch() -> None:
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


@pytest.mark.parametrize(
    ("options", "size"),
    [({}, 200), ({"shuffle": False, "batch_size": 7, "weight_decay": 0.1, "clip_norm": 0.01, "solver": "rmsprop"}, 7)],
)
def test_training_is_that_of_sequential(options: dict[str, Any], size: int) -> None:
    """It is bit-identical to `Sequential.fit` with the same network, order and optimizer."""
    x = sequences(250)[0]
    y, seed = x[:, -1, :1], np.random.RandomState(0).randint(2**31 - 1)
    model = make(RecurrentRegressor, cell="gru", max_iter=4, **options).fit(x, y)
    network = gw.Sequential(gw.GRU(2, 8, batch_first=True), gw.LastStep(), gw.Dropout(0.0), gw.Linear(8, 1), seed=seed)
    kind = gw.optimizers.RMSprop if "solver" in options else gw.optimizers.Adam
    optimizer = kind(0.01, weight_decay=options.get("weight_decay", 0.0), clip_norm=options.get("clip_norm", 1.0))
    shuffle = options.get("shuffle", True)
    history = network.fit(x, y, epochs=4, batch_size=size, optimizer=optimizer, shuffle=shuffle, verbose=False)
    assert model.loss_curve_ == history.history["loss"]
    assert np.array_equal(model.predict(x), network.predict(x, batch_size=256))


def test_a_warm_start_uses_new_parameters() -> None:
    x, y = sequences()
    for solver in ("adam", "sgd"):
        model = make(RecurrentClassifier, warm_start=True, solver=solver, max_iter=2).fit(x, y)
        before = model.predict_proba(x)
        assert np.array_equal(model.set_params(learning_rate_init=0.0, max_iter=1).fit(x, y).predict_proba(x), before)
        assert not np.array_equal(model.set_params(solver="rmsprop").fit(x, y).loss_curve_, [])
        assert model.n_iter_ == 4


def test_momentum_of_sgd() -> None:
    """Plain descent, momentum and Nesterov's momentum differ; the last is the default, as in MLPClassifier."""
    x, y = sequences()
    options: dict[str, Any] = {"solver": "sgd", "shuffle": False, "learning_rate_init": 0.1, "max_iter": 5}
    usual, nesterov, momentum, plain = (
        make(RecurrentClassifier, **options, **more).fit(x, y).loss_curve_
        for more in ({}, {"momentum": 0.9, "nesterovs_momentum": True}, {"nesterovs_momentum": False}, {"momentum": 0})
    )
    assert usual == nesterov
    assert usual[-1] < momentum[-1] < plain[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_early_stopping_restores_the_best_weights(kind: Any) -> None:
    """The weights are those of training that ends at the best epoch."""
    x, y = sequences(80)
    y = np.random.default_rng(1).permutation(y if kind is RecurrentClassifier else x[:, -1, 0])  # nothing to learn
    options = {"early_stopping": True, "validation_fraction": 0.25, "learning_rate_init": 0.05, "tol": 0.0}
    model = make(kind, **options, max_iter=300, n_iter_no_change=4).fit(x, y)
    assert len(model.validation_scores_) == len(model.loss_curve_) == model.n_iter_ < 300
    best = int(np.argmax(model.validation_scores_)) + 1
    assert best == model.n_iter_ - 4
    assert model.best_validation_score_ == model.validation_scores_[best - 1]
    shorter = make(kind, **options, max_iter=best, n_iter_no_change=99).fit(x, y)
    assert np.array_equal(model.predict(x), shorter.predict(x))
    assert make(kind).fit(x, y).validation_scores_ is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_validation_set_is_scored_and_stratified(kind: Any) -> None:
    x, _ = sequences(100)
    classes = np.repeat([0, 1], [90, 10])  # sorted: the last tenth is of one class
    y, weight = (classes if kind is RecurrentClassifier else x[:, -1]), np.arange(1.0, 101.0)
    model = make(kind, early_stopping=True, validation_fraction=0.2).fit(x, y, sample_weight=weight)
    rest, scored = model._hold_out(Examples(x, classes if kind is RecurrentClassifier else y, weight))
    held_out = scored.examples
    assert {one.tobytes() for one in [*rest.x, *held_out.x]} == {one.tobytes() for one in x}
    chosen = [next(i for i in range(100) if np.array_equal(x[i], one)) for one in held_out.x]
    if kind is RecurrentClassifier:
        assert np.bincount(classes[chosen]).tolist() == [18, 2]
    assert len(rest.x) == len(rest.y) == len(rest.weight) == 80
    metric = accuracy_score if kind is RecurrentClassifier else r2_score
    expected = metric(y[chosen], model.predict(held_out.x), sample_weight=weight[chosen])
    np.testing.assert_allclose(model.best_validation_score_, expected, rtol=1e-6)


def test_training_ends_when_the_loss_stops_falling() -> None:
    x, y = sequences()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = make(RecurrentClassifier, max_iter=500, learning_rate_init=1e-9, n_iter_no_change=3).fit(x, y)
    assert model.n_iter_ == 4
    assert make(RecurrentClassifier, max_iter=500, tol=10.0, n_iter_no_change=3).fit(x, y).n_iter_ == 4
    with pytest.warns(ConvergenceWarning, match="Stopped at max_iter=2 before converging; increase max_iter"):
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


def test_cross_validation_splits_ragged_lists() -> None:
    x = ragged(90)
    y = [float(one[-1, 0]) for one in x]
    scores = cross_val_score(make(RecurrentRegressor, cell="gru", max_iter=100, batch_size=10), x, y, cv=2)
    assert scores.min() > 0.8


def test_training_continues_after_a_pickle() -> None:
    x, y = sequences()
    model = make(RecurrentClassifier, dropout=0.2).partial_fit(x, y, classes=["down", "up"])
    copy = pickle.loads(pickle.dumps(model))
    assert np.array_equal(copy.partial_fit(x, y).predict_proba(x), model.partial_fit(x, y).predict_proba(x))


def test_the_network_follows_the_parameters() -> None:
    x, y = sequences()
    options = {"num_layers": 2, "bidirectional": True, "dropout": 0.25}
    model = make(RecurrentClassifier, cell="lstm", readout="mean", **options).fit(x, y)
    assert [repr(part) for part in model.model_.parts] == [
        repr(gw.LSTM(2, 8, batch_first=True, **options)), "MeanOverSteps()", "Dropout(p=0.25)", "Linear(16, 2)",
    ]  # fmt: skip
    usual = make(RecurrentRegressor, cell="rnn").fit(x, x[:, -1])
    assert [repr(part) for part in usual.model_.parts] == [
        repr(gw.RNN(2, 8, batch_first=True)), "LastStep()", "Dropout(p=0.0)", "Linear(8, 2)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cell": "transformer"}, "cell: expected a str among {'rnn', 'lstm', 'gru'}, got 'transformer'"),
        ({"readout": "first"}, "readout: expected a str among {'last', 'mean'}, got 'first'"),
        ({"solver": "lbfgs"}, "solver: expected a str among {.*}, got 'lbfgs'"),
        ({"batch_size": 0}, r"batch_size: expected an int in the range \[1, inf\) or a str among {'auto'}, got 0"),
        ({"max_iter": 0}, r"max_iter: expected an int in the range \[1, inf\), got 0"),
        ({"n_iter_no_change": 0}, r"n_iter_no_change: expected an int in the range \[1, inf\), got 0"),
        ({"tol": -1.0}, r"tol: expected a float in the range \[0.0, inf\), got -1.0"),
        ({"learning_rate_init": -1.0}, r"learning_rate_init: expected a float in the range \[0.0, inf\), got -1.0"),
        ({"hidden_size": 0}, r"hidden_size: expected an int in the range \[1, inf\), got 0"),
        ({"dropout": 1.0}, r"dropout: expected a float in the range \[0.0, 1.0\), got 1.0"),
        ({"early_stopping": True}, "validation_fraction: expected at least 2 sequences to hold out, got 1 of 2"),
        (
            {"early_stopping": True, "validation_fraction": 2},
            r"validation_fraction: expected a float in the range \[0.0, 1.0\)",
        ),
    ],
)
def test_impossible_parameters(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(RecurrentRegressor, **change).fit([[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0])


def test_impossible_data() -> None:
    x, y = ragged(4), ["up", "down", "up", "down"]
    for wrong, labels, message in (
        ([*x[:3], np.zeros((2, 3))], y, r"X\[3\]: expected \(T, 2\) with T >= 1, as X\[0\] has, got \(2, 3\)"),
        ([np.zeros((2, 2)), np.zeros((2, 3))] * 2, y, r"X\[1\]: expected \(T, 2\) .*, got \(2, 3\)"),
        ([*x[:3], np.zeros((0, 2))], y, r"X\[3\]: expected \(T, 2\) with T >= 1, .*, got \(0, 2\)"),
        ([[[1, 2], [3]], [[1, 2]]] * 2, y, r"X\[0\]: expected the same number of features at all steps, got several"),
        ([*x[:3], np.full((9, 2), np.nan)], y, "Input X contains NaN"),
        (np.full((4, 3, 2), np.nan), y, "Input X contains NaN"),
        (np.full((4, 3), np.inf), y, "Input X contains infinity"),
        ([one.astype(complex) for one in x], y, "Complex data not supported"),
        (x, y[:3], "inconsistent numbers of samples"),
        (np.zeros((4, 2)), y[:3], "inconsistent numbers of samples"),
        (np.zeros((4, 2, 2, 2)), y, r"X: expected \(N, T\) or \(N, T, features\) with T >= 1, got \(4, 2, 2, 2\)"),
        (np.zeros((4, 0, 2)), y, r"X: expected .* with T >= 1, got \(4, 0, 2\)"),
        ([1.0, 2.0, 3.0, 4.0], y, "Expected 2D array, got 1D array"),
        ([], [], "Expected 2D array, got 1D array"),
        (x, ["up"] * 4, "y: expected at least 2 classes, got 1 class: up"),
        (x, [0.1, 0.2, 0.3, 0.4], "Unknown label type"),
    ):
        with pytest.raises(ValueError, match=message):
            make(RecurrentClassifier).fit(wrong, labels)
    model = make(RecurrentClassifier).fit(x, y)
    for new in (np.zeros((1, 4, 3)), [np.zeros((1, 3)), np.zeros((2, 3))]):
        with pytest.raises(ValueError, match="X has 3 features, but RecurrentClassifier is expecting 2 features"):
            model.predict(new)
    with pytest.raises(ValueError, match="X has 1 features, but RecurrentClassifier is expecting 2 features"):
        model.predict([[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="Input y contains NaN"):
        make(RecurrentRegressor).fit(x, [0.0, 1.0, 2.0, np.nan])
    with pytest.raises(ValueError, match="Found array with dim 3"):
        make(RecurrentRegressor).fit(x, np.zeros((4, 2, 2)))


def test_later_fits_must_match_the_first() -> None:
    x, y = ragged(4), ["up", "down", "up", "down"]
    model = make(RecurrentClassifier, warm_start=True).fit(x, y)
    with pytest.raises(ValueError, match="y: expected the classes of the earlier fit"):
        model.fit(x, ["left", "right"] * 2)
    for again in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match="X has 3 features, but RecurrentClassifier is expecting 2 features"):
            again(np.zeros((4, 5, 3)), y)
    with pytest.raises(ValueError, match=r"y: expected classes of .*, got \['left'\]"):
        model.partial_fit(x, ["left", "down", "up", "down"])
    with pytest.raises(ValueError, match="classes: expected the classes of the earlier fit"):
        model.partial_fit(x, y, classes=["down", "left", "up"])
    with pytest.raises(ValueError, match="classes: expected all classes in the first call of partial_fit, got None"):
        make(RecurrentClassifier).partial_fit(x, y)
    with pytest.raises(ValueError, match="class_weight: expected numbers or None for partial_fit, got 'balanced'"):
        make(RecurrentClassifier, class_weight="balanced").partial_fit(x, y, classes=y)
    regressor = make(RecurrentRegressor, warm_start=True).fit(x, np.zeros((4, 2)))
    for again in (regressor.fit, regressor.partial_fit):
        with pytest.raises(
            ValueError, match=r"y: expected 2 numbers per sequence, as in the earlier fit, got \(4, 3\)"
        ):
            again(x, np.zeros((4, 3)))
    with pytest.raises(ValueError, match="early_stopping: expected False for partial_fit"):
        regressor.set_params(early_stopping=True).partial_fit(x, np.zeros((4, 2)))
