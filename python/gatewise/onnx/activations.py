"""The activation lists of ONNX's recurrent operators: names, and the values of alpha and beta in the order of use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .._core.activations import DEFAULTS

NAMES = {
    "Affine": "affine",
    "Elu": "elu",
    "HardSigmoid": "hard_sigmoid",
    "LeakyRelu": "leaky_relu",
    "Relu": "relu",
    "ScaledTanh": "scaled_tanh",
    "Sigmoid": "sigmoid",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Tanh": "tanh",
    "ThresholdedRelu": "thresholded_relu",
}
"""ONNX's name to gatewise's. ONNX has no linear; `write` gives it as affine."""


def read(names: Sequence[str], alphas: Sequence[float], betas: Sequence[float]) -> list[Any]:
    """The activations of these lists, as gatewise's layers take them.

    An activation with a parameter takes the next value of the parameter's list. If the list has ended, it takes
    gatewise's default, which is the operator's, as the operator set says: "Default values are the same as of
    corresponding ONNX operators". Affine and ScaledTanh, once experimental operators, default to the identity and tanh.
    ONNX Runtime instead takes 0 for these two and for ThresholdedRelu, which its table of defaults (rnn_helpers.cc)
    leaves out.

    >>> read(["HardSigmoid", "Tanh", "LeakyRelu"], [0.25, 0.5], [])
    [('hard_sigmoid', 0.25, 0.5), 'tanh', ('leaky_relu', 0.5)]
    """
    known = {name.lower(): ours for name, ours in NAMES.items()}  # some exporters write names in lower case
    values: tuple[Iterator[float], ...] = (iter(alphas), iter(betas))
    found: list[Any] = []
    for given in names:
        if given.lower() not in known:
            raise ValueError(f"activations: expected one of {', '.join(NAMES)}, got {given!r}")
        name = known[given.lower()]
        parameters = [next(value, default) for value, default in zip(values, DEFAULTS[name], strict=False)]
        found.append((name, *parameters) if parameters else name)
    return found


def write(activations: Sequence[Any]) -> dict[str, Any]:
    """The attributes activations, activation_alpha and activation_beta for these activations of a layer.

    >>> write(["sigmoid", ("elu", 0.5)])
    {'activations': ['Sigmoid', 'Elu'], 'activation_alpha': [0.5]}
    """
    theirs = {ours: name for name, ours in NAMES.items()}
    names: list[str] = []
    lists: tuple[list[float], list[float]] = ([], [])
    for activation in activations:
        name, *parameters = (activation,) if isinstance(activation, str) else activation
        if name == "linear":
            name, parameters = "affine", [1.0, 0.0]
        names.append(theirs[name])
        for values, parameter in zip(lists, parameters, strict=False):
            values.append(parameter)
    attributes = {"activations": names, "activation_alpha": lists[0], "activation_beta": lists[1]}
    return {name: value for name, value in attributes.items() if value}
