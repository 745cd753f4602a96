"""Functions of the system that give null for what is not there, or for want of memory."""

from __future__ import annotations

from typing import Final

__all__ = ["BLOCKS", "GIVES", "SEARCHES"]

_ENTRIES: Final = frozenset(
    {"getpwuid", "getpwnam", "getgrgid", "getgrnam", "getspnam", "gethostbyname", "getservbyname", "getprotobyname"}
)
_STREAMS: Final = frozenset({"fopen", "fopen64", "fdopen", "popen", "tmpfile", "opendir", "fdopendir", "setmntent"})
_TEXTS: Final = frozenset({"getenv", "secure_getenv", "getlogin", "ttyname"})
BLOCKS: Final = frozenset({"malloc", "calloc", "realloc", "reallocarray", "strdup", "strndup", "aligned_alloc"})
SEARCHES: Final = frozenset({"strchr", "strrchr", "strstr", "strpbrk", "memchr"})
GIVES: Final = _ENTRIES | _STREAMS | _TEXTS | BLOCKS | SEARCHES
"""Functions that give null for what is not there, or for want of memory. Source: the manual pages, RETURN VALUE."""
