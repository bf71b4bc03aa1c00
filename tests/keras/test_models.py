"""Functional models of Keras 3: shared and nested layers, merges, masks, and stateful layers."""

from __future__ import annotations

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
    B,
    T,
    X,
    agree,
    agree_live_and_from_a_file,
    drawn,
    keras,
    kl,
    rewritten,
)

pytestmark = pytest.mark.filterwarnings(OWN_VARIABLES, "ignore:.*does not support mask:UserWarning")
DEEP = 2 * ATOL
"""These models are twice as deep."""
SECOND = np.random.default_rng(3).uniform(-1, 1, (B, T, INPUTS)).astype(np.float32)
HIDDEN = SECOND.copy()
HIDDEN[~MASK[::-1]] = 0.5


def masked_inputs() -> tuple[Any, Any, Any, Any]:
    """Two inputs, and two sequences of 4 features, with the masks of an embedding and of a Masking layer."""
    tokens, x = keras.Input((T,), dtype="int32", name="tokens"), keras.Input((T, INPUTS), name="x")
    left = kl.GRU(4, return_sequences=True)(kl.Embedding(10, 3, mask_zero=True)(tokens))
    right = kl.Bidirectional(kl.LSTM(2, return_sequences=True))(kl.Masking(0.5)(x))
    return tokens, x, left, right


def shared() -> Any:
    """One layer is used for two inputs, and again on the average of its outputs."""
    a, b = keras.Input((T, INPUTS)), keras.Input((T, INPUTS))
    layer = kl.LSTM(INPUTS, return_sequences=True)
    first, second = layer(a), layer(b)
    return keras.Model([a, b], [layer(kl.Average()([first, second])), kl.Subtract()([first, second])])


def row_model() -> Any:
    return keras.Sequential([keras.Input((T, INPUTS)), kl.GRU(4, return_sequences=True), kl.Dense(INPUTS)])


def nested(row: Any = None) -> Any:
    """A functional model with two outputs in a functional model; both use a Sequential, new or the given one."""
    inner = row or row_model()
    inside = keras.Input((T, INPUTS))
    y, h = kl.GRU(4, return_sequences=True, return_state=True)(inner(inside))
    graph = keras.Model(inside, {"h": h, "y": kl.Dense(2)(y)})
    a = keras.Input((T, INPUTS), name="a")
    once, twice = graph(a), graph((row or row_model())(a))
    both = kl.Concatenate()([once["h"], twice["h"]])
    return keras.Model({"a": a}, {"both": both, "y": kl.Multiply()([once["y"], twice["y"]])})


def nested_row() -> Any:
    """A Sequential of models, one of which makes a mask."""
    embed = keras.Sequential([keras.Input((T,), dtype="int32"), kl.Embedding(10, 3, mask_zero=True)])
    last = keras.Sequential([keras.Input((T, 4)), kl.LSTM(3), kl.Dense(2)])
    return keras.Sequential([keras.Input((T,), dtype="int32"), embed, kl.GRU(4, return_sequences=True), last])


def encoder_decoder() -> Any:
    """States are passed on in every way that Keras accepts. Keras then ignores the input's mask."""
    tokens, x, left, _ = masked_inputs()
    _, h, c = kl.LSTM(4, return_state=True)(x)
    named = kl.LSTM(4, return_sequences=True)(left, initial_state=[h, c])
    placed = kl.GRU(4)(left, h)
    both = kl.Bidirectional(kl.GRU(4, return_sequences=True))(left, initial_state=[h, c])
    return keras.Model([tokens, x], [named, placed, both, kl.GRU(2)(named), kl.GRU(2)(both)])


def operations() -> Any:
    """Operators on tensors, which become operations in the configuration."""
    a, b = keras.Input((T, INPUTS)), keras.Input((T, INPUTS))
    x = a * b - a + b
    return keras.Model([a, b], kl.GRU(2)(x, mask=keras.ops.any(keras.ops.not_equal(x, 0.0), axis=-1)))


def merged(kind: str, **options: Any) -> Any:
    def make() -> Any:
        tokens, x, left, right = masked_inputs()
        y = getattr(kl, kind)(**options)([left, right])
        half = getattr(kl, kind)(**options)([left, kl.Dense(4)(kl.GRU(4, return_sequences=True)(x))])
        return keras.Model([tokens, x], [y, kl.GRU(2)(y), half, kl.GRU(2)(half)])

    make.__name__ = kind + "".join(f"-{value}" for value in options.values())
    return make


