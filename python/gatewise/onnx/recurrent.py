"""ONNX's RNN, LSTM and GRU, run by gatewise's layers; what the onnx package's evaluator takes instead of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper
from onnx.reference.op_run import OpRun

import gatewise as gw

from . import activations
from .gates import ACTIVATIONS, GATES, to_ours

Array = NDArray[Any]
DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}
USUAL = {"RNN": ["Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"]}
KNOWN = {
    *("activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size"),
    *("input_forget", "layout", "linear_before_reset", "output_sequence"),
}


@dataclass(frozen=True)
class Operator:
    """What a node's attributes say, checked: a layer's options for each direction, direction and layout."""

    kind: str
    direction: str
    batch_first: bool
    hidden_size: int | None
    options: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, node: NodeProto) -> Operator:
        """Read a node's attributes; a ValueError names the one that is not as the operator set says."""
        kind = node.op_type
        given = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        for name in given:
            if name not in KNOWN:
                raise ValueError(f"{name}: expected an attribute of {kind}, got one that gatewise does not know")
        direction = given.get("direction", b"forward").decode()
        if direction not in DIRECTIONS:
            raise ValueError(f"direction: expected one of {', '.join(DIRECTIONS)}, got {direction!r}")
        layout = given.get("layout", 0)
        if layout not in (0, 1):
            raise ValueError(f"layout: expected 0 or 1, got {layout}")
        options: dict[str, Any] = {}
        if given.get("clip", 0.0) != 0.0:
            options["clip"] = float(given["clip"])
        if kind == "LSTM" and given.get("input_forget", 0):
            options["input_forget"] = True
        if kind == "GRU":
            options["reset_after"] = bool(given.get("linear_before_reset", 0))
        sets = _activations(kind, DIRECTIONS[direction], given)
        name = "nonlinearity" if kind == "RNN" else "activations"
        each = tuple({**options, name: one[0] if kind == "RNN" else tuple(one)} for one in sets)
        return cls(kind, direction, layout == 1, given.get("hidden_size"), each)


def _activations(kind: str, directions: int, given: dict[str, Any]) -> list[list[Any]]:
    """The activations of each direction."""
    count = ACTIVATIONS[kind]
    names = [name.decode() for name in given.get("activations", [])]
    if not names:
        names = USUAL[kind] * directions
    elif kind == "RNN" and directions == 1:
        names = names[:1]  # the operator's own default is one for each of two directions
    if len(names) != count * directions:
        raise ValueError(f"activations: expected {count} for each of {directions} directions, got {len(names)}")
    found = activations.read(names, given.get("activation_alpha", []), given.get("activation_beta", []))
    return [found[count * d : count * (d + 1)] for d in range(directions)]


