"""The modules RNN, LSTM and GRU of `torch.nn`, computed in gatewise's core."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from .._core.state import join, map_state, parts
from .autograd import LayerFunction, infer
from .convert import make_layer
from .tensors import DTYPES, array, require


class Replacement(torch.nn.RNNBase):
    """A `forward` that runs in gatewise's core. PyTorch's modules provide everything else."""

    _layer: Any = None
    _addresses: Any = None

    @torch.compiler.disable
    def forward(self, input: Any, hx: Any = None) -> Any:
        """LayerFunction the layers over a batch, a single sequence or a PackedSequence.

        Arguments and results are those of the module of this name in ``torch.nn``.

        Parameters
        ----------
        input : torch.Tensor or torch.nn.utils.rnn.PackedSequence
            The input: (T, B, I), (B, T, I) with ``batch_first=True``, (T, I) for a single sequence, or packed.
        hx : torch.Tensor or tuple of torch.Tensor, optional
            The initial state: h, or (h, c) for an LSTM. The default is zeros.

        Returns
        -------
        output : torch.Tensor or torch.nn.utils.rnn.PackedSequence
            The output of the last layer at every step, laid out as `input`.
        hx : torch.Tensor or tuple of torch.Tensor
            The final state, in the structure of the argument.

        Raises
        ------
        TypeError
            If weights, input or hx are not dense tensors on the CPU, are neither float32 nor float64, or differ in
            dtype.
        ValueError
            If a shape is wrong.
        RuntimeError
            If called under ``torch.jit.trace``.

        See Also
        --------
        from_torch : Convert to a gatewise layer, for the fastest inference.

        Examples
        --------
        >>> import torch, gatewise.torch
        >>> y, h = gatewise.torch.GRU(3, 4).forward(torch.zeros(5, 2, 3))
        >>> y.shape, h.shape
        (torch.Size([5, 2, 4]), torch.Size([1, 2, 4]))
        """
        if not isinstance(input, PackedSequence):
            return self._run(input, hx, None)
        # The packed order, longest sequence first, is kept: the rows of a step are adjacent, and only the states
        # are permuted.
        x, lengths = pad_packed_sequence(PackedSequence(input.data, input.batch_sizes), self.batch_first)
        y, state = self._run(x, _select(hx, input.sorted_indices), lengths)
        data = pack_padded_sequence(y, lengths, self.batch_first).data
        packed = PackedSequence(data, input.batch_sizes, input.sorted_indices, input.unsorted_indices)
        return packed, _select(state, input.unsorted_indices)

    def _run(self, x: Any, hx: Any, lengths: Any) -> Any:
        if torch.jit.is_tracing():
            raise RuntimeError(
                f"{type(self).__name__}: PyTorch cannot trace gatewise's core; trace a module made by to_torch"
            )
        drops = self.training and self.dropout > 0 and self.num_layers > 1
        layer, weights = self._ready(self.dropout if drops else 0.0)
        x, *states = (_cast(tensor, weights[0].dtype) for tensor in (x, *(() if hx is None else parts(hx))))
        for name, tensor in (("input", x), *(("hx", state) for state in states)):
            require(name, tensor, weights[0].dtype)
        recorded = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (x, *states, *weights))
        steps = None if lengths is None else array(lengths)
        if recorded or drops:
            # The key comes from PyTorch's generator, so torch.manual_seed makes dropout reproducible.
            key = int(torch.randint(2**63 - 1, ())) if drops else None
            y, *final = LayerFunction.apply(layer, steps, key, len(states), x, *states, *weights)
        else:
            y, *final = infer(layer, steps, x, states)
        return y, join(final)

    def _ready(self, dropout: float) -> tuple[Any, list[Any]]:
        """Return a layer with this dropout, whose parameters are the module's current weights, and these weights.

        Optimizers and load_state_dict write into the weights, where the layer sees the new values. Methods such as
        ``to`` replace the weights, which a comparison of addresses detects. No new weight can get the address of an old
        one, since the layer's views keep the old ones alive.
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
        """The state of PyTorch's module; a copy makes a layer of its own."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name not in ("_layer", "_addresses")}


def _cast(tensor: Any, dtype: Any) -> Any:
    """Under autocast, a tensor in the dtype of the weights, in which the core computes."""
    return tensor.to(dtype) if torch.is_autocast_enabled("cpu") and torch.is_tensor(tensor) else tensor


def _select(state: Any, rows: Any) -> Any:
    """The sequences of a batched state in another order; None keeps the order."""
    if state is None or rows is None:
        return state
    return map_state(lambda tensor: tensor.index_select(1, rows), state)


class RNN(Replacement, torch.nn.RNN):
    """``torch.nn.RNN`` computed in gatewise's core.

    It replaces ``torch.nn.RNN`` inside any model. See `LSTM` for what is the same and what differs.

    Parameters
    ----------
    *args, **kwargs : object
        The arguments of ``torch.nn.RNN``.

    See Also
    --------
    LSTM : The same for ``torch.nn.LSTM``, with more explanation.
    from_torch : Convert to a gatewise layer.

    Examples
    --------
    >>> import torch, gatewise.torch
    >>> y, h = gatewise.torch.RNN(3, 4, nonlinearity="relu")(torch.zeros(5, 2, 3))
    >>> y.shape
    torch.Size([5, 2, 4])
    """


class GRU(Replacement, torch.nn.GRU):
    """``torch.nn.GRU`` computed in gatewise's core.

    It replaces ``torch.nn.GRU`` inside any model. See `LSTM` for what is the same and what differs.

    Parameters
    ----------
    *args, **kwargs : object
        The arguments of ``torch.nn.GRU``.

    See Also
    --------
    LSTM : The same for ``torch.nn.LSTM``, with more explanation.
    from_torch : Convert to a gatewise layer.

    Examples
    --------
    >>> import torch, gatewise.torch
    >>> y, h = gatewise.torch.GRU(3, 4, bidirectional=True)(torch.zeros(5, 2, 3))
    >>> y.shape
    torch.Size([5, 2, 8])
    """


class LSTM(Replacement, torch.nn.LSTM):
    """``torch.nn.LSTM`` computed in gatewise's core.

    It replaces ``torch.nn.LSTM`` inside any model. It is a subclass, so the constructor, initial values, parameters,
    state dict, inputs, outputs and all methods are PyTorch's. Each call reads the weights where PyTorch keeps them. For
    inference with weights that do not change, `from_torch` makes a layer that packs them once, which is faster.

    Parameters
    ----------
    *args, **kwargs : object
        The arguments of ``torch.nn.LSTM``. ``dropout=1`` is not supported.

    See Also
    --------
    from_torch : Convert to a gatewise layer.
    to_torch : Convert a gatewise layer to a ``torch.nn`` module.

    Notes
    -----
    These differ from ``torch.nn.LSTM``:

    - ``dropout`` has PyTorch's probability but other random numbers. ``torch.manual_seed`` makes them reproducible.
    - Weights, input and state must be float32 or float64 on the CPU.
    - ``torch.jit.trace`` and second derivatives raise a RuntimeError.
    - Backward raises a RuntimeError with saved-tensor hooks that copy the saved tensors. Those of
      ``torch.utils.checkpoint`` do not copy them and work.

    Examples
    --------
    >>> import torch, gatewise.torch
    >>> lstm = gatewise.torch.LSTM(3, 4, batch_first=True)
    >>> lstm.load_state_dict(torch.nn.LSTM(3, 4).state_dict())
    <All keys matched successfully>
    >>> y, (h, c) = lstm(torch.zeros(2, 5, 3))
    >>> y.shape, h.shape
    (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    """
