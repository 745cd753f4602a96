"""Functions that make blocks, fill them, copy texts and give lengths. Sources: their manual pages and documentation."""

from __future__ import annotations

from typing import Final

from loadstone.quick_dataclass import dataclass

__all__ = ["BLOCKS", "FILLS", "GIVES_LENGTH", "TEXT_COPIES", "TOLD", "FillCall"]

BLOCKS: Final = {
    **dict.fromkeys(("malloc", "alloca", "_alloca", "xmalloc", "g_malloc", "g_malloc0", "g_try_malloc"), (0,)),
    **dict.fromkeys(("g_try_malloc0", "CoTaskMemAlloc", "OPENSSL_malloc", "av_malloc", "valloc", "kmalloc"), (0,)),
    **dict.fromkeys(("realloc", "xrealloc", "g_realloc", "LocalAlloc", "GlobalAlloc", "VirtualAlloc"), (1,)),
    **dict.fromkeys(("calloc", "xcalloc", "g_malloc_n", "g_malloc0_n"), (0, 1)),
    "HeapAlloc": (2,),
    "reallocarray": (1, 2),
}
"""Functions that give a block, and the arguments whose product is its bytes."""

TEXT_COPIES: Final = {
    **dict.fromkeys(("strcpy", "stpcpy", "sprintf", "lstrcpyA"), (False, False)),
    **dict.fromkeys(("strcat", "lstrcatA"), (False, True)),
    **dict.fromkeys(("wcscpy", "lstrcpyW", "_tcscpy", "lstrcpy"), (True, False)),
    **dict.fromkeys(("wcscat", "lstrcatW", "_tcscat", "lstrcat"), (True, True)),
}
"""Functions that write a text with its end: whether it is wide, whether it goes behind what is there."""

TOLD: Final = {
    **dict.fromkeys(("memcpy", "memmove", "memset", "CopyMemory", "RtlCopyMemory", "strncpy"), (0, 2, False, False)),
    **dict.fromkeys(("wmemcpy", "wmemset", "wcsncpy", "_tcsncpy"), (0, 2, True, False)),
    **dict.fromkeys(("snprintf", "vsnprintf", "fgets", "strlcpy", "strlcat", "_snprintf"), (0, 1, False, False)),
    **dict.fromkeys(
        ("swprintf", "_snwprintf", "_sntprintf", "swprintf_s", "wcscpy_s", "wcscat_s"), (0, 1, True, False)
    ),
    **dict.fromkeys(("StringCchCopyW", "StringCchCatW", "StringCchPrintfW"), (0, 1, True, False)),
    **dict.fromkeys(("StringCbCopyW", "StringCbCatW", "StringCbPrintfW"), (0, 1, False, False)),
    **dict.fromkeys(
        ("GetModuleFileNameW", "GetEnvironmentVariableW", "ExpandEnvironmentStringsW"), (1, 2, True, False)
    ),
    "MultiByteToWideChar": (4, 5, True, False),
    "WideCharToMultiByte": (4, 5, False, False),
}
"""Functions that are told the room: the target, the size, whether it counts wide characters."""

GIVES_LENGTH: Final = {
    "MultiByteToWideChar": 5,
    "WideCharToMultiByte": 5,
    "GetModuleFileNameW": 2,
    "GetModuleFileNameA": 2,
    "GetModuleFileName": 2,
}
"""Functions that give how many characters they wrote, which may be as many as they were told."""


@dataclass(frozen=True, slots=True)
class FillCall:
    """A function that reads: its target, what says how much, where the number of what came is.

    ``fails``: it gives -1 then. ``through``: the size is told through a pointer, which says afterwards how much came.
    """

    target: int
    sizes: tuple[int, ...]
    fails: bool = True
    got: int | None = None
    through: bool = False


FILLS: Final = {
    **dict.fromkeys(
        ("read", "pread", "recv", "recvfrom", "SSL_read", "BIO_read", "readlink", "gzread", "_read"), FillCall(1, (2,))
    ),
    "readlinkat": FillCall(2, (3,)),
    "fread": FillCall(0, (1, 2), fails=False),
    "g_input_stream_read": FillCall(1, (2,)),
    "ReadFile": FillCall(1, (2,), fails=False, got=3),
    "InternetReadFile": FillCall(1, (2,), fails=False, got=3),
    "WinHttpReadData": FillCall(1, (2,), fails=False, got=3),
    **dict.fromkeys(
        ("RegQueryValueExW", "RegQueryValueExA", "RegQueryValueEx"), FillCall(4, (5,), fails=False, got=5, through=True)
    ),
}
"""Functions that fill a block with what comes from outside."""
