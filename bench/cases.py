"""The cases that are measured, and that the tests take their sizes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


@dataclass(frozen=True)
class Case:
    """One thing to be timed.

    mode : "infer" (forward over a whole sequence), "train" (forward and backward, with dx and every parameter's
        gradient, without an optimizer) or "step" (one step of a stream, with its state carried).
    cell : "LSTM", "GRU" or "RNN".
    T, B, I, H : steps, sequences, features, hidden units.
    ragged : lengths drawn uniformly from T/4 to T instead of T for all.
    layers, directions : how many of each.
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
        """A name to find it by."""
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
        """Steps taken, over all sequences."""
        return sum(self.lengths()) if self.ragged else self.T * self.B

    @property
    def flops(self) -> float:
        """Floating-point operations of the products of all steps taken: three times as many with backward."""
        terms = sum(self.inputs_of(layer) + self.H for layer in range(self.layers))
        forward = 2.0 * GATES[self.cell] * self.H * terms * self.directions * self.rows
        return forward * (3 if self.mode == "train" else 1)

    def inputs_of(self, layer: int) -> int:
        """The features that a layer reads."""
        return self.I if layer == 0 else self.H * self.directions

    def lengths(self) -> list[int]:
        """The lengths of a ragged batch: spread evenly, and shuffled by a fixed rule."""
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
# Sizes that nothing was tuned for: they should do as well as their neighbours.
OFF_GRID = [(100, 1, 20, 100), (60, 1, 13, 650), (40, 7, 3, 20), (50, 33, 50, 100), (30, 19, 200, 200)]
# Of several layers, and of both directions.
STACKED = [(100, 1, 40, 64), (50, 32, 32, 64)]


def grid() -> Iterator[Case]:
    """The grid that the README's table shows."""
    for mode, sizes in (("infer", INFER), ("train", TRAIN), ("step", STEP)):
        for cell, shapes in sizes.items():
            for shape in shapes:
                yield Case(mode, cell, *shape)


def beyond() -> Iterator[Case]:
    """Other types, cells and sizes, ragged batches, two layers and two directions."""
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
    """Everything, the grid first."""
    return [*grid(), *beyond()]


def as_cpp(case: Case) -> str:
    """A case as the C++ benches read it."""
    bits = case.dtype.removeprefix("float")
    return f'{{{case.mode}, "{case.cell}", {case.T}, {case.B}, {case.I}, {case.H}, {bits} / 8}},'


if __name__ == "__main__":
    simple = [case for case in all_cases() if not case.ragged and case.layers == case.directions == 1]
    print("\n".join(map(as_cpp, simple)))
