"""Cases for the tests: layers with random parameters, inputs, states and cotangents, and lists of options to draw.

>>> import draw, gatewise
>>> case = draw.make(draw.OPTIONS[0], draw.VARIANTS[0])
>>> layer = case.layer(gatewise, np.float32)         # or gatewise.reference
>>> y, state, tape, grads = case.run(layer)

The arrays of a case are float64 with values that float32 represents exactly, so layers of both types get the same
input. NaN marks what a layer must not read: x at masked steps, and dy past a sequence's length.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gatewise._core import declaration
from gatewise._core.declaration import DTYPE, STACK, Kind
from gatewise._core.options import Options
from gatewise._core.state import join
from gatewise.layers import KINDS

Array = NDArray[Any]
Steps = Literal["all", "lengths", "mask"]
KEY = 0x0123_4567_89AB_CDEF


def _short(value: Any) -> str:
    """Return a short text for one activation or several, for the name of a test."""
    if isinstance(value, tuple):
        return ",".join(map(_short, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Option:
    """The kind of a layer and its constructor's keywords, without sizes and dtype; a projected one gets a proj_size."""

    kind: str
    keywords: Mapping[str, Any]
    projected: bool = False

    def __str__(self) -> str:
        shown = [self.kind] + ["proj"] * self.projected
        shown += [name if value is True else f"{name}={_short(value)}" for name, value in self.keywords.items()]
        return "-".join(shown)


@dataclass(frozen=True)
class Variant:
    """How a layer is called, and which cotangents its backward gets."""

    name: str
    steps: Steps = "all"
    resets: bool = False
    state: bool = True
    dy: bool = True
    d_h: bool = True
    d_c: bool = True
    batched: bool = True

    def __str__(self) -> str:
        return self.name


class Result(NamedTuple):
    """The results of a forward and a backward call."""

    y: Array
    state: Any
    tape: Any
    grads: Any


@dataclass(frozen=True)
class Case:
    """A layer with the arguments of one forward and one backward call, for any implementation.

    Arrays lie as the layer takes them (batch_first, unbatched); `usual` brings them to (T, B, ...).
    state and d_state have the layer's structure: h, or (h, c) for an LSTM; each half of d_state may be None.
    """

    kind: str
    options: dict[str, Any]
    params: dict[str, Array]
    x: Array
    state: Any = None
    lengths: Any = None
    mask: Array | None = None
    resets: Array | None = None
    dy: Array | None = None
    d_state: Any = None
    key: int | None = None
    batched: bool = True

    def layer(self, namespace: Any, dtype: DTypeLike = np.float64) -> Any:
        """Make this case's layer from `gatewise`, `gatewise.reference`, or another namespace with the class."""
        layer = getattr(namespace, self.kind)(**self.options, dtype=dtype)
        layer.load_state_dict(self.params)
        return layer

    @property
    def limits(self) -> dict[str, Any]:
        """The keyword arguments lengths, mask and resets."""
        return {"lengths": self.lengths, "mask": self.mask, "resets": self.resets}

    def forward(self, layer: Any) -> tuple[Array, Any, Any]:
        """Run forward in the layer's dtype and return y, state and tape."""
        x, state = (cast(value, layer.dtype) for value in (self.x, self.state))
        y, final, tape = layer.forward(x, state, key=self.key, **self.limits)
        return y, final, tape

    def run(self, layer: Any, **keywords: Any) -> Result:
        """Run forward, then backward with this case's cotangents and these keywords."""
        y, final, tape = self.forward(layer)
        grads = layer.backward(tape, cast(self.dy, layer.dtype), cast(self.d_state, layer.dtype), **keywords)
        return Result(y, final, tape, grads)

    @property
    def unmasked(self) -> Array:
        """The unmasked steps, as bool of shape (T, B)."""
        n_steps, batch = self.usual(self.x).shape[:2]
        if self.mask is not None:
            return self.usual(self.mask)
        ends = n_steps if self.lengths is None else self.lengths
        return np.arange(n_steps)[:, None] < np.broadcast_to(ends, batch)

    def usual(self, array: Array) -> Array:
        """A view of x, y, dy, mask or resets, laid out as this case has them, as (T, B, ...)."""
        if not self.batched:
            return array[:, None]
        return array.swapaxes(0, 1) if self.options["batch_first"] else array

    def lay(self, array: Array) -> Array:
        """The inverse of `usual`: an array (T, B, ...) as this case's layer takes it."""
        if not self.batched:
            return array[:, 0]
        return array.swapaxes(0, 1) if self.options["batch_first"] else array

    def replace(self, **changes: Any) -> Case:
        """Return a copy with other values in these fields."""
        return replace(self, **changes)


def cast(value: Any, dtype: DTypeLike) -> Any:
    """Convert None, an array or a tuple of these to a dtype."""
    if value is None:
        return None
    if isinstance(value, tuple):
        return tuple(cast(part, dtype) for part in value)
    return np.asarray(value).astype(dtype)


def exact(array: Array) -> Array:
    """Round to float32 and return float64."""
    return array.astype(np.float32).astype(np.float64)


