"""The graph of a model: which layer reads which tensors, and the structures in which Keras nests them."""

from __future__ import annotations

import graphlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple


class Tensor(NamedTuple):
    """One output of one use of a layer."""

    layer: str
    use: int
    output: int

    @property
    def producer(self) -> tuple[str, int]:
        """The layer and its use."""
        return self.layer, self.use


class Use(NamedTuple):
    """The inputs of one use of a layer.

    inputs : tensors; an operation may read constants too.
    state : the initial states of a recurrent layer.
    masks : masks that the model passes by name, one for each input.
    """

    inputs: tuple[Any, ...]
    state: tuple[Tensor, ...] | None = None
    masks: tuple[Tensor | None, ...] | None = None

    @property
    def tensors(self) -> Iterator[Tensor]:
        """All tensors that must be computed before."""
        for value in (*self.inputs, *(self.state or ()), *(self.masks or ())):
            if isinstance(value, Tensor):
                yield value


class Graph(NamedTuple):
    """All uses by (layer, use), and the model's inputs and outputs as nested lists and dicts of tensors."""

    uses: dict[tuple[str, int], Use]
    inputs: Any
    outputs: Any

    def ordered(self) -> list[tuple[tuple[str, int], Use]]:
        """The uses in an order in which each reads only inputs and earlier results."""
        known = {tensor.producer for tensor in leaves(self.inputs)} | set(self.uses)
        for (layer, _), use in self.uses.items():
            for tensor in use.tensors:
                if tensor.producer not in known:
                    raise ValueError(f"layer {layer!r}: expected inputs from layers of the model, got {tensor.layer!r}")
        for tensor in leaves(self.outputs):
            if tensor.producer not in known:
                raise ValueError(f"outputs: expected outputs of the model's layers, got one of {tensor.layer!r}")
        needs = {key: {tensor.producer for tensor in use.tensors} for key, use in self.uses.items()}
        try:
            return [(key, self.uses[key]) for key in graphlib.TopologicalSorter(needs).static_order() if key in needs]
        except graphlib.CycleError as error:
            names = ", ".join(repr(name) for name, _ in error.args[1])
            raise ValueError(f"layers: expected each to read outputs of earlier layers, got a cycle: {names}") from None


def leaves(structure: Any) -> Iterator[Any]:
    """The leaves of nested lists and dicts; a dict's in the order of its keys, as in Keras."""
    if isinstance(structure, dict):
        structure = [structure[key] for key in sorted(structure)]
    if isinstance(structure, list):
        for one in structure:
            yield from leaves(one)
    else:
        yield structure


def map_leaves(function: Callable[[Any], Any], structure: Any) -> Any:
    """The same nested lists and dicts with the function applied to each leaf."""
    if isinstance(structure, Mapping):
        return {key: map_leaves(function, one) for key, one in structure.items()}
    return [map_leaves(function, one) for one in structure] if isinstance(structure, list) else function(structure)
