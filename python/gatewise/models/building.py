"""The model of commands, estimators and forecasters: a recurrent layer, a readout and a linear layer."""

from __future__ import annotations

from typing import Any

from ..layers import LAYERS
from ..nn.base import ModelLayer
from ..nn.dense import Linear
from ..nn.dropout import Dropout
from ..nn.recurrent import output_flow
from ..nn.reducing import LastStep, MeanOverSteps
from .sequential import Sequential

RECURRENT_LAYERS = {name.lower(): layer for name, layer in LAYERS.items()}
"""Name of a cell, as commands and estimators spell it, to its layer."""
READOUTS: dict[str, type[ModelLayer]] = {"last": LastStep, "mean": MeanOverSteps}
"""Name of a readout to the layer that reduces a sequence to one vector."""


def recurrent_model(
    cell: str,
    input_size: int,
    hidden_size: int,
    output_size: int,
    *,
    num_layers: int = 1,
    bidirectional: bool = False,
    layer_dropout: float = 0.0,
    readout: str | None = "last",
    dropout: float | None = None,
    seed: Any = None,
) -> Sequential:
    """Return a recurrent layer, a readout, `Dropout` and `Linear` as one model.

    Parameters
    ----------
    cell : str
        One of `RECURRENT_LAYERS`.
    input_size, hidden_size, output_size : int
        Number of features of the input, of hidden units, and of features of the prediction.
    num_layers, bidirectional : int, bool
        Options of the recurrent layer.
    layer_dropout : float, default 0.0
        Dropout between recurrent layers. It is ignored if there is only one.
    readout : str or None, default "last"
        One of `READOUTS`, for one prediction per sequence; None for one prediction per step.
    dropout : float or None, optional
        Probability of the `Dropout` layer before the linear one. None, the default, leaves that layer out.
    seed : optional
        Seed of the model.
    """
    recurrent = RECURRENT_LAYERS[cell](
        input_size,
        hidden_size,
        num_layers,
        batch_first=True,
        dropout=layer_dropout if num_layers > 1 else 0.0,
        bidirectional=bidirectional,
    )
    middle: list[ModelLayer] = [] if readout is None else [READOUTS[readout]()]
    if dropout is not None:
        middle.append(Dropout(dropout))
    features = output_flow(recurrent).features
    return Sequential(recurrent, *middle, Linear(features, output_size), seed=seed)
