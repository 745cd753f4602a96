"""The names and numbers that a walk over lifetimes knows, and what it tells of a path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from loadstone.review import ir
from loadstone.review.analyses.lifetimes.objects import LifetimeState, Made, Value
from loadstone.review.apis import Api, ApiRole

__all__ = [
    "COMPARES",
    "ENDS",
    "FAILURES",
    "INTO",
    "KEEPS",
    "LENT",
    "MADE",
    "MAX_DEPTH",
    "ONE_KIND",
    "PLAIN",
    "STACK",
    "THREADS",
    "TOLD_APART",
    "TURNED",
    "ZERO",
    "CallOutcome",
    "Event",
    "Summary",
]  # fmt: skip

MAX_DEPTH: Final = 5
"""Links of an access path that are told apart."""

TOLD_APART: Final = 3
"""Rounds of a loop whose results are told apart."""

COMPARES: Final = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
TURNED: Final = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
FAILURES: Final = {"MAP_FAILED": -1, "INVALID_HANDLE_VALUE": -1, "INVALID_SOCKET": -1, "NULL": 0, "nullptr": 0}
ZERO: Final = {"ERROR_SUCCESS": 0, "S_OK": 0, "FALSE": 0, "false": 0, "TRUE": 1, "true": 1}
MADE: Final = frozenset({ApiRole.ALLOCATE, ApiRole.OPEN})
ENDS: Final = frozenset({ApiRole.FREE, ApiRole.CLOSE})
KEEPS: Final = frozenset(
    {ApiRole.THREAD, ApiRole.REGISTER, ApiRole.CALLBACK, ApiRole.HOLDER, ApiRole.PIN, ApiRole.SET_ENVIRONMENT}
)
PLAIN: Final = frozenset(
    {
        "memset", "memcmp", "memchr", "strlen", "strnlen", "strcmp", "strncmp", "strcasecmp", "strncasecmp", "strspn",
        "strcspn", "atoi", "atol", "strtol", "strtoul", "strtoll", "strtoull", "fread", "fwrite", "fgets", "fgetc",
        "getc", "fputs", "fputc", "putc", "fprintf", "fscanf", "sscanf", "fseek", "fseeko", "ftell", "ftello", "rewind",
        "feof", "ferror", "fflush", "fileno", "setvbuf", "getline", "getdelim", "readdir", "rewinddir", "dirfd", "read",
        "write", "pread", "pwrite", "lseek", "fstat", "stat", "lstat", "access", "ioctl", "fcntl", "flock", "fsync",
        "ftruncate", "fchmod", "fchown", "isatty", "poll", "send", "recv", "sendto", "recvfrom", "sendmsg", "recvmsg",
        "bind", "listen", "connect", "shutdown", "setsockopt", "getsockopt", "printf", "vprintf", "vfprintf", "puts",
        "perror", "dprintf", "pthread_mutex_lock", "pthread_mutex_unlock", "pthread_mutex_destroy",
        "pthread_mutex_init", "qsort", "mprotect", "msync", "ReadFile", "WriteFile", "GetFileSize", "GetFileSizeEx",
        "SetFilePointer", "SetFilePointerEx", "FindNextFileW", "FindNextFileA", "FindNextFile", "RegQueryValueExW",
        "RegQueryValueExA", "RegQueryValueEx", "RegEnumKeyExW", "RegEnumValueW", "WaitForSingleObject", "SetEvent",
        "ResetEvent", "FlushFileBuffers", "DeviceIoControl", "GetFileInformationByHandle", "DuplicateHandle",
        "lstrlenW", "wcslen", "wcscmp", "wcsicmp", "_wcsicmp", "wprintf", "fwprintf", "swprintf", "OutputDebugStringW",
        "g_strcmp0", "g_str_equal", "g_print", "g_warning", "madvise", "memmem", "strdup", "strndup", "dup", "wcsdup"
    }
)  # fmt: skip
"""Functions of the system that keep nothing of what they are given and leave the program's variables alone."""

INTO: Final = frozenset(
    {
        "strchr", "strrchr", "strstr", "strcasestr", "strpbrk", "memchr", "index", "rindex", "strcpy", "strcat",
        "strncpy", "strncat", "memcpy", "memmove", "stpcpy", "wcschr", "wcsrchr", "wcsstr", "wcscpy", "wcscat", "fgets",
        "strsep", "basename", "PathFindFileNameA", "PathFindFileNameW"
    }
)  # fmt: skip
"""Functions that give an address within the text they are given first, or null."""

THREADS: Final = frozenset({"pthread_create", "CreateThread", "_beginthreadex", "thrd_create"})
ONE_KIND: Final = frozenset(
    {
        "free", "close", "fclose", "closedir", "munmap", "CloseHandle", "FindClose", "RegCloseKey", "UnmapViewOfFile",
        "LocalFree", "HeapFree", "g_free", "CloseServiceHandle", "GlobalFree", "SysFreeString", "CoTaskMemFree",
        "VirtualFree"
    }
)  # fmt: skip
"""What gives back one kind of thing and nothing else."""

STACK: Final = frozenset({"alloca", "_alloca", "__builtin_alloca", "strdupa"})
LENT: Final = frozenset(
    {"getenv", "secure_getenv", "strtok", "strtok_r", "basename", "strerror", "dlerror", "setlocale"}
)
"""Functions whose result belongs to somebody else: giving it back is wrong."""


class Event(NamedTuple):
    """Something that happened on a path: what kind, to what, and the lines where it was made, ended and met."""

    what: str
    name: str
    line: int
    since: int
    api: Api | None = None
    by: str = ""


class CallOutcome(NamedTuple):
    """One way a function ends, as far as its callers care."""

    state: LifetimeState
    result: Value | None
    made: dict[Made, tuple[Api, str]]


Summary = Callable[[ir.Call], "tuple[ir.Function, tuple[CallOutcome, ...]] | None"]
