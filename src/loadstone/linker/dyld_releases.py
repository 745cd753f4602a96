"""Symbols of macOS by the release they came with: what a file built for a newer system misses on an older one.

Compilers and configure scripts take these up by themselves. Source: the availability marks of the SDK's headers
(Availability.h, objc-abi.h, libc++'s __availability).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.image import Image, ImageSymbol, SymbolBinding

__all__ = ["newer_symbols", "taken_out"]

_SYSTEM, _OBJECTIVE_C, _CPP = "/usr/lib/libSystem.B.dylib", "/usr/lib/libobjc.A.dylib", "/usr/lib/libc++.1.dylib"
_FIRST_IN: Final = {
    "_clock_gettime": ((10, 12), _SYSTEM),
    "_getentropy": ((10, 12), _SYSTEM),
    "_os_unfair_lock_lock": ((10, 12), _SYSTEM),
    "_utimensat": ((10, 13), _SYSTEM),
    "_futimens": ((10, 13), _SYSTEM),
    "____chkstk_darwin": ((10, 15), _SYSTEM),
    "_aligned_alloc": ((10, 15), _SYSTEM),
    "_objc_alloc_init": ((10, 14, 4), _OBJECTIVE_C),
    "_objc_opt_new": ((10, 15), _OBJECTIVE_C),
    "_objc_opt_self": ((10, 15), _OBJECTIVE_C),
    "_objc_opt_class": ((10, 15), _OBJECTIVE_C),
    "_objc_opt_isKindOfClass": ((10, 15), _OBJECTIVE_C),
    "_objc_opt_respondsToSelector": ((10, 15), _OBJECTIVE_C),
    "___darwin_check_fd_set_overflow": ((11, 0), _SYSTEM),
    "_preadv": ((11, 0), _SYSTEM),
    "_pwritev": ((11, 0), _SYSTEM),
    "_pthread_jit_write_protect_np": ((11, 0), _SYSTEM),
    "__ZNSt3__120__libcpp_atomic_waitEPVKvx": ((11, 0), _CPP),
    "__ZNSt3__17codecvtIDiDu11__mbstate_tE2idE": ((11, 0), _CPP),
    "__ZNSt3__18to_charsEPcS0_d": ((13, 3), _CPP),
    "__ZNSt3__122__libcpp_verbose_abortEPKcz": ((13, 3), _CPP),
    "_mkfifoat": ((13, 0), _SYSTEM),
    "_mknodat": ((13, 0), _SYSTEM),
    "_strchrnul": ((15, 4), _SYSTEM),
}
"""The first macOS with a symbol, and the library it is in."""


_TAKEN_OUT: Final = (
    ("/System/Library/Frameworks/QTKit.framework/", (10, 15)),
    ("/System/Library/Frameworks/QuickTime.framework/", (10, 15)),
    ("/System/Library/Frameworks/Python.framework/Versions/2.", (12, 3)),
    ("/usr/lib/libpython2.", (12, 3)),
)
"""Libraries that Apple took out of the system, and the first macOS without them (its release notes)."""


def taken_out(path: str, release: tuple[int, ...]) -> tuple[int, ...]:
    """The first macOS without a library of the system; empty where the one of the model still has it.

    >>> taken_out("/System/Library/Frameworks/QTKit.framework/Versions/A/QTKit", (11, 0))
    (10, 15)
    """
    since = next((since for start, since in _TAKEN_OUT if path.startswith(start)), ())
    return since if since and release >= since else ()


def newer_symbols(image: Image, release: tuple[int, ...]) -> Iterator[tuple[ImageSymbol, str, tuple[int, ...]]]:
    """The symbols an image must have that its macOS has not yet: each with its library and the first release."""
    for symbol in image.imports:
        since, library = _FIRST_IN.get(symbol.name, ((), ""))
        if since > release and symbol.binding is not SymbolBinding.WEAK:
            yield symbol, library, since
