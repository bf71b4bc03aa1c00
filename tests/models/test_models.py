"""Models: gradients of all layers against central differences, padding that is never read, and refused layers."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gatewise as gw

Array = NDArray[Any]
F64: dict[str, Any] = {"batch_first": True, "dtype": np.float64}
LENGTHS = np.array([6, 3, 1, 0])
MASK = np.arange(6) < LENGTHS[:, None]
HOLES = MASK & (np.arange(6) != 1)
RESETS = np.zeros((4, 6), bool)
RESETS[[0, 1], [3, 0]] = True

Build = Callable[[], gw.Sequential]
MODELS: dict[str, Build] = {
    "many to one": lambda: gw.Sequential(
        gw.LSTM(3, 4, **F64), gw.LastStep(), gw.Linear(4, 2, dtype=np.float64), seed=0
    ),
    "last step of both directions": lambda: gw.Sequential(
        gw.GRU(3, 4, bidirectional=True, **F64), gw.LastStep(), gw.Linear(8, 2, dtype=np.float64), seed=0
    ),
    "last step of a linear layer": lambda: gw.Sequential(
        gw.GRU(3, 4, bidirectional=True, **F64), gw.Linear(8, 3, dtype=np.float64), gw.LastStep(), seed=0
    ),
    "mean": lambda: gw.Sequential(gw.RNN(3, 4, **F64), gw.MeanOverSteps(), seed=0),
    "flatten": lambda: gw.Sequential(
        gw.LSTM(3, 4, num_layers=2, proj_size=2, **F64), gw.Flatten(6), gw.Linear(12, 2, False, dtype=np.float64),
        seed=0,
    ),
    "many to many": lambda: gw.Sequential(
        gw.LSTM(3, 4, bidirectional=True, peephole=True, **F64), gw.Linear(8, 5, dtype=np.float64),
        gw.GRU(5, 2, reset_after=False, **F64), gw.Linear(2, 1, dtype=np.float64), seed=0,
    ),
    "a linear layer first": lambda: gw.Sequential(gw.Linear(3, 5, dtype=np.float64), gw.GRU(5, 2, **F64), seed=0),
    "tokens": lambda: gw.Sequential(
        gw.Embedding(7, 3, dtype=np.float64), gw.RNN(3, 4, nonlinearity="relu", **F64), gw.LastStep(), seed=0
    ),
}  # fmt: skip
STEPS: dict[str, dict[str, Array]] = {
    "all": {}, "lengths": {"lengths": LENGTHS}, "mask": {"mask": HOLES},
    "resets": {"lengths": LENGTHS, "resets": RESETS},
    "mask, resets": {"mask": HOLES & (np.arange(6) != 0), "resets": np.tile(np.arange(6) == 1, (4, 1))},
}  # fmt: skip


def data(model: gw.Sequential) -> Array:
    rng = np.random.default_rng(3)
    if isinstance(model.layers[0], gw.Embedding):
        return rng.integers(0, 7, (4, 6))
    return rng.standard_normal((4, 6, 3))


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("build", MODELS.values(), ids=MODELS)
def test_gradients_are_central_differences(build: Build, steps: dict[str, Array]) -> None:
    model = build()
    x = data(model)
    y, tape = model.forward(x, **steps)
    weights = np.random.default_rng(4).standard_normal(y.shape)
    tokens = x.dtype.kind == "i"
    grads = model.backward(tape, weights, wrt_x=not tokens)

    def loss() -> float:
        return float(np.sum(model(x, **steps) * weights))

    def difference(move: Callable[[float], None], h: float = 1e-5) -> float:
        move(h)
        up = loss()
        move(-2.0 * h)
        down = loss()
        move(h)
        return (up - down) / (2.0 * h)

    rng = np.random.default_rng(5)
    # The truncation error is h^2 times third derivatives of order 1; the rounding error is eps / h times 10.
    bound = 1e-8
    for name, value in model.state_dict().items():
        for flat in rng.choice(value.size, min(value.size, 6), replace=False):

            def move(by: float, name: str = name, flat: int = flat) -> None:
                array = model.state_dict()[name]
                array.flat[flat] += by
                model.load_state_dict({name: array}, strict=False)

            assert grads.params[name].flat[flat] == pytest.approx(difference(move), abs=bound), (name, flat)
    if not tokens:
        assert grads.x is not None
        for flat in rng.choice(x.size, 20, replace=False):

            def move_x(by: float, flat: int = flat) -> None:
                x.flat[flat] += by

            assert grads.x.flat[flat] == pytest.approx(difference(move_x), abs=bound), ("x", flat)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "flatten"])
def test_padding_is_never_read_and_changes_nothing(name: str) -> None:
    model = MODELS[name]()
    x = data(model)
    wrong = np.where(MASK if x.ndim == 2 else MASK[..., None], x, -9 if x.ndim == 2 else np.nan)
    results = [model(wrong, lengths=LENGTHS), model(wrong, mask=MASK)]
    for row, length in enumerate(LENGTHS):
        # BLAS may round products of other shapes differently.
        alone = model(x[row : row + 1, :length])[0]
        for y in results:
            np.testing.assert_allclose(y[row] if model.one_answer else y[row, :length], alone, rtol=1e-13, atol=1e-13)
    for steps in ({"lengths": LENGTHS}, {"mask": MASK}):
        y, tape = model.forward(wrong, **steps)
        dy = np.ones_like(y) if model.one_answer else MASK[..., None] * np.ones_like(y)
        for gradient in model.backward(tape, dy, wrt_x=x.ndim == 3).params.values():
            assert np.isfinite(gradient).all()


def test_the_last_step_of_a_reverse_direction_is_the_first_of_the_sequence() -> None:
    layer = gw.LSTM(3, 4, bidirectional=True, seed=0, **F64)
    x = np.random.default_rng(0).standard_normal((4, 6, 3))
    _, (h, _) = layer(x, lengths=LENGTHS)
    model = gw.Sequential(layer, gw.LastStep())
    np.testing.assert_array_equal(model(x, lengths=LENGTHS), np.concatenate([h[0], h[1]], axis=1))


@pytest.mark.parametrize("build", [MODELS[name] for name in MODELS if MODELS[name]().one_answer and name != "flatten"])
def test_sequences_without_valid_steps_are_like_those_without_steps(build: Build) -> None:
    model = build()
    x = data(model)
    nothing = model(x[:, :0])
    for steps in ({"lengths": np.zeros(4, int)}, {"mask": np.zeros((4, 6), bool)}):
        np.testing.assert_array_equal(model(x, **steps), nothing)


def test_the_last_valid_step_counts_with_a_mask() -> None:
    """This holds after a linear layer, which repeats no outputs, and for both directions with resets at later steps."""
    x, half, cuts = np.random.default_rng(0).standard_normal((4, 6, 3)), np.zeros((4, 6), bool), np.zeros((4, 6), bool)
    half[:, 1:4] = cuts[:, 1] = cuts[:, 5] = True
    for layer in (gw.Linear(3, 5, dtype=np.float64), gw.LSTM(3, 4, bidirectional=True, **F64)):
        model = gw.Sequential(layer, gw.LastStep(), seed=0)
        for steps in ({"mask": half}, {"mask": half, "resets": cuts}):
            np.testing.assert_allclose(model(x, **steps), model(x[:, 1:4]), rtol=1e-13)


def test_means_and_flattening() -> None:
    layer = gw.GRU(3, 4, seed=0, **F64)
    x = np.random.default_rng(0).standard_normal((4, 6, 3))
    y, _ = layer(x, lengths=LENGTHS)
    mean = gw.Sequential(layer, gw.MeanOverSteps())(x, lengths=LENGTHS)
    expected = [y[i, :n].mean(axis=0) if n else np.zeros(4) for i, n in enumerate(LENGTHS)]
    np.testing.assert_allclose(mean, expected, rtol=1e-14)
    flat = gw.Sequential(gw.GRU(3, 4, seed=0, **F64), gw.Flatten(6))(x, lengths=LENGTHS)
    np.testing.assert_array_equal(flat, y.reshape(4, 24))


def test_dropout_drops_in_training_only() -> None:
    model = gw.Sequential(gw.Linear(1, 1, bias=False), gw.Dropout(0.25), seed=0)
    model.load_state_dict({"0.weight": np.ones((1, 1))})
    x = np.ones((100, 100, 1), np.float32)
    np.testing.assert_array_equal(model(x), x)
    y, tape = model.forward(x)
    kept = y != 0.0
    np.testing.assert_array_equal(y[kept], np.float32(1.0 / 0.75))
    assert abs(kept.mean() - 0.75) < 5 * np.sqrt(0.75 * 0.25 / x.size)
    np.testing.assert_array_equal(model.backward(tape, np.ones_like(y)).x, y)
    assert not np.array_equal(model.forward(x)[0], y)


def test_a_seed_fixes_all_values_and_none_keeps_those_of_the_layers() -> None:
    layer = gw.LSTM(2, 3, batch_first=True, seed=5)
    before = layer.state_dict()
    kept = gw.Sequential(layer, gw.Linear(3, 1, seed=6))
    for name, value in before.items():
        np.testing.assert_array_equal(kept.params[f"0.{name}"], value)
        np.testing.assert_array_equal(layer.params[name], value)
    layers = [[gw.LSTM(2, 3, batch_first=True), gw.Linear(3, 1)] for _ in range(3)]
    a, b, c = gw.Sequential(*layers[0], seed=1), gw.Sequential(layers[1], seed=1), gw.Sequential(layers[2], seed=2)
    np.testing.assert_array_equal(a.flat_params, b.flat_params)
    assert not np.isin(a.flat_params, c.flat_params).any()
    a.reset_parameters("glorot")
    np.testing.assert_array_equal(a.params["0.bias_ih_l0"], [0.0] * 3 + [1.0] * 3 + [0.0] * 6)
    np.testing.assert_array_equal(a.params["1.bias"], [0.0])


def test_a_layer_belongs_to_one_model() -> None:
    """A copy can belong to another model and leaves the first one alone. Layers without parameters may be shared."""
    layer, linear, last = gw.GRU(3, 4, bidirectional=True, **F64), gw.Linear(8, 2, dtype=np.float64), gw.LastStep()
    model = gw.Sequential(layer, last, linear, seed=0)
    x, before = data(model), model.state_dict()
    expected = model(x)
    for layers in ((layer, last), (linear,)):
        with pytest.raises(
            ValueError,
            match=r"layer 0, .*: already belongs to another model or adopted arrays; pass copy",
        ):
            gw.Sequential(*layers)
    other = gw.Sequential(copy.deepcopy(layer), last, seed=1)
    small = gw.Sequential(gw.GRU(3, 2, **F64), last, copy.deepcopy(gw.Linear(2, 2, dtype=np.float64)))
    taken = gw.Sequential(copy.deepcopy(linear))
    np.testing.assert_array_equal(taken.params["0.weight"], before["2.weight"])
    for one, inputs in ((other, x), (small, x), (taken, np.ones((4, 6, 8)))):
        one.fit(inputs, np.ones_like(one(inputs)), verbose=False)
    np.testing.assert_array_equal(model(x), expected)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    model.fit(x, np.ones((4, 2)), verbose=False)
    np.testing.assert_array_equal(model.params["0.weight_hh_l0"], layer.params["weight_hh_l0"])
    np.testing.assert_array_equal(model.params["2.weight"], linear.params["weight"])
    assert not np.array_equal(linear.params["weight"], before["2.weight"])


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_are_equal_and_independent(duplicate: Callable[[gw.Sequential], gw.Sequential]) -> None:
    model = MODELS["many to one"]()
    other = duplicate(model)
    x, y = data(model), np.zeros((4, 2))
    np.testing.assert_array_equal(model(x), other(x))
    before = model(x)
    other.fit(x, y, epochs=2, verbose=False)
    np.testing.assert_array_equal(model(x), before)
    assert not np.array_equal(other(x), before)
    model.fit(x, y, epochs=2, verbose=False)
    np.testing.assert_array_equal(model.flat_params, other.flat_params)


def test_loading_is_all_or_nothing() -> None:
    model = MODELS["many to one"]()
    before, values = model.flat_params.copy(), model.state_dict()
    with pytest.raises(ValueError, match=r"2.bias: expected \(2,\), got \(3,\)"):
        model.load_state_dict({**{n: v + 1.0 for n, v in values.items()}, "2.bias": np.zeros(3)})
    with pytest.raises(ValueError, match=r"got one without 2\.bias"):
        model.load_state_dict({n: v for n, v in values.items() if n != "2.bias"})
    np.testing.assert_array_equal(model.flat_params, before)
    found = model.load_state_dict({"net.2.bias": np.zeros(2), "net.3.bias": 1.0}, prefix="net.", strict=False)
    assert found.missing_keys == [name for name in values if name != "2.bias"]
    assert found.unexpected_keys == ["3.bias"]
    with pytest.raises(ValueError, match="read-only"):
        model.params["2.bias"][:] = 1.0


BATCH_FIRST = {"batch_first": True}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: gw.Sequential(gw.LSTM(3, 4, **BATCH_FIRST), gw.LastStep(), gw.GRU(4, 4, **BATCH_FIRST)),
            r"layer 2, GRU\(4, 4, batch_first=True\): expected sequences \(B, T, 4\), got vectors \(B, 4\): layer 1, "
            r"LastStep\(\), has dropped the time axis",
        ),
        (
            lambda: gw.Sequential(gw.RNN(3, 4, **BATCH_FIRST), gw.Flatten(5), gw.Linear(20, 2), gw.MeanOverSteps()),
            r"layer 3, MeanOverSteps\(\): expected sequences \(B, T, features\), got vectors \(B, 2\): layer 1",
        ),
        (
            lambda: gw.Sequential(gw.LSTM(3, 4, bidirectional=True, **BATCH_FIRST), gw.GRU(4, 4, **BATCH_FIRST)),
            r"layer 1, GRU\(4, 4, batch_first=True\): expected sequences \(B, T, 4\), got sequences \(B, T, 8\)",
        ),
        (
            lambda: gw.Sequential(gw.LSTM(3, 4, **BATCH_FIRST), gw.Flatten(5), gw.Linear(4, 1)),
            r"layer 2, Linear\(4, 1\): expected 4 features, got vectors \(B, 20\)",
        ),
        (
            lambda: gw.Sequential(gw.LSTM(3, 4, **BATCH_FIRST), gw.Embedding(4, 1)),
            r"layer 1, Embedding\(4, 1\): expected tokens \(B, T\), which only the first layer of a model reads",
        ),
        (
            lambda: gw.Sequential(gw.Embedding(4, 2), gw.LSTM(3, 4, **BATCH_FIRST)),
            r"layer 1, LSTM\(3, 4, batch_first=True\): expected sequences \(B, T, 3\), got sequences \(B, T, 2\)",
        ),
        (lambda: gw.Sequential(gw.LSTM(3, 4)), r"layers: expected layers with batch_first=True, .* got LSTM\(3, 4\)"),
        (lambda: gw.Sequential(), "layers: expected at least one, got none"),
        (lambda: gw.Sequential(gw.LastStep(), gw.Linear(1, 1)), r"layer 0, LastStep\(\): expected Embedding, RNN"),
        (
            lambda: gw.Sequential(gw.LSTM(3, 4, **BATCH_FIRST), gw.Linear(4, 1, dtype=np.float64)),
            "layers: expected parameters of one dtype, got float32, float64",
        ),
        (
            lambda: gw.Sequential(*[gw.RNN(3, 3, **BATCH_FIRST)] * 2),
            "layers: expected each layer only once, got one of them",
        ),
        (lambda: gw.Dropout(1.0), "p: expected a number p with 0 <= p < 1, got 1.0"),
    ],
)
def test_layers_that_do_not_fit_are_refused(build: Build, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


def test_other_objects_are_refused_as_layers() -> None:
    with pytest.raises(TypeError, match="layers: expected layers of gatewise, got ufunc as layer 1"):
        gw.Sequential(gw.RNN(3, 3, **BATCH_FIRST), np.tanh)


@pytest.mark.parametrize(
    ("name", "x", "steps", "message"),
    [
        ("many to one", np.zeros((4, 6)), {}, r"x: expected \(B, T, 3\), got \(4, 6\)"),
        ("many to one", np.zeros((4, 6, 2)), {}, r"x: expected \(B, T, 3\), got \(4, 6, 2\)"),
        ("tokens", np.zeros((4, 6, 1), int), {}, r"x: expected \(B, T\), got \(4, 6, 1\)"),
        ("tokens", np.full((4, 6), 7), {}, "x: expected tokens from 0 to 6, got 7"),
        ("tokens", np.full((4, 6), -1), {}, "x: expected tokens from 0 to 6, got -1"),
        ("many to one", np.zeros((4, 6, 3)), {"lengths": [1, 2]}, r"lengths: expected \(4,\), got \(2,\)"),
        (
            "many to one",
            np.zeros((4, 6, 3)),
            {"lengths": [7, 0, 0, 0]},
            "lengths: expected integers from 0 to 6, got 7",
        ),
        ("mean", np.zeros((4, 6, 3)), {"mask": np.ones((6, 4), bool)}, r"mask: expected \(4, 6\), got \(6, 4\)"),
        ("flatten", np.zeros((4, 5, 3)), {}, r"x: expected sequences of 6 steps for Flatten\(6\), got 5"),
    ],
)
def test_calls_that_do_not_fit_are_refused(name: str, x: Array, steps: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MODELS[name]()(x, **steps)


def test_tokens_are_integers() -> None:
    with pytest.raises(TypeError, match="x: expected integers, got float64"):
        MODELS["tokens"]()(np.zeros((4, 6)))


@pytest.mark.parametrize(
    ("name", "shape"), [(n, s) for n in MODELS for s in ((0, 6), (4, 0), (0, 0)) if n != "flatten" or s == (0, 6)]
)
def test_batches_without_sequences_or_steps_work(name: str, shape: tuple[int, int]) -> None:
    model = MODELS[name]()
    x = np.zeros(shape, int) if name == "tokens" else np.zeros((*shape, 3))
    y, tape = model.forward(x)
    assert len(y) == shape[0]
    assert model.backward(tape, np.ones_like(y), wrt_x=False).params.keys() == model.state_dict().keys()
    assert model.predict(x).shape == y.shape


def test_summary_counts_as_keras_does(capsys: pytest.CaptureFixture[str]) -> None:
    def counted(layer: Any) -> tuple[int, int]:
        row = (gw.Sequential(layer).summary("dicts") or [])[0]
        return row["parameters"], row["stored numbers"]

    assert counted(gw.RNN(6, 16, **BATCH_FIRST)) == (368, 384)
    assert counted(gw.LSTM(6, 16, **BATCH_FIRST)) == (4 * 368, 4 * 384)
    # Keras's GRU has two biases with reset_after and one without.
    assert counted(gw.GRU(6, 16, **BATCH_FIRST)) == (3 * 384, 3 * 384)
    assert counted(gw.GRU(6, 16, reset_after=False, **BATCH_FIRST)) == (3 * 368, 3 * 384)
    model = gw.Sequential(gw.LSTM(6, 16, **BATCH_FIRST), gw.LastStep(), gw.Linear(16, 2))
    rows = model.summary("dicts") or []
    assert [row["FLOPs a step"] for row in rows] == [8 * 16 * (6 + 16), 0, 0]
    assert [row["FLOPs at the end"] for row in rows] == [0, 0, 2 * 16 * 2]
    assert [row["output"] for row in rows] == ["(B, T, 16)", "(B, 16)", "(B, 2)"]
    assert rows[0]["state bytes"] == 2 * 16 * 4
    # Every tape has i, f, g, o, tanh c', c', h and x; besides these only y and a few bytes per row.
    numbers = (7 * 16 + 6) * 4
    assert numbers <= rows[0]["tape bytes a step"] <= numbers + 16 * 4 + 64
    assert model.summary() is None
    printed = capsys.readouterr().out
    for row in rows:
        assert row["part"] in printed
    assert "1,472" in printed
    with pytest.raises(ValueError, match="mode: expected 'stdout' or 'dicts', got 'json'"):
        model.summary("json")


def test_flops_count_matrices_of_three_rows_but_no_peepholes() -> None:
    model = gw.Sequential(gw.LSTM(6, 3, proj_size=2, **BATCH_FIRST), gw.Linear(2, 3), gw.Linear(3, 4))
    rows = model.summary("dicts") or []
    assert [row["FLOPs a step"] for row in rows] == [2 * (12 * (6 + 2) + 2 * 3), 2 * 2 * 3, 2 * 3 * 4]
    plain, peephole = (
        (gw.Sequential(gw.LSTM(6, 16, peephole=seen, **BATCH_FIRST)).summary("dicts") or [])[0]["FLOPs a step"]
        for seen in (False, True)
    )
    assert plain == peephole


def test_checkpoints_give_bit_identical_gradients() -> None:
    model = gw.Sequential(gw.LSTM(3, 4, num_layers=2, dropout=0.3, **F64), gw.LastStep(), seed=0)
    x = np.random.default_rng(0).standard_normal((60, 50, 3))
    results = []
    for checkpoint in (None, 9, "sqrt"):
        model.rng = np.random.default_rng(1)
        y, tape = model.forward(x, checkpoint=checkpoint)
        results.append((model.backward(tape, np.ones_like(y)).flat, tape[0].nbytes))
    assert results[1][1] < results[0][1]
    for flat, _ in results[1:]:
        np.testing.assert_array_equal(flat, results[0][0])