def make(
    option: Option,
    variant: Variant,
    n_steps: int = 5,
    batch: int = 4,
    input_size: int = 3,
    hidden_size: int = 5,
    proj_size: int = 2,
    *,
    seed: int = 0,
    share: float = 0.6,
) -> Case:
    """Draw a case of these sizes. An unbatched variant has one sequence; only projected options use `proj_size`.

    share : the probability that a step is unmasked. Where the sizes allow it, lengths are unsorted and include 0 and T,
        one sequence is masked completely, and resets occur at the first step of a sequence and at masked steps.
    """
    rng = np.random.default_rng(seed)
    batch = batch if variant.batched else 1
    options = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}
    options |= {"input_size": input_size, "hidden_size": hidden_size, **option.keywords}
    if option.projected:
        options["proj_size"] = proj_size
    sizes = Options(KINDS[option.kind], options)
    outputs = sizes.directions * sizes.output_size
    bound = 1.0 / np.sqrt(hidden_size)
    params = {name: exact(rng.uniform(-bound, bound, shape)) for name, shape in sizes.parameter_shapes().items()}

    def normal(*shape: int) -> Array:
        return exact(rng.standard_normal(shape))

    def structure(h: bool, others: bool) -> Any:
        """Draw a state or its gradient, with or without h and with or without the other states."""
        rows = (sizes.num_layers * sizes.directions, batch)[: 1 + variant.batched]
        first = normal(*rows, sizes.output_size) if h else None
        names = KINDS[option.kind].states[1:]
        return join([first, *(normal(*rows, hidden_size) if others else None for _ in names)])

    case = Case(option.kind, options, params, np.empty(0), batched=variant.batched)
    lengths, mask, resets = _limits(rng, variant, n_steps, batch, share)
    if lengths is not None:
        case = case.replace(lengths=lengths if variant.batched else int(lengths[0]))
    x, dy = normal(n_steps, batch, input_size), normal(n_steps, batch, outputs)
    case = case.replace(
        x=case.lay(x),
        mask=None if mask is None else case.lay(mask),
        resets=None if resets is None else case.lay(resets),
        state=structure(True, True) if variant.state else None,
        dy=case.lay(dy) if variant.dy else None,
        d_state=structure(variant.d_h, variant.d_c) if variant.d_h or variant.d_c else None,
        key=KEY + seed if sizes.random else None,
    )
    x[~case.unmasked] = np.nan
    if lengths is not None:
        dy[~case.unmasked] = np.nan
    return case


def _limits(
    rng: np.random.Generator, variant: Variant, n_steps: int, batch: int, share: float
) -> tuple[Array | None, Array | None, Array | None]:
    """Draw lengths (B,), mask (T, B) and resets (T, B); None for those that the variant does not have."""
    lengths = mask = resets = None
    if variant.steps == "lengths":
        lengths = rng.integers(0, n_steps + 1, batch)
        # With three sequences or more: a short one, the longest, an empty one.
        lengths[1:3] = [n_steps, 0][: len(lengths[1:3])]
    if variant.steps == "mask":
        mask = rng.random((n_steps, batch)) < share
        mask[:, 1:2] = False
        mask[::2, :1] = False
        mask[1::2, :1] = True
    if variant.resets:
        resets = rng.random((n_steps, batch)) < 0.3
        resets[:1, 0:1] = True
        resets[2:3, 0:1] = True
    return lengths, mask, resets


VALUES: dict[str, tuple[Any, ...]] = {
    "nonlinearity": ("tanh", "relu"),
    "proj_size": (False, True),
}
"""The values to draw for options that are not switches. For proj_size: whether there is a projection."""

DRAWN_ELSEWHERE = {option.name for option in (*STACK, DTYPE)} | {"recurrent_dropout", "zoneout", "activations", "clip"}
"""Options of several kinds, which STACKS, NOISY and CHOSEN vary."""


def own_options(kind: Kind) -> list[declaration.Option]:
    """Return the options that only this kind has, in the order of its declaration."""
    return [option for option in kind.options if option.name not in DRAWN_ELSEWHERE]


def combinations(kind: Kind, own: list[declaration.Option], **keywords: Any) -> list[Option]:
    """Return every combination of values of these options, with further keywords.

    A switch that is off by default is passed only where it is on.
    """
    drawn = [(one.default, not one.default) if isinstance(one.default, bool) else VALUES[one.name] for one in own]
    options = []
    for values in itertools.product(*drawn):
        chosen = {option.name: value for option, value in zip(own, values, strict=True) if value or option.default}
        projected = chosen.pop("proj_size", False)
        options.append(Option(kind.name, {**chosen, **keywords}, projected))
    return options


CELLS = [
    option
    for kind in KINDS.values()
    for option in combinations(kind, [one for one in own_options(kind) if one.name in VALUES or not one.in_core])
]
"""Every compiled cell, and where a kind has projections, each with and without one."""

