"""Small texts that several commands print."""

from __future__ import annotations

from collections.abc import Sequence

FEW = 20  # names to list before "and ... more"


def counted(number: int, thing: str) -> str:
    """Return text such as "1 epoch" or "2 epochs"."""
    return f"{number} {thing}" + ("" if number == 1 else "s")


def some(names: Sequence[str]) -> str:
    """Return names separated by commas, but not too many."""
    return ", ".join(names[:FEW]) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")
