"""Put functions of ours where a loaded library keeps the addresses of functions it imports. Child process only."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterable, Mapping
from typing import Any, Final

__all__ = ["replace_imports"]

_PAGE: Final = mmap.PAGESIZE
_PROT_RW: Final = mmap.PROT_READ | mmap.PROT_WRITE

_libc = ctypes.CDLL(None)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def replace_imports(slots: Iterable[tuple[str, int]], base: int, made: Mapping[str, Any]) -> None:
    """Point the slots (name, virtual address) of the library loaded at ``base`` to the ctypes callbacks of those names.

    The caller keeps ``made`` alive. Names without a replacement are left alone.
    """
    for name, address in slots:
        function = made.get(name)
        if function is None:
            continue
        page = (base + address) & -_PAGE
        if _libc.mprotect(page, 2 * _PAGE, _PROT_RW) != 0:  # the slot may be read-only after relocation
            _libc.mprotect(page, _PAGE, _PROT_RW)
        slot = ctypes.c_void_p.from_address(base + address)
        slot.value = ctypes.cast(function, ctypes.c_void_p).value
