"""The operators that gatewise runs, and an upper bound of the size of the results of each before it runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from onnx import NodeProto

from .weights import GATES

ELEMENTWISE = {
    *("Abs", "Add", "And", "Cast", "CastLike", "Ceil", "Clip", "Cos", "Div", "Dropout", "Elu", "Equal", "Erf", "Exp"),
    *("Floor", "Gelu", "Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Less"),
    *("LessOrEqual", "Log", "Max", "Mean", "Min", "Mod", "Mul", "Neg", "Not", "Or", "PRelu", "Pow", "Reciprocal"),
    *("Relu", "Round", "Selu", "Sigmoid", "Sign", "Sin", "Softplus", "Softsign", "Sqrt", "Sub", "Sum", "Tanh"),
    *("ThresholdedRelu", "Where", "Xor"),
}
"""Operators whose results have the shape to which the inputs broadcast."""
NO_LARGER = {
    *("ArgMax", "ArgMin", "BatchNormalization", "CumSum", "Flatten", "LayerNormalization", "LogSoftmax", "ReduceMax"),
    *("ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Reshape", "ReverseSequence", "Shape", "Size", "Slice"),
    *("Softmax", "Split", "Squeeze", "Transpose", "Unsqueeze"),
    "Constant",  # without inputs; its value is in the file
}
"""Operators whose results have at most 64 numbers more than the first input; the 64 are for Shape and Size."""


def result_size(node: NodeProto, inputs: Sequence[Any]) -> int:
    """An upper bound of how many numbers a node's results have. The operator itself reports inputs that do not fit."""
    return SIZES[node.op_type](node, [None if value is None else np.asarray(value) for value in inputs])


def _elementwise(node: NodeProto, inputs: list[Any]) -> int:
    return _broadcast(*(array.shape for array in inputs if array is not None))


def _no_larger(node: NodeProto, inputs: list[Any]) -> int:
    return max((array.size for array in inputs[:1]), default=0) + 64


def _recurrent(node: NodeProto, inputs: list[Any]) -> int:
    X, _, R = (_padded(array.shape, 3) for array in inputs[:3])
    (first, second, _), (directions, _, hidden) = X, R
    return directions * hidden * (first * second + 2 * max(first, second))


def _gather(node: NodeProto, inputs: list[Any]) -> int:
    data, indices = (array.shape for array in inputs)
    return math.prod((*np.delete(data or (1,), _integer(node, "axis")).tolist(), *indices))


def _gather_nd(node: NodeProto, inputs: list[Any]) -> int:
    data, indices = inputs[0].shape, inputs[1].shape or (0,)
    return math.prod((*indices[:-1], *data[_integer(node, "batch_dims") + indices[-1] :]))


def _pad(node: NodeProto, inputs: list[Any]) -> int:
    data, pads, *_ = inputs
    axes = range(data.ndim) if len(inputs) < 4 or inputs[3] is None else [int(axis) for axis in inputs[3].ravel()]
    added = [max(0, int(size)) for size in pads.ravel()]
    sizes, half = list(data.shape), len(added) // 2
    for axis, before, after in zip(axes, added[:half], added[half:], strict=False):
        if -data.ndim <= axis < data.ndim:
            sizes[axis] += before + after
    return math.prod(sizes)


def _range(node: NodeProto, inputs: list[Any]) -> int:
    start, limit, step = (float(array) for array in inputs)
    return max(0, math.ceil((limit - start) / step)) if step else 0


def _matmul(node: NodeProto, inputs: list[Any]) -> int:
    a, b = (_padded(array.shape, 2) for array in inputs)
    return math.prod((_broadcast(a[:-2], b[:-2]), a[-2], b[-1]))


def _gemm(node: NodeProto, inputs: list[Any]) -> int:
    a, b = (_padded(array.shape, 2) for array in inputs[:2])
    return a[1 if _integer(node, "transA") else 0] * b[0 if _integer(node, "transB") else 1]


def _integer(node: NodeProto, name: str) -> int:
    """An integer attribute whose default is 0."""
    return next((int(attribute.i) for attribute in node.attribute if attribute.name == name), 0)


def _broadcast(*shapes: tuple[int, ...]) -> int:
    """How many numbers there are in the shape to which these shapes broadcast."""
    aligned = itertools.zip_longest(*(shape[::-1] for shape in shapes), fillvalue=1)
    return math.prod(0 if 0 in sizes else max(sizes) for sizes in aligned)


def _padded(shape: tuple[int, ...], axes: int) -> tuple[int, ...]:
    """The shape with axes of size 1 in front, so that it has at least this many axes."""
    return (1,) * (axes - len(shape)) + shape


def _sizes(array: Any) -> tuple[int, ...]:
    """An array of sizes as Python integers, which do not overflow."""
    return tuple(abs(int(size)) for size in array.ravel())


SIZES: dict[str, Callable[[NodeProto, list[Any]], int]] = {
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    **dict.fromkeys(NO_LARGER, _no_larger),
    **dict.fromkeys(GATES, _recurrent),
    "Concat": lambda node, inputs: sum(array.size for array in inputs),
    "ConstantOfShape": lambda node, inputs: math.prod(_sizes(inputs[0])),
    "Expand": lambda node, inputs: _broadcast(inputs[0].shape, _sizes(inputs[1])),
    "Gather": _gather,
    "GatherElements": lambda node, inputs: int(inputs[1].size),
    "GatherND": _gather_nd,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Pad": _pad,
    "Range": _range,
    "Tile": lambda node, inputs: math.prod((*inputs[0].shape, *_sizes(inputs[1]))),
}
"""Every operator that gatewise runs, to the function of (node, inputs) that bounds the size of its results."""
