"""Learning-rate schedules: functions of the number of steps already done, for an optimizer's `lr`.

They remember nothing, so training that goes on from a checkpoint meets the same rates.

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

from ._core.configured import Configured
from ._core.options import checked_size


class Schedule(Configured, ABC):
    """A learning rate that changes from step to step."""

    @abstractmethod
    def __call__(self, step: int) -> float:
        """The rate of the step after `step` steps."""


@dataclass(frozen=True)
class Step(Schedule):
    """`lr`, multiplied by `factor` after every `every` steps."""

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        checked_size("every", self.every, 1)

    def __call__(self, step: int) -> float:
        """The rate of the step after `step` steps."""
        return self.lr * self.factor ** (step // self.every)


@dataclass(frozen=True)
class Exponential(Schedule):
    """`lr`, multiplied by `factor` after every step."""

    lr: float
    factor: float

    def __call__(self, step: int) -> float:
        """The rate of the step after `step` steps."""
        return float(self.lr * self.factor**step)


@dataclass(frozen=True)
class Cosine(Schedule):
    """From `lr` down to `least` in `steps` steps, along half a cosine (Loshchilov and Hutter 2017)."""

    lr: float
    steps: int
    least: float = 0.0

    def __post_init__(self) -> None:
        checked_size("steps", self.steps, 1)

    def __call__(self, step: int) -> float:
        """The rate of the step after `step` steps."""
        share = min(step / self.steps, 1.0)
        return self.least + (self.lr - self.least) * 0.5 * (1.0 + math.cos(math.pi * share))


@dataclass(frozen=True)
class Warmup(Schedule):
    """Up to `after` in `steps` equal parts, then `after`: a rate, or a schedule that begins there."""

    after: float | Callable[[int], float]
    steps: int

    def __call__(self, step: int) -> float:
        """The rate of the step after `step` steps."""
        after = self.after if callable(self.after) else lambda _: self.after
        return float(after(0)) * (step + 1) / self.steps if step < self.steps else float(after(step - self.steps))
