"""Hypothesis strategies for cases: any layer, called in any way, with any small sizes."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from draw import CELLS, FEW_CHOSEN, Case, Option, Steps, Variant, make, noises


@st.composite
def options(draw: st.DrawFn) -> Option:
    """Draw any cell, in a stack of up to three layers."""
    cell = draw(st.sampled_from(CELLS + FEW_CHOSEN))
    num_layers = draw(st.integers(1, 3))
    zoneout_h, zoneout_c = (draw(st.sampled_from([0.0, 0.0, 0.3])) for _ in range(2))
    keywords = {
        **cell.keywords,
        **noises(cell.kind, zoneout_h, zoneout_c),
        "recurrent_dropout": draw(st.sampled_from([0.0, 0.0, 0.4])),
        "bias": draw(st.booleans()),
        "num_layers": num_layers,
        "bidirectional": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
        "dropout": draw(st.sampled_from([0.0, 0.25, 0.5])) if num_layers > 1 else 0.0,
    }
    return Option(cell.kind, keywords, cell.projected)


@st.composite
def variants(draw: st.DrawFn) -> Variant:
    """Draw any combination of lengths, masks, resets, initial state, cotangents and layout."""
    steps: Steps = draw(st.sampled_from(["all", "lengths", "mask"]))
    return Variant("drawn", steps, *(draw(st.booleans()) for _ in range(6)))


@st.composite
def cases(
    draw: st.DrawFn,
    max_steps: int = 7,
    max_batch: int = 6,
    max_input: int = 20,
    max_hidden: int = 40,
    dropout: bool = True,
) -> Case:
    """Draw any option and variant with any sizes, including T = 0 and B = 0. `dropout=False` turns off all dropout.

    A projected option with hidden_size = 1 has no projection.
    """
    option = draw(options())
    if not dropout:
        certain = {"dropout": 0.0, "recurrent_dropout": 0.0, "zoneout": 0.0}
        option = replace(option, keywords={**option.keywords, **certain})
    hidden_size = draw(st.integers(1, max_hidden))
    return make(
        option,
        draw(variants()),
        draw(st.integers(0, max_steps)),
        draw(st.integers(0, max_batch)),
        draw(st.integers(1, max_input)),
        hidden_size,
        draw(st.integers(1, hidden_size - 1)) if option.projected and hidden_size > 1 else 0,
        seed=draw(st.integers(0, 2**32 - 1)),
        share=draw(st.sampled_from([0.0, 0.3, 0.7, 1.0])),
    )
