"""An RNN, LSTM or GRU as nodes: one operator for each layer of the stack, and reshapes between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import attributes
from .graph import GraphBuilder
from .weights import INPUTS, to_weights


def write_stack(
    graph: GraphBuilder, layer: Any, x: str, lengths: str, states: Sequence[Sequence[str]] = (), prefix: str = ""
) -> tuple[str, list[list[str]]]:
    """Add the nodes of all layers of the stack.

    Parameters
    ----------
    x, lengths : names of tensors [T, B, I] and [B].
    states : for each layer the names of its initial states [D, B, H]: [h] or [h, c]. By default the states are zeros.
    prefix : begins the names of all constants and results.

    Returns
    -------
    y : name of the output [T, B, D H].
    finals : names of the final states, in the form of `states`.
    """
    attributes.require_operator(layer)
    kind, directions = layer.kind, 1 + layer.bidirectional
    joined = graph.integers(0, 0, directions * layer.hidden_size)  # in Reshape, 0 keeps an axis
    finals: list[list[str]] = []
    for index in range(layer.num_layers):
        name = f"{prefix}{{}}_l{index}".format
        weights = to_weights(kind.name, layer.params, index, directions)._asdict()
        given = {
            "X": x,
            "sequence_lens": lengths,
            **{one: graph.constant(name(one), array) for one, array in weights.items() if array is not None},
        }
        final: list[str] = []
        if states:
            given |= {f"initial_{one}": state for one, state in zip(kind.states, states[index], strict=True)}
            final = [name(f"{one}_n") for one in kind.states]
        last = max(INPUTS.index(one) for one in given)
        inputs = [given.get(one, "") for one in INPUTS[: last + 1]]  # "" stands for an input that is not given
        y = graph.node(kind.name, inputs, [name("Y"), *final], **attributes.write(layer))
        y = graph.node("Transpose", [y], [name("y_steps")], perm=[0, 2, 1, 3])
        x = graph.node("Reshape", [y, joined], [name("y")])
        finals.append(final)
    return x, finals
