"""Landlock: a process gives up writing, network and signals for good, without privilege.

Sources: landlock(7), linux/landlock.h. What the running kernel does not know (its ABI number says) is left out of the
ruleset, never assumed.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from typing import Final

from loadstone.probe.linux.syscalls import syscall

__all__ = ["READ", "WRITE_FILE", "abi", "restrict"]

READ: Final = 0b1101  # EXECUTE, READ_FILE, READ_DIR
WRITE_FILE: Final = 0b0110 | 1 << 14  # WRITE_FILE, READ_FILE, TRUNCATE

_CREATE_VERSION: Final = 1
_PATH_BENEATH: Final = 1
_FS_BITS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # ABI -> how many file rights it knows
_TCP: Final = 0b11  # BIND_TCP, CONNECT_TCP; ABI 4
_SCOPES: Final = 0b11  # abstract sockets, signals; ABI 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def abi() -> int:
    """The kernel's Landlock ABI, 1 or more. Raises OSError where there is none or it is forbidden."""
    return syscall("landlock_create_ruleset", 0, 0, _CREATE_VERSION)


def restrict(*, writable: Iterable[str], files: Iterable[str] = ("/dev/null",)) -> int:
    """Allow reading everywhere, every right below ``writable``, writing to ``files``; no TCP, no signals outwards.

    Needs no_new_privs. Returns the ABI that was used, from which a caller knows what was fenced: network from 4 on,
    signals and abstract sockets from 6 on. Raises OSError.
    """
    version = abi()
    known = (1 << _FS_BITS[min(version, 5)]) - 1
    rules = _Ruleset(known, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = syscall("landlock_create_ruleset", ctypes.byref(rules), size, 0)
    try:
        _allow(ruleset, "/", READ & known)
        for path in writable:
            _allow(ruleset, path, known)
        for path in files:
            _allow(ruleset, path, WRITE_FILE & known)
        syscall("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)
    return version


def _allow(ruleset: int, path: str, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _Beneath(rights, place)
        syscall("landlock_add_rule", ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(place)
