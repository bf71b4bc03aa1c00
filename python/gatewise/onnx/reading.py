"""ONNX files, read and checked. Declared sizes are compared with the data before anything is allocated for them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto, TensorProto, helper

from .operators import SIZES


def read(source: str | os.PathLike[str] | bytes) -> ModelProto:
    """The model of a file or of its bytes, with external data loaded and local functions inlined.

    It raises a ValueError that names the problem if this is not a complete ONNX model, or has an operator that gatewise
    does not run.
    """
    folder = None if isinstance(source, bytes) else Path(source).parent
    content = source if isinstance(source, bytes) else Path(source).read_bytes()
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise ValueError(f"expected a whole ONNX model, got bytes that cannot be parsed: {error}") from None
    if not model.HasField("graph") or not model.graph.node:
        raise ValueError("expected a whole ONNX model, got one without a graph")
    for tensor in _tensors(model):
        _check_size(tensor)
        if tensor.data_location == TensorProto.EXTERNAL:
            _load_external(tensor, folder)
        _check_data(tensor)
    try:
        onnx.checker.check_model(model, full_check=True)
        if model.functions:
            model = onnx.inliner.inline_local_functions(model)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, RuntimeError, ValueError) as error:
        # Some of these messages are pages long; the cause is at the beginning.
        raise ValueError(f"expected a valid ONNX model, got: {' '.join(str(error).split())[:500]}") from None
    _check_operators(model)
    return model


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    """All tensors with data: initializers and attributes. Nodes with graphs as attributes are never run."""
    if model.graph.sparse_initializer:
        raise ValueError("sparse_initializer: expected dense tensors, got sparse ones")
    yield from model.graph.initializer
    for node in (*model.graph.node, *(node for function in model.functions for node in function.node)):
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors) if attribute.HasField("t") else attribute.tensors


def _check_size(tensor: TensorProto) -> None:
    name = f"tensor {tensor.name!r}"
    if any(dim < 0 for dim in tensor.dims):
        raise ValueError(f"{name}: expected sizes >= 0, got {tuple(tensor.dims)}")
    if tensor.data_type not in helper.get_all_tensor_dtypes() or tensor.data_type == TensorProto.STRING:
        raise ValueError(f"{name}: expected numbers, got data type {tensor.data_type}")
    if tensor.HasField("segment"):
        raise ValueError(f"{name}: expected its data in one piece, got a segment")


def _itemsize(tensor: TensorProto) -> int:
    dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    if dtype not in (np.dtype(bool), np.dtype(np.float16)) and dtype.kind not in "fiu":
        raise ValueError(f"tensor {tensor.name!r}: expected floats, integers or booleans, got {dtype}")
    return int(dtype.itemsize)


def _check_data(tensor: TensorProto) -> None:
    """Raise a ValueError unless the tensor has as much data as its declared sizes need."""
    count, name = math.prod(tensor.dims), f"tensor {tensor.name!r}"
    if tensor.HasField("raw_data"):
        expected = count * _itemsize(tensor)
        if len(tensor.raw_data) != expected:
            raise ValueError(f"{name}: expected {expected} bytes for {tuple(tensor.dims)}, got {len(tensor.raw_data)}")
    else:
        _itemsize(tensor)
        values = getattr(tensor, helper.tensor_dtype_to_field(tensor.data_type))
        if len(values) != count:
            raise ValueError(f"{name}: expected {count} numbers for {tuple(tensor.dims)}, got {len(values)}")


def _load_external(tensor: TensorProto, folder: Path | None) -> None:
    """Read a tensor's data from the file that it names, which must be in the model's folder."""
    name = f"tensor {tensor.name!r}"
    if folder is None:
        raise ValueError(
            f"{name}: expected its data in the bytes, got external data; load the model from its path instead"
        )
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    path = (folder / location).resolve()
    if not location or not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise ValueError(f"{name}: expected external data in a file in the model's folder, got {location!r}")
    needed = math.prod(tensor.dims) * _itemsize(tensor)
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", needed))
    except ValueError:
        raise ValueError(f"{name}: expected offset and length of external data as integers, got {entries}") from None
    size = path.stat().st_size
    if offset < 0 or length != needed or offset + length > size:
        raise ValueError(
            f"{name}: expected {needed} bytes of external data for {tuple(tensor.dims)} within the {size} of "
            f"{location!r}, got {length} from {offset} on"
        )
    with path.open("rb") as file:
        file.seek(offset)
        tensor.raw_data = file.read(length)
    tensor.data_location = TensorProto.DEFAULT
    del tensor.external_data[:]


def _check_operators(model: ModelProto) -> None:
    missing = sorted(
        {f"{node.domain}.{node.op_type}" if node.domain else node.op_type for node in model.graph.node} - set(SIZES)
    )
    if missing:
        first = next(node.name for node in model.graph.node if node.op_type == missing[0].rpartition(".")[2])
        raise ValueError(f"operators: expected those that gatewise runs, got {', '.join(missing)} (node {first!r})")
