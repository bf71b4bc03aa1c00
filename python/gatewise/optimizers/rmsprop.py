"""RMSprop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.checks import checked_number
from .._core.parameters import Array
from .base import Optimizer, Rate

if TYPE_CHECKING:
    from .._core.extension import Optimizers as Passes


class RMSprop(Optimizer):
    """RMSprop, which divides gradients by the root of their running mean square.

    With v = alpha v + (1 - alpha) g^2 the update is p = p - lr g / (sqrt(v) + eps) [1]_. Results are PyTorch's.

    Parameters
    ----------
    lr : float or callable, default 0.01
        Learning rate: a number, or a schedule of `gatewise.schedules`.
    alpha : float, default 0.99
        Decay of the running mean.
    eps : float, default 1e-8
        Number that is added to the root.
    weight_decay : float, default 0.0
        Weight decay: this factor times the parameters is added to the gradients.
    momentum : float, default 0.0
        Momentum of the quotients g / (sqrt(v) + eps).
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
    Adam : The same with a running mean of the gradients.
    gatewise.schedules : Learning-rate schedules.

    References
    ----------
    .. [1] T. Tieleman, G. Hinton, "Lecture 6.5: RMSprop", Coursera: Neural Networks for Machine Learning, 2012.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> params = np.ones(2)
    >>> gw.optimizers.RMSprop(lr=0.05).update(params, np.array([1.0, -4.0]))
    >>> params.round(3)
    array([0.5, 1.5])
    """

    name = "rmsprop"

    def __init__(
        self,
        lr: Rate = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(lr, weight_decay, clip_norm, clip_value)
        self.alpha, self.eps = checked_number("alpha", alpha, 0.0, 1.0), checked_number("eps", eps, 0.0)
        self.momentum = checked_number("momentum", momentum, 0.0)
        self.slots = ("square", "buffer") if self.momentum else ("square",)

    def _pass(
        self, passes: type[Passes], params: Array, grads: Array, state: dict[str, Array], scale: float, limit: float
    ) -> None:
        passes.rmsprop(
            params, grads, state["square"], state.get("buffer"), self.rate, self.alpha, self.eps, self.momentum, scale,
            limit, self.weight_decay,
        )  # fmt: skip
