"""A gatewise layer as one differentiable function of tensors."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from .._core.state import join, parts
from .tensors import array


class LayerFunction(torch.autograd.Function):
    """A layer's forward and backward as one function. It has no second derivatives.

    The arguments are the layer, the lengths, the key of the random numbers, the number of tensors in the initial state
    (0, 1 or 2), x, these tensors, and the parameters in the layer's order. The results are y and the final states. The
    layer has adopted the parameters, so they are arguments only for their gradients.
    """

    @staticmethod
    def forward(ctx: Any, layer: Any, lengths: Any, key: int | None, states: int, x: Any, *tensors: Any) -> Any:
        """LayerFunction the layer and keep its tape."""
        y, final, tape = layer.forward(array(x), _state(tensors[:states]), lengths=lengths, key=key)
        ctx.layer, ctx.states = layer, states
        ctx.save_for_backward(_ticket(tape))
        ctx.set_materialize_grads(False)
        # Copy y, since the tape reads it and callers may write into the result.
        return torch.tensor(y), *map(torch.from_numpy, parts(final))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_y: Any, *d_state: Any) -> Any:
        """The gradients of x, the initial state and the parameters that need them."""
        _, _, _, _, wrt_x, *needed = ctx.needs_input_grad
        dy = None if d_y is None else array(d_y)
        grads = ctx.layer.backward(_tape_of(*ctx.saved_tensors), dy, _state(d_state), wrt_x=wrt_x)
        found = [*parts(grads.state)[: ctx.states], *grads.params.values()]
        d_tensors = [torch.from_numpy(d) if wanted else None for d, wanted in zip(found, needed, strict=True)]
        return None, None, None, None, torch.from_numpy(grads.x) if wrt_x else None, *d_tensors


_numbers = itertools.count()
_tapes: WeakValueDictionary[int, Any] = WeakValueDictionary()


class _Ticket(np.ndarray[Any, Any]):
    """An array that holds the number of a tape, and keeps the tape alive."""

    tape: Any


def _ticket(tape: Any) -> Any:
    """Return a tensor that PyTorch saves in place of the tape.

    PyTorch then decides how long the tape lives, as it does for saved tensors. It frees the tape together with the
    graph, and refuses another backward after that. In a checkpointed part of a model, backward uses the tape of the
    second forward, and the first one is freed. The tensor holds the number of the tape: an attribute of the tensor
    would be lost, since hooks such as those of `torch.utils.checkpoint` pass on values only.
    """
    number = np.array([next(_numbers)]).view(_Ticket)
    number.tape = _tapes[int(number[0])] = tape
    return torch.from_numpy(number)


def _tape_of(ticket: Any) -> Any:
    tape = _tapes.get(int(ticket))
    if tape is None:
        raise RuntimeError(
            "saved_tensors_hooks: expected hooks that keep the memory of a tensor, got a copy of it; run gatewise's "
            "modules without these hooks"
        )
    return tape


def infer(layer: Any, lengths: Any, x: Any, states: Sequence[Any]) -> Any:
    """Compute the results of `LayerFunction` in inference, without a tape."""
    y, final = layer(array(x), _state(states), lengths=lengths)
    return torch.from_numpy(y), *map(torch.from_numpy, parts(final))


def _state(tensors: Sequence[Any]) -> Any:
    """The state of these tensors as a layer takes it. A tensor may be None; without any, the state is None."""
    return join([None if tensor is None else array(tensor) for tensor in tensors]) if tensors else None
