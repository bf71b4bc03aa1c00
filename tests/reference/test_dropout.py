"""Dropout in the NumPy reference: its random words, which element uses which word, and its effect on a layer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import draw
from draw import CELLS, Option
from gatewise import reference
from gatewise._core.state import join, parts
from gatewise.reference.philox import drop, kept, philox

# Published with the generator: kat_vectors of Random123, "philox4x32 10": counter, key, output.
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN_ANSWERS)
def test_philox_gives_its_published_words(counter: tuple[int, ...], key: tuple[int, int], words: Any) -> None:
    assert philox(key[1] << 32 | key[0], *counter).tolist() == list(words)


def test_dropout_reads_the_word_of_its_element() -> None:
    shape, p = (2, 3, 6), 0.3
    passes = kept(draw.KEY, 1, shape, p)
    for t, b, u in np.ndindex(shape):
        word = int(philox(draw.KEY, u // 4, b, t, 1)[u % 4])
        assert passes[t, b, u] == (word >= math.floor(p * 2**32))


def test_a_word_at_the_threshold_is_kept() -> None:
    word = int(philox(draw.KEY, 0, 0, 0, 0)[2])
    assert kept(draw.KEY, 0, (1, 1, 3), word / 2**32)[0, 0, 2]
    assert not kept(draw.KEY, 0, (1, 1, 3), (word + 1) / 2**32)[0, 0, 2]


def test_dropout_keeps_the_right_share() -> None:
    n, p = 40 * 25 * 100, 0.3
    share = kept(draw.KEY, 0, (40, 25, 100), p).mean()
    # Five standard deviations of a binomial share.
    assert abs(share - (1 - p)) < 5 * math.sqrt(p * (1 - p) / n)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_dropout_is_a_mask_between_two_layers(cell: Option, bidirectional: bool) -> None:
    option = Option(
        cell.kind, {**cell.keywords, "num_layers": 2, "dropout": 0.4, "bidirectional": bidirectional}, cell.projected
    )
    case = draw.make(option, draw.VARIANTS[0])
    layer = case.layer(reference)
    y, _, tape, grads = case.run(layer)
    assert tape.key == case.key

    o, n_dirs = layer._options, 1 + bidirectional
    keywords = {k: v for k, v in case.options.items() if k not in ("input_size", "num_layers", "dropout")}
    below, above = (
        getattr(reference, cell.kind)(size, dtype=np.float64, **keywords) for size in (3, n_dirs * o.output_size)
    )
    for part, old in ((below, "_l0"), (above, "_l1")):
        part.load_state_dict({name.replace(old, "_l0"): v for name, v in case.params.items() if old in name})

    def half(state: Any, k: int) -> Any:
        pieces = tuple(part[n_dirs * k : n_dirs * (k + 1)] for part in parts(state))
        return join(pieces)

    middle, _, tape_below = below.forward(case.x, half(case.state, 0))
    scaled = np.where(kept(case.key or 0, 0, middle.shape, 0.4), 1 / (1 - 0.4), 0.0)
    assert {0.0, 1 / (1 - 0.4)} == set(scaled.ravel())
    want, _, tape_above = above.forward(middle * scaled, half(case.state, 1))
    np.testing.assert_array_equal(y, want)
    grads_above = above.backward(tape_above, case.dy, half(case.d_state, 1))
    grads_below = below.backward(tape_below, grads_above.x * scaled, half(case.d_state, 0))
    np.testing.assert_array_equal(grads.x, grads_below.x)
    np.testing.assert_array_equal(grads.params["weight_hh_l0"], grads_below.params["weight_hh_l0"])
    np.testing.assert_array_equal(grads.params["weight_ih_l1"], grads_above.params["weight_ih_l0"])


def test_dropout_key_comes_from_the_layer_or_the_caller() -> None:
    x = np.ones((4, 3, 2))
    first, second = (reference.GRU(2, 8, num_layers=2, dropout=0.5, seed=7) for _ in range(2))
    y, _, tape = first.forward(x)
    np.testing.assert_array_equal(second.forward(x)[0], y)
    np.testing.assert_array_equal(first.forward(x, key=tape.key)[0], y)
    assert first.forward(x)[2].key != tape.key
    assert np.any(first.forward(x, key=1)[0] != y)
    np.testing.assert_array_equal(first(x)[0], second(x)[0])  # inference applies no dropout
    assert reference.GRU(2, 8, num_layers=2, seed=7).forward(x, key=1)[2].key is None


def test_what_is_dropped_may_be_nan() -> None:
    values = np.full((1, 1, 64), np.nan)
    passes = kept(5, 0, values.shape, 0.5)
    np.testing.assert_array_equal(np.isnan(drop(5, 0, values, 0.5)), passes)
