"""The base class of optimizers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .._core import dispatch
from .._core.checks import checked_number
from .._core.configured import Configured
from .._core.parameters import Array, convert

if TYPE_CHECKING:
    from .._core.extension import Optimizers as Passes

Rate = float | Callable[[int], float]


class Optimizer(Configured, ABC):
    """Base class of optimizers.

    Gradients are clipped before each update, first by their norm and then by their values.

    Parameters
    ----------
    lr : float or callable
        Learning rate: a number, or a schedule, which is a function of the number of updates already done.
    weight_decay : float
        Weight decay: this factor times the parameters is added to the gradients. `AdamW` decays the parameters instead.
    clip_norm : float or None
        Largest norm of all gradients together. Larger gradients are scaled down together [1]_.
    clip_value : float or None
        Largest magnitude of each element of the gradients.

    Attributes
    ----------
    steps : int
        Number of updates done.
    norm : float
        Norm of all gradients in the last update, before clipping; NaN without `clip_norm`.

    See Also
    --------
    get : Finds an optimizer by its name.
    gatewise.schedules : Learning-rate schedules.

    References
    ----------
    .. [1] R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks", ICML 2013.

    Examples
    --------
    >>> import gatewise as gw
    >>> isinstance(gw.optimizers.Adam(), gw.optimizers.Optimizer)
    True
    """

    name: ClassVar[str | None] = None
    """The name by which `fit` knows the optimizer with its defaults."""
    slots: tuple[str, ...] = ()
    """The names of the flat arrays that the optimizer keeps from update to update."""

    def __init__(self, lr: Rate, weight_decay: float, clip_norm: float | None, clip_value: float | None) -> None:
        self.lr = lr if callable(lr) else checked_number("lr", lr, 0.0)
        self.weight_decay = checked_number("weight_decay", weight_decay, 0.0)
        self.clip_norm = _bound("clip_norm", clip_norm)
        self.clip_value = _bound("clip_value", clip_value)
        self.steps = 0
        self.norm = math.nan
        self._state: dict[str, Array] = {}

    @property
    def rate(self) -> float:
        """Learning rate of the next update.

        It changes from update to update if `lr` is a schedule.

        See Also
        --------
        gatewise.schedules : Learning-rate schedules.

        Examples
        --------
        >>> import gatewise as gw
        >>> gw.optimizers.SGD(gw.schedules.Exponential(0.5, 0.9)).rate
        0.5
        """
        return float(self.lr(self.steps)) if callable(self.lr) else self.lr

    def update(self, params: Array, grads: Array) -> None:
        """Update parameters by their gradients.

        The parameters change in place.

        Parameters
        ----------
        params : array of shape (n,)
            All parameters, float32 or float64 and C-contiguous.
        grads : array of shape (n,)
            Their gradients, of the same type.

        Raises
        ------
        ValueError, TypeError
            If shapes or types differ from these or from those of earlier updates.

        See Also
        --------
        gatewise.Sequential.fit : Updates the parameters of a model.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> lstm = gw.LSTM(2, 3, seed=0)
        >>> y, _, tape = lstm.forward(np.ones((5, 4, 2)))
        >>> params, adam = lstm.params.flat, gw.optimizers.Adam()
        >>> adam.update(params, lstm.backward(tape, dy=y).flat)
        >>> lstm.params.flat = params
        >>> adam.steps
        1
        """
        if not isinstance(params, np.ndarray) or params.dtype.name not in ("float32", "float64"):
            raise TypeError(f"params: expected a flat array of float32 or float64, got {type(params).__name__}")
        core = dispatch.extension
        passes = core.Float32Optimizers if params.dtype == np.dtype(np.float32) else core.Float64Optimizers
        scale = 1.0
        if self.clip_norm is not None:
            self.norm = math.sqrt(passes.sum_of_squares(grads))
            scale = self.clip_norm / self.norm if self.norm > self.clip_norm else 1.0
        state = self._state or {name: np.zeros_like(params) for name in self.slots}
        self._pass(passes, params, grads, state, scale, math.inf if self.clip_value is None else self.clip_value)
        self._state = state
        self.steps += 1

    @abstractmethod
    def _pass(
        self, passes: type[Passes], params: Array, grads: Array, state: dict[str, Array], scale: float, limit: float
    ) -> None:
        """Make one fused pass over the arrays.

        state : the arrays of `slots`.
        scale, limit : the factor of the gradients that clips their norm, and the bound that then clips their values.
        """

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of the optimizer's state.

        The state is the number of updates and the optimizer's own arrays, such as running means.

        Returns
        -------
        dict
            Name to array.

        See Also
        --------
        load_state_dict : Restores the state.

        Examples
        --------
        >>> import gatewise as gw
        >>> gw.optimizers.Adam().state_dict()
        {'steps': array(0)}
        """
        return {"steps": np.array(self.steps), **{name: value.copy() for name, value in self._state.items()}}

    def load_state_dict(self, mapping: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned.

        Later updates are those that the other optimizer would make.

        Parameters
        ----------
        mapping : mapping
            Name to array, from an optimizer of the same class.

        Raises
        ------
        ValueError, TypeError
            If names, shapes or types do not fit.

        See Also
        --------
        state_dict : Returns the state.

        Examples
        --------
        >>> import gatewise as gw
        >>> adam = gw.optimizers.Adam()
        >>> adam.load_state_dict(gw.optimizers.Adam().state_dict())
        """
        names = {"steps", *self.slots} if int(mapping.get("steps", 0)) else {"steps"}
        if set(mapping) != names:
            raise ValueError(f"mapping: expected exactly {', '.join(sorted(names))}, got {', '.join(sorted(mapping))}")
        arrays = {name: np.array(mapping[name]) for name in self.slots if name in mapping}
        for name, value in arrays.items():
            convert(name, value, next(iter(arrays.values())).dtype, (value.size,))
        self._state, self.steps = arrays, int(mapping["steps"])


def _bound(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if checked_number(name, value, 0.0) == 0.0:
        raise ValueError(f"{name}: expected a number above 0 or None, got {value!r}")
    return float(value)
