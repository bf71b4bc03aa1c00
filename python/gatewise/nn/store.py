"""Named parameters and their gradients, stored in two flat arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._core.loading import LoadedKeys, select
from .._core.parameters import Array, Pieces, convert, size_of
from .base import Shape


class ParameterStore:
    """Named parameters and their gradients, stored in two flat arrays of one dtype."""

    def _allocate(self, shapes: Mapping[str, Shape], dtype: np.dtype[Any]) -> None:
        """Make the arrays, the parameters without values."""
        self.dtype = dtype
        self._shapes = dict(shapes)
        self.flat_params = np.empty(size_of(self._shapes), dtype)
        self.flat_grads = np.zeros_like(self.flat_params)
        self._params = Pieces(self.flat_params, self._shapes)

    @property
    def params(self) -> dict[str, Array]:
        """Name to a read-only view of each parameter.

        Use `load_state_dict` to change parameters.

        See Also
        --------
        state_dict : Copies of the parameters.

        Examples
        --------
        >>> import gatewise as gw
        >>> list(gw.Sequential(gw.Linear(2, 1)).params)
        ['0.weight', '0.bias']
        """
        views = {name: array.view() for name, array in self._params.items()}
        for view in views.values():
            view.flags.writeable = False
        return views

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of all parameters.

        The names are the layers' numbers and the parameters' names, as in PyTorch's ``Sequential``.

        Returns
        -------
        dict
            Name to array.

        See Also
        --------
        load_state_dict : Copy parameters into the model.

        Examples
        --------
        >>> import gatewise as gw
        >>> model = gw.Sequential(gw.Linear(2, 1))
        >>> {name: array.shape for name, array in model.state_dict().items()}
        {'0.weight': (1, 2), '0.bias': (1,)}
        """
        return {name: array.copy() for name, array in self._params.items()}

    def load_state_dict(self, mapping: Mapping[str, Any], prefix: str = "", strict: bool = True) -> LoadedKeys:
        """Copy parameters into the model.

        All parameters of the mapping are copied, or none if one of them does not fit.

        Parameters
        ----------
        mapping : mapping
            Name to array. The state dict of a PyTorch ``Sequential`` with the same numbering fits as it is.
        prefix : str, default ""
            Only names that begin with the prefix are read.
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
            If a value does not convert to the model's dtype.

        See Also
        --------
        state_dict : Copies of the parameters.

        Examples
        --------
        >>> import gatewise as gw
        >>> one, other = gw.Sequential(gw.Linear(2, 1)), gw.Sequential(gw.Linear(2, 1))
        >>> one.load_state_dict(other.state_dict())
        LoadedKeys(missing_keys=[], unexpected_keys=[])
        """
        values, keys = select(mapping, self._shapes, prefix, strict)
        arrays = {name: convert(name, value, self.dtype, self._shapes[name]) for name, value in values.items()}
        for name, array in arrays.items():
            np.copyto(self._params[name], array)
        return keys
