"""What a forecaster is made of, and how it is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .._inputs import InputError

CELLS = {"lstm": "LSTM", "gru": "GRU"}
MODES = ("direct", "autoregressive")


@dataclass(frozen=True)
class Settings:
    """What a forecaster is made of; see `Forecaster`."""

    cell: str = "lstm"
    hidden_size: int = 32
    num_layers: int = 1
    window: int = 36
    horizon: int = 6
    season: int = 1
    mode: str = "direct"

    def __post_init__(self) -> None:
        for name, known in (("cell", tuple(CELLS)), ("mode", MODES)):
            if getattr(self, name) not in known:
                raise InputError(f"{name}: expected {' or '.join(known)}, got {getattr(self, name)!r}")
        for name in ("hidden_size", "num_layers", "window", "horizon", "season"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise InputError(f"{name}: expected an integer >= 1, got {value!r}")


@dataclass(frozen=True)
class Training:
    """How a forecaster is trained; see `Forecaster`."""

    epochs: int = 200
    batch_size: int = 32
    lr: float = 0.003
    clip: float = 1.0
    patience: int = 30
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("patience", 1), ("seed", 0)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise InputError(f"{name}: expected an integer >= {least}, got {value!r}")
        for name in ("lr", "clip"):
            if not getattr(self, name) > 0.0:
                raise InputError(f"{name}: expected a number > 0, got {getattr(self, name)!r}")
        if math.isinf(self.lr):
            raise InputError(f"lr: expected a finite number, got {self.lr!r}")
