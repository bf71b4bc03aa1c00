"""A layer's options as read-only attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

T = TypeVar("T")


class OptionView(property, Generic[T]):
    """A read-only attribute: the option of the same name.

    summary : the first line of its documentation.
    made, value : its example: code that makes an object, and the attribute's repr.
    """

    def __init__(self, summary: str, made: str, value: str) -> None:
        def read(instance: Any) -> Any:
            return getattr(instance._options, self._name)

        super().__init__(read)
        self._texts = summary, made, value

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name
        summary, made, value = self._texts
        self.__doc__ = f"""{summary}

        The constructor sets this attribute. It cannot be changed.

        See Also
        --------
        config : Return all of the constructor's arguments.

        Examples
        --------
        >>> import gatewise as gw
        >>> {made}.{name}
        {value}
        """

    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def __get__(self, instance: None, owner: type) -> OptionView[T]: ...
        @overload
        def __get__(self, instance: object, owner: type) -> T: ...
        def __get__(self, instance: object | None, owner: type) -> OptionView[T] | T: ...
