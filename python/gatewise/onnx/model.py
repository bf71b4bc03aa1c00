"""ONNX models that run: recurrent operators in gatewise's core, the others as the onnx package defines them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import ModelProto, ValueInfoProto, helper
from onnx.reference import ReferenceEvaluator

from .operators import result_size
from .reading import read
from .recurrent import GRU, LSTM, RNN

LARGEST = 2**32
"""Bytes that the results of a call may take together."""


class Value(NamedTuple):
    """What goes into a model or comes out: a dtype, and sizes, of which some have only a name, or none (None)."""

    dtype: np.dtype[Any]
    shape: tuple[int | str | None, ...] | None


class Model:
    """A loaded ONNX model; any number of threads may run it.

    inputs : name to `Value` of what `run` takes.
    optional : name to `Value` of what it takes besides, and has a value for if it is not given.
    outputs : name to `Value` of what it returns.
    """

    def __init__(self, proto: ModelProto) -> None:
        graph = proto.graph
        constants = {tensor.name for tensor in graph.initializer}
        self.inputs = {value.name: _value(value) for value in graph.input if value.name not in constants}
        self.optional = {value.name: _value(value) for value in graph.input if value.name in constants}
        self.outputs = {value.name: _value(value) for value in graph.output}
        self._evaluator = ReferenceEvaluator(proto, new_ops=[RNN, LSTM, GRU])
        self._last_uses = _last_uses(proto)

    def run(self, feeds: Mapping[str, ArrayLike]) -> dict[str, NDArray[Any]]:
        """Compute all outputs.

        Parameters
        ----------
        feeds : name to array, for every input and, at will, optional ones; converted where NumPy's ``same_kind``
            casting allows.

        Returns
        -------
        outputs : name to array, new ones.

        Raises
        ------
        ValueError, TypeError : names, shapes or dtypes are not those of `inputs`; a node does not compute, which is
            named. MemoryError : the results would take more than 4 GiB.
        """
        results: dict[str, Any] = {"": None, **self._evaluator.rt_inits_, **self._feeds(feeds)}
        taken = 0
        for node, names in zip(self._evaluator.rt_nodes_, self._last_uses, strict=True):
            inputs = [results[name] for name in node.input]
            where = f"node {node.onnx_node.name or node.output[0]!r} ({node.op_type})"
            # 8 bytes a number: what is not known before is at most that wide.
            guess = 8 * result_size(node.onnx_node, inputs)
            taken += guess
            if taken > LARGEST:
                raise MemoryError(f"{where}: expected results of at most {LARGEST} bytes, got {taken}")
            try:
                outputs = node.run(*inputs)
            except MemoryError:
                raise
            except Exception as error:  # whatever NumPy and the evaluator find wrong with the inputs
                raise ValueError(f"{where}: {error.__cause__ or error}") from error
            results.update(zip(node.output, outputs, strict=False))
            taken += sum(value.nbytes for value in outputs) - guess
            for name in names:
                taken -= results.pop(name).nbytes
        return {name: np.array(results[name]) for name in self.outputs}

    def _feeds(self, feeds: Mapping[str, ArrayLike]) -> dict[str, NDArray[Any]]:
        """The inputs as arrays of their dtypes, checked."""
        if not isinstance(feeds, Mapping):
            raise TypeError(f"feeds: expected a mapping of names to arrays, got {type(feeds).__name__}")
        if not set(self.inputs) <= set(feeds) <= {*self.inputs, *self.optional}:
            allowed = f" and at will {', '.join(self.optional)}" if self.optional else ""
            raise ValueError(f"feeds: expected {', '.join(self.inputs)}{allowed}, got {', '.join(feeds) or 'none'}")
        named: dict[str, int] = {}
        arrays = {}
        given = [(name, value) for name, value in {**self.inputs, **self.optional}.items() if name in feeds]
        for name, value in given:
            array = np.asarray(feeds[name])
            if not np.can_cast(array.dtype, value.dtype, casting="same_kind"):
                raise TypeError(f"{name}: expected numbers that convert to {value.dtype}, got {array.dtype}")
            if value.shape is not None and not _fits(array.shape, value.shape, named):
                shape = ", ".join(str(size) if size is not None else "?" for size in value.shape)
                known = "".join(f", {size} = {n}" for size, n in named.items() if size in value.shape)
                raise ValueError(f"{name}: expected ({shape}){known}, got {array.shape}")
            # A copy: recurrent nodes keep the weights of their last call, and callers may write into theirs.
            arrays[name] = array.astype(value.dtype)
        return arrays

    def __repr__(self) -> str:
        return f"Model({', '.join(self.inputs)} -> {', '.join(self.outputs)})"


def load(source: str | os.PathLike[str] | bytes) -> Model:
    """Read an ONNX model: RNN, LSTM and GRU with all options of operator set 22, and what exporters put around them.

    Parameters
    ----------
    source : a path, or the bytes of a file. Weights in a second file are read from the same folder.

    Returns
    -------
    model : ``model.run(feeds)`` takes name to array and gives name to array; ``model.inputs`` and ``model.outputs``
        tell names, dtypes and shapes. Operators other than the recurrent ones run in NumPy.

    Raises
    ------
    ValueError : not a whole, valid ONNX model; sizes that its data do not bear out; an operator or attribute that
        gatewise does not run, named with its node. OSError : the file does not read.

    >>> import io, numpy as np, gatewise as gw, gatewise.onnx
    >>> file = io.BytesIO()
    >>> gatewise.onnx.save(gw.GRU(3, 4, seed=0), file)
    >>> model = gatewise.onnx.load(file.getvalue())
    >>> model.inputs["x"]
    Value(dtype=dtype('float32'), shape=('T', 'B', 3))
    >>> feeds = {"x": np.zeros((5, 2, 3)), "lengths": [5, 3], "h_0": np.zeros((1, 2, 4))}
    >>> model.run(feeds)["y"].shape
    (5, 2, 4)
    """
    try:
        proto = read(source)
        return Model(proto)
    except ValueError as error:
        name = "bytes" if isinstance(source, bytes) else os.fspath(source)
        raise ValueError(f"{name}: {error}") from error


def _value(value: ValueInfoProto) -> Value:
    tensor = value.type.tensor_type
    if not value.type.HasField("tensor_type"):
        raise ValueError(f"{value.name}: expected a tensor, got another type")
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    if not tensor.HasField("shape"):
        return Value(dtype, None)
    sizes = (dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None for dim in tensor.shape.dim)
    return Value(dtype, tuple(sizes))


def _fits(shape: tuple[int, ...], expected: tuple[int | str | None, ...], named: dict[str, int]) -> bool:
    """Whether sizes agree; those with a name must agree wherever it stands."""
    if len(shape) != len(expected):
        return False
    for size, want in zip(shape, expected, strict=True):
        if isinstance(want, str):
            want = named.setdefault(want, size)
        if want is not None and size != want:
            return False
    return True


def _last_uses(proto: ModelProto) -> list[list[str]]:
    """For each node, the results that nobody reads after it, its own among them."""
    keep = {value.name for value in (*proto.graph.output, *proto.graph.input)}
    keep |= {tensor.name for tensor in proto.graph.initializer} | {""}
    last: dict[str, int] = {}
    for index, node in enumerate(proto.graph.node):
        last.update(dict.fromkeys((*node.input, *node.output), index))
    uses: list[list[str]] = [[] for _ in proto.graph.node]
    for name, index in last.items():
        if name not in keep:
            uses[index].append(name)
    return uses
