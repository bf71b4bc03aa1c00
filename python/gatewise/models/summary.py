"""The table of a model's parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..nn.base import VECTORS, ModelLayer
from ..nn.dense import Linear
from ..nn.network import Network
from ..nn.recurrent import Layer, RecurrentLayer


def rows(model: Network) -> list[dict[str, Any]]:
    """What the table says of each part, as a dict: see the names below."""
    return [
        {
            "part": repr(part),
            "output": str(flow).partition(" ")[2],
            "parameters": _parameters(part),
            "stored numbers": _stored(part),
            "FLOPs a step": 0 if flow.kind == VECTORS else _flops(part),
            "FLOPs at the end": _flops(part) if flow.kind == VECTORS else 0,
            "state bytes": _state_bytes(part),
            "tape bytes a step": _tape_bytes(part),
        }
        for part, flow in zip(model.model_layers, model.flows[1:], strict=True)
    ]


def size_in_words(parts: Iterable[ModelLayer | Layer]) -> str:
    """How many numbers these have, in the words of the table's columns."""
    counts = [(_parameters(part), _stored(part)) for part in parts]
    parameters, stored = map(sum, zip(*counts, strict=True))
    return f"{parameters:,} parameters" + (f" ({stored:,} stored numbers)" if stored != parameters else "")


def table(model: Network) -> str:
    """The rows as text, with their sums and what they mean."""
    described = rows(model)
    names = list(described[0])
    total = {name: sum(row[name] for row in described) for name in names[2:]}
    cells = [names, *([str(v) if isinstance(v, str) else f"{v:,}" for v in row.values()] for row in described)]
    cells.append(["total", "", *(f"{value:,}" for value in total.values())])
    widths = [max(len(row[column]) for row in cells) for column in range(len(names))]
    lines = [
        "  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in cells
    ]
    rule = "-" * len(lines[0])
    notes = ["FLOPs and bytes are those of one sequence, forward; training takes three times the FLOPs."]
    if total["FLOPs at the end"]:
        notes.append("FLOPs at the end are those of parts behind the last step, which work once a sequence.")
    if total["parameters"] != total["stored numbers"]:
        notes.append(
            "parameters counts b_ih and b_hh once where only their sum matters, as Keras does; stored numbers counts "
            "both, all that state_dict() holds."
        )
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], *notes])


def _shapes(part: ModelLayer | Layer) -> dict[str, tuple[int, ...]]:
    if isinstance(part, ModelLayer):
        return dict(part.shapes)
    return {name: array.shape for name, array in part.params.items()}


def _stored(part: ModelLayer | Layer) -> int:
    return sum(int(np.prod(shape)) for shape in _shapes(part).values())


def _parameters(part: ModelLayer | Layer) -> int:
    """Keras's count: an RNN's, an LSTM's and, with the reset before the product, a GRU's two biases act as one."""
    layer = part.layer if isinstance(part, RecurrentLayer) else part
    redundant = not isinstance(layer, ModelLayer) and not getattr(layer, "reset_after", False)
    shapes = _shapes(part).items()
    return sum(int(np.prod(shape)) for name, shape in shapes if not (redundant and name.startswith("bias_hh")))


def _flops(part: ModelLayer) -> int:
    """A multiply-add is two: twice the numbers of the matrices; peepholes, three rows, go number by number."""
    if not isinstance(part, (RecurrentLayer, Linear)):
        return 0
    matrices = [shape for name, shape in part.shapes.items() if len(shape) == 2 and "peephole" not in name]
    return 2 * sum(int(np.prod(shape)) for shape in matrices)


def _state_bytes(part: ModelLayer) -> int:
    if not isinstance(part, RecurrentLayer):
        return 0
    layer = part.layer
    _, state = layer(np.zeros((1, 1, layer.input_size), layer.dtype))
    return sum(half.nbytes for half in (state if isinstance(state, tuple) else (state,)))


def _tape_bytes(part: ModelLayer) -> int:
    """Measured on the tapes of 17 steps and of 1; the output, which belongs to the caller as well, included."""
    if not isinstance(part, RecurrentLayer):
        return 0
    layer, sizes = part.layer, []
    for steps in (1, 17):
        y, _, tape = layer.forward(np.zeros((1, steps, layer.input_size), layer.dtype), key=0)
        sizes.append(tape.nbytes + y.nbytes)
    return (sizes[1] - sizes[0]) // 16
