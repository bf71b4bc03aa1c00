"""Optimizers by the names that `Sequential.fit` takes."""

from __future__ import annotations

from collections.abc import Callable

from .adam import Adam, AdamW
from .base import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD

KINDS: dict[str, Callable[..., Optimizer]] = {str(kind.name): kind for kind in (SGD, RMSprop, Adam, AdamW)}
"""Name to the class, each of which has a default for every argument."""


def get(optimizer: str | Optimizer) -> Optimizer:
    """Return an optimizer by its name.

    All of its arguments have their default values.

    Parameters
    ----------
    optimizer : str or Optimizer
        "sgd", "rmsprop", "adam" or "adamw". An optimizer is returned as it is.

    Returns
    -------
    Optimizer
        The optimizer.

    Raises
    ------
    ValueError
        If there is no optimizer of this name.

    See Also
    --------
    Sequential.fit : Training with an optimizer.

    Examples
    --------
    >>> import gatewise as gw
    >>> gw.optimizers.get("adam").rate
    0.001
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    if not isinstance(optimizer, str) or optimizer not in KINDS:
        raise ValueError(f"optimizer: expected one of {', '.join(KINDS)}, or an Optimizer, got {optimizer!r}")
    return KINDS[optimizer]()