ACTIVATIONS: list[Any] = [
    "linear",
    ("affine", 0.7, 0.1),
    "tanh",
    ("scaled_tanh", 1.5, 0.6),
    "sigmoid",
    "hard_sigmoid",
    ("hard_sigmoid", 1 / 6, 0.5),
    "relu",
    "leaky_relu",
    ("leaky_relu", -0.25),
    ("thresholded_relu", 0.2),
    ("elu", 0.8),
    "softplus",
    "softsign",
]
"""Every activation, by its name alone or with parameters. They include Keras 3's hard sigmoid and a negative slope."""

CLIP = 0.75
"""A clip that many pre-activations of a drawn case exceed."""


def _chosen() -> list[Option]:
    """Return each activation in each role of each cell, with and without clip and with the cell's other options."""
    options = []
    kinds = sorted(KINDS.values(), key=lambda kind: len(own_options(kind)))
    for (k, clip), kind in itertools.product(itertools.product(range(len(ACTIVATIONS)), (None, CLIP)), kinds):
        roles = zip(kind.activations, (0, 5, 9, 12), strict=False)
        chosen = kind.activation_options({role: ACTIVATIONS[(k + shift) % len(ACTIVATIONS)] for role, shift in roles})
        # Options that select the compiled cell come first.
        own = sorted((one for one in own_options(kind) if one.name not in chosen), key=lambda one: one.in_core)
        options += combinations(kind, own, **chosen, clip=clip)
    return options


CHOSEN = _chosen()
"""Cells with non-default activations."""

FEW_CHOSEN = [
    Option("RNN", {"nonlinearity": ("leaky_relu", -0.25), "clip": CLIP}),
    Option("LSTM", {"activations": ("sigmoid", "softplus", ("scaled_tanh", 1.5, 0.6))}),
    Option(
        "LSTM",
        {
            "activations": ("hard_sigmoid", ("elu", 0.8), "softsign"),
            "peephole": True,
            "clip": CLIP,
            "input_forget": True,
        },
        projected=True,
    ),
    Option("GRU", {"activations": (("hard_sigmoid", 1 / 6, 0.5), "softsign"), "clip": CLIP}),
    Option("GRU", {"reset_after": False, "activations": ("hard_sigmoid", "relu")}),
]
"""A few such cells whose states stay bounded over long sequences."""

STACKS: list[dict[str, Any]] = [
    {},
    {"bidirectional": True},
    {"num_layers": 2},
    {"num_layers": 2, "batch_first": True, "dropout": 0.4},
    {"num_layers": 3, "bidirectional": True, "dropout": 0.3},
    {"num_layers": 3, "bidirectional": True, "batch_first": True},
]
"""Numbers of layers and directions, layouts and dropout, which are combined with every cell."""

OPTIONS = [
    Option(cell.kind, {**cell.keywords, "bias": bias, **stack}, cell.projected)
    for cell, bias, stack in itertools.product(CELLS, (True, False), STACKS)
]


def noises(kind: str, zoneout_h: float, zoneout_c: float, **keywords: Any) -> dict[str, Any]:
    """Return the keywords of a layer with zoneout of h, and of the other states where the kind has any."""
    states = KINDS[kind].states
    return {"zoneout": join([zoneout_h, *[zoneout_c] * (len(states) - 1)]), **keywords}


FULLY_NOISY = [
    Option(
        cell.kind,
        {
            **cell.keywords,
            **noises(cell.kind, 0.2, 0.5, recurrent_dropout=0.3, num_layers=2, dropout=0.3, bidirectional=True),
        },
        cell.projected,
    )
    for cell in CELLS + FEW_CHOSEN
]
"""Every cell with recurrent dropout, zoneout and dropout."""

NOISY = FULLY_NOISY + [
    Option(cell.kind, {**cell.keywords, **keywords}, cell.projected)
    for cell in CELLS
    for keywords in (
        {"recurrent_dropout": 0.4, "bidirectional": True},
        noises(cell.kind, 0.3, 0.4),
        noises(cell.kind, 0.4, 0.0, bias=False, batch_first=True),
    )
]
"""These, and every cell with recurrent dropout alone and with zoneout alone."""

VARIANTS = [
    Variant("dense"),
    Variant("no-state", state=False),
    Variant("no-dy", dy=False),
    Variant("no-d_state", d_h=False, d_c=False),
    Variant("d_h-alone", d_c=False),
    Variant("d_c-alone", dy=False, d_h=False),
    Variant("lengths", "lengths"),
    Variant("mask", "mask"),
    Variant("resets", resets=True),
    Variant("lengths-resets", "lengths", resets=True),
    Variant("mask-resets", "mask", resets=True),
    Variant("mask-resets-no-state", "mask", resets=True, state=False),
    Variant("unbatched", batched=False),
    Variant("unbatched-lengths-resets", "lengths", resets=True, batched=False),
    Variant("unbatched-mask-resets", "mask", resets=True, batched=False),
]


def case_for_threads(cell: Option = CELLS[2]) -> Case:
    """Return a case with enough work for several threads."""
    variant = next(variant for variant in VARIANTS if variant.name == "lengths-resets")
    return make(cell, variant, n_steps=12, batch=32, input_size=24, hidden_size=64, proj_size=32)
