"""What the compiled layers and their NumPy reference have in common: options, parameters, and copies of them."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from .activations import USUAL
from .options import Options, checked_size, float_dtype, generator
from .parameters import Array, Parameters, Pieces, convert, glorot, require_keys, uniform

State = Any  # h, or (h, c) for an LSTM
Own = TypeVar("Own", bound="RecurrentBase")


class LoadedKeys(NamedTuple):
    """What load_state_dict found: names that the mapping lacked, and names that the layer does not have."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Gradients:
    """What `backward` returns.

    x : the gradient of the input, laid out like it, or None with ``wrt_x=False``.
    state : the gradient of the initial state, in the state's structure: h, or (h, c) for an LSTM.
    params : name to gradient, with exactly the keys of ``state_dict()``; views of `flat`.
    flat : the gradients of all parameters as one vector, in the order of ``state_dict()`` and ``params.flat``.
    h_steps, c_steps : with ``steps=True`` those of h, (T, L D, B, Y), and of an LSTM's c, (T, L D, B, H), after every
        step; else None.

    Writing into params or flat, in place or by assignment, writes into both. Gradients pickle and copy.

    >>> import numpy as np, gatewise as gw
    >>> rnn = gw.RNN(2, 3, seed=0)
    >>> y, _, tape = rnn.forward(np.ones((5, 4, 2)))
    >>> grads = rnn.backward(tape, dy=y)
    >>> grads.flat *= min(1.0, 5.0 / np.linalg.norm(grads.flat))  # clip by the norm
    >>> rnn.params.flat -= 0.1 * grads.flat
    """

    def __init__(
        self,
        x: Array | None,
        state: State,
        flat: Array,
        shapes: Mapping[str, tuple[int, ...]],
        h_steps: Array | None = None,
        c_steps: Array | None = None,
    ) -> None:
        self.x = x
        self.state = state
        self.params = Pieces(flat, shapes)
        self._flat = flat
        self.h_steps = h_steps
        self.c_steps = c_steps

    @property
    def flat(self) -> Array:
        """The gradients of all parameters as one vector, in the order of ``state_dict()``."""
        return self._flat

    @flat.setter
    def flat(self, vector: Any) -> None:
        if vector is not self._flat:  # as after `grads.flat *= 2`
            self._flat[...] = convert("flat", vector, self._flat.dtype, self._flat.shape)

    def __repr__(self) -> str:
        return f"Gradients(x={self.x!r}, state={self.state!r}, params={self.params!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # The vector alone: what is made anew of it has its pieces as views again.
        return Gradients, (self.x, self.state, self._flat, self.params.shapes, self.h_steps, self.c_steps)


