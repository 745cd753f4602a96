"""What the loaders with dlopen have in common: their companions, asked as POSIX says.

Sources: dlclose(3), dlsym(3), dladdr(3), dlerror(3).
"""

from __future__ import annotations

import ctypes
from ctypes import byref, c_char_p, c_void_p

from loadstone.library.adapters.base import Opened, SystemRefused

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["DlInfo", "DlfcnAdapter", "decoded"]


class DlInfo(ctypes.Structure):
    """Dl_info: which library an address is in, and the symbol before it."""

    _fields_ = (("fname", c_char_p), ("fbase", c_void_p), ("sname", c_char_p), ("saddr", c_void_p))


def decoded(raw: bytes | None) -> str:
    """A text of the system: it need not be UTF-8."""
    return (raw or b"").decode("utf-8", "surrogateescape")


class DlfcnAdapter:
    """dlopen's companions; a platform's adapter sets the functions and adds what is its own. Holds nothing else."""

    _dlclose: Callable[[int], int]
    _dlsym: Callable[[int, bytes], int | None]
    _dladdr: Callable[[int, Any], int]
    _dlerror: Callable[[], bytes | None]

    def _said(self) -> str:
        return decoded(self._dlerror()) or "the loader gave no reason"

    def close(self, opened: Opened) -> None:
        if self._dlclose(opened.handle):
            raise SystemRefused(self._said())

    def address(self, opened: Opened, symbol: str) -> int:
        self._dlerror()  # musl and dyld keep an older text until it is asked for
        found = self._dlsym(opened.handle, symbol.encode("utf-8", "surrogateescape"))
        if found:
            return found
        said = self._dlerror()
        if said is None:
            return 0
        raise SystemRefused(decoded(said))

    def provider(self, address: int) -> str | None:
        info = DlInfo()
        return decoded(info.fname) if self._dladdr(address, byref(info)) else None
