"""Objects that describe their configuration, which consists of the arguments of their constructor."""

from __future__ import annotations

import inspect
from typing import Any

from .documented import Documented


class Configured(Documented):
    """An object that keeps each argument of its constructor, the seed apart, as an attribute of the same name."""

    def config(self) -> dict[str, Any]:
        """Return the arguments of the constructor.

        The seed is left out: what was drawn from it does not belong to the configuration. ``type(a)(**a.config())``
        makes another object of the same configuration.

        Returns
        -------
        dict
            Name of each argument to its value, in the constructor's order.

        See Also
        --------
        gatewise.Sequential.save : Writes the configuration of every layer.

        Examples
        --------
        >>> import gatewise as gw
        >>> gw.Dropout(0.2).config()
        {'p': 0.2}
        """
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters if name != "seed"}

    def __repr__(self) -> str:
        parameters = inspect.signature(type(self)).parameters
        shown = []
        for name, value in self.config().items():
            default = parameters[name].default
            if default is inspect.Parameter.empty:
                shown.append(f"{value!r}")
            elif value != default:
                shown.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


def describe(value: Any) -> Any:
    """Return the kind and configuration of a configured object, and any other value as it is.

    Two functions cannot be compared, so every function has the same description.
    """
    if isinstance(value, Configured):
        return {"kind": type(value).__name__} | {name: describe(one) for name, one in value.config().items()}
    return "function" if callable(value) else value
