"""The compiled core of a layer or cell, and when its weights are packed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import dispatch
from .base import RecurrentBase
from .options import Options

if TYPE_CHECKING:
    from .extension import Core


class Compiled(RecurrentBase):
    """A layer or cell whose arithmetic runs in the extension module."""

    def _assemble(self, options: Options, rng: np.random.Generator) -> None:
        super()._assemble(options, rng)
        extension = dispatch.extension
        core = extension.Float32Core if options.dtype == np.dtype(np.float32) else extension.Float64Core
        self._core = core.make(**options.core_arguments())
        self._packed_version = -1

    def _ready(self, once: bool = False) -> Core:
        """Return the core, with the current parameters packed.

        Parameters are packed only when they have changed. Adopted arrays can change without notice, so they are
        compared with the packed values. With `once`, adopted arrays are packed without a comparison: training changes
        them before every call.
        """
        params = self.params
        if self._packed_version != params.version or params.adopted:
            version, arrays = params.snapshot()
            self._core.load(version, arrays, params.adopted and not once)
            self._packed_version = version
        return self._core
