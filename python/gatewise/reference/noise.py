"""Noise on the state between two steps: recurrent dropout on what W_hh reads, and zoneout of h and c.

Sources: Gal and Ghahramani 2016, "A theoretically grounded application of dropout in recurrent neural networks";
Krueger et al. 2017, "Zoneout: regularizing RNNs by randomly preserving hidden activations".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.parameters import Array
from .cells import Rows
from .philox import Use, below


@dataclass(frozen=True)
class Noise:
    """The noise on the states of one layer and direction.

    key : the key of the random words; None for inference, which drops nothing and takes zoneout's expectation.
    index : l D + d, the number of the layer and direction.
    zoneout : a probability for each state, h and perhaps c.
    """

    key: int | None
    index: int
    recurrent_dropout: float
    zoneout: tuple[float, ...]

    def scale(self, h: Array) -> Array | None:
        """The factors of recurrent dropout, 0 or 1 / (1 - p), for the h (B, Y) that W_hh reads at every step.

        None if nothing is dropped.
        """
        if self.key is None or self.recurrent_dropout == 0.0:
            return None
        p, rows = self.recurrent_dropout, np.arange(len(h))
        dropped = below(p, self.key, Use.RECURRENT_DROPOUT, self.index, 0, rows, h.shape[-1])
        return np.where(dropped, 0.0, 1.0 / (1.0 - p)).astype(h.dtype)

    def zone_out(self, t: int, rows: Array, before: Rows, new: Rows) -> Rows:
        """d s_prev + (1 - d) s_new for each state s of these sequences: Krueger et al. 2017, section 3.

        Each element of d is drawn at every step and is 1 with probability p; in inference d is its expectation p.
        """
        zoned = []
        for part, (p, s_prev, s_new) in enumerate(zip(self.zoneout, before, new, strict=True)):
            if p == 0.0:
                zoned.append(s_new)
            elif self.key is None:
                zoned.append(p * s_prev + (1.0 - p) * s_new)
            else:
                zoned.append(np.where(self._stays(part, t, rows, s_new), s_prev, s_new))
        return tuple(zoned)

    def zone_out_backward(self, t: int, rows: Array, d_state: Rows) -> tuple[Rows, Rows]:
        """The gradients of the new states, (1 - d) d_state, and of the previous ones, d d_state."""
        d_new, d_before = [], []
        for part, (p, d_s) in enumerate(zip(self.zoneout, d_state, strict=True)):
            stays = np.zeros(d_s.shape, bool) if p == 0.0 else self._stays(part, t, rows, d_s)
            d_new.append(np.where(stays, 0, d_s))
            d_before.append(np.where(stays, d_s, 0))
        return tuple(d_new), tuple(d_before)

    def _stays(self, part: int, t: int, rows: Array, like: Array) -> Array:
        """Which units of these sequences, (R, Y) or (R, H), keep their values at step t."""
        assert self.key is not None
        use = (Use.ZONEOUT_H, Use.ZONEOUT_C)[part]
        return below(self.zoneout[part], self.key, use, self.index, t, rows, like.shape[-1])
