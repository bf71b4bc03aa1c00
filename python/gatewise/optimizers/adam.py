"""Adam, and AdamW, which differs in its weight decay."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .._core.checks import checked_number
from .._core.parameters import Array
from .base import Optimizer, Rate

if TYPE_CHECKING:
    from .._core.extension import Optimizers as Passes


class Adam(Optimizer):
    """Adam, which adapts the learning rate to each parameter.

    It divides a running mean of the gradients by the root of their running mean square, both corrected for their bias
    towards the initial zero ([1]_, Algorithm 1). Results are PyTorch's.

    Parameters
    ----------
    lr : float or callable, default 0.001
        Learning rate: a number, or a schedule of `gatewise.schedules`.
    betas : tuple of float, default (0.9, 0.999)
        Decay of the running means of g and of g^2.
    eps : float, default 1e-8
        Number that is added to the root.
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
    AdamW : Adam with a decoupled weight decay.
    gatewise.schedules : Learning-rate schedules.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> params = np.ones(2)
    >>> gw.optimizers.Adam(lr=0.1).update(params, np.array([1.0, -4.0]))
    >>> params.round(3)
    array([0.9, 1.1])
    """

    name = "adam"
    slots = ("mean", "square")
    _decoupled = False

    def __init__(
        self,
        lr: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(lr, weight_decay, clip_norm, clip_value)
        first, second = betas
        self.betas = (checked_number("betas[0]", first, 0.0, 1.0), checked_number("betas[1]", second, 0.0, 1.0))
        self.eps = checked_number("eps", eps, 0.0)

    def _pass(
        self, passes: type[Passes], params: Array, grads: Array, state: dict[str, Array], scale: float, limit: float
    ) -> None:
        (beta1, beta2), rate, t = self.betas, self.rate, self.steps + 1
        keep = 1.0 - rate * self.weight_decay if self._decoupled else 1.0
        decay = 0.0 if self._decoupled else self.weight_decay
        passes.adam(
            params, grads, state["mean"], state["square"], rate / (1.0 - beta1**t),
            math.sqrt(1.0 - beta2**t), beta1, beta2, self.eps, keep, scale, limit, decay,
        )  # fmt: skip


class AdamW(Adam):
    """Adam with a decoupled weight decay.

    The decay is subtracted from the parameters themselves, p = p - lr weight_decay p, and does not enter the running
    means [1]_. Results are PyTorch's.

    Parameters
    ----------
    lr : float or callable, default 0.001
        Learning rate: a number, or a schedule of `gatewise.schedules`.
    betas : tuple of float, default (0.9, 0.999)
        Decay of the running means of g and of g^2.
    eps : float, default 1e-8
        Number that is added to the root.
    weight_decay : float, default 0.01
        Weight decay: lr weight_decay p is subtracted from each parameter p.
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
    Adam : Adds the weight decay to the gradients.
    gatewise.schedules : Learning-rate schedules.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> params = np.ones(2)
    >>> gw.optimizers.AdamW(lr=0.1, weight_decay=0.5).update(params, np.zeros(2))
    >>> params
    array([0.95, 0.95])
    """

    name = "adamw"
    _decoupled = True

    def __init__(
        self,
        lr: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay, clip_norm=clip_norm, clip_value=clip_value)
