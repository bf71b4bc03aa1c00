"""The interface of the extension modules. There is one for each instruction set; `dispatch` loads one of them."""

from collections.abc import Callable
from typing import Any, Protocol

from .parameters import Array
from .state import State

class Tape:
    """The values that a forward pass keeps for its backward pass."""

    @property
    def nbytes(self) -> int: ...
    @property
    def key(self) -> int | None: ...
    @property
    def hidden(self) -> Array: ...
    @property
    def cells(self) -> Array | None: ...
    @property
    def gates(self) -> Array: ...

class Core:
    """The options and packed weights of one layer or cell."""

    @staticmethod
    def make(**options: Any) -> Core: ...
    def load(self, version: int, arrays: list[Array], others_write: bool, /) -> None: ...
    def call(self, x: Any, state: Any, lengths: Any, mask: Any, resets: Any, /) -> tuple[Array, State]: ...
    def forward(
        self, x: Any, state: Any, lengths: Any, mask: Any, resets: Any, checkpoint: int, key: int | None, /
    ) -> tuple[Array, State, Tape]: ...
    def backward(
        self, tape: Tape, dy: Any, d_state: Any, wrt_x: bool, steps: bool, /
    ) -> tuple[Array | None, State, Array, Array | None, Array | None]: ...
    def step(self, x: Any, state: Any, /) -> State: ...

class Stream:
    """A layer run step by step, with its own state and a snapshot of the weights."""

    state: State

    @staticmethod
    def make(
        layer: Any,
        core: Core,
        batch_size: int | None,
        snapshot: Callable[[], list[Array]],
        rebuild: Callable[..., Stream],
        arrays: list[Array],
        /,
    ) -> Stream: ...
    def step(self, x: Any, out: Array | None = None) -> Array: ...
    def run(self, x: Any) -> Array: ...
    def reset(self, rows: Any = None) -> None: ...
    def reload(self) -> None: ...

class Optimizers:
    """Optimizers over flat arrays, in place."""

    @staticmethod
    def sgd(
        params: Array, grads: Array, buffer: Array | None, lr: float, momentum: float, nesterov: bool, scale: float,
        limit: float, decay: float, /,
    ) -> None: ...  # fmt: skip
    @staticmethod
    def rmsprop(
        params: Array, grads: Array, square: Array, buffer: Array | None, lr: float, alpha: float, eps: float,
        momentum: float, scale: float, limit: float, decay: float, /,
    ) -> None: ...  # fmt: skip
    @staticmethod
    def adam(
        params: Array, grads: Array, mean: Array, square: Array, step: float, root: float, beta1: float, beta2: float,
        eps: float, keep: float, scale: float, limit: float, decay: float, /,
    ) -> None: ...  # fmt: skip
    @staticmethod
    def sum_of_squares(grads: Array, /) -> float: ...

class Extension(Protocol):
    """One extension module."""

    isa: str
    version: str
    eigen_version: str
    cells: dict[str, tuple[int, int]]  # name to the number of gates and of states
    has_openmp: bool
    packet_bytes: int
    Float32Core: type[Core]
    Float64Core: type[Core]
    Float32Tape: type[Tape]
    Float64Tape: type[Tape]
    Float32Optimizers: type[Optimizers]
    Float64Optimizers: type[Optimizers]
    Float32Stream: type[Stream]
    Float64Stream: type[Stream]

    def activation(self, name: str, x: Array, width: int) -> Array: ...
    def set_num_threads(self, threads: int, /) -> None: ...
    def num_threads(self) -> int: ...
    def wanted_threads(self) -> int: ...
    def usable_threads(self) -> int: ...
    def set_team_limit(self, threads: int, /) -> None: ...
