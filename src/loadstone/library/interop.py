"""The same loaded library for ctypes and cffi, without a second load and with the lifetime still ours."""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, Any, Protocol

from loadstone.errors import Closed, Unsupported

if TYPE_CHECKING:
    from loadstone.library.lifetime.record import LibraryRecord

__all__ = ["SharedHandle", "as_cffi", "as_ctypes"]


class SharedHandle(Protocol):
    """What is asked of a handle that others are to use as well: :class:`loadstone.Library` is one."""

    @property
    def file_name(self) -> str:
        """The path of the library."""
        ...

    def load(self) -> Any:
        """Load it, unless that was done."""
        ...

    def _implicitly_loaded(self) -> LibraryRecord: ...
    def note(self, kind: str, name: str, obj: object, *, closes: bool = True) -> None:
        """Tell the ledger of something that points into the library."""
        ...


class _Function(ctypes._CFuncPtr):  # type: ignore[name-defined,misc]  # noqa: SLF001
    _flags_ = ctypes._FUNCFLAG_CDECL  # type: ignore[attr-defined]  # noqa: SLF001
    _restype_ = ctypes.c_int


class _Shared(ctypes.CDLL):
    """A CDLL of what is loaded already.

    That of ctypes makes a class for itself, which a free-threaded CPython 3.13 never frees, nor what led to it.
    """

    def __init__(self, name: str, handle: int, owner: object) -> None:
        self._name = name
        self._handle = handle
        self._FuncPtr = _Function
        self.owner = owner


_GIVEN_TO_CFFI: list[object] = []
"""cffi's functions hold no reference to anything, so what was given to it can never be known to be unused."""


def as_ctypes(library: SharedHandle) -> ctypes.CDLL:
    """The library as a ``ctypes.CDLL``: attributes are functions with ctypes' own rules.

    Unloading is refused while the CDLL or any function taken from it lives. Loads the library if need be. Raises
    :class:`Unsupported` on PyPy, whose ctypes opens libraries only itself.

    >>> from loadstone.library import Library
    >>> z = Library("z", version=1).as_ctypes()
    >>> z.zlibVersion.restype = ctypes.c_char_p
    >>> z.zlibVersion().startswith(b"1.")
    True
    """
    if sys.implementation.name == "pypy":
        raise Unsupported(
            feature="as_ctypes", reason="PyPy's ctypes takes no handles", advice="use function() or declare() instead"
        )
    made = _Shared(library.file_name, _handle(library), library)
    library.note("ctypes library", library.file_name, made, closes=False)
    return made


def as_cffi(library: SharedHandle, ffi: Any) -> Any:
    """The library for an ``ffi`` that has its ``cdef``: what ``ffi.dlopen`` gives, over the same load.

    From then on the library stays loaded for the life of the process: functions of cffi's ABI mode hold nothing, so
    nobody can tell when the last one is gone. Raises :class:`Unsupported` for a cffi older than 1.14.
    """
    handle = ffi.cast("void *", _handle(library))
    try:
        made = ffi.dlopen(handle)
    except TypeError as error:
        raise Unsupported(
            feature="as_cffi", reason=f"cffi takes no handles: {error}", advice="use cffi 1.14+"
        ) from error
    _GIVEN_TO_CFFI.append(made)
    library.note("cffi library", library.file_name, made, closes=False)
    return made


def _handle(library: SharedHandle) -> int:
    """The system's token, which leaves the adapters only here and only into objects the ledger knows."""
    library.load()
    opened = library._implicitly_loaded().opened  # noqa: SLF001  one package
    if opened is None:
        raise Closed(library=library.file_name)
    return opened.handle
