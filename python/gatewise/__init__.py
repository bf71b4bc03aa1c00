"""gatewise: train and run recurrent networks (RNN, LSTM, GRU) on the CPU, with bit-identical results every time.

>>> import numpy as np, gatewise as gw
>>> lstm = gw.LSTM(input_size=3, hidden_size=8, seed=0)
>>> y, (h, c), tape = lstm.forward(np.zeros((20, 4, 3)))  # (T, B, I)
>>> grads = lstm.backward(tape, dy=np.ones_like(y))
>>> sorted(grads.params) == sorted(lstm.state_dict())
True
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

from . import cells, layers, reference
from ._core.config import get_num_threads, set_num_threads, show_config, threads
from ._core.dispatch import extension as _extension
from ._core.gradients import Gradients
from .cells import *  # noqa: F403  (every kind of cell that is declared)
from .layers import *  # noqa: F403

if TYPE_CHECKING:
    from . import optimizers, schedules
    from .diagnostics import gate_activations, gradient_flow
    from .models import Dropout, Embedding, Flatten, LastStep, Linear, MeanOverSteps, Sequential, load
    from .training import callbacks, losses

__version__ = _extension.version

# Packages above the core are imported when they are first used.
_MODELS = ("Dropout", "Embedding", "Flatten", "LastStep", "Linear", "MeanOverSteps", "Sequential", "load")
_LAZY = {name: ("gatewise.models", name) for name in _MODELS} | {
    "callbacks": ("gatewise.training.callbacks", None),
    "gate_activations": ("gatewise.diagnostics", "gate_activations"),
    "gradient_flow": ("gatewise.diagnostics", "gradient_flow"),
    "losses": ("gatewise.training.losses", None),
    "optimizers": ("gatewise.optimizers", None),
    "schedules": ("gatewise.schedules", None),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'gatewise' has no attribute {name!r}")
    where, attribute = _LAZY[name]
    module = _import_module(where)
    value = globals()[name] = module if attribute is None else getattr(module, attribute)
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__"})


__all__ = [
    "Dropout",
    "Embedding",
    "Flatten",
    "Gradients",
    "LastStep",
    "Linear",
    "MeanOverSteps",
    "Sequential",
    "callbacks",
    "gate_activations",
    "get_num_threads",
    "gradient_flow",
    "load",
    "losses",
    "optimizers",
    "reference",
    "schedules",
    "set_num_threads",
    "show_config",
    "threads",
]
__all__ += layers.__all__
__all__ += cells.__all__
