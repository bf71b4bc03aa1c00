"""Learning-rate schedules, which are functions of the number of updates already done. Pass them as an optimizer's `lr`.

Schedules have no state, so training that resumes from a checkpoint uses the same rates.

>>> import gatewise as gw
>>> warm = gw.schedules.Warmup(gw.schedules.Cosine(0.1, steps=100), steps=10)
>>> [round(warm(step), 3) for step in (0, 4, 9, 60, 110)]
[0.01, 0.05, 0.1, 0.05, 0.0]
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from ._core.checks import checked_size
from ._core.configured import Configured

__all__ = ["Cosine", "Exponential", "Schedule", "Step", "Warmup"]


class Schedule(Configured, ABC):
    """Base class of learning-rate schedules.

    Any function of the number of updates can be a schedule, too. Only schedules of this module are compared when
    training resumes from a checkpoint.

    See Also
    --------
    gatewise.optimizers : Optimizers, with their argument ``lr``.

    Examples
    --------
    >>> import gatewise as gw
    >>> gw.optimizers.Adam(lr=gw.schedules.Cosine(0.01, steps=1000)).rate
    0.01
    """

    @abstractmethod
    def __call__(self, step: int) -> float:
        """Return the learning rate of one update.

        The rate depends on nothing but the number of updates.

        Parameters
        ----------
        step : int
            Number of updates already done.

        Returns
        -------
        float
            The learning rate of the next update.

        See Also
        --------
        gatewise.optimizers.Optimizer.rate : The rate of an optimizer.

        Examples
        --------
        >>> import gatewise as gw
        >>> gw.schedules.Step(1.0, every=2)(2)
        0.1
        """


@dataclass(frozen=True)
class Step(Schedule):
    """Multiply the learning rate by a factor after a fixed number of updates.

    The rate is lr factor^floor(step / every).

    Parameters
    ----------
    lr : float
        First learning rate.
    every : int
        Number of updates with the same rate.
    factor : float, default 0.1
        Factor from each rate to the next one.

    Raises
    ------
    ValueError
        If `every` is less than 1.

    See Also
    --------
    Exponential : Decays after each update.
    Cosine : Decays along a cosine.

    Examples
    --------
    >>> import gatewise as gw
    >>> schedule = gw.schedules.Step(1.0, every=2, factor=0.5)
    >>> [schedule(step) for step in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        checked_size("every", self.every, 1)

    def __call__(self, step: int) -> float:
        return self.lr * self.factor ** (step // self.every)


@dataclass(frozen=True)
class Exponential(Schedule):
    """Multiply the learning rate by a factor after each update.

    The rate is lr factor^step.

    Parameters
    ----------
    lr : float
        First learning rate.
    factor : float
        Factor from each rate to the next one.

    See Also
    --------
    Step : Decays after several updates.
    Cosine : Decays along a cosine.

    Examples
    --------
    >>> import gatewise as gw
    >>> schedule = gw.schedules.Exponential(1.0, factor=0.5)
    >>> [schedule(step) for step in range(3)]
    [1.0, 0.5, 0.25]
    """

    lr: float
    factor: float

    def __call__(self, step: int) -> float:
        return float(self.lr * self.factor**step)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Decay the learning rate along half a cosine.

    The rate falls from `lr` to `least` in `steps` updates, and then stays constant [1]_.

    Parameters
    ----------
    lr : float
        First learning rate.
    steps : int
        Number of updates of the decay.
    least : float, default 0.0
        Last learning rate.

    Raises
    ------
    ValueError
        If `steps` is less than 1.

    See Also
    --------
    Warmup : Lets the rate rise first.
    Exponential : Decays by a factor.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.

    Examples
    --------
    >>> import gatewise as gw
    >>> schedule = gw.schedules.Cosine(1.0, steps=4)
    >>> [round(schedule(step), 3) for step in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    lr: float
    steps: int
    least: float = 0.0

    def __post_init__(self) -> None:
        checked_size("steps", self.steps, 1)

    def __call__(self, step: int) -> float:
        share = min(step / self.steps, 1.0)
        return self.least + (self.lr - self.least) * 0.5 * (1.0 + math.cos(math.pi * share))


@dataclass(frozen=True)
class Warmup(Schedule):
    """Let the learning rate rise before another schedule begins.

    The rate rises in equal increments to the first rate of `after`.

    Parameters
    ----------
    after : float or callable
        Learning rate after the rise: a number, or a schedule, which begins there.
    steps : int
        Number of updates of the rise.

    See Also
    --------
    Cosine : A schedule for the time after.

    Examples
    --------
    >>> import gatewise as gw
    >>> schedule = gw.schedules.Warmup(1.0, steps=4)
    >>> [schedule(step) for step in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """

    after: float | Callable[[int], float]
    steps: int

    def __call__(self, step: int) -> float:
        after = self.after if callable(self.after) else lambda _: self.after
        return float(after(0)) * (step + 1) / self.steps if step < self.steps else float(after(step - self.steps))