def merged_inside(kind: str) -> Any:
    """A model whose inputs have masks, which its configuration does not mention."""

    def make() -> Any:
        left, right = keras.Input((T, 4)), keras.Input((T, 4))
        y = getattr(kl, kind)()([left, right])
        inner = keras.Model([left, right], [y, kl.GRU(2)(y)])
        tokens, x, left, right = masked_inputs()
        return keras.Model([tokens, x], [*inner([left, right]), *inner([left, left])])

    make.__name__ = f"{kind} inside"
    return make


def broadcast() -> Any:
    """A vector is added at every step."""
    a = keras.Input((T, 4))
    return keras.Model(a, kl.Add()([a, kl.GRU(4)(a)]))


KINDS = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"]
MASKED = [TOKENS, HIDDEN]
MODELS: list[tuple[Any, Any]] = [
    (shared, [X, SECOND]),
    (nested, {"a": X}),
    (nested_row, TOKENS),
    (encoder_decoder, MASKED),
    (operations, [X, SECOND]),
    *((merged(kind), MASKED) for kind in KINDS),
    (merged("Concatenate", axis=1), MASKED),
    *((merged_inside(kind), MASKED) for kind in ("Multiply", "Maximum", "Concatenate")),
    (broadcast, np.concatenate([X, X[..., :1]], axis=-1)),
]


@pytest.mark.interop(
    "Keras", "functional models: shared and nested layers, merges, several inputs and outputs", reads="rounding"
)
@pytest.mark.parametrize(("make", "x"), MODELS, ids=lambda value: getattr(value, "__name__", ""))
def test_graphs(make: Any, x: Any, tmp_path: Path) -> None:
    agree_live_and_from_a_file(drawn(make()), x, tmp_path, DEEP)


def stateful_model() -> Any:
    return keras.Sequential(
        [
            keras.Input((T, INPUTS), batch_size=B),
            kl.LSTM(4, stateful=True, return_sequences=True),
            kl.Bidirectional(kl.GRU(3, stateful=True, return_sequences=True)),
            kl.SimpleRNN(3, stateful=True, go_backwards=True),
        ]
    )


@pytest.mark.interop("Keras", "stateful=True: states kept between calls, and reset", reads="rounding")
@pytest.mark.parametrize("inside", [False, True], ids=["row", "nested"])
def test_stateful(inside: bool, tmp_path: Path) -> None:
    """Three calls, one of them with a mask; after reset_state() the results are those of the first call."""
    model = keras.Sequential([keras.Input((T, INPUTS), batch_size=B), stateful_model()]) if inside else stateful_model()
    drawn(model)
    model.save(tmp_path / "model.keras")
    for converted in (gk.from_keras(model), gk.load(tmp_path / "model.keras")):
        stateful = (model.layers[0] if inside else model).layers
        for layer in stateful:
            layer.reset_state()
        first = converted(X)
        np.testing.assert_allclose(first, keras.ops.convert_to_numpy(model(X)), rtol=0, atol=ATOL)
        for x, mask in ((SECOND, MASK), (X, None)):
            want = keras.ops.convert_to_numpy(model(x, mask=mask))
            np.testing.assert_allclose(converted(x, mask=mask), want, rtol=0, atol=DEEP)
        assert np.abs(want - first).max() > 100 * ATOL
        with pytest.raises(ValueError, match=r"x: expected 4 sequences, .*; call reset_state\(\)"):
            converted(X[:2])
        converted.reset_state()
        np.testing.assert_array_equal(converted(X), first)
        converted.reset_state()
        converted(X[:2])


def test_an_initial_state_replaces_a_carried_one() -> None:
    layer = kl.GRU(3, stateful=True)
    layer.build((B, T, INPUTS))
    converted = gk.from_keras(drawn(layer))
    h = np.full((B, 3), 0.5, np.float32)
    for given in ({}, {"initial_state": h}, {}):
        want = keras.ops.convert_to_numpy(layer(X, **given))
        np.testing.assert_allclose(converted(X, **given), want, rtol=0, atol=DEEP)


