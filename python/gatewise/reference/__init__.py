"""The same layers in plain NumPy: the readable definition.

`cells` holds the mathematics, each cell's backward under its forward; `activations` the functions that cells apply;
`sequence` the loop over time and back; `layers` the stack with its directions and dropout; `noise` recurrent dropout
and zoneout; `philox` the random words of both; `single` the cells for one step; `checks` the arguments' conversions and
errors. The compiled layers are tested against these and differ from them by rounding alone; these are slower, and
written to be read.

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
