"""Load the extension module of the best instruction set that was built and that this machine has."""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import TYPE_CHECKING, cast

from . import cpu

if TYPE_CHECKING:
    from .extension import Extension

FORCED_BY = "GATEWISE_ISA"


def _module_name(isa: str) -> str:
    return f"{__package__}.extension_{isa.replace('-', '_')}"


def available() -> list[str]:
    """The instruction sets that were built and that this machine has, in increasing order."""
    return [isa for isa in cpu.instruction_sets() if importlib.util.find_spec(_module_name(isa)) is not None]


def load(isa: str) -> Extension:
    """The extension module of an instruction set; an ImportError if it is not available."""
    names = available()
    if isa not in names:
        raise ImportError(f"instruction set: expected one of {', '.join(names) or 'none'}, got {isa!r}")
    return cast("Extension", importlib.import_module(_module_name(isa)))


def _best() -> Extension:
    forced = os.environ.get(FORCED_BY)
    if forced:
        try:
            return load(forced)
        except ImportError as error:
            raise ImportError(f"{FORCED_BY}: {error}") from None
    names = available()
    if not names:
        machine = ", ".join(cpu.instruction_sets())
        raise ImportError(f"instruction set: gatewise was built for none of those of this machine: {machine}")
    return load(names[-1])


# Read each time a layer is made: tests replace it.
extension = _best()
