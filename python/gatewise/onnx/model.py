"""ONNX models that run: recurrent operators in gatewise's core, other operators in the onnx package's evaluator."""

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
from .recurrent import OPERATORS

LARGEST = 2**32
"""The largest number of bytes that the results of a call may take at a time."""


class Value(NamedTuple):
    """The dtype and shape of an input or output of a model.

    A size is an integer, a name, or None if the model does not say. Sizes with the same name must agree in a call.

    Parameters
    ----------
    dtype : numpy.dtype
        The dtype.
    shape : tuple of int, str or None
        The shape; None if the model does not say how many axes there are.

    See Also
    --------
    Model : `Model.inputs` and `Model.outputs` map names to values.

    Examples
    --------
    >>> import io, gatewise as gw, gatewise.onnx
    >>> file = io.BytesIO()
    >>> gatewise.onnx.save(gw.GRU(3, 4, seed=0), file)
    >>> gatewise.onnx.load(file.getvalue()).inputs["x"]
    Value(dtype=dtype('float32'), shape=('T', 'B', 3))
    """

    dtype: np.dtype[Any]
    shape: tuple[int | str | None, ...] | None


class Model:
    """A loaded ONNX model.

    `load` makes it. Any number of threads may run it at the same time.

    Parameters
    ----------
    proto : onnx.ModelProto
        A checked model of operators that gatewise runs.

    Attributes
    ----------
    inputs : dict of str to Value
        The inputs that `run` requires.
    optional : dict of str to Value
        The inputs that have a default value in the file.
    outputs : dict of str to Value
        The outputs that `run` returns.

    See Also
    --------
    load : Read a model.
    save : Write a layer or model as an ONNX file.

    Examples
    --------
    >>> import io, gatewise as gw, gatewise.onnx
    >>> file = io.BytesIO()
    >>> gatewise.onnx.save(gw.Sequential(gw.GRU(3, 4, batch_first=True), gw.LastStep()), file)
    >>> model = gatewise.onnx.load(file.getvalue())
    >>> list(model.inputs), list(model.optional), list(model.outputs)
    (['x'], ['lengths'], ['y'])
    """

    def __init__(self, proto: ModelProto) -> None:
        graph = proto.graph
        constants = {tensor.name for tensor in graph.initializer}
        self.inputs = {value.name: _value(value) for value in graph.input if value.name not in constants}
        self.optional = {value.name: _value(value) for value in graph.input if value.name in constants}
        self.outputs = {value.name: _value(value) for value in graph.output}
        self._evaluator = ReferenceEvaluator(proto, new_ops=OPERATORS)
        self._last_uses = _last_uses(proto)

    def run(self, feeds: Mapping[str, ArrayLike]) -> dict[str, NDArray[Any]]:
        """Compute all outputs.

        Recurrent operators run in gatewise's core, the others in NumPy. The results are new arrays.

        Parameters
        ----------
        feeds : mapping of str to array_like
            A value for every input, and for any of the optional ones. Values are converted to the input's dtype where
            NumPy's ``same_kind`` casting allows.

        Returns
        -------
        dict of str to ndarray
            The outputs by name.

        Raises
        ------
        ValueError
            If names or shapes differ from those of `inputs` and `optional`, or a node fails. The message names the
            node.
        TypeError
            If a dtype differs from that of `inputs` or `optional`.
        MemoryError
            If the results would take more than 4 GiB at a time.

        See Also
        --------
        load : Read a model.

        Examples
        --------
        >>> import io, numpy as np, gatewise as gw, gatewise.onnx
        >>> file = io.BytesIO()
        >>> gatewise.onnx.save(gw.GRU(3, 4, seed=0), file)
        >>> model = gatewise.onnx.load(file.getvalue())
        >>> feeds = {"x": np.zeros((5, 2, 3)), "lengths": [5, 3], "h_0": np.zeros((1, 2, 4))}
        >>> model.run(feeds)["y"].shape
        (5, 2, 4)
        """
        results: dict[str, Any] = {"": None, **self._evaluator.rt_inits_, **self._feeds(feeds)}
        used = 0  # bytes
        for node, names in zip(self._evaluator.rt_nodes_, self._last_uses, strict=True):
            inputs = [results[name] for name in node.input]
            where = f"node {node.onnx_node.name or node.output[0]!r} ({node.op_type})"
            bound = 8 * result_size(node.onnx_node, inputs)  # no dtype has more than 8 bytes per number
            used += bound
            if used > LARGEST:
                raise MemoryError(f"{where}: expected results of at most {LARGEST} bytes, got {used}")
            try:
                outputs = node.run(*inputs)
            except MemoryError:
                raise
            except Exception as error:  # NumPy and the evaluator raise many kinds for wrong inputs
                raise ValueError(f"{where}: {error.__cause__ or error}") from error
            results.update(zip(node.output, outputs, strict=False))
            used += sum(value.nbytes for value in outputs) - bound
            for name in names:
                used -= results.pop(name).nbytes
        return {name: np.array(results[name]) for name in self.outputs}

    def _feeds(self, feeds: Mapping[str, ArrayLike]) -> dict[str, NDArray[Any]]:
        """The inputs as arrays of their dtypes, checked."""
        if not isinstance(feeds, Mapping):
            raise TypeError(f"feeds: expected a mapping of names to arrays, got {type(feeds).__name__}")
        if not set(self.inputs) <= set(feeds) <= {*self.inputs, *self.optional}:
            allowed = f" and optionally {', '.join(self.optional)}" if self.optional else ""
            raise ValueError(f"feeds: expected {', '.join(self.inputs)}{allowed}, got {', '.join(feeds) or 'none'}")
        named: dict[str, int] = {}
        arrays = {}
        given = [(name, value) for name, value in {**self.inputs, **self.optional}.items() if name in feeds]
        for name, value in given:
            array = np.asarray(feeds[name])
            if not np.can_cast(array.dtype, value.dtype, casting="same_kind"):
                raise TypeError(f"{name}: expected numbers that convert to {value.dtype}, got {array.dtype}")
            if value.shape is not None:
                matched = _matched(array.shape, value.shape, named)
                if matched is None:
                    shape = ", ".join(str(size) if size is not None else "?" for size in value.shape)
                    known = "".join(f", {size} = {n}" for size, n in named.items() if size in value.shape)
                    raise ValueError(f"{name}: expected ({shape}){known}, got {array.shape}")
                named = matched
            # A copy: recurrent nodes keep the weights of the last call, and the caller may change theirs afterwards.
            arrays[name] = array.astype(value.dtype)
        return arrays

    def __repr__(self) -> str:
        return f"Model({', '.join(self.inputs)} -> {', '.join(self.outputs)})"


