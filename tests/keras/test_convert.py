"""Converted layers, models and files of Keras 3 give Keras's results; what cannot be converted is refused by name."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gatewise.keras as gk
from converted import (
    ATOL,
    INPUTS,
    MASK,
    OWN_VARIABLES,
    TOKENS,
    UNITS,
    Array,
    B,
    T,
    X,
    agree,
    agree_live_and_from_a_file,
    drawn,
    keras,
    kl,
    masking_model,
)

pytestmark = pytest.mark.filterwarnings(OWN_VARIABLES)
KINDS = ["SimpleRNN", "LSTM", "GRU"]


def states(kind: str, count: int = 1) -> list[Array]:
    rng = np.random.default_rng(2)
    return [rng.uniform(-1, 1, (B, UNITS)).astype(np.float32) for _ in range(count * (1 + (kind == "LSTM")))]


OPTIONS: list[dict[str, Any]] = [
    {},
    {"return_sequences": True},
    {"return_sequences": True, "return_state": True},
    {"return_state": True, "go_backwards": True},
    {"return_sequences": True, "return_state": True, "go_backwards": True, "use_bias": False},
    {"return_sequences": True, "zero_output_for_mask": True},
    {"activation": "relu", "return_sequences": True},
    {"dropout": 0.3, "recurrent_dropout": 0.2},
]
LAYERS = [
    *itertools.product(KINDS, OPTIONS),
    ("GRU", {"reset_after": False, "return_sequences": True}),
    ("GRU", {"reset_after": False, "use_bias": False}),
    ("LSTM", {"unit_forget_bias": False}),
    *(
        (kind, {"recurrent_activation": gates, "activation": activation, "return_sequences": True})
        for kind, (gates, activation) in itertools.product(
            ["LSTM", "GRU"], [("hard_sigmoid", "softsign"), ("sigmoid", "leaky_relu"), ("relu", "elu"), ("tanh", None)]
        )
    ),
]


@pytest.mark.interop("Keras", "SimpleRNN, LSTM, GRU: options, masks, initial states, activations", reads="rounding")
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize(("kind", "options"), LAYERS, ids=str)
def test_layers(kind: str, options: dict[str, Any], masked: bool) -> None:
    """Masks have gaps, and one sequence is masked in full."""
    layer = getattr(kl, kind)(UNITS, **options)
    layer.build(X.shape)
    converted = gk.from_keras(drawn(layer))
    mask = {"mask": MASK} if masked else {}
    agree(layer, converted, X, **mask)
    agree(layer, converted, X, initial_state=states(kind), **mask)


@pytest.mark.interop("Keras", "Bidirectional: merge modes, masks, states", reads="rounding")
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave", None])
@pytest.mark.parametrize("kind", KINDS)
def test_bidirectional(kind: str, merge_mode: str | None, masked: bool) -> None:
    for sequences, state in itertools.product([False, True], repeat=2):
        inner = getattr(kl, kind)(UNITS, return_sequences=sequences, return_state=state)
        layer = kl.Bidirectional(inner, merge_mode=merge_mode)
        layer.build(X.shape)
        converted = gk.from_keras(drawn(layer))
        mask = {"mask": MASK} if masked else {}
        agree(layer, converted, X, **mask)
        agree(layer, converted, X, initial_state=states(kind, 2), **mask)


def test_bidirectional_with_a_backward_layer_of_its_own() -> None:
    layer = kl.Bidirectional(
        kl.LSTM(UNITS, return_sequences=True), backward_layer=kl.GRU(2, return_sequences=True, go_backwards=True)
    )
    layer.build(X.shape)
    agree(layer, gk.from_keras(drawn(layer)), X)


def text_model() -> Any:
    """A model with most kinds of layers and a mask from the embedding."""
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            kl.Embedding(10, 4, mask_zero=True),
            kl.Bidirectional(kl.LSTM(UNITS, return_sequences=True)),
            kl.Dropout(0.5),
            kl.GRU(UNITS, return_sequences=True, reset_after=False),
            kl.TimeDistributed(kl.Dense(4, activation="relu")),
            kl.GRU(3),
            kl.Dense(2, activation="softmax"),
        ]
    )


def functional_model() -> Any:
    """A model with states as outputs and two layers that read the same sequence."""
    x = keras.Input((None, INPUTS))
    y, h, c = kl.LSTM(UNITS, return_sequences=True, return_state=True)(x)
    return keras.Model(x, [kl.GRU(2)(y), kl.Dense(1)(y), h, c])


MASKED_X = X.copy()
MASKED_X[~MASK] = 0.5
MODELS = [(text_model, TOKENS), (masking_model, MASKED_X), (functional_model, X)]


@pytest.mark.interop(
    "Keras", "models and .keras files, with Embedding, Masking, Dense, TimeDistributed", reads="rounding"
)
@pytest.mark.parametrize(("make", "x"), MODELS, ids=lambda value: getattr(value, "__name__", ""))
def test_models_and_files(make: Any, x: Array, tmp_path: Path) -> None:
    agree_live_and_from_a_file(drawn(make()), x, tmp_path)


def test_float64() -> None:
    layer = kl.LSTM(UNITS, dtype="float64")
    layer.build(X.shape)
    converted = gk.from_keras(drawn(layer))
    want = keras.ops.convert_to_numpy(layer(X.astype(np.float64)))
    np.testing.assert_allclose(converted(X.astype(np.float64)), want, rtol=0, atol=ATOL * 2.0**-29)


@pytest.mark.interop("Keras", ".keras files without Keras", reads="rounding")
def test_files_are_read_without_keras(tmp_path: Path) -> None:
    drawn(text_model()).save(tmp_path / "model.keras")
    script = f"""
