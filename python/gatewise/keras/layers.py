"""The base class of converted layers, and those that compute each step by itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
__doctest_requires__ = ("keras",)


class Masked(NamedTuple):
    """An array and its mask, bool (B, T), or None if every step counts."""

    array: Any
    mask: Array | None


class Layer(ABC):
    """A converted layer.

    A converted layer is called as Keras calls it for inference, on arrays with the batch first. It returns an array, or
    a tuple where the Keras layer has several outputs.

    Parameters
    ----------
    name : str
        The name of the Keras layer.

    See Also
    --------
    from_keras : Convert a Keras layer or model.
    Model : A converted model.
    Recurrent : A converted SimpleRNN, LSTM or GRU layer.

    Examples
    --------
    >>> import keras, numpy as np, gatewise.keras
    >>> layer = keras.layers.Dense(2)
    >>> layer.build((None, 3))
    >>> converted = gatewise.keras.from_keras(layer)
    >>> isinstance(converted, gatewise.keras.Layer), converted(np.ones((4, 3))).shape
    (True, (4, 2))
    """

    several_inputs: ClassVar[bool] = False
    """Whether the layer is called on a list of arrays."""
    several_masks: ClassVar[bool] = False
    """Whether a call may pass a list of masks, one for each input."""
    constant_inputs: ClassVar[bool] = False
    """Whether the inputs may be numbers from the configuration."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def __call__(self, x: Any, mask: Any = None) -> Any:
        """Compute the layer's outputs.

        Arguments and results are those of a call of the Keras layer for inference.

        Parameters
        ----------
        x : array_like
            The input, with the batch first. A layer with several inputs takes a list of arrays.
        mask : array_like of bool, shape (B, T), optional
            False marks steps that do not count. By default every step counts. Layers that compute each step by itself
            ignore it.

        Returns
        -------
        ndarray or tuple of ndarray
            The output, or a tuple of all outputs.

        See Also
        --------
        compute_mask : Compute the mask of the output.

        Examples
        --------
        >>> import keras, numpy as np, gatewise.keras
        >>> masking = gatewise.keras.from_keras(keras.layers.Masking(9.0))
        >>> masking(np.array([[[1.0], [9.0], [2.0]]])).ravel().tolist()
        [1.0, 0.0, 2.0]
        """

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return the mask of the first output.

        A model passes this mask to the layers that read the output, as Keras does.

        Parameters
        ----------
        x : array_like
            The input.
        mask : array_like of bool, shape (B, T), optional
            The mask of the input. By default every step counts.

        Returns
        -------
        ndarray of bool, shape (B, T), or None
            The mask of the output; None if every step counts, or if the output has no steps.

        See Also
        --------
        Model : A model passes masks from layer to layer.

        Examples
        --------
        >>> import keras, numpy as np, gatewise.keras
        >>> masking = gatewise.keras.from_keras(keras.layers.Masking(9.0))
        >>> masking.compute_mask(np.array([[[1.0], [9.0], [2.0]]]))
        array([[ True, False,  True]])
        """
        return self._output_mask(x, mask)

    def reset_state(self) -> None:
        """Reset the states that layers with ``stateful=True`` carry from call to call.

        The next call then starts from zeros. Other layers have no such states and do not change.

        See Also
        --------
        Recurrent : A layer that may be stateful.

        Examples
        --------
        >>> import keras, numpy as np, gatewise.keras
        >>> layer = keras.layers.GRU(2, stateful=True)
        >>> layer.build((1, 5, 3))
        >>> converted = gatewise.keras.from_keras(layer)
        >>> first = converted(np.ones((1, 5, 3)))
        >>> converted.reset_state()
        >>> bool((converted(np.ones((1, 5, 3))) == first).all())
        True
        """
        self._reset_state()

    def _output_mask(self, x: Any, mask: Any) -> Any:
        """The mask of the first output."""
        return mask

    def _reset_state(self) -> None:  # noqa: B027  (most layers carry no state)
        """Forget the carried states."""

    def _apply(self, inputs: list[Masked]) -> list[Masked]:
        """Compute all outputs together with their masks, as a model runs its layers."""
        ((x, mask),) = inputs
        return [Masked(self(x, mask), self._output_mask(x, mask))]


class Embedding(Layer):
    """Looks up a row of a table for each token; with mask_zero, token 0 marks a step that does not count."""

    def __init__(self, name: str, table: Array, mask_zero: bool) -> None:
        super().__init__(name)
        self.table, self.mask_zero = table, mask_zero

    def __call__(self, x: ArrayLike, mask: ArrayLike | None = None) -> Array:
        """Map integers (B, T) to (B, T, features)."""
        tokens = np.asarray(x)
        if tokens.dtype.kind not in "iu":
            raise TypeError(f"x: expected integers, got {tokens.dtype}")
        if tokens.size and not (tokens.min() >= 0 and tokens.max() < len(self.table)):
            raise ValueError(f"x: expected tokens 0 to {len(self.table) - 1}, got {tokens.min()} to {tokens.max()}")
        return np.asarray(self.table[tokens])

    def _output_mask(self, x: Array, mask: Array | None) -> Array | None:
        return np.asarray(x) != 0 if self.mask_zero else None


class Masking(Layer):
    """Masks the steps whose features all equal one value, and sets them to 0."""

    def __init__(self, name: str, mask_value: float) -> None:
        super().__init__(name)
        self.mask_value = mask_value

    def __call__(self, x: ArrayLike, mask: ArrayLike | None = None) -> Array:
        """Map (B, T, I) to the same shape."""
        array = np.asarray(x)
        return np.where(self._output_mask(array, None)[..., None], array, array.dtype.type(0))

    def _output_mask(self, x: Array, mask: Array | None) -> Array:
        array = np.asarray(x)
        return np.asarray(np.any(array != array.dtype.type(self.mask_value), axis=-1))


class Dense(Layer):
    """activation(x kernel + bias) on the last axis; over steps, the same as TimeDistributed(Dense)."""

    def __init__(self, name: str, kernel: Array, bias: Array | None, activation: Callable[[Array], Array]) -> None:
        super().__init__(name)
        self.kernel, self.bias, self.activation = kernel, bias, activation

    def __call__(self, x: ArrayLike, mask: ArrayLike | None = None) -> Array:
        """Map (..., inputs) to (..., units)."""
        array = np.asarray(x)
        if array.shape[-1:] != self.kernel.shape[:1]:
            raise ValueError(f"x: expected (..., {self.kernel.shape[0]}), got {array.shape}")
        products = array.astype(self.kernel.dtype, copy=False) @ self.kernel
        return self.activation(products if self.bias is None else products + self.bias)


class Unchanged(Layer):
    """A layer that acts in training only, such as Dropout."""

    def __call__(self, x: ArrayLike, mask: ArrayLike | None = None) -> Array:
        """Return x."""
        return np.asarray(x)
