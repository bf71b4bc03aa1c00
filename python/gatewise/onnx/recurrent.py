"""ONNX's RNN, LSTM and GRU operators for the onnx package's evaluator, computed by gatewise's layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import NodeProto
from onnx.reference.op_run import OpRun

from .._core.state import join, parts
from ..layers import KINDS, LAYERS
from . import attributes
from .attributes import FORWARD, REVERSE, OperatorAttributes
from .weights import GATES, Array, OperatorWeights, to_parameters


class RecurrentOperator(OpRun):
    """One node. It keeps its layers from call to call and makes new ones when the weights change."""

    op_domain = ""

    def __init__(self, onnx_node: NodeProto, run_params: dict[str, Any]) -> None:
        super().__init__(onnx_node, run_params)
        self._attributes = attributes.read(onnx_node)
        self._cached: tuple[OperatorWeights, list[Any]] | None = None

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
        **ignored: Any,
    ) -> tuple[Array, ...]:
        """Y and the final states; the evaluator repeats the node's attributes in `ignored`."""
        batch_first = self._attributes.batch_first
        layers = self._layers(OperatorWeights(W, R, B, P))
        if X.dtype != layers[0].dtype or X.ndim != 3 or X.shape[2] != layers[0].input_size:
            expected = f"three axes, the last of {layers[0].input_size}, in {layers[0].dtype}"
            raise ValueError(f"X: expected {expected}, got {X.shape} in {X.dtype}")
        x = X.swapaxes(0, 1) if batch_first else X
        if sequence_lens is not None and sequence_lens.shape != (x.shape[1],):
            raise ValueError(f"sequence_lens: expected {(x.shape[1],)}, got {sequence_lens.shape}")
        shape = (len(layers), x.shape[1], layers[0].hidden_size)
        initial = [
            _time_first(f"initial_{name}", given, shape, batch_first)
            for name, given in zip(layers[0].kind.states, (initial_h, initial_c), strict=False)
        ]
        outputs, finals = [], []
        for d, layer in enumerate(layers):
            backward = self._attributes.direction == REVERSE or d == 1
            state: Any = join([None if array is None else array[d : d + 1] for array in initial])
            y, final = layer(_reversed(x, sequence_lens) if backward else x, state, lengths=sequence_lens)
            outputs.append(_reversed(y, sequence_lens) if backward else y)
            finals.append(parts(final))
        Y = np.stack(outputs, 1)  # [T, D, B, H]
        states = [np.concatenate(arrays) for arrays in zip(*finals, strict=True)]  # [D, B, H]
        if batch_first:
            Y, states = Y.transpose(2, 0, 1, 3), [array.swapaxes(0, 1) for array in states]
        return (Y, *states)[: max(1, len(self.onnx_node.output))]

    def _layers(self, weights: OperatorWeights) -> list[Any]:
        """A unidirectional layer for each direction. Most calls have the weights of the previous call."""
        cached = self._cached  # read once: other threads may replace it
        if cached is None or not _equal(cached[0], weights):
            cached = self._cached = weights, make_layers(self._attributes, weights)
        return cached[1]


OPERATORS = [type(name, (RecurrentOperator,), {}) for name in GATES]
"""A class for each operator. The evaluator finds an operator by the name of its class."""


def make_layers(attributes: OperatorAttributes, weights: OperatorWeights) -> list[Any]:
    """A unidirectional layer for each direction of an operator; the caller reverses the sequences."""
    check_weights(attributes, weights)
    return [_layer(attributes.kind, weights.direction(d), **options) for d, options in enumerate(attributes.options)]


def make_layer(attributes: OperatorAttributes, weights: OperatorWeights) -> Any:
    """One layer that computes what the operator computes, with one or two directions."""
    check_weights(attributes, weights)
    if attributes.direction == REVERSE:
        raise ValueError(
            f"direction: expected {FORWARD} or bidirectional, since no gatewise layer runs in reverse only"
        )
    first, *others = attributes.options
    if any(options != first for options in others):
        raise ValueError(
            "activations: expected the same for both directions, since a gatewise layer has one list for both"
        )
    return _layer(attributes.kind, weights, bidirectional=attributes.directions == 2, **first)


def _layer(kind: str, weights: OperatorWeights, **options: Any) -> Any:
    if weights.P is not None:
        options["peephole"] = True
    bias, dtype = weights.B is not None, weights.R.dtype
    layer = LAYERS[kind](weights.W.shape[2], weights.R.shape[2], bias=bias, dtype=dtype, **options)
    layer.load_state_dict(to_parameters(kind, weights))
    return layer


def check_weights(attributes: OperatorAttributes, weights: OperatorWeights) -> None:
    """Raise a ValueError unless the weights fit the attributes and each other and are finite."""
    W, R = weights.W, weights.R
    if R.ndim != 3 or W.ndim != 3:
        raise ValueError(f"W, R: expected three axes each, got {W.shape} and {R.shape}")
    D, H = attributes.directions, R.shape[2]
    rows = len(KINDS[attributes.kind].gates) * H
    if attributes.hidden_size not in (None, H):
        raise ValueError(f"hidden_size: expected {H}, as R has it, got {attributes.hidden_size}")
    expected = {"W": (D, rows, W.shape[2]), "R": (D, rows, H), "B": (D, 2 * rows), "P": (D, 3 * H)}
    for name, array in weights._asdict().items():
        if array is None:
            continue
        if array.shape != expected[name]:
            raise ValueError(f"{name}: expected {expected[name]}, got {array.shape}")
        if array.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise ValueError(f"{name}: expected float32 or float64, got {array.dtype}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: expected finite weights, got NaN or infinity")


def _equal(a: OperatorWeights, b: OperatorWeights) -> bool:
    return all(
        one is other or (one is not None and other is not None and np.array_equal(one, other))
        for one, other in zip(a, b, strict=True)
    )


def _time_first(name: str, state: Array | None, shape: tuple[int, ...], batch_first: bool) -> Array | None:
    """An initial state as [D, B, H], which is `shape`; None stays None."""
    if state is None:
        return None
    expected = (shape[1], shape[0], shape[2]) if batch_first else shape
    if state.shape != expected:
        raise ValueError(f"{name}: expected {expected}, got {state.shape}")
    return state.swapaxes(0, 1) if batch_first else state


def _reversed(x: Array, lengths: Array | None) -> Array:
    """The steps of each sequence in reverse order; steps after its end stay in place. x is (T, B, features)."""
    if lengths is None:
        return x[::-1]
    steps = np.arange(len(x))[:, None]
    order = np.where(steps < lengths, lengths - 1 - steps, steps)
    return np.take_along_axis(x, order[:, :, None], 0)
