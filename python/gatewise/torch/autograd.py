"""The layers of the core as one differentiable function of tensors."""

from __future__ import annotations

import itertools
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from .tensors import array


class Run(torch.autograd.Function):
    """y, h[, c] = forward of a gatewise layer; gradients by its backward, once.

    The arguments: layer, lengths, the dropout's key, the number of tensors of the state (0, 1 or 2), x, these, and the
    parameters in the layer's order. The layer has adopted the parameters: here they only stand for their gradients.
    """

    @staticmethod
    def forward(ctx: Any, layer: Any, lengths: Any, key: int | None, halves: int, x: Any, *tensors: Any) -> Any:
        """Run the layer and keep its tape."""
        y, state, tape = layer.forward(array(x), _state(tensors[:halves]), lengths=lengths, key=key)
        ctx.layer, ctx.halves = layer, halves
        ctx.save_for_backward(_ticket(tape))
        ctx.set_materialize_grads(False)
        # A copy: the tape reads y, and callers may write into what they get.
        return torch.tensor(y), *(torch.from_numpy(half) for half in _halves(state))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_y: Any, *d_state: Any) -> Any:
        """The gradients of x, the state and the parameters, as far as they are asked for."""
        _, _, _, _, wrt_x, *wanted = ctx.needs_input_grad
        dy = None if d_y is None else array(d_y)
        grads = ctx.layer.backward(_tape_of(*ctx.saved_tensors), dy, _state(d_state), wrt_x=wrt_x)
        found = [*_halves(grads.state)[: ctx.halves], *grads.params.values()]
        d_tensors = [torch.from_numpy(d) if asked else None for d, asked in zip(found, wanted, strict=True)]
        return None, None, None, None, torch.from_numpy(grads.x) if wrt_x else None, *d_tensors


_numbers = itertools.count()
_tapes: WeakValueDictionary[int, Any] = WeakValueDictionary()


class _Ticket(np.ndarray[Any, Any]):
    """The number of a tape, which lives as long as the memory that the number stands in."""

    tape: Any


def _ticket(tape: Any) -> Any:
    """A tensor that stands for the tape where PyTorch keeps what a backward needs.

    So PyTorch decides how long the tape lives, as it does for tensors: until the graph is freed, after which it refuses
    another backward; in a checkpointed part only from a second forward on, whose tape is then the one of the backward.
    An attribute of the tensor would not do: hooks, such as those of `torch.utils.checkpoint`, hand on its values alone.
    """
    number = np.array([next(_numbers)]).view(_Ticket)
    number.tape = _tapes[int(number[0])] = tape
    return torch.from_numpy(number)


def _tape_of(ticket: Any) -> Any:
    tape = _tapes.get(int(ticket))
    if tape is None:
        raise RuntimeError("saved_tensors_hooks: expected hooks that keep the memory of a tensor, got a copy of it")
    return tape


def infer(layer: Any, lengths: Any, x: Any, halves: list[Any]) -> Any:
    """The same outputs by the layer's call, which keeps nothing."""
    y, state = layer(array(x), _state(halves), lengths=lengths)
    return torch.from_numpy(y), *(torch.from_numpy(half) for half in _halves(state))


def _state(halves: Any) -> Any:
    """Nothing, h or (h, c), from tensors or None, as the layer takes them."""
    parts = tuple(None if half is None else array(half) for half in halves)
    if not parts:
        return None
    return parts if len(parts) == 2 else parts[0]


def _halves(state: Any) -> tuple[Any, ...]:
    return state if isinstance(state, tuple) else (state,)
