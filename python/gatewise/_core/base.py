"""The base classes of the compiled layers and cells and of their NumPy reference: options, parameters and copies."""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from .checks import checked_size, float_dtype, generator
from .declaration import REQUIRED, Kind, Option
from .gradients import Gradients
from .initial import draw_initial
from .loading import LoadedKeys, select
from .option_view import OptionView
from .options import Options
from .parameters import Array, Parameters
from .state import State

Own = TypeVar("Own", bound="RecurrentBase")


class RecurrentBase:
    """Options and parameters of a layer or a cell."""

    kind: ClassVar[Kind]
    _single_step: ClassVar[bool]
    _options: Options
    params: Parameters

    input_size = OptionView[int]("The number of input features, I.", "gw.LSTM(2, 3)", "2")
    hidden_size = OptionView[int]("The number of hidden units, H.", "gw.LSTM(2, 3)", "3")
    bias = OptionView[bool]("Whether there are bias vectors.", "gw.LSTM(2, 3, bias=False)", "False")
    clip = OptionView[float | None](
        "The bound at which pre-activations are clipped, or None.", "gw.LSTM(2, 3, clip=5.0)", "5.0"
    )
    dtype = OptionView[np.dtype[Any]](
        "The floating-point type of parameters and results.", "gw.LSTM(2, 3)", "dtype('float32')"
    )

    @classmethod
    def _own_options(cls) -> tuple[Option, ...]:
        """The options that this class's constructor takes."""
        return tuple(option for option in cls.kind.options if option.single_step or not cls._single_step)

    def _set_up(self, arguments: Mapping[str, Any]) -> None:
        """Make the object from its constructor's arguments; called by the constructor itself."""
        given = {option.name: arguments[option.name] for option in self._own_options()}
        options = Options(self.kind, given)
        if options.dropout > 0.0 and options.num_layers == 1:
            warnings.warn(
                f"dropout acts between layers: dropout={options.dropout} with num_layers=1 has no effect",
                UserWarning,
                stacklevel=3,
            )
        self._assemble(options, generator(arguments["seed"]))
        self.reset_parameters()

    def _assemble(self, options: Options, rng: np.random.Generator) -> None:
        """Set options and generator, and create the parameters without values."""
        shapes = options.cell_parameter_shapes() if self._single_step else options.parameter_shapes()
        self._options, self._generator, self.params = options, rng, Parameters(shapes, options.dtype)

    def reset_parameters(self, init: str = "uniform", seed: Any = None) -> None:
        """Draw new initial values for all parameters.

        The values are drawn in the order of ``state_dict()``.

        Parameters
        ----------
        init : {"uniform", "glorot"}, default "uniform"
            "uniform" draws everything from U(-1/sqrt(H), 1/sqrt(H)), as PyTorch does. "glorot" draws Glorot-uniform
            input weights and orthogonal recurrent weights, and sets biases and peepholes to zero and an LSTM's forget
            bias to 1, as Keras does.
        seed : int, numpy.random.Generator or None, default None
            Passed to ``numpy.random.default_rng``. None continues with the layer's own generator.

        Raises
        ------
        ValueError
            If `init` is neither of the two.

        See Also
        --------
        load_state_dict : Set the parameters to given values.

        Examples
        --------
        >>> import gatewise as gw
        >>> lstm = gw.LSTM(1, 2, seed=0)
        >>> lstm.reset_parameters("glorot", seed=0)
        >>> lstm.params["bias_ih_l0"]
        array([0., 0., 1., 1., 0., 0., 0., 0.], dtype=float32)
        """
        rng = self._generator if seed is None else generator(seed)
        self.params.update_all(draw_initial(init, self._options, self.params.shapes, rng))

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of all parameters.

        Names, shapes and order are PyTorch's.

        Returns
        -------
        dict of str to ndarray
            Name to parameter.

        See Also
        --------
        load_state_dict : Copy the parameters back.

        Examples
        --------
        >>> import gatewise as gw
        >>> list(gw.GRU(2, 3).state_dict())
        ['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0']
        """
        return {name: np.array(array) for name, array in self.params.items()}

    def load_state_dict(self, mapping: Mapping[str, Any], prefix: str = "", strict: bool = True) -> LoadedKeys:
        """Copy the parameters from a mapping.

        Either all parameters are copied or, if anything is wrong, none.

        Parameters
        ----------
        mapping : mapping of str to array_like
            Name to value. PyTorch's ``module.state_dict()`` is accepted as it is.
        prefix : str, default ""
            Read only the names that begin with it, such as ``"encoder."``.
        strict : bool, default True
            Whether missing and unknown names are errors. If not, they are returned.

        Returns
        -------
        LoadedKeys
            ``missing_keys`` and ``unexpected_keys``, two lists of names.

        Raises
        ------
        ValueError
            If names are missing or unknown (with `strict`), or a shape differs.
        TypeError
            If a value does not convert to the layer's dtype.

        See Also
        --------
        state_dict : Return a copy of all parameters.
        adopt : Share the caller's arrays instead of copying them.

        Examples
        --------
        >>> import gatewise as gw
        >>> a, b = gw.GRU(2, 3, seed=0), gw.GRU(2, 3, seed=1)
        >>> b.load_state_dict(a.state_dict())
        LoadedKeys(missing_keys=[], unexpected_keys=[])
        """
        values, keys = select(mapping, self.params.shapes, prefix, strict)
        self.params.update_all(values)
        return keys

    def astype(self: Own, dtype: DTypeLike) -> Own:
        """Return a copy whose parameters and results have another type.

        The copy's dropout continues with the same keys.

        Parameters
        ----------
        dtype : dtype_like
            The type: float32 or float64. The layer's own type gives a copy too.

        Returns
        -------
        RNN, LSTM, GRU or a cell
            The copy, of the same class.

        Raises
        ------
        TypeError
            If `dtype` is neither float32 nor float64.

        See Also
        --------
        state_dict : Return a copy of all parameters.

        Examples
        --------
        >>> import gatewise as gw
        >>> gw.LSTM(2, 3, seed=0).astype("float64").params["bias_ih_l0"].dtype
        dtype('float64')
        """
        other = object.__new__(type(self))
        other.__setstate__(
            {
                "options": {**self._options.values(), "dtype": float_dtype(dtype)},
                "params": dict(self.params),
                "generator": copy.deepcopy(self._generator),
            }
        )
        return other

    def adopt(self, mapping: Mapping[str, Array]) -> None:
        """Use the caller's arrays as the parameters, without a copy.

        Each call uses the current values of the arrays: inference compares them with the packed weights, and `forward`
        packs them each time. Writing through `params` writes into the arrays. Copies and pickles of the layer have
        arrays of their own.

        Parameters
        ----------
        mapping : mapping of str to ndarray
            Name to array, for all parameters. The arrays must have the layer's dtype and shapes, be C-contiguous and
            writeable.

        Raises
        ------
        ValueError, TypeError
            If names, shapes, dtype or layout differ. Nothing is adopted then.

        See Also
        --------
        load_state_dict : Copy the parameters instead.

        Examples
        --------
        >>> import numpy as np, gatewise as gw
        >>> rnn = gw.RNN(2, 3, seed=0)
        >>> arrays = rnn.state_dict()
        >>> rnn.adopt(arrays)
        >>> arrays["bias_ih_l0"][:] = 1
        >>> rnn.params["bias_ih_l0"]
        array([1., 1., 1.], dtype=float32)
        """
        self.params.adopt(mapping)

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments, apart from the seed.

        A layer made from them has the same options; its parameters have new initial values.

        Returns
        -------
        dict of str to object
            Argument to value, in the constructor's order.

        See Also
        --------
        state_dict : Return a copy of all parameters.

        Examples
        --------
        >>> import gatewise as gw
        >>> rnn = gw.RNN(2, 3, nonlinearity="relu")
        >>> rnn.config()["nonlinearity"]
        'relu'
        >>> gw.RNN(**rnn.config())
        RNN(2, 3, nonlinearity='relu')
        """
        return {option.name: getattr(self._options, option.name) for option in self._own_options()}

    def __repr__(self) -> str:
        defaults, shown = self.kind.defaults, []
        for option in self._own_options():
            value = getattr(self._options, option.name)
            if option.default is REQUIRED:
                shown.append(repr(value))
            elif value != defaults[option.name]:
                shown.append(f"{option.name}={value.name if isinstance(value, np.dtype) else repr(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def __getstate__(self) -> dict[str, Any]:
        return {"options": self._options.values(), "params": dict(self.params), "generator": self._generator}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._assemble(Options.restored(self.kind, state["options"]), state["generator"])
        self.params.update_all(state["params"])


class CellBase(RecurrentBase):
    """A cell of a single step."""

    _single_step = True


class LayerBase(RecurrentBase):
    """A stack of layers over time."""

    _single_step = False

    num_layers = OptionView[int]("The number of stacked layers, L.", "gw.LSTM(2, 3, num_layers=2)", "2")
    batch_first = OptionView[bool](
        "Whether x and y are (B, T, features) instead of (T, B, features).", "gw.LSTM(2, 3)", "False"
    )
    dropout = OptionView[float](
        "The probability with which `forward` drops an element between two layers.",
        "gw.LSTM(2, 3, num_layers=2, dropout=0.1)",
        "0.1",
    )
    recurrent_dropout = OptionView[float](
        "The probability with which `forward` hides a unit of h from W_hh, for a whole sequence.",
        "gw.LSTM(2, 3, recurrent_dropout=0.1)",
        "0.1",
    )
    zoneout = OptionView[float | tuple[float, float]](
        "The probability with which a unit keeps its value at a step of `forward`; for an LSTM, of h and of c.",
        "gw.LSTM(2, 3, zoneout=0.1)",
        "(0.1, 0.1)",
    )
    bidirectional = OptionView[bool](
        "Whether a second direction reads the sequences from their ends.", "gw.LSTM(2, 3)", "False"
    )
    proj_size = OptionView[int](
        "The size of the projected h, P; 0 without a projection.", "gw.LSTM(2, 3, proj_size=1)", "1"
    )

    def _dropout_key(self, key: Any) -> int | None:
        """The caller's `key` of the random numbers, or one of the layer's generator; None if none are drawn."""
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
        """The steps between two checkpoints: 0 for none, -1 for the square root of T."""
        if checkpoint is None:
            return 0
        if isinstance(checkpoint, str):
            if checkpoint != "sqrt":
                raise ValueError(f"checkpoint: expected None, 'sqrt' or an integer >= 1, got {checkpoint!r}")
            return -1
        return min(checked_size("checkpoint", checkpoint, 1), sys.maxsize)

    def _require_into(self, into: Any) -> None:
        """Refuse an `into` that cannot take this layer's gradients, before anything is computed."""
        if into is None:
            return
        if not isinstance(into, Gradients):
            raise TypeError(f"into: expected Gradients that backward returned, got {type(into).__name__}")
        expected, got = list(self.params.shapes.items()), list(into.params.shapes.items())
        if expected != got or into.flat.dtype != self.dtype:
            raise ValueError(
                f"into: expected {self.dtype} gradients of {dict(expected)}, got {into.flat.dtype} ones of {dict(got)}"
            )
        if not into.flat.flags.writeable:
            raise ValueError("into: expected gradients that can be written to, got read-only ones")

    def _gradients(
        self, x: Array | None, state: State, flat: Array, steps: tuple[Array, ...], into: Gradients | None
    ) -> Gradients:
        """Return the result of `backward`. The parameters' gradients are added to those of `into`, if it is given."""
        if into is not None:
            flat = np.add(into.flat, flat, out=into.flat)
        return Gradients(x, state, flat, self.params.shapes, steps)
