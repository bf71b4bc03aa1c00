"""Layers in a row as one function of a flat array of parameters, forward and backward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._core.checks import generator
from .._core.gradients import Gradients
from .._core.parameters import Array, Pieces, size_of
from .._core.state import State
from .flow import TOKENS, VECTORS, Call, DataShape
from .joining import as_model_layer, flows_through
from .recurrent import RecurrentLayer
from .store import ParameterStore


class ForwardPass(NamedTuple):
    """The result of a forward pass.

    y : the output.
    states : the final state of each recurrent layer, by the layer's number.
    tape : what `backpropagate` needs of each layer, if the call keeps it.
    """

    y: Array
    states: dict[int, State]
    tape: list[Any]


class Network(ParameterStore):
    """Layers in a row, whose parameters are views of one flat array."""

    def __init__(self, *layers: Any, seed: Any = None) -> None:
        if len(layers) == 1 and isinstance(layers[0], (list, tuple)):
            layers = tuple(layers[0])
        if not layers:
            raise ValueError("layers: expected at least one, got none")
        self.layers = layers
        self.rng = generator(seed)
        self.notes: dict[str, Any] = {}
        self._build()
        if seed is not None:
            self.reset_parameters()

    def _build(self) -> None:
        """Check that each layer can read the output of the one before, and move all parameters into one flat array."""
        self.model_layers = [as_model_layer(index, layer) for index, layer in enumerate(self.layers)]
        if len({id(layer) for layer in self.layers}) < len(self.layers):
            raise ValueError("layers: expected each layer only once, got one of them twice")
        self.flows = flows_through(self.model_layers)
        dtypes = {layer.dtype for layer in self.model_layers if layer.dtype is not None}
        if len(dtypes) != 1:
            got = ", ".join(sorted(str(dtype) for dtype in dtypes)) or "none"
            raise ValueError(f"layers: expected parameters of one dtype, got {got}")
        shapes = [layer.shapes for layer in self.model_layers]
        named = {f"{index}.{name}": shape for index, own in enumerate(shapes) for name, shape in own.items()}
        self._allocate(named, dtypes.pop())
        self._grads: list[Gradients] = []  # of each layer, as views of the flat array
        start = 0
        for layer, own, flow in zip(self.model_layers, shapes, self.flows[:-1], strict=True):
            span = slice(start, start := start + size_of(own))
            params = Pieces(self.flat_params[span], own)
            for name, array in params.items():
                np.copyto(array, layer.params[name])
            layer.bind(params, flow)
            self._grads.append(Gradients(x=None, state=None, flat=self.flat_grads[span], shapes=own))
        self._first_with_parameters = next(index for index, own in enumerate(shapes) if own)

    def reset_parameters(self, init: str = "uniform", seed: Any = None) -> None:
        """Draw new initial values for all parameters.

        The values are drawn layer by layer from one generator.

        Parameters
        ----------
        init : {"uniform", "glorot"}, default "uniform"
            The distribution: "uniform" is the default of PyTorch's layers, "glorot" that of Keras's.
        seed : object, optional
            Passed to ``numpy.random.default_rng``. By default the model's own generator is used.

        See Also
        --------
        load_state_dict : Set the parameters to given values.

        Examples
        --------
        >>> import gatewise as gw
        >>> model = gw.Sequential(gw.Linear(2, 1))
        >>> model.reset_parameters("glorot", seed=0)
        >>> model.params["0.bias"]
        array([0.], dtype=float32)
        """
        rng = self.rng if seed is None else generator(seed)
        for index, layer in enumerate(self.model_layers):
            for name, value in layer.initial_values(init, rng).items():
                np.copyto(self._params[f"{index}.{name}"], value)

    def __call__(
        self,
        x: ArrayLike,
        *,
        lengths: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        resets: ArrayLike | None = None,
    ) -> Array:
        """Compute the output of one batch, in inference.

        Nothing is dropped, and nothing is kept for a backward pass. `predict` works batch by batch.

        Parameters
        ----------
        x : array_like of shape (B, T, features) or (B, T)
            Numbers, or tokens if the first layer is an `Embedding`.
        lengths : array_like of shape (B,), optional
            Number of valid steps of each sequence. By default all steps are valid.
        mask : array_like of shape (B, T), optional
            Which steps are valid, as booleans. Give either lengths or a mask.
        resets : array_like of shape (B, T), optional
            Where a new sequence begins, as booleans.

        Returns
        -------
        array of shape (B, T, features) or (B, features)
            The prediction of each step, or of each sequence.

        Raises
        ------
        ValueError, TypeError
            If an argument does not fit the model.

        See Also
        --------
        forward : The same in training, with a tape for `backward`.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> model = gw.Sequential(gw.GRU(2, 4, batch_first=True), gw.LastStep())
        >>> model(np.zeros((3, 5, 2)), lengths=[5, 2, 4]).shape
        (3, 4)
        """
        return self.run(x, _call(lengths, mask, resets)).y

    def forward(
        self,
        x: ArrayLike,
        *,
        lengths: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        resets: ArrayLike | None = None,
        checkpoint: int | Literal["sqrt"] | None = None,
    ) -> tuple[Array, list[Any]]:
        """Compute the output of one batch, in training.

        Dropout and zoneout act, and a tape is kept for `backward`.

        Parameters
        ----------
        x : array_like of shape (B, T, features) or (B, T)
            Numbers, or tokens if the first layer is an `Embedding`.
        lengths : array_like of shape (B,), optional
            Number of valid steps of each sequence. By default all steps are valid.
        mask : array_like of shape (B, T), optional
            Which steps are valid, as booleans. Give either lengths or a mask.
        resets : array_like of shape (B, T), optional
            Where a new sequence begins, as booleans.
        checkpoint : int, "sqrt" or None, optional
            What the recurrent layers keep for the backward pass; see `LSTM.forward`. Checkpoints take less memory, and
            the results are bit-identical.

        Returns
        -------
        y : array of shape (B, T, features) or (B, features)
            The prediction of each step, or of each sequence.
        tape : list
            What `backward` needs.

        Raises
        ------
        ValueError, TypeError
            If an argument does not fit the model.

        See Also
        --------
        backward : The gradients.
        fit : Training on data.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> model = gw.Sequential(gw.GRU(2, 4, batch_first=True), gw.LastStep())
        >>> y, tape = model.forward(np.zeros((3, 5, 2)))
        >>> y.shape
        (3, 4)
        """
        call = _call(lengths, mask, resets)._replace(keep=True, rng=self.rng, checkpoint=checkpoint)
        y, _, tape = self.run(x, call)
        return y, tape

    def backward(self, tape: list[Any], dy: ArrayLike, *, wrt_x: bool = True) -> Gradients:
        """Compute the gradients of a loss.

        The gradients are those at the current parameters, which must be the parameters of the forward pass.

        Parameters
        ----------
        tape : list
            The tape that `forward` returned.
        dy : array_like
            The loss's gradient with respect to y.
        wrt_x : bool, default True
            Whether the gradient of x is wanted. Tokens have none.

        Returns
        -------
        Gradients
            ``.x``, ``.params`` with the names of `state_dict`, and ``.flat``, all of them as one vector.

        See Also
        --------
        forward : The forward pass that makes the tape.
        gatewise.optimizers : Updates of the parameters.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> model = gw.Sequential(gw.GRU(2, 4, batch_first=True), gw.LastStep())
        >>> y, tape = model.forward(np.zeros((3, 5, 2)))
        >>> model.backward(tape, np.ones_like(y)).params["0.bias_ih_l0"].shape
        (12,)
        """
        d_x = self.backpropagate(tape, np.asarray(dy, self.dtype), wrt_x)
        return Gradients(x=d_x, state=None, flat=self.flat_grads.copy(), shapes=self._shapes)

    def run(self, x: ArrayLike, call: Call, states: Mapping[int, State] | None = None) -> ForwardPass:
        """Run all layers forward.

        This is what calls, `forward`, `predict` and `fit` do with each batch.

        Parameters
        ----------
        x : array_like of shape (B, T, features) or (B, T)
            Numbers, or tokens if the first layer is an `Embedding`.
        call : Call
            The arguments that all layers get.
        states : mapping, optional
            The initial state of recurrent layers, by the layer's number. By default states are zero.

        Returns
        -------
        ForwardPass
            The output ``y``, the final ``states`` by the layer's number, and the ``tape``.

        See Also
        --------
        backpropagate : The backward pass.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> from gatewise.nn.flow import Call
        >>> model = gw.Sequential(gw.Linear(2, 3), gw.GRU(3, 4, batch_first=True))
        >>> list(model.run(np.zeros((3, 5, 2)), Call()).states)
        [1]
        """
        y = self._checked(x, call)
        final: dict[int, State] = {}
        tape: list[Any] = []
        for index, layer in enumerate(self.model_layers):
            y, state, kept = layer.forward(y, call, None if states is None else states.get(index))
            if call.keep:
                tape.append(kept)
            if state is not None:
                final[index] = state
        return ForwardPass(y, final, tape)

    def _checked(self, x: ArrayLike, call: Call) -> Array:
        array, flow = read(x, self.flows[0], self.dtype), self.flows[0]
        if array.ndim != (2 if flow.kind == TOKENS else 3) or (array.ndim == 3 and array.shape[2] != flow.features):
            raise ValueError(f"x: expected {flow.shape}, got {array.shape}")
        for name, value, shape in (
            ("lengths", call.lengths, array.shape[:1]),
            ("mask", call.mask, array.shape[:2]),
            ("resets", call.resets, array.shape[:2]),
        ):
            if value is not None and value.shape != shape:
                raise ValueError(f"{name}: expected {shape}, got {value.shape}")
        if flow.kind == TOKENS or isinstance(self.model_layers[0], RecurrentLayer):
            return array  # these layers convert their input and skip steps that are not valid
        valid = call.valid(array.shape[1])
        array = array if valid is None else np.where(valid[..., None], array, 0)
        return array.astype(self.dtype, copy=False)

    def backpropagate(self, tape: list[Any], dy: Array, wrt_x: bool = False) -> Array | None:
        """Run all layers backward.

        The gradients of the parameters are written into ``flat_grads``.

        Parameters
        ----------
        tape : list
            The tape of a forward pass.
        dy : array
            The loss's gradient with respect to y, in the model's dtype.
        wrt_x : bool, default False
            Whether the gradient of x is wanted. Without it the pass ends at the first layer with parameters.

        Returns
        -------
        array or None
            The gradient of x, if it is wanted.

        See Also
        --------
        backward : The same, with a copy of the gradients.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> model = gw.Sequential(gw.Linear(2, 1))
        >>> y, tape = model.forward(np.ones((3, 5, 2)))
        >>> model.backpropagate(tape, np.ones_like(y))
        >>> model.flat_grads
        array([15., 15., 15.], dtype=float32)
        """
        d: Array | None = dy
        for index in range(len(self.model_layers) - 1, -1 if wrt_x else self._first_with_parameters - 1, -1):
            assert d is not None
            wanted = wrt_x or index > self._first_with_parameters
            d = self.model_layers[index].backward(tape[index], d, self._grads[index], wanted)
        return d

    @property
    def parts(self) -> tuple[Any, ...]:
        """Old name of `layers`.

        Programs written for earlier versions use it.

        See Also
        --------
        Sequential : The model, with its attribute ``layers``.

        Examples
        --------
        >>> import gatewise as gw
        >>> model = gw.Sequential(gw.Linear(2, 1))
        >>> model.parts is model.layers
        True
        """
        return self.layers

    @property
    def recurrent(self) -> list[int]:
        """Numbers of the recurrent layers.

        States are given and returned in this order.

        See Also
        --------
        run : Takes states by the layer's number.

        Examples
        --------
        >>> import gatewise as gw
        >>> gw.Sequential(gw.Linear(2, 3), gw.GRU(3, 4, batch_first=True)).recurrent
        [1]
        """
        return [index for index, layer in enumerate(self.model_layers) if isinstance(layer, RecurrentLayer)]

    @property
    def bidirectional(self) -> bool:
        """Whether any layer is bidirectional.

        Sequences of such a model cannot be divided into pieces, since the reverse direction begins at their ends.

        See Also
        --------
        one_answer : Whether the model makes one prediction per sequence.

        Examples
        --------
        >>> import gatewise as gw
        >>> gw.Sequential(gw.GRU(2, 4, batch_first=True)).bidirectional
        False
        """
        return any(isinstance(layer, RecurrentLayer) and layer.layer.bidirectional for layer in self.model_layers)

    @property
    def one_answer(self) -> bool:
        """Whether the model makes one prediction per sequence.

        Otherwise it makes one per step.

        See Also
        --------
        LastStep : A layer that makes one vector of a sequence.

        Examples
        --------
        >>> import gatewise as gw
        >>> gw.Sequential(gw.GRU(2, 4, batch_first=True), gw.LastStep()).one_answer
        True
        """
        return self.flows[-1].kind == VECTORS

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"

    def __getstate__(self) -> dict[str, Any]:
        return {"layers": self.layers, "rng": self.rng, "notes": self.notes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.layers, self.rng, self.notes = state["layers"], state["rng"], state["notes"]
        self._build()


def read(x: ArrayLike, flow: DataShape, dtype: np.dtype[Any]) -> Array:
    """Return the input as an array of tokens or of numbers."""
    array = np.asarray(x)
    if array.dtype.kind not in ("iu" if flow.kind == TOKENS else "iufb"):
        what = "integers" if flow.kind == TOKENS else f"numbers that convert to {dtype}"
        raise TypeError(f"x: expected {what}, got {array.dtype}")
    return array


def _call(lengths: ArrayLike | None, mask: ArrayLike | None, resets: ArrayLike | None) -> Call:
    # Conversion to arrays suffices: the core's layers check the values.
    return Call(
        lengths=None if lengths is None else np.asarray(lengths),
        mask=None if mask is None else np.asarray(mask),
        resets=None if resets is None else np.asarray(resets),
    )
