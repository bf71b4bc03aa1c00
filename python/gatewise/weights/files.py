"""The functions of ``gatewise.weights`` that load and save files."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from .._core.compiled_layer import CompiledLayer
from ..files.suffixes import chosen_suffix
from .contents import Contents, Weights
from .registry import format_of

__doctest_requires__ = ("safetensors",)


def load(path: str | os.PathLike[str]) -> Weights:
    """Load the recurrent layers of a file.

    The suffix of the file's name tells its format:

    - ``.safetensors``: arrays under PyTorch's parameter names, or a model that `gatewise.Sequential.save` wrote. The
      layers of such a model are named by their position in it, as in its ``state_dict``.
    - ``.pt`` and ``.pth``: a PyTorch state dict. Its pickle is read with ``torch.load(weights_only=True)``, so it
      cannot run code.
    - ``.onnx``: the recurrent nodes whose weights are constants.
    - ``.keras``: the recurrent layers of a Keras 3 model.

    In files of arrays, the shapes tell a layer's kind and sizes. They do not tell every option: unless `save` wrote the
    file, an RNN's nonlinearity is taken to be tanh, and a GRU to apply its reset gate after the matrix product.

    Parameters
    ----------
    path : str or os.PathLike
        The file to read.

    Returns
    -------
    Weights
        The layers and the other arrays, each by name.

    Raises
    ------
    ValueError
        The suffix is unknown, the file is damaged, its sizes disagree, or its weights are not finite.
    OSError
        The file is missing or unreadable.
    MissingLibrary
        The library that reads the format is not installed.

    See Also
    --------
    save : Save recurrent layers as a .safetensors file.
    gatewise.load : Load a complete model that gatewise saved.
    gatewise.onnx.load : Load an ONNX file with its whole graph.
    gatewise.keras.load : Load a complete Keras model.

    Examples
    --------
    >>> import os, tempfile, gatewise as gw, gatewise.weights
    >>> model = gw.Sequential(gw.GRU(3, 4, batch_first=True), gw.Linear(4, 1), seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     model.save(path)
    ...     weights = gatewise.weights.load(path)
    >>> weights.layers
    {'0': GRU(3, 4, batch_first=True)}
    >>> sorted(weights.others)
    ['1.bias', '1.weight']
    """
    return format_of("path", path).read(path).weights


def save(
    layers: Mapping[str, CompiledLayer], path: str | os.PathLike[str], others: Mapping[str, ArrayLike] | None = None
) -> None:
    """Save recurrent layers as a ``.safetensors`` file.

    The arrays have PyTorch's names and shapes, so PyTorch can load them into modules of the same sizes. Options that
    no shape tells, such as activations, are stored in the file's metadata, and `load` restores them. The file appears
    complete or not at all.

    Parameters
    ----------
    layers : mapping of str to RNN, LSTM or GRU
        The layers by name. The parameters of ``"encoder"`` are stored as ``encoder.weight_ih_l0`` and so on; those of
        ``""`` have no prefix.
    path : str or os.PathLike
        The file to write; its name must end in ``.safetensors``.
    others : mapping of str to array_like, optional
        Further arrays to store, by name.

    Raises
    ------
    ValueError
        The suffix is another one, or two arrays would have the same name.
    OSError
        The file cannot be written.
    MissingLibrary
        The safetensors library is not installed.

    See Also
    --------
    load : Load the recurrent layers of a file.
    gatewise.Sequential.save : Save a complete model.

    Examples
    --------
    >>> import os, tempfile, gatewise as gw, gatewise.weights
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "weights.safetensors")
    ...     gatewise.weights.save({"encoder": gw.LSTM(3, 4), "decoder": gw.LSTM(4, 3)}, path)
    ...     layers = gatewise.weights.load(path).layers
    >>> layers["decoder"]
    LSTM(4, 3)
    """
    chosen_suffix("path", path, [".safetensors"])
    arrays = {name: np.asarray(array) for name, array in (others or {}).items()}
    format_of("path", path).write(Contents(Weights(dict(layers), arrays)), path)
