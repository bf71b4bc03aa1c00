"""The base classes of a model's layers, and what a layer costs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .._core.checks import float_dtype
from .._core.configured import Configured
from .._core.gradients import Gradients
from .._core.parameters import Array, Pieces, lend, size_of
from .._core.state import State
from .flow import Call, DataShape

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Costs:
    """The costs of a layer in memory and operations.

    parameters : the number of parameters as Keras counts them.
    stored_numbers : the number of elements of all parameters.
    flops : floating-point operations of the forward pass per sequence and step; a multiply-add counts as two.
    state_bytes : the size of the state per sequence.
    tape_bytes : the size of the tape per sequence and step, the output included.
    """

    parameters: int
    stored_numbers: int
    flops: int = 0
    state_bytes: int = 0
    tape_bytes: int = 0


class ModelLayer(Configured, ABC):
    """A layer of a model: its forward and backward pass, and the parameters that the model stores for it."""

    params: Mapping[str, Array] = MappingProxyType({})

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """Name to shape of each parameter.

        A layer without parameters has an empty mapping.

        See Also
        --------
        config : The arguments of the constructor, which determine the shapes.

        Examples
        --------
        >>> import gatewise as gw
        >>> gw.Linear(4, 1).shapes
        {'weight': (1, 4), 'bias': (1,)}
        """
        return {}

    @property
    def class_name(self) -> str:
        """Name of the layer's class, under which files store the layer.

        `gatewise.load` finds the class by this name.

        See Also
        --------
        config : The arguments that a file stores with the name.

        Examples
        --------
        >>> import gatewise as gw
        >>> gw.LastStep().class_name
        'LastStep'
        """
        return type(self).__name__

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """Floating-point type of parameters and results.

        It is None for a layer that has no parameters and accepts any type.

        See Also
        --------
        config : All arguments of the constructor.

        Examples
        --------
        >>> import gatewise as gw
        >>> gw.Linear(4, 1).dtype
        dtype('float32')
        """
        return None

    def first_flow(self) -> DataShape | None:
        """Return the kind and size of the input that the layer expects.

        The first layer tells a model the size of its input. Layers that accept inputs of any size cannot be first.

        Returns
        -------
        DataShape or None
            Kind and size of the input; None if the layer accepts any.

        See Also
        --------
        flow : Kind and size of the output.

        Examples
        --------
        >>> import gatewise as gw
        >>> str(gw.Linear(4, 1).first_flow())
        'sequences (B, T, 4)'
        """
        return None

    def flow(self, flow: DataShape) -> DataShape:
        """Return the kind and size of the output.

        A model calls this for each layer in turn when it is built, and refuses layers that do not fit.

        Parameters
        ----------
        flow : DataShape
            Kind and size of the input.

        Returns
        -------
        DataShape
            Kind and size of the output.

        Raises
        ------
        ValueError
            If the layer does not accept such an input. The message says what the layer expects.

        See Also
        --------
        first_flow : Kind and size of the input of a first layer.

        Examples
        --------
        >>> import gatewise as gw
        >>> linear = gw.Linear(4, 1)
        >>> str(linear.flow(linear.first_flow()))
        'sequences (B, T, 1)'
        """
        return flow

    def initial_values(self, init: str, seed: Any) -> Mapping[str, Array]:
        """Return new initial values of all parameters.

        The layer itself does not change.

        Parameters
        ----------
        init : str
            "uniform" for PyTorch's default, "glorot" for Keras's.
        seed : object
            Passed to ``numpy.random.default_rng``.

        Returns
        -------
        mapping
            Name of each parameter to its values.

        See Also
        --------
        gatewise.Sequential.reset_parameters : Draws the initial values of a whole model.

        Examples
        --------
        >>> import gatewise as gw
        >>> gw.Linear(4, 1).initial_values("glorot", seed=0)["bias"]
        array([0.])
        """
        return {}

    @property
    def bound(self) -> bool:
        """Whether the parameters already belong to a model.

        A layer belongs to one model at most. Pass ``copy.deepcopy(layer)`` to a second one.

        See Also
        --------
        bind : Give the parameters to a model.

        Examples
        --------
        >>> import gatewise as gw
        >>> linear = gw.Linear(4, 1)
        >>> model = gw.Sequential(linear)
        >>> linear.bound
        True
        """
        return False

    def bind(self, params: Mapping[str, Array], flow: DataShape) -> None:
        """Become a layer of a model.

        From now on the parameters are the given arrays, which belong to the model. A model calls this when it is
        built.

        Parameters
        ----------
        params : mapping
            Name to array of each parameter.
        flow : DataShape
            Kind and size of the input.

        See Also
        --------
        bound : Whether this has happened.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> linear = gw.Linear(2, 1, bias=False)
        >>> linear.bind({"weight": np.ones((1, 2), np.float32)}, linear.first_flow())
        >>> linear.params["weight"]
        array([[1., 1.]], dtype=float32)
        """

    @abstractmethod
    def forward(self, x: Array, call: Call, state: State) -> tuple[Array, State, Any]:
        """Compute the output of one call.

        A model passes the output of each layer to the next one.

        Parameters
        ----------
        x : array
            The input.
        call : Call
            The arguments that all layers get.
        state : array, tuple or None
            The initial state of a recurrent layer; None for zeros, and for layers without a state.

        Returns
        -------
        y : array
            The output.
        state : array, tuple or None
            The final state of a recurrent layer; None for layers without a state.
        tape : object
            What `backward` needs, if the call keeps it.

        See Also
        --------
        backward : The gradients.
        gatewise.Sequential.forward : The forward pass of a model.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> from gatewise.nn.flow import Call
        >>> y, _, _ = gw.Dropout(0.5).forward(np.ones((1, 2, 1)), Call(), None)
        >>> y.ravel()
        array([1., 1.])
        """

    @abstractmethod
    def backward(self, tape: Any, dy: Array, grads: Gradients, wrt_x: bool) -> Array | None:
        """Compute the gradients of one call.

        A model passes the gradient of each layer's input to the layer before.

        Parameters
        ----------
        tape : object
            What `forward` returned.
        dy : array
            The loss's gradient with respect to the output.
        grads : Gradients
            Where the gradients of the parameters are written.
        wrt_x : bool
            Whether the gradient of the input is wanted.

        Returns
        -------
        array or None
            The loss's gradient with respect to the input; None if it is not wanted, or if the input consists of tokens.

        See Also
        --------
        forward : The forward pass that makes the tape.
        gatewise.Sequential.backward : The backward pass of a model.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> from gatewise.nn.flow import Call
        >>> flatten = gw.Flatten(2)
        >>> _, _, tape = flatten.forward(np.ones((1, 2, 3)), Call(), None)
        >>> flatten.backward(tape, np.ones((1, 6)), None, wrt_x=True).shape
        (1, 2, 3)
        """

    def costs(self) -> Costs:
        """Return what the layer costs in memory and operations.

        `Sequential.summary` shows these numbers.

        Returns
        -------
        Costs
            Its attributes are ``parameters``, ``stored_numbers``, ``flops``, ``state_bytes`` and ``tape_bytes``.

        See Also
        --------
        gatewise.Sequential.summary : The table of a whole model.

        Examples
        --------
        >>> import gatewise as gw
        >>> gw.Linear(4, 3).costs().flops
        24
        """
        stored = size_of(self.shapes)
        return Costs(parameters=stored, stored_numbers=stored)


class Parametric(ModelLayer):
    """A layer with parameters of its own. Until a model binds them, they are the layer's initial values."""

    @staticmethod
    @abstractmethod
    def parameter_shapes(config: Mapping[str, Any]) -> Iterable[tuple[str, Shape]]:
        """Return the shapes of the parameters that a layer of this configuration has.

        Files are checked against these shapes before a layer is made, so a damaged file cannot ask for more memory
        than its arrays take.

        Parameters
        ----------
        config : mapping
            What `config` returns.

        Returns
        -------
        iterable
            Name and shape of each parameter.

        See Also
        --------
        shapes : The shapes of this layer's parameters.

        Examples
        --------
        >>> import gatewise as gw
        >>> dict(gw.Linear.parameter_shapes({"in_features": 4, "out_features": 1, "bias": True}))
        {'weight': (1, 4), 'bias': (1,)}
        """

    @property
    def shapes(self) -> Mapping[str, Shape]:
        return dict(self.parameter_shapes(self.config()))

    def _set_up(self, dtype: DTypeLike, seed: Any) -> None:
        self._dtype = float_dtype(dtype)
        self.params = {name: lend(v.astype(self._dtype)) for name, v in self.initial_values("uniform", seed).items()}

    @property
    def bound(self) -> bool:
        return isinstance(self.params, Pieces)

    def bind(self, params: Mapping[str, Array], flow: DataShape) -> None:
        self.params = params

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._dtype

    def __getstate__(self) -> dict[str, Any]:
        # A copy owns its values, even if the original's are a model's.
        return {**vars(self), "params": {name: np.array(value) for name, value in self.params.items()}}
