"""Which of the extension modules is loaded: the best instruction set that this machine has and that was built."""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import TYPE_CHECKING, cast

from . import _cpu

if TYPE_CHECKING:
    from . import _core as core_stub

FORCED_BY = "GATEWISE_ISA"


def _module_name(isa: str) -> str:
    return f"{__package__}._core_{isa.replace('-', '_')}"


def available() -> list[str]:
    """The instruction sets that were built and that this machine has, from the least to the best."""
    return [isa for isa in _cpu.instruction_sets() if importlib.util.find_spec(_module_name(isa)) is not None]


def load(isa: str) -> core_stub.Core:
    """The extension module of an instruction set. One that is not available is an ImportError."""
    names = available()
    if isa not in names:
        raise ImportError(f"instruction set: expected one of {', '.join(names) or 'none'}, got {isa!r}")
    return cast("core_stub.Core", importlib.import_module(_module_name(isa)))


def _best() -> core_stub.Core:
    forced = os.environ.get(FORCED_BY)
    if forced:
        try:
            return load(forced)
        except ImportError as error:
            raise ImportError(f"{FORCED_BY}: {error}") from None
    names = available()
    if not names:
        machine = ", ".join(_cpu.instruction_sets())
        raise ImportError(f"instruction set: expected a build for one of this machine's, {machine}, got none")
    return load(names[-1])


# Looked up whenever a layer is made.
core = _best()
