"""What a layer or cell of the compiled core holds, and when its weights are packed anew."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from . import dispatch
from .activations import with_parameters
from .base import RecurrentBase
from .options import Options

if TYPE_CHECKING:
    from .extension import Core


def _cell_name(options: Options) -> str:
    if options.cell == "RNN":
        return "rnn"
    if options.cell == "LSTM":
        return "lstm_peephole" if options.peephole else "lstm"
    return "gru_after" if options.reset_after else "gru_before"


class Compiled(RecurrentBase):
    """A layer or cell whose arithmetic runs in the extension module."""

    def _set_up(self, options: Options, shapes: dict[str, tuple[int, ...]], seed: Any) -> None:
        super()._set_up(options, shapes, seed)
        self._make_core()

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._make_core()

    def _make_core(self) -> None:
        o, module = self._options, dispatch.extension
        kind = module.Float32Core if o.dtype == np.dtype(np.float32) else module.Float64Core
        self._core = kind.make(
            cell=_cell_name(o),
            input_size=o.input_size,
            hidden_size=o.hidden_size,
            num_layers=o.num_layers,
            proj_size=o.proj_size,
            bias=o.bias,
            bidirectional=o.bidirectional,
            dropout=o.dropout,
            recurrent_dropout=o.recurrent_dropout,
            zoneout_h=o.zoneouts[0],
            zoneout_c=o.zoneouts[1] if o.cell == "LSTM" else 0.0,
            activations=tuple(map(with_parameters, o.functions)),
            clip=math.inf if o.clip is None else o.clip,
            input_forget=o.input_forget,
            batch_first=o.batch_first,
        )
        self._packed_version = -1

    def _ready(self, once: bool = False) -> Core:
        """The core with the parameters of now.

        They are packed when they have changed. Adopted ones, which their owner changes unseen, are compared with what
        was packed, or, for a call that comes `once` between two changes, as training's do, packed without looking.
        """
        params = self.params
        if self._packed_version != params.version or params.adopted:
            version, arrays = params.snapshot()
            self._core.load(version, arrays, params.adopted and not once)
            self._packed_version = version
        return self._core
