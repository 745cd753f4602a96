"""A fact that costs something to work out and that most readers of an image never ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["Deferred"]

T = TypeVar("T")


class Deferred(Generic[T]):
    """Holds how to make a value, then the value. The bytes it is made of were read before; making it cannot fail.

    Two threads that ask first at the same time may both make it, and get equal values. A copy or a pickle holds the
    value itself.

    >>> Deferred(lambda: 6 * 7).get()
    42
    """

    __slots__ = ("_make", "_value")

    def __init__(self, make: Callable[[], T]) -> None:
        self._make: Callable[[], T] | None = make
        self._value: T | None = None

    def get(self) -> T:
        """The value, made at the first call."""
        make = self._make
        if make is not None:
            self._value = make()
            self._make = None
        return self._value  # type: ignore[return-value]  # made just now or before, by a callable that returns a T

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (self.get(),)


def _made(value: T) -> Deferred[T]:
    held: Deferred[T] = Deferred(lambda: value)
    held.get()
    return held
