"""The compiled core behind a layer or cell, and when its weights are packed again."""

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
        """The core, with the current parameters packed.

        Parameters are packed only when they have changed. The owner of adopted ones changes them unseen, so they are
        compared with what was packed. With `once`, for a caller that changes them between any two calls, as training
        does, they are packed without a comparison.
        """
        params = self.params
        if self._packed_version != params.version or params.adopted:
            version, arrays = params.snapshot()
            self._core.load(version, arrays, params.adopted and not once)
            self._packed_version = version
        return self._core
