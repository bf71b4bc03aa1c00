"""gatewise: recurrent networks (RNN, LSTM, GRU) on the CPU, forward and backward, with the same bits every time.

>>> import numpy as np, gatewise as gw
>>> lstm = gw.LSTM(input_size=3, hidden_size=8, seed=0)
>>> y, (h, c), tape = lstm.forward(np.zeros((20, 4, 3)))  # (T, B, I)
>>> grads = lstm.backward(tape, dy=np.ones_like(y))
>>> sorted(grads.params) == sorted(lstm.state_dict())
True
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

from . import reference
from ._core.config import get_num_threads, set_num_threads, show_config, threads
from ._core.dispatch import extension as _extension
from ._core.gradients import Gradients
from .cells import GRUCell, LSTMCell, RNNCell
from .layers import GRU, LSTM, RNN

if TYPE_CHECKING:
    from . import optimizers, schedules
    from .diagnostics import gate_activations, gradient_flow
    from .models import Dropout, Embedding, Flatten, LastStep, Linear, MeanOverSteps, Sequential, load
    from .training import callbacks, losses

__version__ = _extension.version

# What stands on the core is imported when it is first used.
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
    "GRU",
    "LSTM",
    "RNN",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "Gradients",
    "LSTMCell",
    "LastStep",
    "Linear",
    "MeanOverSteps",
    "RNNCell",
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
