"""Parts in a row, as one function of flat parameters: what flows between them, forward and backward."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from .._core.base import Gradients, LoadedKeys
from .._core.options import generator
from .._core.parameters import Array, Pieces, convert, require_keys, size_of
from ..layers import GRU, LSTM, RNN
from .base import TOKENS, VECTORS, Call, Flow, ModelLayer
from .recurrent import RecurrentLayer


class Network:
    """Parts, their parameters in one flat array, and calls through all of them."""

    def __init__(self, *parts: Any, seed: Any = None) -> None:
        if len(parts) == 1 and isinstance(parts[0], (list, tuple)):
            parts = tuple(parts[0])
        if not parts:
            raise ValueError("parts: expected at least one, got none")
        self.parts = parts
        self.rng = generator(seed)
        self.notes: dict[str, Any] = {}
        self._build()
        if seed is not None:
            self.reset_parameters()

    def _build(self) -> None:
        """Check the flow from part to part, and move all parameters into one flat array."""
        self.model_layers = [_part(index, part) for index, part in enumerate(self.parts)]
        if len({id(part) for part in self.parts}) < len(self.parts):
            raise ValueError("parts: expected each only once, got one of them twice")
        self.flows = _flows(self.model_layers)
        dtypes = {part.dtype for part in self.model_layers if part.dtype is not None}
        if len(dtypes) != 1:
            names = ", ".join(sorted(str(dtype) for dtype in dtypes)) or "none"
            raise ValueError(f"parts: expected parameters of one dtype, got {names}")
        self.dtype = dtypes.pop()
        self._shapes = {
            f"{index}.{name}": shape
            for index, part in enumerate(self.model_layers)
            for name, shape in part.shapes.items()
        }
        self.flat_params = np.empty(size_of(self._shapes), self.dtype)
        self.flat_grads = np.zeros_like(self.flat_params)
        self._params = Pieces(self.flat_params, self._shapes)
        self._own: list[tuple[Pieces, Gradients]] = []
        start = 0
        for part in self.model_layers:
            own = slice(start, start := start + size_of(part.shapes))
            params = Pieces(self.flat_params[own], part.shapes)
            source = part.layer.params if isinstance(part, RecurrentLayer) else getattr(part, "params", {})
            for name, array in params.items():
                np.copyto(array, source[name])
            part.bind(params)
            self._own.append((params, Gradients(None, None, self.flat_grads[own], part.shapes)))
        self._first_with_parameters = next(i for i, part in enumerate(self.model_layers) if part.shapes)

    def reset_parameters(self, init: str = "uniform", seed: Any = None) -> None:
        """Draw the initial values of all parameters anew.

        Parameters
        ----------
        init : "uniform" as PyTorch's layers, "glorot" as Keras's.
        seed : what ``numpy.random.default_rng`` takes; default: go on with the model's own generator.
        """
        rng = self.rng if seed is None else generator(seed)
        for part, (own, _) in zip(self.model_layers, self._own, strict=True):
            for name, value in part.initial_values(init, rng).items():
                np.copyto(own[name], value)

    def __call__(
        self,
        x: ArrayLike,
        *,
        lengths: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        resets: ArrayLike | None = None,
    ) -> Array:
        """Inference on one batch: no dropout, nothing kept. The arguments are those of `forward`."""
        return self.run(x, _call(lengths, mask, resets), None)

    def forward(
        self,
        x: ArrayLike,
        *,
        lengths: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        resets: ArrayLike | None = None,
        checkpoint: int | Literal["sqrt"] | None = None,
    ) -> tuple[Array, list[Any]]:
        """The output, with what training drops dropped, and a tape for `backward`.

        Parameters
        ----------
        x : (B, T, features) numbers, or (B, T) integers where the first part is an `Embedding`.
        lengths : (B,) integers, or mask : (B, T) bool: which steps count, in all parts. Default: all.
        resets : (B, T) bool: where a new sequence begins.
        checkpoint : what the recurrent layers keep for backward, as in their `forward`; less memory, the same bits.

        Returns
        -------
        y : (B, T, features), or (B, features) behind a part that makes one answer of a sequence.
        tape : for `backward`.
        """
        call = _call(lengths, mask, resets)
        call.rng, call.checkpoint = self.rng, checkpoint
        tape: list[Any] = []
        return self.run(x, call, tape), tape

    def backward(self, tape: list[Any], dy: ArrayLike, *, wrt_x: bool = True) -> Gradients:
        """The gradients of a loss at the parameters of now, which must be those of the forward pass.

        Parameters
        ----------
        tape : of `forward`.
        dy : the loss's gradient with respect to y.
        wrt_x : whether the gradient of x is wanted; an `Embedding`'s x has none.

        Returns
        -------
        Gradients : ``.x``; ``.params``, with exactly the names of `state_dict`; ``.flat``.
        """
        d_x = self.backpropagate(tape, np.asarray(dy, self.dtype), wrt_x)
        return Gradients(d_x, None, self.flat_grads.copy(), self._shapes)

    def run(self, x: ArrayLike, call: Call, tape: list[Any] | None) -> Array:
        """All parts forward; with a list for a tape, each part's is appended."""
        y = self._checked(x, call)
        keep = tape is not None
        for part in self.model_layers:
            y, kept = part.forward(y, call, keep)
            if tape is not None:
                tape.append(kept)
        return y

    def _checked(self, x: ArrayLike, call: Call) -> Array:
        array, flow = read(x, self.flows[0], self.dtype), self.flows[0]
        expected = "(B, T)" if flow.kind == TOKENS else f"(B, T, {flow.features})"
        if array.ndim != (2 if flow.kind == TOKENS else 3) or (array.ndim == 3 and array.shape[2] != flow.features):
            raise ValueError(f"x: expected {expected}, got {array.shape}")
        for name, value, shape in (
            ("lengths", call.lengths, array.shape[:1]),
            ("mask", call.mask, array.shape[:2]),
            ("resets", call.resets, array.shape[:2]),
        ):
            if value is not None and value.shape != shape:
                raise ValueError(f"{name}: expected {shape}, got {value.shape}")
        if flow.kind == TOKENS or isinstance(self.model_layers[0], RecurrentLayer):
            return array
        valid = call.valid(array.shape[1])
        array = array if valid is None else np.where(valid[..., None], array, 0)
        return array.astype(self.dtype, copy=False)

    def backpropagate(self, tape: list[Any], dy: Array, wrt_x: bool = False) -> Array | None:
        """All parts backward, the gradients into the flat array; without `wrt_x` no further than parameters reach."""
        d: Array | None = dy
        for index in range(len(self.model_layers) - 1, -1 if wrt_x else self._first_with_parameters - 1, -1):
            assert d is not None
            wanted = wrt_x or index > self._first_with_parameters
            d = self.model_layers[index].backward(tape[index], d, self._own[index][1], wanted)
        return d

    @property
    def params(self) -> dict[str, Array]:
        """Name to a read-only view of each parameter. `load_state_dict` writes."""
        views = {name: array.view() for name, array in self._params.items()}
        for view in views.values():
            view.flags.writeable = False
        return views

    def state_dict(self) -> dict[str, Array]:
        """Name to a copy of each parameter."""
        return {name: array.copy() for name, array in self._params.items()}

    def load_state_dict(self, mapping: Mapping[str, Any], prefix: str = "", strict: bool = True) -> LoadedKeys:
        """Copy the parameters from a mapping, as the layers' `load_state_dict`: all, or none if anything is wrong.

        Parameters
        ----------
        mapping : name to array; the state_dict of a PyTorch ``Sequential`` of the same numbering too.
        prefix : read the names that begin with it, and leave the rest alone.
        strict : whether missing and unknown names are errors. If not, they are returned.

        Raises
        ------
        ValueError : names are missing or unknown (with `strict`), or a shape differs.
        TypeError : a value does not convert to the model's dtype.
        """
        given = {str(name)[len(prefix) :]: value for name, value in mapping.items() if str(name).startswith(prefix)}
        if strict:
            require_keys("mapping", self._shapes, given)
        known = [name for name in self._shapes if name in given]
        arrays = {name: convert(name, given[name], self.dtype, self._shapes[name]) for name in known}
        for name, array in arrays.items():
            np.copyto(self._params[name], array)
        missing = [name for name in self._shapes if name not in given]
        return LoadedKeys(missing, [name for name in given if name not in self._shapes])

    @property
    def layers(self) -> tuple[Any, ...]:
        """The layers, as they were given to the constructor."""
        return self.parts

    @property
    def one_answer(self) -> bool:
        """Whether a sequence has one answer, (B, features), and not one a step, (B, T, features)."""
        return self.flows[-1].kind == VECTORS

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.parts))})"

    def __getstate__(self) -> dict[str, Any]:
        return {"parts": self.parts, "rng": self.rng, "notes": self.notes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.parts, self.rng, self.notes = state["parts"], state["rng"], state["notes"]
        self._build()


def read(x: ArrayLike, flow: Flow, dtype: np.dtype[Any]) -> Array:
    """What was given as an array of what flows in: tokens, or numbers."""
    array = np.asarray(x)
    if array.dtype.kind not in ("iu" if flow.kind == TOKENS else "iufb"):
        what = "integers" if flow.kind == TOKENS else f"numbers that convert to {dtype}"
        raise TypeError(f"x: expected {what}, got {array.dtype}")
    return array


def _call(lengths: ArrayLike | None, mask: ArrayLike | None, resets: ArrayLike | None) -> Call:
    # Only what parts beside the core's layers read is converted; the core checks the rest.
    return Call(
        None if lengths is None else np.asarray(lengths),
        None if mask is None else np.asarray(mask),
        None if resets is None else np.asarray(resets),
    )


def _part(index: int, part: Any) -> ModelLayer:
    if not isinstance(part, (RNN, LSTM, GRU, ModelLayer)):
        raise TypeError(f"parts: expected layers and parts, got {type(part).__name__} as part {index}")
    # A part without parameters may serve several models, but what it learns from the flow is this one's alone.
    own = RecurrentLayer(part) if not isinstance(part, ModelLayer) else part if part.shapes else copy.copy(part)
    if own.bound:
        raise ValueError(
            f"part {index}, {part!r}: expected a part whose parameters live nowhere else, got one of another model or "
            "with adopted arrays: give copy.deepcopy(part)"
        )
    return own


def _flows(parts: list[ModelLayer]) -> list[Flow]:
    """What flows into the first part, and out of each."""
    first = parts[0].first_flow()
    if first is None:
        raise ValueError(
            f"part 0, {parts[0]!r}: expected Embedding, RNN, LSTM, GRU or Linear, which tell their input's size"
        )
    flows = [first]
    for index, part in enumerate(parts):
        try:
            flows.append(part.flow(flows[-1]))
        except ValueError as error:
            why = ""
            if flows[-1].kind == VECTORS:
                dropped = next(i for i, flow in enumerate(flows) if flow.kind == VECTORS) - 1
                why = (
                    f": part {dropped}, {parts[dropped]!r}, has dropped the time axis"
                    if "sequences" in str(error)
                    else ""
                )
            raise ValueError(f"part {index}, {part!r}: expected {error}, got {flows[-1]}{why}") from None
    return flows
