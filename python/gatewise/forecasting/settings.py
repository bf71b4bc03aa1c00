"""The settings of a forecaster: what its network is, and how it is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .._core.checks import checked_size
from ..files.errors import InputError
from ..layers import KINDS

GATED_CELLS = {name.lower(): name for name, kind in KINDS.items() if len(kind.gates) > 1}
"""Cells that a forecaster can have, by their name in `Settings`. Cells without gates forget a season too soon."""
MODES = ("direct", "autoregressive")


def integer(name: str, value: Any, least: int = 1) -> int:
    """Return `value` as an integer of at least `least`, or raise an `InputError`."""
    try:
        return checked_size(name, value, least)
    except (TypeError, ValueError) as error:
        raise InputError(str(error)) from error


@dataclass(frozen=True)
class Settings:
    """The settings of a forecaster's network; see `Forecaster` for the fields."""

    cell: str = "lstm"
    hidden_size: int = 32
    num_layers: int = 1
    window: int = 36
    horizon: int = 6
    season: int = 1
    mode: str = "direct"

    def __post_init__(self) -> None:
        for name, known in (("cell", tuple(GATED_CELLS)), ("mode", MODES)):
            if getattr(self, name) not in known:
                raise InputError(f"{name}: expected {' or '.join(known)}, got {getattr(self, name)!r}")
        for name in ("hidden_size", "num_layers", "window", "horizon", "season"):
            object.__setattr__(self, name, integer(name, getattr(self, name)))

    @property
    def network(self) -> str:
        """The name of the network in tables and plots, such as "LSTM"."""
        return GATED_CELLS[self.cell]

    @property
    def outputs(self) -> int:
        """The number of values that the network forecasts at once."""
        return self.horizon if self.mode == "direct" else 1


@dataclass(frozen=True)
class Training:
    """The settings of a forecaster's training; see `Forecaster` for the fields."""

    epochs: int = 200
    batch_size: int = 32
    lr: float = 0.003
    clip: float = 1.0
    patience: int = 30
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("patience", 1), ("seed", 0)):
            object.__setattr__(self, name, integer(name, getattr(self, name), least))
        for name in ("lr", "clip"):
            if not getattr(self, name) > 0.0:
                raise InputError(f"{name}: expected a number > 0, got {getattr(self, name)!r}")
        if math.isinf(self.lr):
            raise InputError(f"lr: expected a finite number, got {self.lr!r}")
