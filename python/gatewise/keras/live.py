"""Live Keras layers and models, converted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .building import build
from .layers import Array
from .sources import Shapes, WeightSource, check_shapes

__doctest_requires__ = ("keras",)


class LiveSource:
    """The weights of a live Keras layer."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer

    def arrays(self, expected: Callable[[int], Shapes]) -> list[Array]:
        """The layer's get_weights()."""
        arrays = [np.asarray(array) for array in self._layer.get_weights()]
        if not arrays and not self._layer.built:
            raise ValueError("expected a built layer, got one without weights; call layer.build(input_shape) first")
        check_shapes([array.shape for array in arrays], expected)
        return arrays

    def child(self, name: str) -> WeightSource:
        """The source of the layer's attribute of this name."""
        return LiveSource(getattr(self._layer, name))

    def layers(self, kind: str, described: Sequence[Mapping[str, Any]]) -> Mapping[str, WeightSource]:
        """The sources of a model's layers by name."""
        return {layer.name: LiveSource(layer) for layer in self._layer.layers}


def from_keras(layer: Any) -> Any:
    """Convert a Keras 3 layer or model, with copies of its weights.

    You can convert built SimpleRNN, LSTM, GRU, Bidirectional, Embedding, Masking, Dense, TimeDistributed(Dense), Add,
    Subtract, Multiply, Average, Maximum, Minimum and Concatenate layers, Dropout and other layers that act in training
    only, and Sequential and functional models of these. A functional model may have any inputs and outputs, use layers
    several times, pass states from layer to layer, and contain other models.

    Parameters
    ----------
    layer : keras.Layer or keras.Model
        What to convert.

    Returns
    -------
    Layer
        The converted layer: `Recurrent`, `Bidirectional`, `Model` or another `Layer`. You call it as you call the Keras
        layer for inference, with arrays: ``converted(x, mask=None)``; recurrent layers also take ``initial_state``. The
        ``layer`` of a converted recurrent layer is the gatewise layer.

    Raises
    ------
    ValueError
        If a layer or option has no counterpart in gatewise, or a layer is not built. The message names the layer.
    TypeError
        If `layer` is not a Keras layer or model.

    See Also
    --------
    load : Read a ``.keras`` file without Keras.
    recurrent_layers : The gatewise layers of a converted model.

    Notes
    -----
    With ``stateful=True``, a call starts from the final states of the previous call. The first call, and the first one
    after ``converted.reset_state()``, start from zeros.

    Examples
    --------
    >>> import keras, numpy as np, gatewise.keras
    >>> model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(8), keras.layers.Dense(1)])
    >>> converted = gatewise.keras.from_keras(model)
    >>> x = np.ones((2, 5, 3), np.float32)
    >>> bool(np.allclose(converted(x), model.predict(x, verbose=0), atol=1e-5))
    True
    """
    name = type(layer).__name__
    if not (hasattr(layer, "get_config") and hasattr(layer, "get_weights")):
        raise TypeError(f"layer: expected a Keras layer or model, got {name}")
    return build(name, layer.get_config(), LiveSource(layer))
