"""The options and the help of ``gatewise bench``."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import bench as job
from ..options import DEFAULT_CELL, Cell, Names, Threads
from ..preflight import set_threads


def bench(
    cell: Annotated[Cell, typer.Option(help="Type of recurrent layer.")] = DEFAULT_CELL,
    sizes: Annotated[
        Names,
        typer.Option(
            metavar="T,B,I,H",
            help="Number of steps, batch size, input size and hidden size (repeat for several; default: "
            f"{' '.join(job.SIZES)}).",
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.0, max=60.0, help="Time to spend on each measurement.")] = 0.3,
    threads: Threads = None,
) -> None:
    """Measure the speed of a layer on this machine: inference, training and streaming.

    If PyTorch is installed, the command measures it as well.

    \b
    Examples:
      gatewise bench --threads 1
      gatewise bench --cell gru --sizes 50,32,32,64 --sizes 1,1,16,16
    """
    set_threads(threads)
    job.bench(cell.value, sizes or [], seconds)
