"""ONNX's recurrent operators give the results of the onnx package's test cases and of ONNX Runtime."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tolerances import CELL, chain, unit

onnx = pytest.importorskip("onnx", reason="reads ONNX files, and the onnx package is not installed")
from onnx import helper, numpy_helper  # noqa: E402

import gatewise.onnx as go  # noqa: E402
from gatewise._core.activations import DEFAULTS  # noqa: E402
from gatewise.onnx import activations  # noqa: E402

Array = NDArray[Any]
T, B, INPUTS, H = 6, 4, 3, 5
GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}
DIRECTIONS = ["forward", "reverse", "bidirectional"]
ATOL = 2 * T * (chain(INPUTS + H) + CELL) * unit(np.float32)
"""Both libraries round; states below 1 pass each step's roundings on to the next."""


def own_cases() -> list[Any]:
    """The cases of recurrent operators in the onnx package's backend tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cases of other operators overflow on purpose
        from onnx.backend.test.case.node import collect_testcases

        cases = collect_testcases(None)
    return [case for case in cases if case.model.graph.node[0].op_type in GATES]


OWN_CASES = own_cases()


@pytest.mark.interop("ONNX", "the onnx package's test cases for recurrent operators", reads="rounding")
@pytest.mark.parametrize("case", OWN_CASES, ids=lambda case: case.name)
def test_the_cases_of_the_onnx_package(case: Any) -> None:
    model = go.load(case.model.SerializeToString())
    for inputs, outputs in case.data_sets:
        results = model.run(dict(zip(model.inputs, inputs, strict=True)))
        for got, want in zip(results.values(), outputs, strict=True):
            assert got.shape == want.shape
            assert got.dtype == want.dtype
            np.testing.assert_allclose(got, want, rtol=case.rtol, atol=case.atol)


def test_there_are_such_cases() -> None:
    assert {case.model.graph.node[0].op_type for case in OWN_CASES} == set(GATES)
    assert len(OWN_CASES) >= 18


class Drawn:
    """A model of one node with random weights and inputs."""

    def __init__(self, kind: str, direction: str = "forward", seed: int = 0, **attributes: Any) -> None:
        rng = np.random.default_rng(seed)
        self.kind, self.attributes = kind, {"hidden_size": H, "direction": direction, **attributes}
        D, G = 1 + (direction == "bidirectional"), GATES[kind]
        self.rows = (D, B, H)

        def draw(*shape: int) -> Array:
            return rng.uniform(-0.5, 0.5, shape).astype(np.float32)

        self.feeds: dict[str, Array] = {"X": draw(T, B, INPUTS)}
        self.weights = {"W": draw(D, G * H, INPUTS), "R": draw(D, G * H, H), "B": draw(D, 2 * G * H)}
        self.optional = {"sequence_lens": np.array([T, 3, 1, 4], np.int32), "initial_h": draw(D, B, H)}
        if kind == "LSTM":
            self.optional |= {"initial_c": draw(D, B, H), "P": draw(D, 3 * H)}

    def model(self, *names: str, constant: bool = True) -> bytes:
        """The file with these optional inputs. Weights are initializers or inputs."""
        order = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"]
        arrays = {**self.weights, **{name: self.optional[name] for name in names}}
        fed = {name: array for name, array in arrays.items() if not constant or name not in ("W", "R", "B", "P")}
        self.feeds = {"X": self.feeds["X"], **fed}
        given = [name if name in arrays or name == "X" else "" for name in order]
        while not given[-1]:
            given.pop()
        element = helper.np_dtype_to_tensor_dtype(self.feeds["X"].dtype)
        outputs = ["Y", "Y_h", "Y_c"][: 2 + (self.kind == "LSTM")]
        node = helper.make_node(self.kind, given, outputs, name="the_node", **self.attributes)

        def value(name: str, array: Array) -> Any:
            return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)

        graph = helper.make_graph(
            [node],
            "test",
            [value(name, array) for name, array in self.feeds.items()],
            [helper.make_tensor_value_info(name, element, [None] * (4 - (name != "Y"))) for name in outputs],
            [numpy_helper.from_array(array, name) for name, array in arrays.items() if name not in self.feeds],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
        return bytes(model.SerializeToString())


def close_to_runtime(file: bytes, feeds: dict[str, Array]) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime, which is not installed")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    want = runtime.InferenceSession(file, options).run(None, feeds)
    got = go.load(file).run(feeds)
    for value, other in zip(got.values(), want, strict=True):
        assert value.shape == other.shape
        np.testing.assert_allclose(value, other, rtol=0, atol=ATOL)


@pytest.mark.interop("ONNX", "RNN, LSTM, GRU: directions, sequence_lens, initial states", reads="rounding")
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("names", [(), ("sequence_lens",), ("initial_h",), ("sequence_lens", "initial_h")], ids=str)
@pytest.mark.parametrize("kind", GATES)
def test_onnx_runtime_agrees(kind: str, names: tuple[str, ...], direction: str) -> None:
    drawn = Drawn(kind, direction)
    close_to_runtime(drawn.model(*names), drawn.feeds)


@pytest.mark.interop("ONNX", "peepholes, initial_c", reads="rounding")
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("names", [("P",), ("sequence_lens", "initial_h", "initial_c", "P"), ("initial_c",)], ids=str)
def test_onnx_runtime_agrees_on_peepholes_and_c(names: tuple[str, ...], direction: str) -> None:
    drawn = Drawn("LSTM", direction)
    close_to_runtime(drawn.model(*names), drawn.feeds)


@pytest.mark.interop("ONNX", "linear_before_reset 0 and 1", reads="rounding")
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_onnx_runtime_agrees_on_linear_before_reset(direction: str) -> None:
    drawn = Drawn("GRU", direction, linear_before_reset=1)
    close_to_runtime(drawn.model("sequence_lens", "initial_h"), drawn.feeds)


SETS: dict[str, list[tuple[list[str], list[float], list[float]]]] = {
    "RNN": [(["Affine"], [0.5], [0.1]), (["LeakyRelu"], [], [])],
    "LSTM": [
        (["HardSigmoid", "Elu", "Softsign"], [0.3, 0.7], [0.4]),
        (["Sigmoid", "ScaledTanh", "Relu"], [0.9], [0.8]),
    ],
    "GRU": [(["HardSigmoid", "Softplus"], [0.3], [0.4]), (["Sigmoid", "ThresholdedRelu"], [0.2], [])],
}
"""Activations, alphas and betas of the first and of the second direction."""


@pytest.mark.interop("ONNX", "activation lists with alpha and beta", reads="rounding")
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("kind", GATES)
def test_onnx_runtime_agrees_on_activations(kind: str, direction: str) -> None:
    """Each direction has its own activations; one with parameters takes the next alpha and beta."""
    sets = SETS[kind] if direction == "bidirectional" else SETS[kind][:1]
    names, alphas, betas = ([value for part in sets for value in part[i]] for i in range(3))
    lists = {"activations": names, "activation_alpha": alphas, "activation_beta": betas}
    drawn = Drawn(kind, direction, **{name: value for name, value in lists.items() if value})
    close_to_runtime(drawn.model("sequence_lens", "initial_h"), drawn.feeds)


# For the first three, ONNX Runtime has the operator set's defaults; the last has those of the operators' schemas.
SHORT: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "LSTM",
        {"activations": ["HardSigmoid", "LeakyRelu", "Elu"], "activation_alpha": [0.3]},
        {"activation_alpha": [0.3, 0.01, 1.0], "activation_beta": [0.5]},
    ),
    ("GRU", {"activations": ["HardSigmoid", "Tanh"]}, {"activation_alpha": [0.2], "activation_beta": [0.5]}),
    ("RNN", {"activations": ["LeakyRelu"]}, {"activation_alpha": [0.01]}),
    ("RNN", {"activations": ["ThresholdedRelu"]}, {"activation_alpha": [1.0]}),
]


@pytest.mark.parametrize(("kind", "lists", "rest"), SHORT, ids=[f"{kind}-{lists}" for kind, lists, _ in SHORT])
def test_lists_that_end_early(kind: str, lists: dict[str, Any], rest: dict[str, Any]) -> None:
    """The defaults are those of the operators with these names; ONNX Runtime takes 0 for ThresholdedRelu."""
    short, whole = Drawn(kind, **lists), Drawn(kind, **{**lists, **rest})
    short.weights["B"] *= 4  # so that some pre-activations pass the threshold of 1
    whole.weights["B"] *= 4
    got, want = (go.load(one.model()).run(one.feeds) for one in (short, whole))
    for value, other in zip(got.values(), want.values(), strict=True):
        np.testing.assert_array_equal(value, other)
    assert np.abs(got["Y"]).max() > 0
    for name in lists["activations"]:
        schema = onnx.defs.get_schema(name, 22)
        defaults = {key: attribute.default_value.f for key, attribute in schema.attributes.items()}
        assert DEFAULTS[activations.NAMES[name]] == pytest.approx(tuple(defaults[key] for key in sorted(defaults)))
    close_to_runtime(whole.model(), whole.feeds)
    if lists["activations"] != ["ThresholdedRelu"]:
        close_to_runtime(short.model(), short.feeds)


@pytest.mark.interop("ONNX", "clip", reads="rounding")
@pytest.mark.parametrize("kind", GATES)
def test_onnx_runtime_agrees_on_clip(kind: str) -> None:
    drawn = Drawn(kind, "bidirectional", clip=0.2)
    close_to_runtime(drawn.model("initial_h"), drawn.feeds)


@pytest.mark.interop("ONNX", "input_forget", reads="rounding")
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_onnx_runtime_agrees_on_input_forget(direction: str) -> None:
    drawn = Drawn("LSTM", direction, input_forget=1)
    close_to_runtime(drawn.model("sequence_lens", "initial_h", "initial_c", "P"), drawn.feeds)


@pytest.mark.interop("ONNX", "layout 1", reads="exact")
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("kind", GATES)
def test_layout_1_is_layout_0_with_the_batch_first(kind: str, direction: str) -> None:
    drawn, other = Drawn(kind, direction), Drawn(kind, direction, layout=1)
    names = ("sequence_lens", "initial_h")
    want = go.load(drawn.model(*names)).run(drawn.feeds)
    other.optional["initial_h"] = other.optional["initial_h"].swapaxes(0, 1)
    other.feeds["X"] = other.feeds["X"].swapaxes(0, 1)
    results = go.load(other.model(*names)).run(other.feeds)
    np.testing.assert_array_equal(results["Y"], want["Y"].transpose(2, 0, 1, 3))
    for name in ("Y_h", "Y_c")[: len(want) - 1]:
        np.testing.assert_array_equal(results[name], want[name].swapaxes(0, 1))


@pytest.mark.interop("ONNX", "weights computed in the graph or given as inputs", reads="exact")
@pytest.mark.parametrize("kind", GATES)
def test_weights_may_be_inputs(kind: str) -> None:
    """Weights that are inputs are read in each run."""
    first, second = Drawn(kind), Drawn(kind, seed=1)
    names = ("P",) if kind == "LSTM" else ()
    model = go.load(first.model(*names, constant=False))
    for drawn in (first, second, first):
        want = go.load(drawn.model(*names)).run({"X": drawn.feeds["X"]})
        drawn.model(*names, constant=False)
        got = model.run(drawn.feeds)
        for name, value in want.items():
            np.testing.assert_array_equal(got[name], value)


@pytest.mark.parametrize("kind", GATES)
def test_changed_weights_are_seen(kind: str) -> None:
    """A node compares the weights with a copy of the last call's, so it notices what the caller writes into them."""
    drawn = Drawn(kind)
    model = go.load(drawn.model(constant=False))
    model.run(drawn.feeds)
    for name in ("W", "R", "B"):
        drawn.feeds[name] *= np.float32(0.5)
    want = go.load(drawn.model(constant=False)).run(drawn.feeds)
    got = model.run(drawn.feeds)
    for name, value in want.items():
        np.testing.assert_array_equal(got[name], value)


