"""The benchmark cases. The tests use their sizes too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


@dataclass(frozen=True)
class Case:
    """One benchmark case.

    mode : "infer" (forward over whole sequences), "train" (forward and backward, with the gradients of x and of every
        parameter, without an optimizer) or "step" (one step of a stream, which keeps its state).
    cell : "LSTM", "GRU" or "RNN".
    T, B, I, H : time steps, sequences, features, hidden units.
    ragged : whether lengths are spread evenly from T/4 to T; otherwise every length is T.
    layers, directions : the number of each.
    """

    mode: str
    cell: str
    T: int
    B: int
    I: int  # noqa: E741
    H: int
    dtype: str = "float32"
    ragged: bool = False
    layers: int = 1
    directions: int = 1

    @property
    def name(self) -> str:
        """A unique name, such as "train LSTM 50,32,32,64 ragged"."""
        kind = f"{self.mode} {self.cell} {self.T},{self.B},{self.I},{self.H}"
        more = {
            "float64": self.dtype == "float64",
            "ragged": self.ragged,
            f"{self.layers} layers": self.layers > 1,
            "both ways": self.directions > 1,
        }
        return " ".join([kind, *(word for word, so in more.items() if so)])

    @property
    def rows(self) -> int:
        """The number of unmasked steps of all sequences."""
        return sum(self.lengths()) if self.ragged else self.T * self.B

    @property
    def flops(self) -> float:
        """Floating-point operations of the matrix products of all unmasked steps; backward adds twice as many."""
        terms = sum(self.inputs_of(layer) + self.H for layer in range(self.layers))
        forward = 2.0 * GATES[self.cell] * self.H * terms * self.directions * self.rows
        return forward * (3 if self.mode == "train" else 1)

    def inputs_of(self, layer: int) -> int:
        """The number of features that a layer reads."""
        return self.I if layer == 0 else self.H * self.directions

    def lengths(self) -> list[int]:
        """The lengths of a ragged batch: spread evenly, then shuffled in a fixed order."""
        least = max(self.T // 4, 1)
        spread = [least + (self.T - least) * b // max(self.B - 1, 1) for b in range(self.B)]
        return [spread[(b * 7919) % self.B] for b in range(self.B)]


INFER = {
    "LSTM": [
        (1, 1, 32, 32), (1, 1, 128, 128), (1, 1, 256, 256), (1, 1, 512, 512), (100, 1, 40, 64), (100, 1, 40, 256),
        (100, 1, 512, 512), (50, 32, 8, 32), (50, 32, 32, 64), (100, 32, 128, 256), (50, 64, 512, 512),
        (35, 128, 1024, 1024),
    ],
    "GRU": [(1, 1, 32, 32), (100, 1, 40, 256), (50, 32, 32, 64), (100, 32, 128, 256), (50, 64, 512, 512)],
}  # fmt: skip
TRAIN = {
    "LSTM": [
        (100, 1, 40, 64), (100, 1, 40, 256), (100, 1, 512, 512), (50, 32, 8, 32), (50, 32, 32, 64),
        (100, 32, 128, 256), (50, 64, 512, 512), (35, 128, 1024, 1024),
    ],
    "GRU": [(50, 32, 32, 64), (100, 32, 128, 256), (50, 64, 512, 512)],
}  # fmt: skip
STEP_SIZES = (8, 16, 32, 64, 128, 256)
STEP = {cell: [(1, 1, n, n) for n in STEP_SIZES] for cell in ("LSTM", "GRU")}
# Sizes that no code was tuned for. They should be as fast as similar sizes.
OFF_GRID = [(100, 1, 20, 100), (60, 1, 13, 650), (40, 7, 3, 20), (50, 33, 50, 100), (30, 19, 200, 200)]
# Sizes for two layers and for two directions.
STACKED = [(100, 1, 40, 64), (50, 32, 32, 64)]


def grid() -> Iterator[Case]:
    """The cases of the tables in docs/speed.md."""
    for mode, sizes in (("infer", INFER), ("train", TRAIN), ("step", STEP)):
        for cell, shapes in sizes.items():
            for shape in shapes:
                yield Case(mode, cell, *shape)


def beyond() -> Iterator[Case]:
    """Other dtypes, cells and sizes, ragged batches, two layers and two directions."""
    for n in STEP_SIZES:
        yield Case("step", "RNN", 1, 1, n, n)
    for mode in ("infer", "train"):
        for shape in OFF_GRID:
            yield Case(mode, "LSTM", *shape)
            yield Case(mode, "GRU", *shape)
        yield Case(mode, "RNN", 50, 32, 32, 64)
        yield Case(mode, "RNN", 100, 32, 128, 256)
        for shape in ((50, 32, 32, 64), (100, 32, 128, 256)):
            for cell in ("LSTM", "GRU"):
                plain = Case(mode, cell, *shape)
                yield replace(plain, ragged=True)
                yield replace(plain, dtype="float64")
        for shape in STACKED:
            for cell in ("LSTM", "GRU"):
                yield Case(mode, cell, *shape, layers=2)
                yield Case(mode, cell, *shape, directions=2)


def all_cases() -> list[Case]:
    """All cases, those of the grid first."""
    return [*grid(), *beyond()]


def as_cpp(case: Case) -> str:
    """A case as an initializer for the C++ benchmarks."""
    bits = case.dtype.removeprefix("float")
    return f'{{{case.mode}, "{case.cell}", {case.T}, {case.B}, {case.I}, {case.H}, {bits} / 8}},'


if __name__ == "__main__":
    simple = [case for case in all_cases() if not case.ragged and case.layers == case.directions == 1]
    print("\n".join(map(as_cpp, simple)))
