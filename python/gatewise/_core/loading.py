"""Reading parameters from a mapping such as PyTorch's state dict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .parameters import require_keys


class LoadedKeys(NamedTuple):
    """The names that `load_state_dict` did not find in the mapping, and those that the layer does not have."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def select(
    mapping: Mapping[str, Any], expected: Mapping[str, Any], prefix: str, strict: bool
) -> tuple[dict[str, Any], LoadedKeys]:
    """Return the values of the expected names, without their prefix, and which names are missing or unknown.

    Raises
    ------
    TypeError : `mapping` is no mapping.
    ValueError : names are missing or unknown (with `strict`).
    """
    if not isinstance(mapping, Mapping):
        raise TypeError(f"mapping: expected a mapping of names to arrays, got {type(mapping).__name__}")
    given = {str(name)[len(prefix) :]: value for name, value in mapping.items() if str(name).startswith(prefix)}
    if strict:
        require_keys("mapping", expected, given)
    missing = [name for name in expected if name not in given]
    unexpected = [name for name in given if name not in expected]
    return {name: given[name] for name in expected if name in given}, LoadedKeys(missing, unexpected)
