"""The operators that gatewise runs, and how large the results of each are, which is known before it runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
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
}
"""Operators whose results are no larger than the first input, or than 64 numbers (Shape, Size)."""
SUPPORTED = {
    *ELEMENTWISE,
    *NO_LARGER,
    *GATES,
    *("Concat", "Constant", "ConstantOfShape", "Expand", "Gather", "GatherElements", "GatherND", "Gemm", "MatMul"),
    *("Pad", "Range", "Tile"),
}


def result_size(node: NodeProto, inputs: Sequence[Any]) -> int:
    """An upper bound of how many numbers a node's results have. The operator itself reports inputs that do not fit."""
    operator = node.op_type
    arrays = [np.asarray(value) for value in inputs if value is not None]
    shapes = [array.shape for array in arrays]
    if operator in ELEMENTWISE:
        return _broadcast(*shapes)
    if operator in GATES:
        (first, second, _), (directions, _, hidden) = _padded(shapes[0], 3), _padded(shapes[2], 3)
        return directions * hidden * (first * second + 2 * max(first, second))
    if operator == "Concat":
        return sum(array.size for array in arrays)
    if operator == "ConstantOfShape":
        return math.prod(_sizes(arrays[0]))
    if operator == "Expand":
        return _broadcast(shapes[0], _sizes(arrays[1]))
    if operator == "Tile":
        return math.prod((*shapes[0], *_sizes(arrays[1])))
    if operator == "Gather":
        axis = _integer(node, "axis")
        return math.prod((*np.delete(shapes[0] or (1,), axis).tolist(), *shapes[1]))
    if operator == "GatherElements":
        return arrays[1].size
    if operator == "GatherND":
        places = shapes[1] or (0,)
        return math.prod((*places[:-1], *shapes[0][_integer(node, "batch_dims") + places[-1] :]))
    if operator == "Pad":
        return math.prod(_padded_sizes(shapes[0], inputs))
    if operator == "Range":
        start, limit, step = (float(array) for array in arrays)
        return max(0, math.ceil((limit - start) / step)) if step else 0
    if operator == "MatMul":
        a, b = (_padded(shape, 2) for shape in shapes)
        return math.prod((_broadcast(a[:-2], b[:-2]), a[-2], b[-1]))
    if operator == "Gemm":
        a, b = (_padded(shape, 2) for shape in shapes[:2])
        rows, columns = a[1 if _integer(node, "transA") else 0], b[0 if _integer(node, "transB") else 1]
        return rows * columns
    return max((array.size for array in arrays[:1]), default=0) + 64


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


def _padded_sizes(shape: tuple[int, ...], inputs: Sequence[Any]) -> list[int]:
    """An upper bound of the shape that Pad returns. `inputs` are data, pads, value and optionally axes."""
    pads = [max(0, int(size)) for size in np.ravel(inputs[1])]
    axes = range(len(shape)) if len(inputs) < 4 or inputs[3] is None else [int(axis) for axis in np.ravel(inputs[3])]
    sizes, half = list(shape), len(pads) // 2
    for axis, before, after in zip(axes, pads[:half], pads[half:], strict=False):
        if -len(shape) <= axis < len(shape):
            sizes[axis] += before + after
    return sizes


def _sizes(array: Any) -> tuple[int, ...]:
    """An array of sizes as Python integers, which do not overflow."""
    return tuple(abs(int(size)) for size in array.ravel())
