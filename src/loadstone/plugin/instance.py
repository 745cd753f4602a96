"""What a plugin's factory made, kept together with the code it needs."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from loadstone.errors import Closed, InUse, LoadFailed
from loadstone.plugin.once import AskedWhileMaking, Once

if TYPE_CHECKING:
    from loadstone.library import Library

__all__ = ["QT_FACTORY", "Instance", "instance_of"]

QT_FACTORY: Final = "void *qt_plugin_instance(void)"
"""The function every Qt plugin exports: it gives the plugin's root object, a ``QObject *``, and owns it."""


class Instance:
    """The object a plugin's factory made. Its library stays loaded while it lives; it is destroyed before that goes.

    Attributes:
        library: the plugin, loaded; for further functions of it.

    Everybody who asks for the instance of the same bytes gets the same one, as long as somebody holds it; then the
    next who asks gets a new one. It ends when :meth:`close` is called, when nobody holds it any more, or with the
    interpreter. Thread-safe; whether the object itself is, its author knows.
    """

    __slots__ = ("__weakref__", "_end", "_factory", "_value", "library")

    library: Library

    def __init__(self, library: Library, factory: Callable[[], Any], destroy: Callable[[Any], Any] | None) -> None:
        value = factory()
        if not value:
            raise LoadFailed(
                name=library.file_name,
                stage="instance",
                system_text="its factory gave NULL",
                advice="its author knows when it refuses; what it printed may say so",
            )
        self.library = library
        self._value = value
        self._factory = factory  # alive, it keeps the library from being unloaded by others
        self._end = weakref.finalize(self, _finalise, library, [destroy] if destroy else [], value)

    @property
    def value(self) -> Any:
        """What the factory returned: an address, or a typed pointer. Raises Closed after :meth:`close`."""
        if self.is_closed:
            raise Closed(library=self.library.name, attempted="use the instance")
        return self._value

    @property
    def is_closed(self) -> bool:
        """Whether the object was destroyed."""
        return not self._end.alive

    def close(self) -> None:
        """Destroy the object, once, and unload the library if nothing else of it is alive. Afterwards: nothing."""
        self._factory = _gone
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self.is_closed else f"{self._value!r}"
        return f"Instance({self.library.name!r}, {state})"


def _gone() -> None:
    """Stands where the factory was."""


def _finalise(library: Library, destroy: list[Callable[[Any], Any]], value: Any) -> None:
    """Nothing here may refer to the destroying function once it has run: it would keep the library loaded."""
    while destroy:
        destroy.pop()(value)
    with suppress(InUse):
        library.unload()


_instances: Final[Once[Instance]] = Once(weakref.WeakValueDictionary(), usable=lambda instance: not instance.is_closed)


def instance_of(key: Hashable, load: Callable[[], Library], factory: str, destroy: str | None) -> Instance:
    """The instance of that key, made if nobody holds one.

    Args:
        key: what makes two plugins the same.
        load: gives the plugin, loaded, in a handle of its own.
        factory: C declaration of a function without parameters that returns a pointer.
        destroy: C declaration of a function that takes that pointer, or None when nothing is to be done.

    Raises:
        LoadFailed: the factory gave NULL, or asked for the instance it was making.
        Others: those of ``load`` and of :meth:`loadstone.Library.function`. The library is unloaded again.
    """

    def make() -> Instance:
        library = load()
        try:
            return Instance(library, library.function(factory), library.function(destroy) if destroy else None)
        except BaseException:
            with suppress(InUse):
                library.unload()
            raise

    try:
        return _instances.get((key, factory, destroy), make)
    except AskedWhileMaking:
        raise LoadFailed(
            name=str(key),
            stage="instance",
            system_text="its factory asked for the instance that it is making",
            advice="the factory must return before its instance can be used",
        ) from None
