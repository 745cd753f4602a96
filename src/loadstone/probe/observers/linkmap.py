"""What the loader says it has loaded, read from outside in the child's memory: its list for debuggers, ``r_debug``.

/proc/PID/maps says which files are mapped; this says which of them the loader knows, by which names, in which order
and namespace. Source: link.h (struct r_debug, struct link_map); gABI chapter 5, "DT_DEBUG". Foreign code can write to
that list: what it says is only relied on together with the map.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator, Sequence
from typing import Final

from loadstone.core.observations import MappedObject
from loadstone.probe.linux import proc
from loadstone.probe.linux.proc import Mapping
from loadstone.probe.linux.syscalls import LIBC
from loadstone.probe.observers.frames import Space

__all__ = ["UNLISTED", "listed", "unlisted"]

UNLISTED: Final = "this C library does not show its list of what is loaded (_r_debug)"

_MAX_NAMESPACES: Final = 16  # glibc: DL_NNS
_MAX_OBJECTS: Final = 4096
_MAX_NAME: Final = 4096
_WITH_NEXT: Final = 2
"""r_version from which on r_next follows, which leads to the other namespaces (glibc 2.35)."""


def _list_at() -> int | None:
    """Where the list begins: the same address in every child forked from this process."""
    try:
        return ctypes.addressof(ctypes.c_void_p.in_dll(LIBC, "_r_debug"))
    except ValueError:
        return None


_LIST_AT: Final = _list_at()


def listed(process: int, mappings: Sequence[Mapping]) -> list[MappedObject] | None:
    """Every object on the list, in its order, main program first; None where there is no list to be seen."""
    if _LIST_AT is None:
        return None
    memory = proc.open_memory(process)
    try:
        return list(_objects(memory, _LIST_AT, Space(mappings)))
    finally:
        os.close(memory)


def _objects(memory: int, at: int, space: Space) -> Iterator[MappedObject]:
    seen: set[int] = set()
    for namespace in range(_MAX_NAMESPACES):
        version, entry, _brk, _state, _base, following = _words(memory, at, 6)
        while entry and entry not in seen and len(seen) < _MAX_OBJECTS:
            seen.add(entry)
            base, name_at, dynamic, entry = _words(memory, entry, 4)
            here = space.find(dynamic)
            name = proc.read_at(memory, name_at, _MAX_NAME).partition(b"\0")[0]
            yield MappedObject(here.path if here is not None else "", os.fsdecode(name), base, namespace)
        if version & 0xFFFFFFFF < _WITH_NEXT or not following:
            return
        at = following


def _words(memory: int, address: int, count: int) -> tuple[int, ...]:
    return struct.unpack(f"={count}Q", proc.read_at(memory, address, 8 * count).ljust(8 * count, b"\0"))


def unlisted(objects: Sequence[MappedObject], mappings: Sequence[Mapping]) -> set[str]:
    """Files whose code is mapped, and which the loader does not know of."""
    known = {entry.path for entry in objects}
    return {m.path for m in mappings if m.inode and "x" in m.rights} - known
