"""The table of a model's layers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._core.compiled_layer import CompiledLayer
from .._core.parameters import size_of
from ..nn.base import ModelLayer
from ..nn.flow import VECTORS
from ..nn.network import Network
from ..nn.recurrent import RecurrentLayer, keras_parameters

HEADINGS = {
    "part": "layer",
    "FLOPs a step": "FLOPs per step",
    "tape bytes a step": "tape bytes per step",
}
"""Headings of the table that differ from the keys of `rows`."""


def rows(model: Network) -> list[dict[str, Any]]:
    """Return the rows of the table, each as a dict."""
    found = []
    for layer, flow in zip(model.model_layers, model.flows[1:], strict=True):
        costs, once = layer.costs(), flow.kind == VECTORS
        found.append(
            {
                "part": repr(layer),
                "output": flow.shape,
                "parameters": costs.parameters,
                "stored numbers": costs.stored_numbers,
                "FLOPs a step": 0 if once else costs.flops,
                "FLOPs at the end": costs.flops if once else 0,
                "state bytes": costs.state_bytes,
                "tape bytes a step": costs.tape_bytes,
            }
        )
    return found


def size_in_words(layers: Iterable[ModelLayer | CompiledLayer]) -> str:
    """Return how many numbers the layers have, in the words of the table's columns."""
    parameters = stored = 0
    for layer in layers:
        core = layer.layer if isinstance(layer, RecurrentLayer) else layer
        if isinstance(core, ModelLayer):
            own = size_of(core.shapes)
            parameters, stored = parameters + own, stored + own
        else:
            parameters, stored = parameters + keras_parameters(core), stored + size_of(core.params.shapes)
    return f"{parameters:,} parameters" + (f" ({stored:,} stored numbers)" if stored != parameters else "")


def table(model: Network) -> str:
    """Return the rows as text, with their sums and notes on their meaning."""
    described = rows(model)
    names = list(described[0])
    total = {name: sum(row[name] for row in described) for name in names[2:]}
    headings = [HEADINGS.get(name, name) for name in names]
    cells = [headings, *([str(v) if isinstance(v, str) else f"{v:,}" for v in row.values()] for row in described)]
    cells.append(["total", "", *(f"{value:,}" for value in total.values())])
    widths = [max(len(row[column]) for row in cells) for column in range(len(names))]
    lines = [
        "  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in cells
    ]
    rule = "-" * len(lines[0])
    notes = ["FLOPs and bytes are those of one sequence in the forward pass. Training takes three times the FLOPs."]
    if total["FLOPs at the end"]:
        notes.append("FLOPs at the end are those of layers after the last step, which work once per sequence.")
    if total["parameters"] != total["stored numbers"]:
        notes.append(
            "The column parameters counts b_ih and b_hh once where only their sum matters, as Keras does. Stored "
            "numbers are all elements of state_dict()."
        )
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], *notes])
