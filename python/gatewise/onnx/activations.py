"""The activation lists of ONNX's recurrent operators: names, and values of alpha and beta in the order of their use."""

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
"""ONNX's names and gatewise's."""


def read(names: Sequence[str], alphas: Sequence[float], betas: Sequence[float]) -> list[Any]:
    """gatewise's activations. An activation with a parameter takes the next value of its list, while there is one.

    Then it takes gatewise's default, as the operator set has it: "Default values are the same as of corresponding ONNX
    operators". Affine and ScaledTanh, which were experimental operators once, change nothing then. ONNX Runtime takes 0
    for these two and for ThresholdedRelu, which its table of defaults (rnn_helpers.cc) leaves out.

    Raises
    ------
    ValueError : a name is unknown.

    >>> read(["HardSigmoid", "Tanh", "LeakyRelu"], [0.25, 0.5], [])
    [('hard_sigmoid', 0.25, 0.5), 'tanh', ('leaky_relu', 0.5)]
    """
    known = {name.lower(): name for name in NAMES}  # files are known to write them in lower case
    values: tuple[Iterator[float], ...] = (iter(alphas), iter(betas))
    found: list[Any] = []
    for given in names:
        if given.lower() not in known:
            raise ValueError(f"activations: expected names of {', '.join(NAMES)}, got {given!r}")
        name = NAMES[known[given.lower()]]
        parameters = [next(value, default) for value, default in zip(values, DEFAULTS[name], strict=False)]
        found.append((name, *parameters) if parameters else name)
    return found


def write(activations: Sequence[Any]) -> dict[str, Any]:
    """The attributes activations, activation_alpha and activation_beta of gatewise's activations.

    >>> write(["sigmoid", ("elu", 0.5)])
    {'activations': ['Sigmoid', 'Elu'], 'activation_alpha': [0.5]}
    """
    theirs = {ours: name for name, ours in NAMES.items()}
    names: list[str] = []
    lists: tuple[list[float], list[float]] = ([], [])
    for activation in activations:
        name, *parameters = (activation,) if isinstance(activation, str) else activation
        if name == "linear":  # which ONNX does not have by itself
            name, parameters = "affine", [1.0, 0.0]
        names.append(theirs[name])
        for values, parameter in zip(lists, parameters, strict=False):
            values.append(parameter)
    attributes = {"activations": names, "activation_alpha": lists[0], "activation_beta": lists[1]}
    return {name: value for name, value in attributes.items() if value}
