"""The layers of a model, and the network that joins them."""

from .dense import Dropout, Embedding, Linear
from .reducing import Flatten, LastStep, MeanOverSteps

__all__ = ["Dropout", "Embedding", "Flatten", "LastStep", "Linear", "MeanOverSteps"]
