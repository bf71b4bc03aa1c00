"""RNN, LSTM and GRU as `torch.nn` has them, computed in gatewise's core."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from .autograd import Run, infer
from .convert import make_layer
from .tensors import DTYPES, array, require


class Replacing(torch.nn.RNNBase):
    """What stands in place of PyTorch's forward. All else is PyTorch's own, by inheritance."""

    _layer: Any = None
    _addresses: Any = None

    @torch.compiler.disable
    def forward(self, input: Any, hx: Any = None) -> Any:
        """Arguments and results are those of the class of this name in ``torch.nn``."""
        if not isinstance(input, PackedSequence):
            return self._run(input, hx, None)
        # In the packed order, longest first: the rows of a step lie side by side, and only states are permuted.
        x, lengths = pad_packed_sequence(PackedSequence(input.data, input.batch_sizes), self.batch_first)
        y, state = self._run(x, _select(hx, input.sorted_indices), lengths)
        data = pack_padded_sequence(y, lengths, self.batch_first).data
        packed = PackedSequence(data, input.batch_sizes, input.sorted_indices, input.unsorted_indices)
        return packed, _select(state, input.unsorted_indices)

    def _run(self, x: Any, hx: Any, lengths: Any) -> Any:
        if torch.jit.is_tracing():
            raise RuntimeError(f"{type(self).__name__}: PyTorch cannot trace gatewise's core, only what to_torch makes")
        drops = self.training and self.dropout > 0 and self.num_layers > 1
        layer, weights = self._ready(self.dropout if drops else 0.0)
        halves = [] if hx is None else list(hx) if isinstance(hx, (tuple, list)) else [hx]
        x, *halves = (_cast(tensor, weights[0].dtype) for tensor in (x, *halves))
        for name, tensor in (("input", x), *(("hx", half) for half in halves)):
            require(name, tensor, weights[0].dtype)
        recorded = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (x, *halves, *weights))
        steps = None if lengths is None else array(lengths)
        if recorded or drops:
            # PyTorch's generator decides what is dropped, so manual_seed makes it reproducible.
            key = int(torch.randint(2**63 - 1, ())) if drops else None
            y, *state = Run.apply(layer, steps, key, len(halves), x, *halves, *weights)
        else:
            y, *state = infer(layer, steps, x, halves)
        return y, tuple(state) if len(state) == 2 else state[0]

    def _ready(self, dropout: float) -> tuple[Any, list[Any]]:
        """The layer with this dropout that lives in this module's weights of now, and these.

        Optimizers and load_state_dict write into the weights, where the layer sees them; ``to`` and others exchange
        them, which their addresses tell: the layer's views keep the old ones from being given to anybody else.
        """
        dtype = self.weight_ih_l0.dtype
        if self._layer is None or (self._layer.dtype, self._layer.dropout) != (DTYPES.get(dtype), dropout):
            self._layer, self._addresses = make_layer(self, dropout), None
        weights = [getattr(self, name) for name in self._layer.params]
        addresses = [weight.data_ptr() if weight.is_contiguous() else None for weight in weights]
        if self._addresses != addresses or None in addresses:
            for name, weight in zip(self._layer.params, weights, strict=True):
                require(name, weight, dtype)
            arrays = (array(weight.contiguous()) for weight in weights)
            self._layer.adopt(dict(zip(self._layer.params, arrays, strict=True)))
            self._addresses = addresses
        return self._layer, weights

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles are PyTorch's: they make a layer for themselves."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name not in ("_layer", "_addresses")}


def _cast(tensor: Any, dtype: Any) -> Any:
    """Autocast's half precision ends here: the core computes in the weights' own."""
    return tensor.to(dtype) if torch.is_autocast_enabled("cpu") and torch.is_tensor(tensor) else tensor


def _select(state: Any, rows: Any) -> Any:
    """The rows of a batched state in another order."""
    if state is None or rows is None:
        return state
    if isinstance(state, (tuple, list)):
        return tuple(half.index_select(1, rows) for half in state)
    return state.index_select(1, rows)


class RNN(Replacing, torch.nn.RNN):
    """``torch.nn.RNN`` with forward and backward in gatewise's core: see `LSTM`, which differs in its options only."""


class GRU(Replacing, torch.nn.GRU):
    """``torch.nn.GRU`` with forward and backward in gatewise's core: see `LSTM`, which differs in its options only."""


class LSTM(Replacing, torch.nn.LSTM):
    """``torch.nn.LSTM`` with forward and backward in gatewise's core: a replacement inside any model.

    The constructor, initial values, parameters, state dict, inputs and outputs are PyTorch's, and so is every method:
    this is a subclass. Weights are read where PyTorch has them, in every call, whoever has written them. For inference
    with weights that stay, `from_torch` makes a layer that packs them once.

    Parameters
    ----------
    as ``torch.nn.LSTM``. ``dropout`` acts in ``train()`` only, with PyTorch's probability and other random numbers than
    its own, which ``torch.manual_seed`` decides; dropout=1 is not there.

    Raises
    ------
    TypeError : on call: weights, input or hx not on the CPU, or neither float32 nor float64; they differ in dtype.
    ValueError : on call: a shape is not PyTorch's; the message names argument, expected and got.
    RuntimeError : ``torch.jit.trace``, and the second derivative, which the core does not have; a backward after hooks
        on saved tensors that copy them: those of ``torch.utils.checkpoint`` do not.

    >>> import torch, gatewise.torch
    >>> lstm = gatewise.torch.LSTM(3, 4, batch_first=True)
    >>> lstm.load_state_dict(torch.nn.LSTM(3, 4).state_dict())
    <All keys matched successfully>
    >>> y, (h, c) = lstm(torch.zeros(2, 5, 3))
    >>> y.shape, h.shape
    (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    """
