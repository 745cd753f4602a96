"""A resolved symbol: an address that keeps its library from being unloaded for as long as the object lives."""

from __future__ import annotations

from loadstone.errors import Closed
from loadstone.escape import printable

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from typing import Protocol

    from loadstone.core.image import ImageSymbol, SymbolKind
else:
    Protocol = object

__all__ = ["Handle", "Symbol"]


class Handle(Protocol):
    """What a symbol and the names of a header ask of the library they come from: :class:`loadstone.Library` is one."""

    @property
    def file_name(self) -> str:
        """The path of the library."""

    def resolve(self, symbol: str) -> Symbol:
        """The symbol of that name; raises SymbolNotFound."""

    def exports_named(self, name: str, provider: str | None) -> tuple[ImageSymbol, ...]:
        """What the file at ``provider`` (None: this library) exports under that name."""


class Symbol:
    """An address and the name it was found by. While it lives, the library stays loaded.

    ``address`` can be 0: a symbol may have that value, which is not the same as being absent. ``kind`` and ``version``
    are read from the file when first asked for. Made by :meth:`Library.resolve`; safe to share between threads.
    """

    __slots__ = ("__weakref__", "_address", "_closed", "library", "name", "outside")

    def __init__(self, library: Handle, name: str) -> None:
        self.library: Handle = library
        self.name: str = name
        self._address = 0
        self._closed = False
        self.outside: str | None = None  # the path it really comes from, when that is not the library's own

    def __repr__(self) -> str:
        return f"<Symbol {printable(self.name, 80)} at {self._address:#x} of {printable(self.provider)}>"

    @property
    def address(self) -> int:
        """Where it is. Raises Closed once its library was closed by leaving ``with``."""
        if self._closed:
            raise Closed(library=self.provider, attempted=f"use the symbol {self.name}", advice="it was closed with it")
        return self._address

    @address.setter
    def address(self, value: int) -> None:
        self._address = value

    def _close_(self) -> None:
        self._closed = True

    def __int__(self) -> int:
        return self.address

    @property
    def provider(self) -> str:
        """The path of the library it is in: this one, unless dependencies were asked for."""
        return self.outside or self.library.file_name

    @property
    def kind(self) -> SymbolKind:
        """Function, object, thread-local or indirect function; untyped when the file does not say."""
        from loadstone.core.image import SymbolKind  # noqa: PLC0415  the readers need it, who only calls does not

        entry = self._entry()
        return entry.kind if entry else SymbolKind.UNTYPED

    @property
    def version(self) -> str | None:
        """The version the loader chose (``GLIBC_2.34``): the default one; None when it has none."""
        entry = self._entry()
        return entry.version.name if entry and entry.version else None

    @property
    def size(self) -> int:
        """Its size in bytes as the file has it; 0 when it does not say."""
        entry = self._entry()
        return entry.size if entry else 0

    def _entry(self) -> ImageSymbol | None:
        rows = self.library.exports_named(self.name, self.outside)
        return next((s for s in rows if s.version is None or s.version.is_default), rows[0] if rows else None)
