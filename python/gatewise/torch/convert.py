"""torch.nn's recurrent modules and cells as gatewise's layers and cells, and back. Weights are copied bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..cells import CELLS
from ..layers import LAYERS
from .tensors import DTYPES, array, require

OURS: dict[str, type[Any]] = {thing.__name__: thing for thing in (*LAYERS.values(), *CELLS.values())}
"""Class name to gatewise's layer or cell."""
THEIRS: dict[str, type[Any]] = {name: getattr(torch.nn, name) for name in OURS if hasattr(torch.nn, name)}
"""Class name to PyTorch's module, as far as PyTorch has one."""
SHARED = (
    *("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size"),
    "nonlinearity",
)
"""The options that both libraries have, under the same names."""
NONLINEARITIES = ("tanh", "relu")
"""The nonlinearities that PyTorch's RNN has."""


def make_layer(module: Any, dropout: float | None = None) -> Any:
    """A gatewise layer or cell with this module's options and fresh initial values; `dropout` replaces the module's."""
    name = next((name for name, theirs in THEIRS.items() if isinstance(module, theirs)), None)
    if name is None:
        got = f"{type(module).__module__}.{type(module).__qualname__}"
        raise TypeError(f"module: expected one of {', '.join(f'torch.nn.{one}' for one in THEIRS)}, got {got}")
    options = {
        option.name: getattr(module, option.name)
        for option in OURS[name].kind.options
        if option.name in SHARED and hasattr(module, option.name)
    }
    if dropout is not None:
        options["dropout"] = dropout
    weight = module.weight_ih if name.endswith("Cell") else module.weight_ih_l0
    require("weight_ih", weight)
    return OURS[name](**_without_idle_dropout(options), dtype=DTYPES[weight.dtype])


def _without_idle_dropout(options: dict[str, Any]) -> dict[str, Any]:
    """The options without a dropout that has no effect, of which both libraries would warn."""
    return {name: value for name, value in options.items() if name != "dropout" or options["num_layers"] > 1}


def from_torch(module: Any) -> Any:
    """Convert a PyTorch module to a gatewise layer or cell, with copies of its weights.

    Calling the layer computes what the module computes in ``eval()``. The layer's ``forward`` computes what the module
    computes in ``train()``: both drop elements between layers with the same probability, but each library draws its own
    random numbers. Weights that PyTorch computes (``torch.nn.utils.parametrizations``) are taken as they are now.

    Parameters
    ----------
    module : torch.nn.RNN, LSTM, GRU, RNNCell, LSTMCell or GRUCell
        The module, in float32 or float64 on the CPU.

    Returns
    -------
    gatewise.RNN, LSTM, GRU, RNNCell, LSTMCell or GRUCell
        The layer or cell of the same name, with the module's options, dtype and weights.

    Raises
    ------
    TypeError
        If `module` is another module, or its weights have another dtype or are on another device.
    ValueError
        If gatewise does not have an option (``dropout=1``).

    See Also
    --------
    to_torch : Convert a gatewise layer to a PyTorch module.
    LSTM : A PyTorch module that computes in gatewise's core.
    gatewise.weights.load : Read layers from a state-dict file.

    Examples
    --------
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
    """Convert a gatewise layer or cell to a PyTorch module, with copies of its weights.

    This is the inverse of `from_torch`. The module is in ``train()`` mode, as PyTorch's constructors leave it.

    Parameters
    ----------
    layer : gatewise.RNN, LSTM, GRU, RNNCell, LSTMCell or GRUCell
        The layer or cell.

    Returns
    -------
    torch.nn.Module
        The module of the same name in ``torch.nn``, with the layer's options, dtype and weights.

    Raises
    ------
    TypeError
        If `layer` is no layer or cell.
    ValueError
        If PyTorch does not have an option of the layer. The message names the option.

    See Also
    --------
    from_torch : Convert a PyTorch module to a gatewise layer.

    Examples
    --------
    >>> import gatewise as gw, gatewise.torch
    >>> gatewise.torch.to_torch(gw.LSTM(3, 4, proj_size=2))
    LSTM(3, 4, proj_size=2)
    """
    name = next((name for name, ours in OURS.items() if isinstance(layer, ours)), None)
    if name is None:
        got = f"{type(layer).__module__}.{type(layer).__qualname__}"
        raise TypeError(f"layer: expected one of {', '.join(f'gatewise.{one}' for one in OURS)}, got {got}")
    if name not in THEIRS:
        raise ValueError(f"layer: expected one of {', '.join(THEIRS)}, since torch.nn has no {name}, got {layer!r}")
    options = layer.config()
    layer.kind.require_defaults(options, (*SHARED, "dtype"), f"torch.nn.{name}")
    if options.get("nonlinearity", "tanh") not in NONLINEARITIES:
        known = " or ".join(map(repr, NONLINEARITIES))
        raise ValueError(f"nonlinearity: expected {known}, as torch.nn.{name} has it, got {options['nonlinearity']!r}")
    shared = {option: value for option, value in options.items() if option in SHARED}
    dtype = next(theirs for theirs, ours in DTYPES.items() if ours == layer.dtype)
    module = THEIRS[name](**_without_idle_dropout(shared), dtype=dtype)
    module.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in layer.params.items()})
    return module
