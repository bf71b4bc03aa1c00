"""PyTorch's nn.LSTM, nn.GRU and nn.RNN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn.utils.rnn import pack_padded_sequence

from cases import Case

from ._data import inputs, weights


def facts() -> dict[str, str]:
    """PyTorch's version."""
    return {"version": str(torch.__version__)}


def make(case: Case, threads: int) -> Callable[[], Any] | None:
    """Use inference mode for infer and step, and autograd, with the gradients of x and all parameters, for train."""
    torch.set_num_threads(threads)
    module = getattr(torch.nn, case.cell)(case.I, case.H, case.layers, bidirectional=case.directions == 2)
    module = module.to(getattr(torch, case.dtype))
    module.load_state_dict({name: torch.from_numpy(value) for name, value in weights(case).items()})
    x, dy = (torch.from_numpy(array) for array in inputs(case))

    def forward(x: Any, state: Any = None) -> Any:
        if not case.ragged:
            return module(x, state)
        return module(pack_padded_sequence(x, torch.tensor(case.lengths()), enforce_sorted=False), state)

    if case.mode == "train":
        x.requires_grad_()
        packed_dy = pack_padded_sequence(dy, torch.tensor(case.lengths()), enforce_sorted=False).data

        def train() -> None:
            x.grad = None
            module.zero_grad()
            y, _ = forward(x)
            if case.ragged:
                y.data.backward(packed_dy)
            else:
                y.backward(dy)

        return train

    state = forward(x)[1] if case.mode == "step" else None

    def infer() -> None:
        with torch.inference_mode():
            forward(x, state)

    return infer
