"""The options and the help of ``gatewise info`` and ``gatewise convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...files.errors import alternatives
from ...weights.registry import formats_in_words, suffixes
from .. import weight_files as job
from ..options import Text


def info(
    path: Annotated[Path, typer.Argument(metavar="FILE", help=f"The file to read: {formats_in_words()}.")],
) -> None:
    """Show what a model or weight file contains: layers, their sizes, inputs, outputs and other arrays.

    \b
    Example:
      gatewise info model.keras
    """
    job.show(path)


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help=f"The file to read: {formats_in_words()}.")],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help=f"The file to write: {alternatives(suffixes(writable=True))}.")
    ],
    layer: Annotated[Text, typer.Option(help="Convert only this layer; gatewise info shows the names.")] = None,
) -> None:
    """Convert the recurrent layers of a file, or a model that gatewise saved, to another format.

    A .safetensors file takes all recurrent layers and other arrays. An ONNX file takes a complete model if gatewise
    saved it; from any other file it takes one layer.

    \b
    Examples:
      gatewise convert model.safetensors model.onnx
      gatewise convert state_dict.pt weights.safetensors
      gatewise convert model.keras layer.onnx --layer lstm
    """
    job.convert(source, target, layer)