class RecurrentBase:
    """Options and parameters of a layer or a cell."""

    _options: Options
    params: Parameters

    def _set_up(self, options: Options, shapes: dict[str, tuple[int, ...]], seed: Any) -> None:
        self._options = options
        self._generator = generator(seed)
        self.params = Parameters(shapes, options.dtype)
        self.reset_parameters()

    def reset_parameters(self, init: str = "uniform", seed: Any = None) -> None:
        """Draw the initial values of all parameters anew.

        Parameters
        ----------
        init : "uniform" draws everything from U(-1/sqrt(H), 1/sqrt(H)), as PyTorch does; "glorot" draws Glorot-uniform
            input weights and orthogonal recurrent weights, and sets biases and peepholes to zero, an LSTM's forget bias
            to 1, as Keras does.
        seed : what ``numpy.random.default_rng`` takes; default: go on with the layer's own generator.

        Raises
        ------
        ValueError : `init` is neither of the two.

        >>> import gatewise as gw
        >>> lstm = gw.LSTM(1, 2, seed=0)
        >>> lstm.reset_parameters("glorot", seed=0)
        >>> lstm.params["bias_ih_l0"]
        array([0., 0., 1., 1., 0., 0., 0., 0.], dtype=float32)
        """
        rng = self._generator if seed is None else generator(seed)
        shapes, hidden_size = self.params.shapes, self._options.hidden_size
        if init == "uniform":
            values = uniform(shapes, hidden_size, rng)
        elif init == "glorot":
            values = glorot(shapes, hidden_size, rng, forget_bias=self._options.cell == "LSTM")
        else:
            raise ValueError(f"init: expected 'uniform' or 'glorot', got {init!r}")
        self.params.update_all(values)

    def state_dict(self) -> dict[str, Array]:
        """Name to a copy of each parameter, with PyTorch's names, shapes and order."""
        return {name: np.array(array) for name, array in self.params.items()}

    def load_state_dict(self, mapping: Mapping[str, Any], prefix: str = "", strict: bool = True) -> LoadedKeys:
        """Copy the parameters from a mapping: all of them, or, if anything is wrong, none.

        Parameters
        ----------
        mapping : name to array, or to anything that NumPy converts: PyTorch's ``module.state_dict()`` as it is.
        prefix : read the names that begin with it, such as ``"encoder."``, and leave the rest alone.
        strict : whether missing and unknown names are errors. If not, they are returned.

        Raises
        ------
        ValueError : names are missing or unknown (with `strict`), or a shape differs.
        TypeError : a value does not convert to the layer's dtype.

        >>> import gatewise as gw
        >>> a, b = gw.GRU(2, 3, seed=0), gw.GRU(2, 3, seed=1)
        >>> b.load_state_dict(a.state_dict())
        LoadedKeys(missing_keys=[], unexpected_keys=[])
        """
        if not isinstance(mapping, Mapping):
            raise TypeError(f"mapping: expected a mapping of names to arrays, got {type(mapping).__name__}")
        given = {str(name)[len(prefix) :]: value for name, value in mapping.items() if str(name).startswith(prefix)}
        if strict:
            require_keys("mapping", self.params.shapes, given)
        self.params.update_all({name: given[name] for name in self.params if name in given})
        return LoadedKeys(
            [name for name in self.params if name not in given], [name for name in given if name not in self.params]
        )

    def astype(self: Own, dtype: DTypeLike) -> Own:
        """A copy whose parameters and results have another type; its dropout goes on with the same keys.

        dtype : float32 or float64; the layer's own gives a copy too.

        Raises
        ------
        TypeError : any other type.

        >>> import gatewise as gw
        >>> gw.LSTM(2, 3, seed=0).astype("float64").params["bias_ih_l0"].dtype
        dtype('float64')
        """
        options = copy.copy(self._options)  # checked when it was made; only the type is another
        object.__setattr__(options, "dtype", float_dtype(dtype))
        params = Parameters(self.params.shapes, options.dtype)
        params.update_all(self.params)
        other = object.__new__(type(self))
        other.__setstate__({"options": options, "params": params, "generator": copy.deepcopy(self._generator)})
        return other

    def adopt(self, mapping: Mapping[str, Array]) -> None:
        """Let the parameters live in the caller's arrays: later changes to those are seen by every later call.

        The arrays are compared in every call, and packed when they differ; `forward` packs them without comparing. They
        must have the layer's dtype and shapes, be C-contiguous and writeable; writing through `params` writes into
        them. Copies and pickles of the layer own their values again.

        Raises
        ------
        ValueError, TypeError : names, shapes, dtype or layout differ; nothing is adopted then.
        """
        self.params.adopt(mapping)

    def _arguments(self) -> list[str]:
        """The constructor's arguments that differ from their defaults, as `repr` shows them."""
        o = self._options
        shown = [str(o.input_size), str(o.hidden_size)]
        for name in ("num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size", "peephole"):
            if getattr(o, name) != getattr(Options, name):
                shown.append(f"{name}={getattr(o, name)!r}")
        if o.recurrent_dropout:
            shown.append(f"recurrent_dropout={o.recurrent_dropout!r}")
        if any(o.zoneouts):
            shown.append(f"zoneout={o.zoneout!r}")
        if not o.reset_after:
            shown.append("reset_after=False")
        if o.nonlinearity != "tanh":
            shown.append(f"nonlinearity={o.nonlinearity!r}")
        if o.activations != USUAL[o.cell]:
            shown.append(f"activations={o.activations!r}")
        if o.clip is not None:
            shown.append(f"clip={o.clip!r}")
        if o.input_forget:
            shown.append("input_forget=True")
        if o.dtype != np.dtype(np.float32):
            shown.append(f"dtype={o.dtype.name}")
        return shown

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._arguments())})"

    def __getstate__(self) -> dict[str, Any]:
        return {"options": self._options, "params": self.params, "generator": self._generator}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._options, self.params, self._generator = state["options"], state["params"], state["generator"]

    @property
    def input_size(self) -> int:
        """I, the number of features of x."""
        return self._options.input_size

    @property
    def hidden_size(self) -> int:
        """H, the number of hidden units."""
        return self._options.hidden_size

    @property
    def bias(self) -> bool:
        """Whether there are bias vectors."""
        return self._options.bias

    @property
    def clip(self) -> float | None:
        """The bound beyond which pre-activations are cut off, or None."""
        return self._options.clip

    @property
    def dtype(self) -> np.dtype[Any]:
        """The floating-point type of parameters and results."""
        return self._options.dtype


