"""Stochastic gradient descent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.checks import checked_number
from .._core.parameters import Array
from .base import Optimizer, Rate

if TYPE_CHECKING:
    from .._core.extension import Optimizers as Passes


class SGD(Optimizer):
    """Stochastic gradient descent.

    With a momentum, b = momentum b + g and p = p - lr b; without, p = p - lr g. Results are PyTorch's.

    Parameters
    ----------
    lr : float or callable, default 0.001
        Learning rate: a number, or a schedule of `gatewise.schedules`.
    momentum : float, default 0.0
        Factor ``momentum`` in the formula; 0 means none.
    nesterov : bool, default False
        Whether to use Nesterov's momentum, p = p - lr (g + momentum b) [1]_. It needs a momentum.
    weight_decay : float, default 0.0
        Weight decay: this factor times the parameters is added to the gradients.
    clip_norm : float or None, optional
        Largest norm of all gradients together. By default the norm is not clipped.
    clip_value : float or None, optional
        Largest magnitude of each element of the gradients. By default values are not clipped.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.

    See Also
    --------
    Adam : An optimizer that adapts the rate to each parameter.
    gatewise.schedules : Learning-rate schedules.

    References
    ----------
    .. [1] I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum in deep
       learning", ICML 2013.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> params = np.ones(2)
    >>> gw.optimizers.SGD(lr=0.5).update(params, np.array([1.0, -1.0]))
    >>> params
    array([0.5, 1.5])
    """

    name = "sgd"

    def __init__(
        self,
        lr: Rate = 1e-3,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(lr, weight_decay, clip_norm, clip_value)
        self.momentum = checked_number("momentum", momentum, 0.0)
        self.nesterov = bool(nesterov)
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov: expected a momentum above 0 with nesterov=True, got 0")
        self.slots = ("buffer",) if self.momentum else ()

    def _pass(
        self, passes: type[Passes], params: Array, grads: Array, state: dict[str, Array], scale: float, limit: float
    ) -> None:
        passes.sgd(
            params, grads, state.get("buffer"), self.rate, self.momentum, self.nesterov, scale, limit,
            self.weight_decay,
        )  # fmt: skip
