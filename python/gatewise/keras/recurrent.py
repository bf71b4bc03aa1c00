"""Keras's recurrent layers and the Bidirectional wrapper, computed by gatewise's layers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._core.state import join, map_state, parts
from .layers import Array, Layer, Masked

__doctest_requires__ = ("keras",)


class AnyRecurrent(Layer):
    """A layer that takes initial states."""

    @abstractmethod
    def __call__(self, x: Any, mask: Any = None, initial_state: Any = None) -> Any:
        """Compute the outputs for x, (B, T, I)."""

    def _apply(
        self, inputs: list[Masked], initial_state: Sequence[Array] | None = None, ignore_mask: bool = False
    ) -> list[Masked]:
        """Compute all outputs together with their masks, as a model runs its layers.

        If a model passes the layer an initial state but no mask, Keras hides the input's mask from the layer
        (`ignore_mask`). The output has that mask nevertheless.
        """
        ((x, mask),) = inputs
        results = self(x, None if ignore_mask else mask, initial_state)
        output_mask = self._output_mask(x, mask)
        # States have no mask. The second output of a Bidirectional that does not merge has that of the first.
        return [
            Masked(output, output_mask if index == 0 or np.ndim(output) == np.ndim(x) else None)
            for index, output in enumerate(results if isinstance(results, tuple) else (results,))
        ]


class Recurrent(AnyRecurrent):
    """A converted SimpleRNN, LSTM or GRU layer.

    `layer` is the gatewise layer that computes. Use it directly for streams, training or other formats.

    Parameters
    ----------
    name : str
        The name of the Keras layer.
    layer : gatewise.RNN, gatewise.LSTM or gatewise.GRU
        The gatewise layer, unidirectional, one layer, ``batch_first=True``.
    return_sequences : bool, default False
        Whether the output has every step, (B, T, H), instead of the last one, (B, H).
    return_state : bool, default False
        Whether a call also returns the final states.
    go_backwards : bool, default False
        Whether the steps are processed in reverse. The output stays in the order of processing.
    zero_output_for_mask : bool, default False
        Whether the output of masked steps is 0 instead of the previous output.
    stateful : bool, default False
        Whether a call starts from the final states of the previous call. Only one thread at a time may then call the
        layer.

    See Also
    --------
    Bidirectional : Two of these layers, one per direction.
    recurrent_layers : All gatewise layers of a converted model.
    from_keras : Convert a Keras layer or model.

    Examples
    --------
    >>> import keras, numpy as np, gatewise.keras
    >>> layer = keras.layers.LSTM(4, return_state=True)
    >>> layer.build((None, None, 3))
    >>> converted = gatewise.keras.from_keras(layer)
    >>> y, h, c = converted(np.ones((2, 5, 3)))
    >>> y.shape, converted.layer
    ((2, 4), LSTM(3, 4, batch_first=True))
    """

    def __init__(
        self,
        name: str,
        layer: Any,
        *,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        zero_output_for_mask: bool = False,
        stateful: bool = False,
    ) -> None:
        super().__init__(name)
        self.layer = layer
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.zero_output_for_mask = zero_output_for_mask
        self.stateful = stateful
        self._carried: Any = None

    def __call__(
        self, x: ArrayLike, mask: ArrayLike | None = None, initial_state: Sequence[ArrayLike] | ArrayLike | None = None
    ) -> Any:
        """Run the layer over x.

        This computes what a call of the Keras layer computes for inference, without dropout.

        Parameters
        ----------
        x : array_like of shape (B, T, I)
            The input.
        mask : array_like of bool, shape (B, T), optional
            False marks steps to skip. At these the state stays, and the output repeats the previous one, or is 0 with
            `zero_output_for_mask`. By default every step counts.
        initial_state : sequence of array_like, each of shape (B, H), optional
            [h], or [h, c] for an LSTM; one array alone is h. By default the states are zeros or, of a stateful layer,
            the final states of the previous call.

        Returns
        -------
        ndarray of shape (B, H), or (B, T, H) with `return_sequences`
            The output. With `return_state`, a tuple of the output, h and, for an LSTM, c.

        Raises
        ------
        ValueError, TypeError
            If a shape or dtype is not as above.

        See Also
        --------
        Layer.reset_state : Start a stateful layer from zeros again.

        Examples
        --------
        >>> import keras, numpy as np, gatewise.keras
        >>> layer = keras.layers.GRU(2)
        >>> layer.build((None, None, 3))
        >>> converted = gatewise.keras.from_keras(layer)
        >>> x, mask = np.ones((1, 4, 3)), np.array([[True, True, False, False]])
        >>> bool((converted(x, mask) == converted(x[:, :2])).all())
        True
        """
        array, unmasked = np.asarray(x), None if mask is None else np.asarray(mask, bool)
        if self.go_backwards:
            array = array[:, ::-1] if array.ndim > 1 else array
            unmasked = None if unmasked is None else unmasked[:, ::-1]
        state = self._carried_for(array) if initial_state is None else self._converted(initial_state)
        y, final = self.layer(array, state, mask=unmasked)
        if self.stateful:
            self._carried = final
        if unmasked is not None and self.zero_output_for_mask:
            y = np.where(unmasked[..., None], y, y.dtype.type(0))
        output = y if self.return_sequences else y[:, -1]
        return (output, *(one[0] for one in parts(final))) if self.return_state else output

    def _carried_for(self, x: Array) -> Any:
        """The states of the previous call, if the layer is stateful and there was one."""
        if self._carried is not None:
            sequences = parts(self._carried)[0].shape[1]  # h is (1, B, H)
            if x.shape[:1] != (sequences,):
                raise ValueError(
                    f"x: expected {sequences} sequences, as in the previous call of this stateful layer, got "
                    f"{x.shape}; call reset_state() before a batch of another size"
                )
        return self._carried

    def _converted(self, initial_state: Any) -> Any:
        """Keras's list of (B, H) as gatewise's state of (1, B, H)."""
        given = parts(initial_state)
        count = len(self.layer.kind.states)
        if len(given) != count:
            raise ValueError(f"initial_state: expected {count} arrays, got {len(given)}")
        return map_state(lambda array: np.asarray(array)[None], join(given))

    def _reset_state(self) -> None:
        self._carried = None

    def _output_mask(self, x: Array, mask: Array | None) -> Array | None:
        return mask if self.return_sequences else None


MERGE_MODES: dict[str | None, Callable[[Array, Array], Any]] = {
    "concat": lambda a, b: np.concatenate([a, b], -1),
    "sum": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "ave": lambda a, b: (a + b) / 2,
    None: lambda a, b: (a, b),
}
"""Keras's merge_mode to what becomes of the outputs of the two directions."""


