"""Converted models: they run their layers in the order of the graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from .graph import Graph, Tensor, leaves, map_leaves
from .layers import Layer, Masked
from .recurrent import AnyRecurrent, Bidirectional, Recurrent

__doctest_requires__ = ("keras",)


class Model(Layer):
    """A converted Sequential or functional model.

    A model may have several inputs and outputs, layers that are used several times, and models among its layers.

    Parameters
    ----------
    name : str
        The name of the Keras model.
    layers : dict of str to Layer
        The converted layers by name.
    graph : Graph
        Which layer reads which outputs, and the model's inputs and outputs.

    See Also
    --------
    from_keras : Convert a Keras layer or model.
    load : Read a ``.keras`` file.
    recurrent_layers : The gatewise layers of a model.

    Examples
    --------
    >>> import keras, numpy as np, gatewise.keras
    >>> model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(8, name="lstm")])
    >>> converted = gatewise.keras.from_keras(model)
    >>> list(converted.layers), converted(np.ones((2, 5, 3))).shape
    (['lstm'], (2, 8))
    """

    several_inputs = True
    several_masks = True

    def __init__(self, name: str, layers: dict[str, Layer], graph: Graph) -> None:
        super().__init__(name)
        self.layers = layers
        self._inputs, self._outputs = graph.inputs, graph.outputs
        try:
            self._uses = graph.ordered()
        except ValueError as error:
            raise ValueError(f"model {name!r}: {error}") from None

    def __call__(self, x: Any, mask: Any = None) -> Any:
        """Compute the model's outputs.

        This computes what ``model(x, mask=mask)`` computes in Keras for inference.

        Parameters
        ----------
        x : array_like, or list or dict of array_like
            The input. A model with several inputs takes a list of arrays, or a dict of arrays by the inputs' names.
        mask : array_like of bool, shape (B, T), or list or dict of these or None, optional
            The masks of the inputs, in the structure of `x`. By default every step counts.

        Returns
        -------
        ndarray, or list or dict of ndarray
            The outputs, in the structure that the Keras model has.

        Raises
        ------
        ValueError, TypeError
            If the inputs do not fit. If a layer's input does not fit, the message names the layer.

        See Also
        --------
        Layer.reset_state : Start stateful layers from zeros again.

        Examples
        --------
        >>> import keras, numpy as np, gatewise.keras
        >>> a, b = keras.Input((5, 3), name="a"), keras.Input((5, 3), name="b")
        >>> model = keras.Model([a, b], keras.layers.GRU(4)(keras.layers.Add()([a, b])))
        >>> converted, x = gatewise.keras.from_keras(model), np.ones((2, 5, 3))
        >>> bool((converted([x, 2 * x]) == converted({"a": x, "b": 2 * x})).all())
        True
        """
        arrays = self._for_inputs("x", x)
        masks = self._for_inputs("mask", mask) if mask is not None else [None] * len(arrays)
        inputs = [
            Masked(np.asarray(array), None if one is None else np.asarray(one, bool))
            for array, one in zip(arrays, masks, strict=True)
        ]
        outputs = dict(zip(leaves(self._outputs), self._apply(inputs), strict=True))
        return map_leaves(lambda tensor: outputs[tensor].array, self._outputs)

    def _for_inputs(self, argument: str, given: Any) -> list[Any]:
        """The given values, one for each input, in the order of `leaves`."""
        if isinstance(self._inputs, Tensor) and not isinstance(given, dict):
            return [given]
        tensors = list(leaves(self._inputs))
        if isinstance(given, dict):
            keys = sorted(self._inputs) if isinstance(self._inputs, dict) else [tensor.layer for tensor in tensors]
            if set(given) != set(keys):
                raise ValueError(f"{argument}: expected {', '.join(keys)}, got {', '.join(map(str, given))}")
            return [given[key] for key in keys]
        if len(tensors) == 1 and not isinstance(given, (list, tuple)):
            return [given]
        if not isinstance(given, (list, tuple)) or len(given) != len(tensors):
            got = f"a list of {len(given)}" if isinstance(given, (list, tuple)) else type(given).__name__
            raise ValueError(f"{argument}: expected a list of {len(tensors)} arrays, got {got}")
        return list(given)

    def _apply(self, inputs: list[Masked]) -> list[Masked]:
        tensors = list(leaves(self._inputs))
        if len(inputs) != len(tensors):
            raise ValueError(f"x: expected {len(tensors)} arrays, got {len(inputs)}")
        values: dict[Any, Masked] = dict(zip(tensors, inputs, strict=True))
        for (name, number), use in self._uses:
            layer = self.layers[name]
            try:
                given = [values[one] if isinstance(one, Tensor) else Masked(one, None) for one in use.inputs]
                if use.masks is not None:
                    own = [None if one is None else values[one].array for one in use.masks]
                    given = [Masked(x, mask if one is None else one) for (x, mask), one in zip(given, own, strict=True)]
                if isinstance(layer, AnyRecurrent) and use.state is not None:
                    initial = [values[one].array for one in use.state]
                    results = layer._apply(given, initial, ignore_mask=use.masks is None)
                else:
                    results = layer._apply(given)
            except KeyError as error:
                raise ValueError(f"layer {name!r}: expected outputs that layers have, got {error.args[0]}") from None
            except (TypeError, ValueError) as error:
                raise type(error)(f"layer {name!r}: {error}") from error
            values.update((Tensor(name, number, index), value) for index, value in enumerate(results))
        missing = [tensor for tensor in leaves(self._outputs) if tensor not in values]
        if missing:
            raise ValueError(f"outputs: expected outputs that layers have, got {missing[0]}")
        return [values[tensor] for tensor in leaves(self._outputs)]

    def _reset_state(self) -> None:
        for layer in self.layers.values():
            layer.reset_state()


def recurrent_layers(model: Model) -> dict[str, Any]:
    """Return the gatewise layers of a converted model by name.

    The layers of a Bidirectional are named ``NAME.forward`` and ``NAME.backward``, those of a model inside the model
    ``MODEL.NAME``. They are the layers that the model runs, not copies.

    Parameters
    ----------
    model : Model
        A converted model.

    Returns
    -------
    dict of str to gatewise.RNN, gatewise.LSTM or gatewise.GRU
        The layers by name.

    See Also
    --------
    from_keras : Convert a Keras layer or model.
    load : Read a ``.keras`` file.
    gatewise.weights.save : Write layers to a file.

    Examples
    --------
    >>> import keras, gatewise.keras
    >>> model = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(8, name="lstm"), keras.layers.Dense(1)])
    >>> gatewise.keras.recurrent_layers(gatewise.keras.from_keras(model))
    {'lstm': LSTM(3, 8, batch_first=True)}
    """
    found: dict[str, Any] = {}
    for name, layer in model.layers.items():
        if isinstance(layer, Recurrent):
            found[name] = layer.layer
        if isinstance(layer, Bidirectional):
            found |= {f"{name}.forward": layer.forward.layer, f"{name}.backward": layer.backward.layer}
        if isinstance(layer, Model):
            found |= {f"{name}.{inner}": one for inner, one in recurrent_layers(layer).items()}
    return found
