"""Docstrings of methods that override others."""

from __future__ import annotations

from typing import Any


class Documented:
    """A class whose methods take the docstring of the method that they override, if they have none of their own.

    Python's `help` finds such docstrings by itself; numpydoc and Sphinx's tables do not.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, member in vars(cls).items():
            overridden = None if name.startswith("_") and name != "__call__" else getattr(super(cls, cls), name, None)
            function = getattr(member, "__func__", member)  # of a static method
            if (callable(function) or isinstance(function, property)) and overridden and not function.__doc__:
                function.__doc__ = overridden.__doc__
