"""Landlock: a process gives up writing, network and signals for good, without privilege.

Sources: landlock(7), linux/landlock.h. What the running kernel does not know (its ABI number says) is left out of the
ruleset, never assumed.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from loadstone.probe.linux.syscalls import syscall

__all__ = ["READ", "READ_FILE", "WRITE_FILE", "abi", "restrict"]

READ: Final = 0b1101  # EXECUTE, READ_FILE, READ_DIR
READ_FILE: Final = 0b0101  # EXECUTE, READ_FILE
WRITE_FILE: Final = 0b0110 | 1 << 14  # WRITE_FILE, READ_FILE, TRUNCATE

_OF_A_FILE: Final = 0b0111 | 1 << 14 | 1 << 15  # the rights that a file has; others are a folder's
_CREATE_VERSION: Final = 1
_PATH_BENEATH: Final = 1
_FS_BITS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # ABI -> how many file rights it knows
_TCP: Final = 0b11  # BIND_TCP, CONNECT_TCP; ABI 4
_SCOPES: Final = 0b11  # abstract sockets, signals; ABI 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"  # what _pack_ means; Python 3.14 asks for it
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def abi() -> int:
    """The kernel's Landlock ABI, 1 or more. Raises OSError where there is none or it is forbidden."""
    return syscall("landlock_create_ruleset", 0, 0, _CREATE_VERSION)


def restrict(
    *,
    writable: Iterable[str],
    readable: Iterable[str] = ("/",),
    opened: Iterable[int] = (),
    files: Iterable[str] = ("/dev/null",),
) -> int:
    """Allow every right below ``writable``, reading below ``readable``, writing to ``files``; no TCP, no signals out.

    ``opened`` are descriptors of files that may be read wherever they lie; what of ``readable`` is not there is left
    out. Needs no_new_privs. Returns the ABI that was used, from which a caller knows what was confined: network from 4
    on, signals and abstract sockets from 6 on. Raises OSError.
    """
    version = abi()
    known = (1 << _FS_BITS[min(version, 5)]) - 1
    rules = _Ruleset(known, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = syscall("landlock_create_ruleset", ctypes.byref(rules), size, 0)
    try:
        for path in readable:
            with suppress(FileNotFoundError, PermissionError, NotADirectoryError):
                _allow(ruleset, path, READ & known)
        for path in writable:
            _allow(ruleset, path, known)
        for path in files:
            _allow(ruleset, path, WRITE_FILE & known)
        for file in opened:
            _allow_opened(ruleset, file, READ_FILE & known)
        syscall("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)
    return version


def _allow(ruleset: int, path: str, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        is_folder = stat.S_ISDIR(os.fstat(place).st_mode)
        _allow_opened(ruleset, place, rights if is_folder else rights & _OF_A_FILE)
    finally:
        os.close(place)


def _allow_opened(ruleset: int, place: int, rights: int) -> None:
    rule = _Beneath(rights, place)
    syscall("landlock_add_rule", ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
