"""The same layers in plain NumPy, slower and written to be read.

The compiled layers are tested against these layers and differ from them by rounding only.

- `cells`: the mathematics of one step, with each backward function below its forward function
- `activations`: the functions that cells apply
- `sequence`: the loop over time, and back
- `layers`: stacks of layers, with directions and dropout
- `noise`: recurrent dropout and zoneout
- `philox`: the random numbers of dropout and zoneout
- `single`: cells that run one step
- `checks`: conversions of arguments, and errors

>>> import numpy as np
>>> from gatewise import reference
>>> layer = reference.GRU(1, 8, seed=0)
>>> y, state, tape = layer.forward(np.linspace(0, 1, 20).reshape(20, 1, 1))
>>> grads = layer.backward(tape, dy=np.ones_like(y))
"""

from . import classes
from .classes import *  # noqa: F403  (every kind of cell that is declared)
from .layers import Tape

__all__ = ["Tape"]
__all__ += classes.__all__