class Recurrent(OpRun):
    """One node. Its layers are made when its weights are first seen, and again when others come."""

    op_domain = ""

    def __init__(self, onnx_node: NodeProto, run_params: dict[str, Any]) -> None:
        super().__init__(onnx_node, run_params)
        self._operator = Operator.of(onnx_node)
        self._held: tuple[tuple[Any, ...], list[Any]] = ((), [])

    def _run(
        self,
        X: Array,
        W: Array,
        R: Array,
        B: Array | None = None,
        sequence_lens: Array | None = None,
        initial_h: Array | None = None,
        initial_c: Array | None = None,
        P: Array | None = None,
        **attributes: Any,
    ) -> tuple[Array, ...]:
        operator = self._operator
        layers = self._layers((W, R, B, P))
        if X.dtype != layers[0].dtype or X.ndim != 3 or X.shape[2] != layers[0].input_size:
            expected = f"three axes, the last of {layers[0].input_size}, in {layers[0].dtype}"
            raise ValueError(f"X: expected {expected}, got {X.shape} in {X.dtype}")
        x = X.swapaxes(0, 1) if operator.batch_first else X
        shape = (len(layers), x.shape[1], layers[0].hidden_size)
        halves = [
            _state(name, half, shape, operator.batch_first)
            for name, half in (("initial_h", initial_h), ("initial_c", initial_c))
        ]
        if sequence_lens is not None and sequence_lens.shape != (x.shape[1],):
            raise ValueError(f"sequence_lens: expected {(x.shape[1],)}, got {sequence_lens.shape}")
        outputs, finals = [], []
        for d, layer in enumerate(layers):
            backward = operator.direction == "reverse" or d == 1
            h, c = (None if half is None else half[d : d + 1] for half in halves)
            given = _reversed(x, sequence_lens) if backward else x
            y, final = layer(given, (h, c) if operator.kind == "LSTM" else h, lengths=sequence_lens)
            outputs.append(_reversed(y, sequence_lens) if backward else y)
            finals.append(final if operator.kind == "LSTM" else (final,))
        Y = np.stack(outputs, 1)  # [T, D, B, H]
        states = [np.concatenate(parts) for parts in zip(*finals, strict=True)]  # [D, B, H]
        if operator.batch_first:
            Y, states = Y.transpose(2, 0, 1, 3), [state.swapaxes(0, 1) for state in states]
        return (Y, *states)[: max(1, len(self.onnx_node.output))]

    def _layers(self, weights: tuple[Array | None, ...]) -> list[Any]:
        """A layer for each direction with these weights, which are mostly those of the call before."""
        known, layers = self._held
        if len(known) != len(weights) or not all(a is b or _equal(a, b) for a, b in zip(known, weights, strict=True)):
            layers = make_layers(self._operator, *weights)
            self._held = (weights, layers)
        return layers


def _equal(a: Array | None, b: Array | None) -> bool:
    return a is not None and b is not None and np.array_equal(a, b)


def _state(name: str, half: Array | None, shape: tuple[int, ...], batch_first: bool) -> Array | None:
    """h or c as [D, B, H]."""
    if half is None:
        return None
    wanted = (shape[1], shape[0], shape[2]) if batch_first else shape
    if half.shape != wanted:
        raise ValueError(f"{name}: expected {wanted}, got {half.shape}")
    return half.swapaxes(0, 1) if batch_first else half


def make_layers(operator: Operator, W: Any, R: Any, B: Any, P: Any) -> list[Any]:
    """Check the weights' sizes against each other before anything is made of them."""
    kind, directions = operator.kind, DIRECTIONS[operator.direction]
    if R.ndim != 3 or W.ndim != 3:
        raise ValueError(f"W, R: expected three axes each, got {W.shape} and {R.shape}")
    H, rows = R.shape[2], len(GATES[kind]) * R.shape[2]
    if operator.hidden_size not in (None, H):
        raise ValueError(f"hidden_size: expected {H}, as R has it, got {operator.hidden_size}")
    expected = {"W": (directions, rows, W.shape[2]), "R": (directions, rows, H), "B": (directions, 2 * rows)}
    expected["P"] = (directions, 3 * H)
    for name, array in (("W", W), ("R", R), ("B", B), ("P", P)):
        if array is None:
            continue
        if array.shape != expected[name]:
            raise ValueError(f"{name}: expected {expected[name]}, got {array.shape}")
        if array.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise ValueError(f"{name}: expected float32 or float64, got {array.dtype}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: expected finite weights, got others")
    layers = []
    for d, options in enumerate(operator.options):
        if P is not None:
            options = {**options, "peephole": True}
        layer = getattr(gw, kind)(W.shape[2], H, bias=B is not None, dtype=R.dtype, **options)
        layer.load_state_dict(to_ours(kind, W[d], R[d], None if B is None else B[d], None if P is None else P[d]))
        layers.append(layer)
    return layers


def _reversed(x: Array, lengths: Array | None) -> Array:
    """The steps of each sequence in reverse, those behind its end left where they are; x (T, B, features)."""
    if lengths is None:
        return x[::-1]
    steps = np.arange(len(x))[:, None]
    order = np.where(steps < lengths, lengths - 1 - steps, steps)
    return np.take_along_axis(x, order[:, :, None], 0)


class RNN(Recurrent):
    """The evaluator finds operators by their class's name."""


class LSTM(Recurrent):
    """The evaluator finds operators by their class's name."""


class GRU(Recurrent):
    """The evaluator finds operators by their class's name."""
