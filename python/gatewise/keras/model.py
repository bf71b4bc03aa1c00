"""Models: layers in the order in which they are computed, each as often as it is used."""

from __future__ import annotations

import graphlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .layers import Bidirectional, Layer, Recurrent, Value

Array = NDArray[Any]


class Tensor(NamedTuple):
    """One output of one use of a layer."""

    layer: str
    use: int
    output: int


class Use(NamedTuple):
    """What a layer reads: tensors (or, in operations, constants), initial states, and masks of its own."""

    inputs: tuple[Any, ...]
    state: tuple[Tensor, ...] | None = None
    masks: tuple[Tensor | None, ...] | None = None

    @property
    def sources(self) -> Iterator[Tensor]:
        """All tensors that have to be there before."""
        for one in (*self.inputs, *(self.state or ()), *(self.masks or ())):
            if isinstance(one, Tensor):
                yield one


def leaves(structure: Any) -> Iterator[Any]:
    """What stands in lists and dicts, a dict's in the order of its keys, as Keras counts them."""
    if isinstance(structure, dict):
        structure = [structure[key] for key in sorted(structure)]
    if isinstance(structure, list):
        for one in structure:
            yield from leaves(one)
    else:
        yield structure


def mapped(function: Callable[[Any], Any], structure: Any) -> Any:
    """The same lists and dicts with other leaves."""
    if isinstance(structure, dict):
        return {key: mapped(function, one) for key, one in structure.items()}
    return [mapped(function, one) for one in structure] if isinstance(structure, list) else function(structure)


class Model(Layer):
    """A Sequential or functional model.

    layers : name to `Layer`; a model among them has layers of its own.
    """

    takes_several = True

    def __init__(
        self, name: str, layers: dict[str, Layer], uses: dict[tuple[str, int], Use], inputs: Any, outputs: Any
    ) -> None:
        super().__init__(name)
        self.layers = layers
        self._inputs, self._outputs = inputs, outputs  # lists or dicts of tensors, or one
        known = {tensor[:2] for tensor in leaves(inputs)} | set(uses)  # (layer, use)
        for (layer, _), use in uses.items():
            for source in use.sources:
                if source[:2] not in known:
                    raise ValueError(f"layer {layer!r}: expected inputs from layers of the model, got {source.layer!r}")
        for tensor in leaves(outputs):
            if tensor[:2] not in known:
                raise ValueError(f"outputs: expected those of layers, got {tensor.layer!r}")
        order = graphlib.TopologicalSorter({key: {one[:2] for one in use.sources} for key, use in uses.items()})
        try:
            self._uses = [(key, uses[key]) for key in order.static_order() if key in uses]
        except graphlib.CycleError as error:
            names = ", ".join(repr(name) for name, _ in error.args[1])
            raise ValueError(f"layers: expected each to read what earlier ones give, got a cycle: {names}") from None

    def __call__(self, x: Any, mask: Any = None) -> Any:
        """The model's outputs, as ``model(x, mask=mask)`` gives them in Keras for inference.

        Parameters
        ----------
        x : an array; of a model with several inputs a list of arrays, or a dict of them by the inputs' names.
        mask : bool (B, T), or a list or dict of these or None, like x.

        Returns
        -------
        y : an array, or a list or dict of arrays, as the model was made.
        """
        arrays = self._given("x", x)
        masks = self._given("mask", mask) if mask is not None else [None] * len(arrays)
        values = [
            (np.asarray(array), None if known is None else np.asarray(known, bool))
            for array, known in zip(arrays, masks, strict=True)
        ]
        results = dict(zip(leaves(self._outputs), self.apply(values), strict=True))
        return mapped(lambda tensor: results[tensor][0], self._outputs)

    def _given(self, argument: str, given: Any) -> list[Any]:
        """One for each input, in the order of `leaves`."""
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
            got = f"{len(given)} of them" if isinstance(given, (list, tuple)) else type(given).__name__
            raise ValueError(f"{argument}: expected a list of {len(tensors)} arrays, got {got}")
        return list(given)

    def apply(self, inputs: list[Value], state: Any = None, unmasked: bool = False) -> list[Value]:
        """All outputs with their masks."""
        tensors = list(leaves(self._inputs))
        if len(inputs) != len(tensors):
            raise ValueError(f"x: expected {len(tensors)} arrays, got {len(inputs)}")
        values: dict[Any, Value] = dict(zip(tensors, inputs, strict=True))
        for (name, use), reads in self._uses:
            try:
                given = [values[one] if isinstance(one, Tensor) else (one, None) for one in reads.inputs]
                if reads.masks is not None:
                    own = [None if one is None else values[one][0] for one in reads.masks]
                    given = [(x, mask if known is None else known) for (x, mask), known in zip(given, own, strict=True)]
                if reads.state is None:
                    results = self.layers[name].apply(given)
                else:
                    initial = [values[one][0] for one in reads.state]
                    results = self.layers[name].apply(given, initial, unmasked=reads.masks is None)
            except KeyError as error:
                raise ValueError(f"layer {name!r}: expected outputs that layers have, got {error.args[0]}") from None
            except (TypeError, ValueError) as error:
                raise type(error)(f"layer {name!r}: {error}") from error
            values.update((Tensor(name, use, index), value) for index, value in enumerate(results))
        missing = [tensor for tensor in leaves(self._outputs) if tensor not in values]
        if missing:
            raise ValueError(f"outputs: expected those that layers have, got {missing[0]}")
        return [values[tensor] for tensor in leaves(self._outputs)]

    def reset_state(self) -> None:
        for layer in self.layers.values():
            layer.reset_state()


def recurrent_layers(model: Model) -> dict[str, Any]:
    """Name to gatewise layer of a model's recurrent layers.

    Those of a Bidirectional are NAME.forward and NAME.backward, those of a model inside MODEL.NAME.
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