import sys
sys.modules["keras"] = sys.modules["torch"] = None
import numpy as np, gatewise.keras
print(gatewise.keras.load({str(tmp_path / "model.keras")!r})(np.ones((1, 3), int)).shape)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "(1, 2)"


def built(layer: Any) -> Any:
    layer.build(X.shape)
    return layer


REFUSED: list[tuple[Any, type[Exception], str]] = [
    (lambda: 3, TypeError, "layer: expected a Keras layer or model, got int"),
    (lambda: built(kl.Conv1D(2, 2)), ValueError, "layer 'conv1d.*': expected one of .*, got Conv1D"),
    (lambda: built(kl.LSTM(2, activation="gelu")), ValueError, "layer 'lstm.*': activation: .* got 'gelu'"),
    (
        lambda: built(kl.Dense(2, dtype="float16")),
        ValueError,
        "layer 'dense.*': dtype: expected float32 .* got float16",
    ),
    (lambda: built(kl.TimeDistributed(kl.Dropout(0.1))), ValueError, "expected Dense inside TimeDistributed"),
    (lambda: kl.LSTM(2), ValueError, "layer 'lstm.*': expected a built layer, .*; call layer.build"),
    (lambda: keras.Sequential([keras.Input((T, INPUTS)), kl.Lambda(lambda x: x)]), ValueError, "got Lambda"),
]


@pytest.mark.parametrize(("make", "error", "message"), REFUSED, ids=[message for _, _, message in REFUSED])
def test_what_cannot_be_converted_is_named(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        gk.from_keras(make())


def test_wrong_calls_are_explained() -> None:
    lstm = gk.from_keras(built(kl.LSTM(UNITS)))
    with pytest.raises(ValueError, match="initial_state: expected 2 arrays, got 1"):
        lstm(X, initial_state=[np.zeros((B, UNITS))])
    with pytest.raises(ValueError, match=r"x: expected \(B, T, 3\)"):
        lstm(X[..., :2])
    model = gk.from_keras(text_model())
    with pytest.raises(ValueError, match=r"layer 'embedding.*': x: expected tokens 0 to 9, got 0 to 10"):
        model(TOKENS + (TOKENS == 9))
    with pytest.raises(TypeError, match="x: expected integers, got float64"):
        model(TOKENS * 1.0)
