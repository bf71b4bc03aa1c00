"""Types of options and arguments that several commands share.

typer reads annotations at run time, and its older versions know ``Optional[X]`` but not ``X | None``.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Optional

import typer

from ..models.building import RECURRENT_LAYERS

Count = Optional[int]  # noqa: UP045
Number = Optional[float]  # noqa: UP045
Text = Optional[str]  # noqa: UP045
File = Optional[Path]  # noqa: UP045
Names = Optional[list[str]]  # noqa: UP045
Cell = Enum("Cell", {name: name for name in RECURRENT_LAYERS}, type=str)  # type: ignore[misc]  # one per kind of cell in the core
DEFAULT_CELL = Cell("lstm")

DataFile = Annotated[Path, typer.Argument(metavar="DATA", help="A .csv file with a header line, or an .npz file.")]
Model = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A .safetensors file that gatewise fit wrote.", show_default=False)
]
Threads = Annotated[
    Count, typer.Option(min=1, help="Maximum number of threads (default: as many as the machine allows).")
]
