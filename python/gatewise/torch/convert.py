"""torch.nn's recurrent modules and cells as gatewise's layers and cells, and back: weights are copied, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import gatewise as gw

from .tensors import DTYPES, array, require

KINDS = ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell")
SHARED = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size")
OURS_ALONE: dict[str, tuple[Any, ...]] = {
    "peephole": (False,),
    "reset_after": (True,),
    "recurrent_dropout": (0.0,),
    "zoneout": (0.0, (0.0, 0.0)),
    "activations": (("sigmoid", "tanh"), ("sigmoid", "tanh", "tanh")),
    "nonlinearity": ("tanh", "relu"),
    "clip": (None,),
    "input_forget": (False,),
}
"""Options that PyTorch does not have, or not so many ways of, and its own ways."""


def kind_of(module: Any, library: Any) -> str:
    """The name in KINDS of the class of this library that `module` is an instance of, or a TypeError."""
    for kind in KINDS:
        if isinstance(module, getattr(library, kind)):
            return kind
    expected = ", ".join(f"{library.__name__}.{kind}" for kind in KINDS)
    raise TypeError(f"expected one of {expected}, got {type(module).__module__}.{type(module).__qualname__}")


def options_of(module: Any, kind: str) -> dict[str, Any]:
    """The options that both libraries have, from a module or layer of either."""
    options = {name: getattr(module, name) for name in SHARED if hasattr(module, name)}
    if kind != "LSTM":
        options.pop("proj_size", None)
    if options.get("num_layers") == 1:
        options["dropout"] = 0.0  # without effect, of which both libraries warn
    if kind.startswith("RNN"):
        options["nonlinearity"] = module.nonlinearity
    return options


def make_layer(module: Any, dropout: float | None = None) -> Any:
    """A gatewise layer or cell with this module's options, but this dropout, and with initial values of its own."""
    kind = kind_of(module, torch.nn)
    options = options_of(module, kind) | ({} if dropout is None else {"dropout": dropout})
    weight = module.weight_ih if kind.endswith("Cell") else module.weight_ih_l0
    require("weight_ih", weight)
    return getattr(gw, kind)(**options, dtype=DTYPES[weight.dtype])


def from_torch(module: Any) -> Any:
    """The gatewise layer or cell of a PyTorch module, with copies of its weights.

    Parameters
    ----------
    module : a ``torch.nn.RNN``, ``LSTM``, ``GRU``, ``RNNCell``, ``LSTMCell`` or ``GRUCell``, float32 or float64, on the
        CPU. Weights that are computed (``torch.nn.utils.parametrizations``) are taken as they are now.

    Returns
    -------
    layer : the layer of the same name, options, dtype and weights. Calling it is what the module does in ``eval()``;
        its ``forward`` is what the module does in ``train()``: both drop elements between layers with the same
        probability, each by its own random numbers.

    Raises
    ------
    TypeError : another module; weights of another dtype or device. ValueError : an option that gatewise does not have
        (dropout=1).

    >>> import torch, gatewise.torch
    >>> gatewise.torch.from_torch(torch.nn.GRU(3, 4, bidirectional=True))
    GRU(3, 4, bidirectional=True)
    """
    layer = make_layer(module)
    tensors = {name: getattr(module, name) for name in layer.params}
    for name, tensor in tensors.items():
        require(name, tensor, next(iter(tensors.values())).dtype)
    layer.load_state_dict({name: array(tensor) for name, tensor in tensors.items()})
    return layer


def to_torch(layer: Any) -> Any:
    """The PyTorch module of a gatewise layer or cell, with copies of its weights; the inverse of `from_torch`.

    Parameters
    ----------
    layer : an RNN, LSTM, GRU, RNNCell, LSTMCell or GRUCell.

    Returns
    -------
    module : the ``torch.nn`` module of the same name, options, dtype and weights, in ``train()`` mode as PyTorch's
        constructors leave it.

    Raises
    ------
    TypeError : something else than a layer or cell. ValueError : an option that PyTorch does not have, named.

    >>> import gatewise as gw, gatewise.torch
    >>> gatewise.torch.to_torch(gw.LSTM(3, 4, proj_size=2))
    LSTM(3, 4, proj_size=2)
    """
    kind = kind_of(layer, gw)
    for name, theirs in OURS_ALONE.items():
        ours = getattr(layer, name, theirs[0])
        if ours not in theirs:
            ways = " or ".join(map(repr, theirs))
            raise ValueError(f"{name}: expected {ways}, as torch.nn.{kind} has it, got {ours!r}")
    dtype = next(theirs for theirs, ours in DTYPES.items() if ours == layer.dtype)
    module = getattr(torch.nn, kind)(**options_of(layer, kind), dtype=dtype)
    module.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in layer.params.items()})
    return module
