"""Philox 4x32-10: random words as a pure function of a key and a counter, and the dropout drawn from it.

Source: Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3 and Figure 4.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Words = NDArray[np.uint32]

MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
# The Weyl sequence by which the key moves from round to round: the golden ratio and sqrt(3) - 1.
KEY_STEPS = 0x9E3779B9, 0xBB67AE85
ROUNDS = 10


def _multiply(multiplier: np.uint64, word: Words) -> tuple[Words, Words]:
    """The high and the low word of the product."""
    product = multiplier * word.astype(np.uint64)
    return (product >> np.uint64(32)).astype(np.uint32), product.astype(np.uint32)


def philox(key: int, c0: ArrayLike, c1: ArrayLike, c2: ArrayLike, c3: ArrayLike) -> Words:
    """The four random words of each counter.

    key : 64 bits; its low word is the generator's first key word, its high word the second.
    c0, c1, c2, c3 : the counter's words, uint32 arrays that broadcast against each other.

    Returns uint32 of their common shape and a last axis of 4.
    """
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    a, b, c, d = np.broadcast_arrays(*(np.asarray(word, np.uint32) for word in (c0, c1, c2, c3)))
    for _ in range(ROUNDS):
        high_a, low_a = _multiply(MULTIPLIERS[0], a)
        high_c, low_c = _multiply(MULTIPLIERS[1], c)
        a, b, c, d = high_c ^ b ^ np.uint32(k0), low_c, high_a ^ d ^ np.uint32(k1), low_a
        k0, k1 = (k0 + KEY_STEPS[0]) & 0xFFFFFFFF, (k1 + KEY_STEPS[1]) & 0xFFFFFFFF
    return np.stack([a, b, c, d], axis=-1)


class Use(IntEnum):
    """The purpose of random words. Its number is the top two bits of the counter's last word, so no two uses share."""

    DROPOUT = 0
    RECURRENT_DROPOUT = 1
    ZONEOUT_H = 2
    ZONEOUT_C = 3


def below(p: float, key: int, use: Use, index: int, t: ArrayLike, b: ArrayLike, features: int) -> NDArray[np.bool_]:
    """Choose units of sequences b at steps t, each with probability p: those whose words are below p 2^32.

    Unit u uses word u % 4 of the counter (u // 4, b, t, use 2^30 + index), where index is the layer's number, or
    l D + d for one direction of a layer. t and b broadcast; the result has their shape and a last axis of `features`.
    """
    times, sequences = np.asarray(t)[..., np.newaxis], np.asarray(b)[..., np.newaxis]
    quads = np.arange(-(-features // 4))
    words = philox(key, quads, sequences, times, use << 30 | index)
    flat = words.reshape(*words.shape[:-2], 4 * len(quads))[..., :features]
    return flat < np.uint32(p * 2.0**32)


def kept(key: int, layer: int, shape: tuple[int, int, int], p: float) -> NDArray[np.bool_]:
    """Choose which elements of a layer's output (T, B, features) dropout keeps, each with probability 1 - p."""
    n_steps, batch, features = shape
    t, b = np.ogrid[:n_steps, :batch]
    return ~below(p, key, Use.DROPOUT, layer, t, b, features)


def drop(key: int, layer: int, values: NDArray[Any], p: float) -> NDArray[Any]:
    """Inverted dropout: kept elements are scaled by 1 / (1 - p), so that the expectation does not change.

    The function is its own backward: it takes the gradient of the result to that of `values`.
    """
    n_steps, batch, features = values.shape
    scaled = values * values.dtype.type(1.0 / (1.0 - p))
    return np.where(kept(key, layer, (n_steps, batch, features), p), scaled, np.zeros_like(values))
