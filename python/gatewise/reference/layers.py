"""Stacks of layers: cells run over time in one or two directions, with dropout between the layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from .._core.base import LayerBase
from .._core.compiled_layer import CompiledLayer
from .._core.gradients import Gradients
from .._core.parameters import Array, Pieces, size_of
from .._core.state import State, join
from .cells import Cell, Rows, make_step
from .checks import CallArguments, Layout, to_arguments, to_dy, to_stacked_state
from .documentation import documented_as
from .noise import Noise
from .philox import drop
from .sequence import Schedule, TapeStep, run, run_backward


@dataclass(frozen=True, eq=False)
class Tape:
    """The record of a forward pass, from which `backward` computes gradients.

    A tape holds every step of every layer and direction, and the weights of its forward pass.

    Parameters
    ----------
    layer : RNN, LSTM or GRU
        The layer whose `forward` made the tape.
    layout : Layout
        How the caller's arrays are laid out.
    schedule : Schedule
        Which sequences take which steps.
    key : int or None
        The key of dropout and zoneout, or None if nothing was drawn. The masks are not kept: backward draws them again
        from the key.
    runs : list of tuple
        For each layer and direction the cell and its steps.

    See Also
    --------
    LSTM.backward : Compute gradients from a tape.

    Examples
    --------
    >>> import numpy as np, gatewise as gw
    >>> y, h, tape = gw.reference.GRU(2, 3, seed=0).forward(np.ones((5, 4, 2)))
    >>> tape.hidden.shape, tape.gates.shape
    ((5, 1, 4, 3), (3, 5, 1, 4, 3))
    """

    layer: LayerBase
    layout: Layout
    schedule: Schedule
    key: int | None
    runs: list[tuple[Cell, list[TapeStep]]]

    @property
    def hidden(self) -> Array:
        """The hidden state h after every step.

        The shape is (T, L·D, B, Y), without B for a single sequence. It is read-only, and 0 at masked steps.

        See Also
        --------
        Tape : What else a tape holds.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> y, _, tape = gw.reference.LSTM(2, 3, seed=0).forward(np.ones((5, 4, 2)))
        >>> tape.hidden.shape
        (5, 1, 4, 3)
        """
        return self._of_state(0)

    @property
    def cells(self) -> Array | None:
        """The cell state c after every step of an LSTM, otherwise None.

        The shape is (T, L·D, B, H), without B for a single sequence. It is read-only, and 0 at masked steps.

        See Also
        --------
        Tape : What else a tape holds.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> y, _, tape = gw.reference.LSTM(2, 3, seed=0).forward(np.ones((5, 4, 2)))
        >>> tape.cells.shape
        (5, 1, 4, 3)
        """
        return self._of_state(1) if len(self.layer.kind.states) > 1 else None

    @property
    def gates(self) -> Array:
        """The activated gates of every step.

        The shape is (G, T, L·D, B, H), without B for a single sequence: i, f, g, o or r, z, n, and for an RNN its h.

        See Also
        --------
        Tape : What else a tape holds.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> y, _, tape = gw.reference.LSTM(2, 3, seed=0).forward(np.ones((5, 4, 2)))
        >>> tape.gates.shape
        (4, 5, 1, 4, 3)
        """
        o = self.layer._options
        state_is_gate = o.kind.gates == o.kind.states  # an RNN: as in the core, its h after zoneout
        return self._of_steps(o.gates, o.hidden_size, lambda step: step.state if state_is_gate else step.kept.gates)

    def _of_state(self, index: int) -> Array:
        """One of the states after every step: (T, L D, B, size)."""
        size = self.layer._options.state_sizes[index]
        state: Array = self._of_steps(1, size, lambda step: step.state[index : index + 1])[0]
        return state

    def _of_steps(self, parts: int, size: int, pick: Callable[[TapeStep], Rows]) -> Array:
        """Collect the arrays (R, size) that `pick` returns for each step into one, (parts, T, L D, B, size)."""
        n_steps, batch = self.schedule.taken.shape
        whole = np.zeros((parts, n_steps, len(self.runs), batch, size), self.layer.dtype)
        for index, (_, steps) in enumerate(self.runs):
            for step in steps:
                for part, value in zip(whole, pick(step), strict=True):
                    part[step.t, index, step.rows] = value
        whole.flags.writeable = False
        return whole if self.layout.batched else whole[:, :, :, 0]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a tape cannot be pickled or copied; it belongs to its layer and its forward")


class ReferenceLayer(LayerBase):
    """The calls of RNN, LSTM and GRU: inference, forward and backward."""

    def __call__(
        self,
        x: ArrayLike,
        state: State | None = None,
        *,
        lengths: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        resets: ArrayLike | None = None,
    ) -> tuple[Array, State]:
        """Run the layers over x, for inference, as the compiled layers do."""
        y, final, _ = self._run(to_arguments(self._options, x, state, lengths, mask, resets), None)
        return y, final

    @documented_as(CompiledLayer.forward, "The reference ignores `checkpoint` and keeps every step.")
    def forward(
        self,
        x: ArrayLike,
        state: State | None = None,
        *,
        lengths: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        resets: ArrayLike | None = None,
        checkpoint: int | Literal["sqrt"] | None = None,
        key: int | None = None,
    ) -> tuple[Array, State, Tape]:
        self._checkpoint_steps(checkpoint)
        call = to_arguments(self._options, x, state, lengths, mask, resets)
        y, final, tape = self._run(call, self._dropout_key(key))
        y.flags.writeable = False
        return y.view(), final, tape  # a view of a read-only array cannot be made writeable

    @documented_as(CompiledLayer.backward)
    def backward(
        self,
        tape: Tape,
        dy: ArrayLike | None = None,
        d_state: State | None = None,
        *,
        wrt_x: bool = True,
        steps: bool = False,
        into: Gradients | None = None,
    ) -> Gradients:
        if not isinstance(tape, Tape):
            raise TypeError(f"tape: expected what forward returned, got {type(tape).__name__}")
        if tape.layer is not self:
            raise ValueError(f"tape: expected one of this layer, got one of another {type(tape.layer).__name__}")
        self._require_into(into)
        o, schedule = self._options, tape.schedule
        n_steps, batch = schedule.taken.shape
        d_final = to_stacked_state("d_state", d_state, o, tape.layout, batch)
        d_outputs = to_dy(dy, o, tape.layout, n_steps, batch)
        d_initial = tuple(np.empty_like(part) for part in d_final)
        d_steps = tuple(np.zeros((n_steps, *part.shape), o.dtype) for part in d_final if steps)
        flat = np.zeros(size_of(self.params.shapes), o.dtype)
        grads = Pieces(flat, self.params.shapes)

        for layer in reversed(range(o.num_layers)):
            d_inputs = np.zeros((n_steps, batch, o.layer_input_size(layer)), o.dtype)
            for d, suffix, index in self._directions(layer):
                cell, taken = tape.runs[index]
                own = {name.removesuffix(suffix): grad for name, grad in grads.items() if name.endswith(suffix)}
                d_y = d_outputs[:, :, d * o.output_size : (d + 1) * o.output_size]
                d_state_of_run = tuple(part[index] for part in d_final)
                d_steps_of_run = tuple(part[:, index] for part in d_steps)
                noise = self._noise(tape.key, index)
                d_before = run_backward(
                    cell, taken, d_inputs, d_y, d_state_of_run, schedule, noise, own, d_steps_of_run
                )
                for part, value in zip(d_initial, d_before, strict=True):
                    part[index] = value
            if layer > 0 and tape.key is not None:
                d_inputs = drop(tape.key, layer - 1, d_inputs, o.dropout)
            d_outputs = d_inputs
        d_x = tape.layout.lay(d_outputs) if wrt_x else None
        laid = tuple(part if tape.layout.batched else part[:, :, 0] for part in d_steps)
        return self._gradients(d_x, _as_given(d_initial, tape.layout), flat, laid, into)

    def _run(self, call: CallArguments, key: int | None) -> tuple[Array, State, Tape]:
        o = self._options
        values = call.x
        final = tuple(np.empty_like(part) for part in call.initial)
        runs: list[tuple[Cell, list[TapeStep]]] = []
        for layer in range(o.num_layers):
            if layer > 0 and key is not None:
                values = drop(key, layer - 1, values, o.dropout)
            outputs = []
            for d, suffix, index in self._directions(layer):
                # Copies: the tape keeps its forward's weights even if the layer's change.
                names = [name for name in self.params if name.endswith(suffix)]
                cell = make_step(o, {name.removesuffix(suffix): np.array(self.params[name]) for name in names})
                initial = tuple(part[index] for part in call.initial)
                y, last, steps = run(cell, values, initial, call.schedule, self._noise(key, index), reverse=d == 1)
                outputs.append(y)
                runs.append((cell, steps))
                for part, value in zip(final, last, strict=True):
                    part[index] = value
            values = np.concatenate(outputs, axis=-1)
        tape = Tape(self, call.layout, call.schedule, key, runs)
        return call.layout.lay(values), _as_given(final, call.layout), tape

    def _noise(self, key: int | None, index: int) -> Noise:
        return Noise(key, index, self._options.recurrent_dropout, self._options.zoneouts)

    def _directions(self, layer: int) -> Iterator[tuple[int, str, int]]:
        """For each direction of the layer: d, the suffix of its parameters' names, and the index l D + d."""
        for d, ending in enumerate(("", "_reverse")[: self._options.directions]):
            yield d, f"_l{layer}{ending}", layer * self._options.directions + d


def _as_given(arrays: Rows, layout: Layout) -> State:
    """States (L D, B, Y or H) as the caller has them: h or (h, c), without B for a single sequence."""
    return join(arrays if layout.batched else tuple(np.array(array[:, 0]) for array in arrays))