class LayerBase(RecurrentBase):
    """The attributes of a layer that a cell does not have."""

    def _dropout_key(self, key: Any) -> int | None:
        """The key of what this call leaves to chance: the caller's, the next of the layer's generator, or none."""
        if key is not None:
            if isinstance(key, (bool, np.bool_)) or not hasattr(key, "__index__"):
                raise TypeError(f"key: expected an integer from 0 to 2**64 - 1, got {key!r}")
            if not 0 <= int(key) < 2**64:
                raise ValueError(f"key: expected an integer from 0 to 2**64 - 1, got {int(key)}")
        if not self._options.random:
            return None
        return int(self._generator.integers(2**64, dtype=np.uint64)) if key is None else int(key)

    @staticmethod
    def _checkpoint_steps(checkpoint: Any) -> int:
        """The steps from checkpoint to checkpoint: 0 for none, -1 for the square root of T."""
        if checkpoint is None:
            return 0
        if isinstance(checkpoint, str):
            if checkpoint != "sqrt":
                raise ValueError(f"checkpoint: expected None, 'sqrt' or an integer >= 1, got {checkpoint!r}")
            return -1
        return min(checked_size("checkpoint", checkpoint, 1), sys.maxsize)

    def _require_into(self, into: Any) -> None:
        """Refuse what cannot take this layer's gradients, before anything is computed."""
        if into is None:
            return
        if not isinstance(into, Gradients):
            raise TypeError(f"into: expected what backward returned, got {type(into).__name__}")
        expected, got = list(self.params.shapes.items()), list(into.params.shapes.items())
        if expected != got or into.flat.dtype != self.dtype:
            raise ValueError(
                f"into: expected {self.dtype} gradients of {dict(expected)}, got {into.flat.dtype} ones of {dict(got)}"
            )
        if not into.flat.flags.writeable:
            raise ValueError("into: expected gradients that can be written to, got read-only ones")

    def _gradients(
        self,
        x: Array | None,
        state: State,
        flat: Array,
        h_steps: Array | None,
        c_steps: Array | None,
        into: Gradients | None,
    ) -> Gradients:
        """What `backward` returns, the parameters' gradients added to those of `into` if there is one."""
        if into is not None:
            flat = np.add(into.flat, flat, out=into.flat)
        return Gradients(x, state, flat, self.params.shapes, h_steps, c_steps)

    @property
    def num_layers(self) -> int:
        """L, the number of stacked layers."""
        return self._options.num_layers

    @property
    def batch_first(self) -> bool:
        """Whether x and y are (B, T, features) instead of (T, B, features)."""
        return self._options.batch_first

    @property
    def dropout(self) -> float:
        """The probability with which `forward` drops an element between two layers."""
        return self._options.dropout

    @property
    def recurrent_dropout(self) -> float:
        """The probability with which `forward` hides a unit of h from W_hh, through a whole sequence."""
        return self._options.recurrent_dropout

    @property
    def zoneout(self) -> float | tuple[float, float]:
        """The probability with which, in `forward`, a unit stays as it was at a step; for an LSTM those of h and c."""
        return self._options.zoneout

    @property
    def bidirectional(self) -> bool:
        """Whether there are two directions."""
        return self._options.bidirectional

    @property
    def proj_size(self) -> int:
        """P, the size of the projected h; 0: no projection."""
        return self._options.proj_size
