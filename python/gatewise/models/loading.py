"""Reading a model from its file."""

from __future__ import annotations

from os import PathLike

from ..files.errors import InputError
from . import storage
from .sequential import Sequential


def load(path: str | PathLike[str]) -> Sequential:
    """Read a model from a file.

    Files are written by `Sequential.save` and by the callback `Checkpoint`. Reading them runs no code from the file,
    and needs safetensors.

    Parameters
    ----------
    path : str or path-like
        Name of the file.

    Returns
    -------
    Sequential
        The model.

    Raises
    ------
    OSError
        If the file is missing or unreadable.
    ValueError
        If the file is damaged, of another format or of a later version.
    MissingLibrary
        If safetensors is not installed.

    See Also
    --------
    Sequential.save : Writes a model.
    gatewise.weights.load : Reads recurrent layers from files of several formats.

    Examples
    --------
    >>> import gatewise as gw, os, tempfile
    >>> model = gw.Sequential(gw.LSTM(3, 4, batch_first=True), gw.Linear(4, 1), seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(os.path.join(folder, "model.safetensors"))
    ...     gw.load(os.path.join(folder, "model.safetensors"))
    Sequential(LSTM(3, 4, batch_first=True), Linear(4, 1))
    """
    file = storage.read(path)
    try:
        model = Sequential(*storage.make_layers(file))
        for name, value in file.model.items():
            if value.dtype != model.dtype:
                raise ValueError(f"{name}: expected {model.dtype}, got {value.dtype}")
        model.load_state_dict(file.model)
        model.notes = file.notes
    except (ValueError, TypeError, KeyError, MemoryError) as error:
        raise ValueError(f"{path}: expected a model whose configuration and arrays agree, got: {error}") from error
    return model


def read_model(path: str | PathLike[str]) -> Sequential:
    """Read a model, with one kind of error for whatever is wrong with the file.

    Raises
    ------
    InputError : the file is missing, unreadable, damaged or of another format.
    """
    try:
        return load(path)
    except OSError as error:
        raise InputError(f"{path}: expected a model file, got: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(str(error)) from error
