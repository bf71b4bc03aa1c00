"""The public names of gatewise: the classes, functions, methods, properties and attributes that users may rely on.

As a script, it prints them with their signatures, one per line. This is how tests/data/names.txt was written.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

PACKAGES = [
    "gatewise",
    "gatewise.diagnostics",
    "gatewise.estimators",
    "gatewise.forecasting",
    "gatewise.keras",
    "gatewise.models",
    "gatewise.nn",
    "gatewise.onnx",
    "gatewise.optimizers",
    "gatewise.reference",
    "gatewise.schedules",
    "gatewise.torch",
    "gatewise.training.callbacks",
    "gatewise.training.losses",
    "gatewise.weights",
]


def is_own(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).partition(".")[0] == "gatewise"


def public_names(package: types.ModuleType) -> list[str]:
    """Return the classes and functions in ``__all__`` or, without it, the public ones that the module defines."""
    defined = [name for name, thing in vars(package).items() if getattr(thing, "__module__", "") == package.__name__]
    names = getattr(package, "__all__", [name for name in defined if not name.startswith("_")])
    return [
        name for name in names if inspect.isclass(getattr(package, name)) or inspect.isroutine(getattr(package, name))
    ]


def function_of(member: Any) -> Any:
    """Return the function with the docstring of a class's member, or None for a plain attribute."""
    if isinstance(member, property):
        return member.fget
    if isinstance(member, functools.cached_property):
        return member.func
    member = inspect.unwrap(getattr(member, "__func__", member))
    return member if inspect.isfunction(member) else None


def documented(package: types.ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield each public class, function, method and property of a package: its name, and what has its docstring."""
    for name in public_names(package):
        thing = getattr(package, name)
        yield f"{package.__name__}.{name}", thing
        if not inspect.isclass(thing):
            continue
        for member in dir(thing):
            function = function_of(inspect.getattr_static(thing, member))
            if not member.startswith("_") and function is not None and is_own(function):
                yield f"{package.__name__}.{name}.{member}", function


def find(name: str) -> Any:
    """Return the object with a dotted name; for a property, its descriptor."""
    package = max((package for package in PACKAGES if name.startswith(package + ".")), key=len)
    thing: Any = importlib.import_module(package)
    *owners, last = name[len(package) + 1 :].split(".")
    for owner in owners:
        thing = getattr(thing, owner)
    return inspect.getattr_static(thing, last) if owners else getattr(thing, last)


def signature(thing: Any) -> str:
    """Return the signature of a class, function or method as text without types; "" for a property."""
    thing = getattr(thing, "__func__", thing)
    if isinstance(thing, (property, functools.cached_property)):
        return ""

    def shown(parameter: inspect.Parameter) -> inspect.Parameter:
        default = parameter.default
        name = Literal(getattr(default, "__name__", repr(default)))
        return parameter.replace(
            annotation=parameter.empty, default=parameter.empty if default is parameter.empty else name
        )

    try:
        found = inspect.signature(thing)
    except ValueError:  # an exception with the constructor of its base
        return ""
    return str(found.replace(parameters=[*map(shown, found.parameters.values())], return_annotation=found.empty))


INTERNAL = {"all_parts", "bound", "decoupled", "flows", "layout", "plan", "rng", "runs", "shapes", "slots"}
"""Attributes that only the package uses."""


RESULTS = (".Gradients", ".Tape", "keras.Bidirectional", "keras.Layer", "keras.Model", "keras.Recurrent", "onnx.Model")
"""Classes that only the package constructs; their constructors are internal."""


class Literal(str):
    """Text whose repr is the text itself."""

    def __repr__(self) -> str:
        return str(self)


def samples() -> dict[str, Any]:
    """Return objects with public attributes, by the name of their class or of the method that returns them."""
    import gatewise as gw
    from gatewise.forecasting import Forecaster

    x = np.zeros((2, 3, 2), np.float32)
    lstm = gw.LSTM(2, 3, peephole=True, proj_size=2, batch_first=True, seed=0)
    y, _, tape = lstm.forward(x)
    model = gw.Sequential(gw.GRU(2, 3, batch_first=True), gw.Linear(3, 1), seed=0)
    forecaster = Forecaster(hidden_size=2, window=4, horizon=2, epochs=1).fit(np.arange(40.0))
    return {
        "gatewise.RNN": gw.RNN(2, 3),
        "gatewise.LSTM": lstm,
        "gatewise.GRU": gw.GRU(2, 3),
        "gatewise.RNNCell": gw.RNNCell(2, 3),
        "gatewise.LSTMCell": gw.LSTMCell(2, 3),
        "gatewise.GRUCell": gw.GRUCell(2, 3),
        "gatewise.LSTM.forward": tape,
        "gatewise.LSTM.backward": lstm.backward(tape, y),
        "gatewise.LSTM.stream": lstm.stream(),
        "gatewise.reference.LSTM": gw.reference.LSTM(2, 3),
        "gatewise.reference.Tape": gw.reference.LSTM(2, 3).forward(x)[2],
        "gatewise.Embedding": gw.Embedding(3, 2),
        "gatewise.Linear": gw.Linear(2, 3),
        "gatewise.Dropout": gw.Dropout(0.5),
        "gatewise.Flatten": gw.Flatten(3),
        "gatewise.LastStep": gw.LastStep(),
        "gatewise.MeanOverSteps": gw.MeanOverSteps(),
        "gatewise.Sequential": model,
        "gatewise.Sequential.fit": model.fit(x, x[..., :1], epochs=1, verbose=False),
        "gatewise.Sequential.stream": model.stream(),
        "gatewise.optimizers.SGD": gw.optimizers.SGD(0.1),
        "gatewise.optimizers.RMSprop": gw.optimizers.RMSprop(),
        "gatewise.optimizers.Adam": gw.optimizers.Adam(),
        "gatewise.optimizers.AdamW": gw.optimizers.AdamW(),
        "gatewise.callbacks.EarlyStopping": gw.callbacks.EarlyStopping(),
        "gatewise.callbacks.Checkpoint": gw.callbacks.Checkpoint("a.safetensors"),
        "gatewise.gradient_flow": next(iter(gw.gradient_flow(lstm, x).values())),
        "gatewise.gate_activations": gw.gate_activations(lstm, x[0]),
        "gatewise.forecasting.Forecaster": forecaster,
        "gatewise.forecasting.Forecaster.backtest": forecaster.backtest(np.arange(60.0)),
    }


def attributes(thing: Any) -> list[str]:
    """Return the public attributes of an object that are not methods, without those of other libraries' classes."""
    left_out = INTERNAL | {name for base in type(thing).__mro__ if not is_own(base) for name in dir(base)}
    return [
        name
        for name in dir(thing)
        if not name.startswith("_") and name not in left_out and not callable(getattr(type(thing), name, None))
    ]


def is_internal(name: str) -> bool:
    """Return whether only the package calls this, such as the methods by which a model runs its layers."""
    layers = ("Dropout", "Embedding", "Flatten", "LastStep", "Linear", "MeanOverSteps")
    others = ("Sequential.run", ".backpropagate", "schedules.describe", "callbacks.monitored", ".apply")
    return name.rpartition(".")[0].endswith(layers) or name.endswith(others)


if __name__ == "__main__":
    for package in PACKAGES:
        for name, _ in documented(importlib.import_module(package)):
            if not is_internal(name):
                print(name if name.endswith(RESULTS) else name + signature(find(name)))
    for name, thing in samples().items():
        print(f"{name}: {' '.join(attributes(thing))}")
