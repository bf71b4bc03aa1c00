"""``.keras``: the recurrent layers of a Keras 3 model, read without Keras."""

from __future__ import annotations

import os

from ... import keras
from ..contents import Contents, Weights


def read(path: str | os.PathLike[str]) -> Contents:
    """Read the model's recurrent layers, under their names in Keras."""
    return Contents(Weights(keras.recurrent_layers(keras.load(path)), {}))
