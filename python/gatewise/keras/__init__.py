"""Keras 3: run its recurrent layers and models in gatewise's core, from a live object or from a ``.keras`` file.

`from_keras` needs nothing but the object. `load` needs h5py (``pip install "gatewise[keras]"``), but not Keras.
"""

from .files import load
from .layers import Layer
from .live import from_keras
from .model import Model, recurrent_layers
from .recurrent import Bidirectional, Recurrent

__all__ = ["Bidirectional", "Layer", "Model", "Recurrent", "from_keras", "load", "recurrent_layers"]
