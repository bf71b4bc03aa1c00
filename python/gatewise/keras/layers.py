"""What Keras's layers and models become: called as Keras calls them, batch first, on arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Value = tuple[Any, "Array | None"]
"""An array and its mask."""


class Layer(ABC):
    """A converted layer.

    Calling it gives what Keras's gives: an array, or a tuple where there are several outputs.
    """

    takes_several: ClassVar[bool] = False

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def __call__(self, x: ArrayLike, mask: ArrayLike | None = None) -> Any:
        """The layer's outputs for x; `mask` (B, T) counts where the layer looks at it."""

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """The mask of the first output."""
        return mask

    def apply(self, inputs: list[Value], state: Any = None, unmasked: bool = False) -> list[Value]:
        """One use in a model: arrays and masks in, arrays and masks out.

        unmasked : the layer does not see the mask, though its output has one: so Keras calls layers with two tensors.
        """
        ((x, mask),) = inputs
        seen = None if unmasked else mask
        result = self(x, seen) if state is None else self(x, seen, state)  # type: ignore[call-arg]
        masked = self.compute_mask(x, mask)
        parts = result if isinstance(result, tuple) else (result,)
        return [
            (part, masked if index == 0 or np.ndim(part) == np.ndim(x) else None) for index, part in enumerate(parts)
        ]

    def reset_state(self) -> None:  # noqa: B027  (most layers carry none)
        """Forget the states that stateful layers carry from call to call: the next one begins with zeros."""


class Recurrent(Layer):
    """SimpleRNN, LSTM or GRU.

    layer : the gatewise layer that computes, of one direction, (B, T, I).
    stateful : whether a call begins with the states of the call before; then one thread at a time may call.
    """

    def __init__(self, name: str, layer: Any, config: dict[str, Any]) -> None:
        super().__init__(name)
        self.layer = layer
        self.return_sequences = bool(config["return_sequences"])
        self.return_state = bool(config["return_state"])
        self.go_backwards = bool(config["go_backwards"])
        self.zero_output_for_mask = bool(config.get("zero_output_for_mask", False))
        self.stateful = bool(config.get("stateful", False))
        self._carried: Any = None

    def __call__(
        self, x: ArrayLike, mask: ArrayLike | None = None, initial_state: Sequence[ArrayLike] | None = None
    ) -> Any:
        """Run the layer.

        Parameters
        ----------
        x : (B, T, I).
        mask : bool (B, T): at the steps where it is False the state stays, and the output repeats (or is 0, with
            zero_output_for_mask).
        initial_state : [h] or [h, c], each (B, H); h alone as it is. Default: zeros, or, of a stateful layer, those
            of the call before.

        Returns
        -------
        output : (B, T, H), in the order of processing, with return_sequences; else (B, H). With return_state, a tuple:
            the output, h and, for an LSTM, c.
        """
        array, taken = np.asarray(x), None if mask is None else np.asarray(mask, bool)
        if self.go_backwards:
            array = array[:, ::-1] if array.ndim > 1 else array
            taken = None if taken is None else taken[:, ::-1]
        state = self._state(initial_state)
        if initial_state is None and self._carried is not None:
            held = np.shape(state[0] if isinstance(state, tuple) else state)[1]
            if array.shape[:1] != (held,):
                now = f"(stateful; reset_state() begins anew), got {array.shape}"
                raise ValueError(f"x: expected {held} sequences, as in the call before {now}")
        y, final = self.layer(array, state, mask=taken)
        if self.stateful:
            self._carried = final
        if taken is not None and self.zero_output_for_mask:
            y = np.where(taken[..., None], y, y.dtype.type(0))
        output = y if self.return_sequences else y[:, -1]
        halves = final if isinstance(final, tuple) else (final,)
        return (output, *(half[0] for half in halves)) if self.return_state else output

    def _state(self, given: Any) -> Any:
        """(1, B, H), or a pair of these, of Keras's list."""
        if given is None:
            return self._carried
        lstm = type(self.layer).__name__ == "LSTM"
        halves = [np.asarray(half)[None] for half in (given if isinstance(given, (list, tuple)) else [given])]
        if len(halves) != 1 + lstm:
            raise ValueError(f"initial_state: expected {1 + lstm} arrays, got {len(halves)}")
        return tuple(halves) if lstm else halves[0]

    def reset_state(self) -> None:
        self._carried = None

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        return mask if self.return_sequences else None


