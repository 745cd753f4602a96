"""Listen to a library's calls of memcmp and kin: what its inputs are compared with, whole. Child process only.

Only the library's own imports are replaced, by functions that answer as the C library does and write down both sides.
What is written crosses to the tracer as lines of hexadecimal, and is a hint there, never believed to be more.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any, Final

from loadstone.fuzz.child.imports import replace_imports

__all__ = ["CompareListener", "heard"]

_MAX_SIDE: Final = 64
_MAX_HEARD: Final = 400

_TEXT, _SIZE, _INT = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int


class CompareListener:
    """Replacements that write both sides of each comparison to the descriptor ``words``, the first few hundred."""

    def __init__(self, words: int) -> None:
        self._words = words
        self._left = _MAX_HEARD
        self._libc = ctypes.CDLL(None)
        self._libc.strnlen.argtypes, self._libc.strnlen.restype = [_TEXT, _SIZE], _SIZE
        self._made: dict[str, Any] = {name: self._comparing(name, bounded=True) for name in ("memcmp", "bcmp")}
        self._made |= {name: self._comparing(name, bounded=False) for name in ("strcmp", "strcasecmp")}
        self._made |= {name: self._comparing(name, bounded=True, text=True) for name in ("strncmp", "strncasecmp")}

    def install(self, slots: tuple[tuple[str, int], ...], base: int) -> None:
        """Take the place of the functions in the import slots (name, virtual address) of the library at ``base``."""
        os.set_blocking(self._words, False)
        replace_imports(slots, base, self._made)

    def _comparing(self, name: str, *, bounded: bool, text: bool = False) -> Any:
        real = getattr(self._libc, name)
        real.argtypes = [_TEXT, _TEXT, _SIZE] if bounded else [_TEXT, _TEXT]

        def compare(left: int, right: int, size: int = _MAX_SIDE) -> int:
            result = int(real(left, right, size) if bounded else real(left, right))  # first: it is what may crash
            if self._left:
                sides = [self._side(at, min(size, _MAX_SIDE), text=text or not bounded) for at in (left, right)]
                self._write(*sides)
            return result

        return ctypes.CFUNCTYPE(_INT, *real.argtypes)(compare)

    def _side(self, address: int, size: int, *, text: bool) -> bytes:
        return ctypes.string_at(address, self._libc.strnlen(address, size) if text else size)

    def _write(self, left: bytes, right: bytes) -> None:
        self._left -= 1
        try:
            os.write(self._words, b"%b %b\n" % (left.hex().encode(), right.hex().encode()))
        except BlockingIOError:
            self._left = 0


def heard(text: str) -> list[tuple[bytes, bytes]]:
    """What a listener wrote; lines that are not its are passed over."""
    found = []
    for line in text.splitlines()[:_MAX_HEARD]:
        sides = line.split(" ")
        try:
            left, right = (bytes.fromhex(side[: 2 * _MAX_SIDE]) for side in sides)
        except ValueError:
            continue
        if left and right:
            found.append((left, right))
    return found