def test_layers_shared_between_models(tmp_path: Path) -> None:
    """A live model is converted. A file has the shared weights only once, and Keras cannot load it either."""
    row = row_model()
    model = drawn(nested(row))
    converted = gk.from_keras(model)
    agree(model, converted, {"a": X}, DEEP)
    graph = next(layer for layer in model.layers if type(layer).__name__ == "Functional")
    gru = next(layer for layer in graph.layers if type(layer).__name__ == "GRU")
    inner = f"{row.name}.{row.layers[0].name}"
    assert sorted(gk.recurrent_layers(converted)) == sorted(
        [f"{graph.name}.{gru.name}", f"{graph.name}.{inner}", inner]
    )
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=rf"layer '{row.layers[0].name}': weights: expected arrays at layers/"):
        gk.load(tmp_path / "model.keras")


def two(layer: Any) -> Any:
    a, b = keras.Input((T, INPUTS)), keras.Input((T, INPUTS))
    return keras.Model([a, b], layer(a, b))


def inner_convolution() -> Any:
    inner = keras.Sequential([keras.Input((T, INPUTS)), kl.Conv1D(2, 2, name="wide")])
    return keras.Sequential([keras.Input((T, INPUTS)), inner])


REFUSED: list[tuple[Any, str]] = [
    (lambda: two(lambda a, b: kl.Dot(axes=-1, name="dot")([a, b])), "layer 'dot': expected one of .*, got Dot"),
    (lambda: two(lambda a, b: keras.ops.matmul(a, keras.ops.transpose(b, (0, 2, 1)))), "operation .*, got Transpose"),
    (lambda: two(lambda a, b: kl.GRU(2, name="gru")(a, training=True)), "layer 'gru': training: expected None or"),
    (inner_convolution, "layer 'wide': expected one of .*, got Conv1D"),
    (lambda: two(lambda a, b: kl.Attention(name="look")([a, b])), "layer 'look': expected one of .*, got Attention"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_what_cannot_be_converted_is_named(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gk.from_keras(make())


def rewire(config: Any, change: Any) -> None:
    """Change the input of the last layer that has one."""
    node = next(layer for layer in reversed(config["config"]["layers"]) if layer["inbound_nodes"])["inbound_nodes"][0]
    change(node["args"][0][0]["config"]["keras_history"])


BAD_WIRES: list[tuple[str, Any, str]] = [
    (
        "cycle",
        lambda wire: wire.__setitem__(0, "joined"),
        "expected each to read outputs of earlier layers, got a cycle",
    ),
    ("nobody", lambda wire: wire.__setitem__(0, "nobody"), "layer 'joined': expected inputs from layers .* 'nobody'"),
    ("another use", lambda wire: wire.__setitem__(1, 7), "layer 'joined': expected inputs from layers"),
    ("no number", lambda wire: wire.__setitem__(1, "x"), "expected|invalid"),
]


@pytest.mark.parametrize(("name", "change", "message"), BAD_WIRES, ids=[name for name, _, _ in BAD_WIRES])
def test_bad_graphs(name: str, change: Any, message: str, tmp_path: Path) -> None:
    two(lambda a, b: kl.Add(name="joined")([kl.GRU(2)(a), kl.GRU(2)(b)])).save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=message):
        gk.load(rewritten(tmp_path / "model.keras", config=lambda config: rewire(config, change)))


def test_an_output_that_a_layer_does_not_have(tmp_path: Path) -> None:
    two(lambda a, b: kl.Add(name="joined")([kl.GRU(2)(a), kl.GRU(2)(b)])).save(tmp_path / "model.keras")
    path = rewritten(
        tmp_path / "model.keras", config=lambda config: rewire(config, lambda wire: wire.__setitem__(2, 5))
    )
    with pytest.raises(ValueError, match="layer 'joined': expected outputs that layers have, got Tensor"):
        gk.load(path)([X, X])


def test_wrong_calls_are_explained() -> None:
    converted = gk.from_keras(shared())
    for x, message in (
        (X, "x: expected a list of 2 arrays, got ndarray"),
        ([X], "x: expected a list of 2 arrays, got a list of 1"),
        ({"a": X}, "x: expected keras_tensor.*|x: expected input_layer.*, got a"),
    ):
        with pytest.raises(ValueError, match=message):
            converted(x)
    with pytest.raises(ValueError, match=r"layer 'lstm.*': x: expected \(B, T, 3\)"):
        converted([X, X[..., :2]])
