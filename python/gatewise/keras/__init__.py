"""Keras 3: its recurrent layers and models run in gatewise's core, from a live object or from a ``.keras`` file.

`from_keras` needs nothing but the object; `load` needs h5py (``pip install "gatewise[keras]"``) and not Keras.
"""

from .building import from_keras
from .files import load
from .layers import Bidirectional, Layer, Recurrent
from .model import Model, recurrent_layers

__all__ = ["Bidirectional", "Layer", "Model", "Recurrent", "from_keras", "load", "recurrent_layers"]
