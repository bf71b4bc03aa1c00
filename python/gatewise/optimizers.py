"""Optimizers: each step a single pass of the core over flat arrays of parameters and gradients.

Defaults, names and results are PyTorch's. They serve `Sequential.fit`, and bare layers as well:

>>> import numpy as np, gatewise as gw
>>> params, grads = np.ones(3, np.float32), np.array([1.0, 0.0, -1.0], np.float32)
>>> gw.optimizers.SGD(lr=0.5).update(params, grads)
>>> params
array([0.5, 1. , 1.5], dtype=float32)
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ._core import dispatch
from ._core.configured import Configured
from ._core.options import checked_number
from ._core.parameters import Array, convert

Rate = float | Callable[[int], float]


def _limit(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if checked_number(name, value, 0.0) == 0.0:
        raise ValueError(f"{name}: expected a number above 0 or None, got {value!r}")
    return float(value)


class Optimizer(Configured, ABC):
    """What optimizers have in common.

    Parameters
    ----------
    lr : the learning rate: a number, or a schedule, a function of the number of steps already done (`gw.schedules`).
    weight_decay : this times the parameters is added to the gradients (AdamW: taken off the parameters instead).
    clip_norm : the largest norm that all gradients together may have: they shrink together (Pascanu et al. 2013).
    clip_value : the largest magnitude that each number of the gradients may have, after `clip_norm`.

    Attributes
    ----------
    steps : the number of updates done.
    """

    slots: tuple[str, ...] = ()

    def __init__(self, lr: Rate, weight_decay: float, clip_norm: float | None, clip_value: float | None) -> None:
        self.lr = lr if callable(lr) else checked_number("lr", lr, 0.0)
        self.weight_decay = checked_number("weight_decay", weight_decay, 0.0)
        self.clip_norm = _limit("clip_norm", clip_norm)
        self.clip_value = _limit("clip_value", clip_value)
        self.steps = 0
        self.norm = math.nan
        self._state: dict[str, Array] = {}

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.lr(self.steps)) if callable(self.lr) else self.lr

    def update(self, params: Array, grads: Array) -> None:
        """One step down the gradients; `params` changes in place.

        Parameters
        ----------
        params, grads : flat arrays of one size, both float32 or both float64, C-contiguous.

        Raises
        ------
        TypeError, ValueError : they are not that, or of another size or dtype than in earlier updates.
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
        self, passes: Any, params: Array, grads: Array, state: dict[str, Array], scale: float, limit: float
    ) -> None:
        """One fused pass over the arrays; `state` has those of `slots`."""

    def state_dict(self) -> dict[str, Array]:
        """Copies of what the optimizer remembers: ``steps`` and its flat arrays."""
        return {"steps": np.array(self.steps), **{name: value.copy() for name, value in self._state.items()}}

    def load_state_dict(self, mapping: Mapping[str, Any]) -> None:
        """Remember what another optimizer of this kind did.

        Raises
        ------
        ValueError, TypeError : names, shapes or dtypes are not those of this kind.
        """
        names = {"steps", *self.slots} if int(mapping.get("steps", 0)) else {"steps"}
        if set(mapping) != names:
            raise ValueError(f"mapping: expected exactly {', '.join(sorted(names))}, got {', '.join(sorted(mapping))}")
        arrays = {name: np.array(mapping[name]) for name in self.slots if name in mapping}
        for name, value in arrays.items():
            convert(name, value, next(iter(arrays.values())).dtype, (value.size,))
        self._state, self.steps = arrays, int(mapping["steps"])


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and Nesterov's (Sutskever et al. 2013), as in PyTorch.

    Parameters
    ----------
    lr, weight_decay, clip_norm, clip_value : as for `Optimizer`.
    momentum : b = momentum b + g; p = p - lr b.
    nesterov : p = p - lr (g + momentum b) instead; needs a momentum.

    Raises
    ------
    ValueError, TypeError : a number is out of its range.
    """

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
            raise ValueError("nesterov: expected a momentum above 0 beside it, got 0")
        self.slots = ("buffer",) if self.momentum else ()

    def _pass(
        self, passes: Any, params: Array, grads: Array, state: dict[str, Array], scale: float, limit: float
    ) -> None:
        buffer = state.get("buffer")
        passes.sgd(
            params, grads, buffer, self.rate, self.momentum, self.nesterov, scale, limit, self.weight_decay
        )  # fmt: skip


class RMSprop(Optimizer):
    """Gradients over the root of their running mean square (Tieleman and Hinton 2012), as in PyTorch.

    Parameters
    ----------
    lr, weight_decay, clip_norm, clip_value : as for `Optimizer`.
    alpha : v = alpha v + (1 - alpha) g^2.
    eps : added to the root of v.
    momentum : of the quotients.
    """

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
        self, passes: Any, params: Array, grads: Array, state: dict[str, Array], scale: float, limit: float
    ) -> None:
        square, buffer = state["square"], state.get("buffer")
        passes.rmsprop(
            params, grads, square, buffer, self.rate, self.alpha, self.eps, self.momentum, scale, limit,
            self.weight_decay,
        )  # fmt: skip


class Adam(Optimizer):
    """Adaptive moments (Kingma and Ba 2015, Algorithm 1), as in PyTorch.

    Parameters
    ----------
    lr, weight_decay, clip_norm, clip_value : as for `Optimizer`.
    betas : the decay of the running means of g and of g^2.
    eps : added to the root of the mean square.
    """

    slots = ("mean", "square")
    decoupled = False

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
        self, passes: Any, params: Array, grads: Array, state: dict[str, Array], scale: float, limit: float
    ) -> None:
        (beta1, beta2), rate, t = self.betas, self.rate, self.steps + 1
        keep = 1.0 - rate * self.weight_decay if self.decoupled else 1.0
        decay = 0.0 if self.decoupled else self.weight_decay
        passes.adam(
            params, grads, state["mean"], state["square"], rate / (1.0 - beta1**t),
            math.sqrt(1.0 - beta2**t), beta1, beta2, self.eps, keep, scale, limit, decay,
        )  # fmt: skip


class AdamW(Adam):
    """Adam with the weight decay taken off the parameters themselves (Loshchilov and Hutter 2019), as in PyTorch."""

    decoupled = True

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


KINDS: dict[str, type[Optimizer]] = {"sgd": SGD, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}


def get(optimizer: str | Optimizer) -> Optimizer:
    """The optimizer of this name ("sgd", "rmsprop", "adam", "adamw"), with its defaults, or the one given."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    if not isinstance(optimizer, str) or optimizer not in KINDS:
        raise ValueError(f"optimizer: expected one of {', '.join(KINDS)}, or an Optimizer, got {optimizer!r}")
    return KINDS[optimizer]()  # type: ignore[call-arg]