MERGES: dict[Any, Callable[[Array, Array], Any]] = {
    "concat": lambda a, b: np.concatenate([a, b], -1),
    "sum": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "ave": lambda a, b: (a + b) / 2,
    None: lambda a, b: (a, b),
}


class Bidirectional(Layer):
    """Two recurrent layers, the second over the steps in reverse, and how their outputs are merged."""

    def __init__(self, name: str, forward: Recurrent, backward: Recurrent, merge_mode: str | None) -> None:
        super().__init__(name)
        self.forward, self.backward, self.merge_mode = forward, backward, merge_mode
        for part in (forward, backward):
            part.zero_output_for_mask = part.return_sequences  # Keras's wrapper does so, whatever the layer was

    def __call__(
        self, x: ArrayLike, mask: ArrayLike | None = None, initial_state: Sequence[ArrayLike] | None = None
    ) -> Any:
        """Run both layers; as `Recurrent`, with the states of the forward layer before those of the backward one."""
        count = 0 if initial_state is None else len(initial_state)
        if count % 2:
            raise ValueError(f"initial_state: expected those of both directions, got {count} arrays")
        states = (None, None) if initial_state is None else (initial_state[: count // 2], initial_state[count // 2 :])
        results = [part(x, mask, state) for part, state in zip((self.forward, self.backward), states, strict=True)]
        finals: tuple[Array, ...] = ()
        if self.forward.return_state:
            finals = tuple(state for result in results for state in result[1:])
            results = [result[0] for result in results]
        if self.forward.return_sequences:
            results[1] = results[1][:, ::-1]
        output = MERGES[self.merge_mode](*results)
        if self.merge_mode is None:
            return (*output, *finals)
        return (output, *finals) if finals else output

    def reset_state(self) -> None:
        self.forward.reset_state()
        self.backward.reset_state()

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        return mask if self.forward.return_sequences else None


class Embedding(Layer):
    """Rows of a table; with mask_zero, 0 is a step that does not count."""

    def __init__(self, name: str, table: Array, mask_zero: bool) -> None:
        super().__init__(name)
        self.table, self.mask_zero = table, mask_zero

    def __call__(self, x: ArrayLike, mask: ArrayLike | None = None) -> Array:
        """(B, T) integers from 0 to the number of rows to (B, T, features)."""
        tokens = np.asarray(x)
        if tokens.dtype.kind not in "iu":
            raise TypeError(f"x: expected integers, got {tokens.dtype}")
        if tokens.size and not (tokens.min() >= 0 and tokens.max() < len(self.table)):
            raise ValueError(f"x: expected tokens 0 to {len(self.table) - 1}, got {tokens.min()} to {tokens.max()}")
        return np.asarray(self.table[tokens])

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        return np.asarray(x) != 0 if self.mask_zero else None


class Masking(Layer):
    """Steps whose features all have one value do not count, and become 0."""

    def __init__(self, name: str, mask_value: float) -> None:
        super().__init__(name)
        self.mask_value = mask_value

    def __call__(self, x: ArrayLike, mask: ArrayLike | None = None) -> Array:
        """(B, T, I) to the same."""
        array = np.asarray(x)
        return np.where(self.compute_mask(array, None)[..., None], array, array.dtype.type(0))

    def compute_mask(self, x: Array, mask: Array | None) -> Array:
        return np.asarray(np.any(np.asarray(x) != np.asarray(x).dtype.type(self.mask_value), axis=-1))


class Dense(Layer):
    """activation(x kernel + bias), on the last axis: of every step where there are steps, as in TimeDistributed."""

    def __init__(self, name: str, kernel: Array, bias: Array | None, activation: Callable[[Array], Array]) -> None:
        super().__init__(name)
        self.kernel, self.bias, self.activation = kernel, bias, activation

    def __call__(self, x: ArrayLike, mask: ArrayLike | None = None) -> Array:
        """(..., inputs) to (..., units)."""
        array = np.asarray(x)
        if array.shape[-1:] != self.kernel.shape[:1]:
            raise ValueError(f"x: expected (..., {self.kernel.shape[0]}), got {array.shape}")
        products = array.astype(self.kernel.dtype, copy=False) @ self.kernel
        return self.activation(products if self.bias is None else products + self.bias)


class Unchanged(Layer):
    """Layers that act in training only: Dropout and its kind."""

    def __call__(self, x: ArrayLike, mask: ArrayLike | None = None) -> Array:
        """x."""
        return np.asarray(x)