def load(source: str | os.PathLike[str] | bytes) -> Model:
    """Read an ONNX model.

    The model may contain RNN, LSTM and GRU operators with all options of operator set 22, and the operators that
    exporters put around them.

    Parameters
    ----------
    source : path-like or bytes
        A path, or the content of a file. Weights in a second file are read from the same folder.

    Returns
    -------
    Model
        The model. ``model.run(feeds)`` maps a dict of inputs to a dict of outputs.

    Raises
    ------
    ValueError
        If this is not a complete and valid ONNX model, or it has an operator or attribute that gatewise does not run.
        The message names the node.
    OSError
        If the file cannot be read.

    See Also
    --------
    save : Write a layer or model as an ONNX file.
    gatewise.weights.load : Read the recurrent layers of a file instead of running its graph.

    Examples
    --------
    >>> import io, numpy as np, gatewise as gw, gatewise.onnx
    >>> layer, file = gw.RNN(3, 4, seed=0), io.BytesIO()
    >>> gatewise.onnx.save(layer, file)
    >>> model = gatewise.onnx.load(file.getvalue())
    >>> x = np.ones((5, 1, 3))
    >>> y = model.run({"x": x, "lengths": [5], "h_0": np.zeros((1, 1, 4))})["y"]
    >>> bool((y == layer(x)[0]).all())
    True
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


def _matched(
    shape: tuple[int, ...], expected: tuple[int | str | None, ...], named: Mapping[str, int]
) -> dict[str, int] | None:
    """The named sizes of a call, with those of this shape added; None if the shape differs from the expected one."""
    found = dict(named)
    if len(shape) != len(expected):
        return None
    for size, want in zip(shape, expected, strict=True):
        if size != (found.setdefault(want, size) if isinstance(want, str) else size if want is None else want):
            return None
    return found


def _last_uses(proto: ModelProto) -> list[list[str]]:
    """For each node, the results that no later node reads, its own included. The model's outputs are not among them."""
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