def test_float64_is_computed_in_float64() -> None:
    drawn = Drawn("LSTM")
    for arrays in (drawn.weights, drawn.feeds):
        arrays.update({name: array.astype(np.float64) for name, array in arrays.items()})
    precise = go.load(drawn.model("sequence_lens")).run(drawn.feeds)["Y"]
    assert precise.dtype == np.float64
    single = Drawn("LSTM")
    got = go.load(single.model("sequence_lens")).run(single.feeds)["Y"]
    np.testing.assert_allclose(precise, got, rtol=0, atol=ATOL)


BAD_ATTRIBUTES: list[tuple[str, dict[str, Any], str]] = [
    ("LSTM", {"direction": "sideways"}, "direction: expected one of forward, reverse, bidirectional, got 'sideways'"),
    ("LSTM", {"layout": 2}, "layout: expected 0 or 1, got 2"),
    ("LSTM", {"hidden_size": 7}, r"'the_node' \(LSTM\): hidden_size: expected 5, as R has it, got 7"),
    ("GRU", {"activations": ["Tanh"]}, "activations: expected 2 for each of 1 directions, got 1"),
    ("RNN", {"activations": ["Swish"]}, "activations: expected one of Affine, .* got 'Swish'"),
]


@pytest.mark.parametrize(("kind", "attributes", "message"), BAD_ATTRIBUTES, ids=[m for _, _, m in BAD_ATTRIBUTES])
def test_a_wrong_attribute_is_named(kind: str, attributes: dict[str, Any], message: str) -> None:
    drawn = Drawn(kind, **attributes)
    with pytest.raises(ValueError, match=message):
        go.load(drawn.model()).run(drawn.feeds)


