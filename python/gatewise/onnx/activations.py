"""The activation lists of ONNX's recurrent operators: names, and values of alpha and beta in the order of their use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

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
PARAMETERS: dict[str, tuple[float, ...]] = {
    "Affine": (1.0, 0.0),
    "Elu": (1.0,),
    "HardSigmoid": (0.2, 0.5),
    "LeakyRelu": (0.01,),
    "ScaledTanh": (1.0, 1.0),
    "ThresholdedRelu": (1.0,),
}
"""alpha, or alpha and beta, where the file's lists have none or end.

The operator set: "Default values are the same as of corresponding ONNX operators". Affine and ScaledTanh, which were
experimental operators once, change nothing. ONNX Runtime takes 0 for these two and for ThresholdedRelu, which its table
of defaults (rnn_helpers.cc) leaves out.
"""


def read(names: Sequence[str], alphas: Sequence[float], betas: Sequence[float]) -> list[Any]:
    """gatewise's activations. An activation with a parameter takes the next value of its list, while there is one.

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
        name = known[given.lower()]
        parameters = [next(value, default) for value, default in zip(values, PARAMETERS.get(name, ()), strict=False)]
        found.append((NAMES[name], *parameters) if parameters else NAMES[name])
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