class Bidirectional(AnyRecurrent):
    """A converted Bidirectional layer: two recurrent layers, one of which processes the steps in reverse.

    `forward` and `backward` are the converted layers of the two directions.

    Parameters
    ----------
    name : str
        The name of the Keras layer.
    forward : Recurrent
        The layer of the forward direction.
    backward : Recurrent
        The layer of the reverse direction, with ``go_backwards=True``.
    merge_mode : {"concat", "sum", "mul", "ave", None}
        How the outputs of the two directions are combined. None returns both.

    See Also
    --------
    Recurrent : The layer of one direction.
    from_keras : Convert a Keras layer or model.

    Examples
    --------
    >>> import keras, numpy as np, gatewise.keras
    >>> layer = keras.layers.Bidirectional(keras.layers.GRU(4))
    >>> layer.build((None, None, 3))
    >>> converted = gatewise.keras.from_keras(layer)
    >>> converted(np.ones((2, 5, 3))).shape, converted.backward.layer
    ((2, 8), GRU(3, 4, batch_first=True))
    """

    def __init__(self, name: str, forward: Recurrent, backward: Recurrent, merge_mode: str | None) -> None:
        super().__init__(name)
        self.forward, self.backward, self.merge_mode = forward, backward, merge_mode

    def __call__(
        self, x: ArrayLike, mask: ArrayLike | None = None, initial_state: Sequence[ArrayLike] | None = None
    ) -> Any:
        """Run both directions over x.

        This computes what a call of the Keras layer computes for inference, without dropout.

        Parameters
        ----------
        x : array_like of shape (B, T, I)
            The input.
        mask : array_like of bool, shape (B, T), optional
            False marks steps to skip, as in `Recurrent`. By default every step counts.
        initial_state : sequence of array_like, each of shape (B, H), optional
            The states of the forward direction, then those of the backward direction.

        Returns
        -------
        ndarray
            The merged output: (B, T, features) with ``return_sequences=True``, else (B, features). A tuple if the layer
            does not merge or returns states: the output or outputs, then the states in the order of `initial_state`.

        Raises
        ------
        ValueError, TypeError
            If a shape or dtype is not as above.

        See Also
        --------
        Recurrent : The layer of one direction.

        Examples
        --------
        >>> import keras, numpy as np, gatewise.keras
        >>> layer = keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True), merge_mode="sum")
        >>> layer.build((None, None, 3))
        >>> gatewise.keras.from_keras(layer)(np.ones((2, 5, 3))).shape
        (2, 5, 4)
        """
        count = 0 if initial_state is None else len(initial_state)
        if count % 2:
            raise ValueError(f"initial_state: expected the states of both directions, got {count} arrays")
        states = (None, None) if initial_state is None else (initial_state[: count // 2], initial_state[count // 2 :])
        results = [layer(x, mask, state) for layer, state in zip((self.forward, self.backward), states, strict=True)]
        finals: tuple[Array, ...] = ()
        if self.forward.return_state:
            finals = tuple(state for result in results for state in result[1:])
            results = [result[0] for result in results]
        if self.forward.return_sequences:
            results[1] = results[1][:, ::-1]
        output = MERGE_MODES[self.merge_mode](*results)
        if self.merge_mode is None:
            return (*output, *finals)
        return (output, *finals) if finals else output

    def _reset_state(self) -> None:
        self.forward.reset_state()
        self.backward.reset_state()

    def _output_mask(self, x: Array, mask: Array | None) -> Array | None:
        return mask if self.forward.return_sequences else None
