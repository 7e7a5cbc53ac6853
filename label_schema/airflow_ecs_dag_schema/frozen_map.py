"""A dictionary that is a value: nothing in it changes, so it has a hash, as every other value of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

Key = TypeVar("Key")
Item = TypeVar("Item")


class FrozenMap(dict[Key, Item]):
    """Values by name. It is equal to any dictionary with the same entries."""

    def __hash__(self) -> int:  # type: ignore[override] # a plain dictionary has none, because it may change
        """Return the hash of the entries, in whatever order they are."""
        return hash(frozenset(self.items()))

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:  # noqa: ANN401 - whatever was to be changed
        raise TypeError("a map of the contract does not change: make another one")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    @classmethod
    def __get_pydantic_core_schema__(cls, _: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic write one down as it does a plain dictionary."""
        return handler(dict)

    def __reduce__(self) -> tuple[type[FrozenMap[Key, Item]], tuple[dict[Key, Item]]]:
        """Return how a copy is made: at once, not entry by entry."""
        return type(self), (dict(self),)
