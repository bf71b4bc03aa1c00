"""Cases that PyTorch has too, and their results from its modules or from the drop-in modules."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import draw
from draw import Case, Option, Variant

Array = NDArray[Any]

CELLS = [
    Option("RNN", {"nonlinearity": "tanh"}),
    Option("RNN", {"nonlinearity": "relu"}),
    Option("LSTM", {}),
    Option("LSTM", {}, projected=True),
    Option("GRU", {}),
]
STACKS: list[dict[str, Any]] = [
    {},
    {"bidirectional": True},
    {"num_layers": 2, "bias": False},
    {"num_layers": 3, "bidirectional": True, "batch_first": True},
]
OPTIONS = [
    Option(cell.kind, {**cell.keywords, **stack}, cell.projected) for cell, stack in itertools.product(CELLS, STACKS)
]
VARIANTS = [variant for variant in draw.VARIANTS if variant.steps != "mask" and not variant.resets]
# A variant that has only a gradient of c does not apply to cells without c.
PAIRS = [
    (option, variant)
    for option in OPTIONS
    for variant in VARIANTS
    if option.kind == "LSTM" or variant.dy or variant.d_h
]


def module_of(case: Case, dtype: Any, library: Any = torch.nn) -> Any:
    """The module of this case in `library`, with its parameters."""
    options = {name: value for name, value in case.options.items() if name != "reset_after"}
    module = getattr(library, case.kind)(**options, dtype=dtype)
    module.load_state_dict({name: torch.tensor(value, dtype=dtype) for name, value in case.params.items()})
    return module


def run_torch(case: Case, dtype: Any, library: Any = torch.nn) -> dict[str, Array]:
    """All results of a case from the module in `library`, under the names of `named`."""

    def leaf(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(leaf(part) for part in value)
        return None if value is None else torch.tensor(value, dtype=dtype, requires_grad=True)

    module, x, state = module_of(case, dtype, library), leaf(case.x), leaf(case.state)
    given = x
    first = bool(case.options["batch_first"])
    if case.lengths is not None:
        lengths = torch.tensor(case.lengths)
        given = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=False)
    y, final = module(given, state)
    if case.lengths is not None:
        total = case.usual(case.x).shape[0]
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=first, total_length=total)
    finals = final if isinstance(final, tuple) else (final,)
    cotangents = case.d_state if isinstance(case.d_state, tuple) else (case.d_state,) * len(finals)
    loss = torch.zeros((), dtype=dtype)
    for value, cotangent in zip((y, *finals), (case.dy, *cotangents), strict=True):
        if cotangent is not None:
            loss = loss + (value * torch.tensor(cotangent, dtype=dtype)).sum()
    loss.backward()
    arrays = {"y": y, "grads.x": x.grad}
    initial = state if isinstance(state, tuple) else (state,)
    for i, half in enumerate(finals):
        arrays[f"state.{i}"] = half
        if case.state is not None:
            arrays[f"grads.state.{i}"] = initial[i].grad
    arrays |= {f"grads.params.{name}": parameter.grad for name, parameter in module.named_parameters()}
    return {name: array.detach().numpy() for name, array in arrays.items() if array is not None}


def case_of(option: Option, variant: Variant) -> Case:
    """A case that PyTorch takes. PyTorch packs no empty sequences, and reads padding."""
    case = draw.make(option, variant, n_steps=6, batch=4, input_size=9, hidden_size=13, proj_size=5)
    if case.lengths is None or case.dy is None:
        return case
    return case.replace(lengths=np.maximum(case.lengths, 1), x=np.nan_to_num(case.x), dy=np.nan_to_num(case.dy))
