"""The table of a model's parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from .network import Network
from .part import Part
from .parts import Linear
from .recurrent import Recurrent


def rows(model: Network) -> list[dict[str, Any]]:
    """What the table says of each part, as a dict: see the names below."""
    return [
        {
            "part": repr(part),
            "output": str(flow).partition(" ")[2],
            "parameters": _parameters(part),
            "stored numbers": sum(int(np.prod(shape)) for shape in part.shapes.values()),
            "FLOPs a step": _flops(part),
            "state bytes": _state_bytes(part),
            "tape bytes a step": _tape_bytes(part),
        }
        for part, flow in zip(model.all_parts, model.flows[1:], strict=True)
    ]


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
    if total["parameters"] != total["stored numbers"]:
        notes.append(
            "parameters counts b_ih and b_hh once where only their sum matters, as Keras does; both are stored."
        )
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], *notes])


def _parameters(part: Part) -> int:
    """Keras's count: an RNN's, an LSTM's and, with the reset before the product, a GRU's two biases act as one."""
    after = isinstance(part, Recurrent) and getattr(part.layer, "reset_after", False)
    redundant = isinstance(part, Recurrent) and not after
    shapes = part.shapes.items()
    return sum(int(np.prod(shape)) for name, shape in shapes if not (redundant and name.startswith("bias_hh")))


def _flops(part: Part) -> int:
    """A multiply-add is two: twice the numbers of the matrices."""
    if not isinstance(part, (Recurrent, Linear)):
        return 0
    return 2 * sum(int(np.prod(shape)) for shape in part.shapes.values() if len(shape) == 2 and shape[0] != 3)


def _state_bytes(part: Part) -> int:
    if not isinstance(part, Recurrent):
        return 0
    layer = part.layer
    _, state = layer(np.zeros((1, 1, layer.input_size), layer.dtype))
    return sum(half.nbytes for half in (state if isinstance(state, tuple) else (state,)))


def _tape_bytes(part: Part) -> int:
    """Measured on the tapes of 17 steps and of 1; the output, which belongs to the caller as well, included."""
    if not isinstance(part, Recurrent):
        return 0
    layer, sizes = part.layer, []
    for steps in (1, 17):
        y, _, tape = layer.forward(np.zeros((1, steps, layer.input_size), layer.dtype), key=0)
        sizes.append(tape.nbytes + y.nbytes)
    return (sizes[1] - sizes[0]) // 16
