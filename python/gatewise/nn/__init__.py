"""The layers of a model, and the network that joins them."""

from .dense import Linear
from .dropout import Dropout
from .embedding import Embedding
from .reducing import Flatten, LastStep, MeanOverSteps

__all__ = ["Dropout", "Embedding", "Flatten", "LastStep", "Linear", "MeanOverSteps"]
