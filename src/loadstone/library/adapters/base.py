"""What a platform must offer, and the values that pass between it and the rest.

System handles never leave the package: users of Loadstone do not see them.
"""

from __future__ import annotations

from loadstone.core.names import Platform
from loadstone.library.hints import LoadHint
from loadstone.quick_dataclass import dataclass

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from typing import Final, Protocol
else:
    Protocol = object

__all__ = ["BASE_NAMESPACE", "NEW_NAMESPACE", "Adapter", "LoadedLibrary", "Opened", "SystemRefused"]

BASE_NAMESPACE: Final = 0
"""LM_ID_BASE: the namespace of the program itself."""

NEW_NAMESPACE: Final = -1
"""LM_ID_NEWLM: the system makes one."""


class SystemRefused(Exception):
    """The system said no: its number where it gave one, and its own words."""

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


@dataclass(frozen=True, slots=True)
class Opened:
    """A library the system opened.

    ``base`` is what is added to the addresses in its file, ``anchor`` an address inside it, ``path`` the name the
    system knows it by, ``namespace`` where it was opened.
    """

    handle: int
    path: str
    base: int
    anchor: int
    namespace: int = BASE_NAMESPACE


@dataclass(frozen=True, slots=True)
class LoadedLibrary:
    """A library that is mapped in this process: the path the system knows it by, and the address it was put at."""

    path: str
    base: int


class Adapter(Protocol):
    """One platform's loader.

    Every call may run foreign code: callers hold no lock, and the interpreter lock is released while the system works.
    Thread-safe as far as the system is.
    """

    @property
    def platform(self) -> Platform: ...

    @property
    def hints(self) -> LoadHint:
        """The hints that have an effect here."""

    @property
    def searches_files(self) -> bool:
        """Whether every library is a file that can be found by looking; false where the system has hidden ones."""

    @property
    def has_namespaces(self) -> bool: ...

    @property
    def has_permission_bits(self) -> bool:
        """Whether files have an owner number and permission bits that mean something."""

    @property
    def unmaps(self) -> bool:
        """Whether closing ever unmaps; musl keeps everything."""

    def open(self, path: str, hints: int, namespace: int = BASE_NAMESPACE) -> Opened:
        """Open a library; raises :class:`SystemRefused`."""

    def strengthen(self, opened: Opened, hints: int) -> None:
        """Give an open library further hints; raises :class:`SystemRefused`."""

    def close(self, opened: Opened) -> None:
        """Give one reference back; raises :class:`SystemRefused`."""

    def address(self, opened: Opened, symbol: str) -> int:
        """The address of a symbol of the library or its dependencies, can be 0; raises :class:`SystemRefused`."""

    def provider(self, address: int) -> str | None:
        """The path of the library an address lies in."""

    def is_mapped(self, opened: Opened) -> bool:
        """Whether the library is still where it was opened."""

    def is_writable(self, address: int) -> bool:
        """Whether the memory at ``address`` may be written; true where the system does not tell."""

    def loaded(self) -> tuple[LoadedLibrary, ...]:
        """Every library mapped in this process, in the system's order."""