BAD_SHAPES: list[tuple[str, Any, str]] = [
    ("W", np.zeros((1, 20, 3, 1), np.float32), "W"),
    ("W", np.zeros((2, 20, 3), np.float32), "W"),
    ("R", np.zeros((1, 19, 5), np.float32), "R"),
    ("B", np.zeros((1, 39), np.float32), "B"),
    ("P", np.zeros((1, 14), np.float32), "P"),
    ("W", np.full((1, 20, 3), np.nan, np.float32), "W: expected finite weights"),
    ("sequence_lens", np.zeros(3, np.int32), "sequence_lens"),
    ("sequence_lens", np.array([9, 1, 1, 1], np.int32), "lengths"),
    ("initial_h", np.zeros((1, 4, 6), np.float32), "initial_h"),
]


@pytest.mark.parametrize(("name", "value", "message"), BAD_SHAPES, ids=[f"{n}-{v.shape}" for n, v, _ in BAD_SHAPES])
def test_a_wrong_input_is_named(name: str, value: Array, message: str) -> None:
    drawn = Drawn("LSTM")
    (drawn.weights if name in drawn.weights else drawn.optional)[name] = value
    with pytest.raises(ValueError, match=message):
        go.load(drawn.model(*([name] if name in drawn.optional else []))).run(drawn.feeds)
