"""``.pt`` and ``.pth``: PyTorch state dicts. PyTorch's restricted unpickler (``weights_only=True``) reads them."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path

from ..._core.parameters import Array
from ...files.libraries import library
from ..contents import Contents
from ..finding import find


def read(path: str | os.PathLike[str]) -> Contents:
    """Read the layers that names and shapes tell."""
    where = os.fspath(path)
    try:
        return Contents(find(_arrays(where), {}))
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error.__cause__


def _arrays(path: str) -> dict[str, Array]:
    """Return the tensors as arrays; bfloat16, which NumPy lacks, as float32."""
    torch = library("torch", "torch")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # For a damaged file the unpickler raises many kinds of errors, whose messages are about PyTorch's internals.
        problem = "this pickle holds something else" if isinstance(error, pickle.UnpicklingError) else "damaged"
        writing = f'torch.save(module.state_dict(), "{Path(path).name}")'
        raise ValueError(f"{problem}; expected a state dict, as {writing} writes it") from None
    if not isinstance(content, Mapping) or not all(isinstance(name, str) for name in content):
        raise ValueError(f"expected a state dict, a mapping of names to tensors, got {type(content).__name__}")
    arrays = {}
    for name, tensor in content.items():
        if not torch.is_tensor(tensor) or tensor.layout != torch.strided:
            raise ValueError(f"{name}: expected a dense tensor, got {type(tensor).__name__}")
        readable = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
        arrays[name] = readable.numpy(force=True)
    return arrays
