"""What is looked at before the system's loader is given a file: that it is one, and that it is whole.

A loader maps what the program headers say; where the file ends earlier, the process dies of SIGBUS instead of getting
an error (mmap(2)). A FIFO blocks it for ever. So both are checked first, from one descriptor, and the result is kept
for as long as the file does not change. Between this check and the load a file can still be replaced: only a pinned
load closes that gap (CWE-367).
"""

from __future__ import annotations

import os
import stat
from functools import lru_cache
from typing import Final

from loadstone.binary.cursor import Cursor
from loadstone.binary.damage import DamageLog
from loadstone.binary.elf.header import read_header, read_segments
from loadstone.binary.elf.view import ElfView
from loadstone.core.image import Segment
from loadstone.errors import MalformedImage
from loadstone.files import FileStamp, file_stamp
from loadstone.quick_dataclass import dataclass

__all__ = ["Footprint", "footprint", "footprint_of"]

_ELF_MAGIC: Final = b"\x7fELF"


@dataclass(frozen=True, slots=True)
class Footprint:
    """The addresses a library takes up, counted from its base: ``low`` included, ``high`` not.

    A file that is no ELF has none (0, 0); the system's loader will say what is wrong with it.
    """

    low: int = 0
    high: int = 0


def footprint(path: str, status: os.stat_result) -> Footprint:
    """Check that a file can be given to the loader, and say how much room it takes there.

    Args:
        path: the file, as it will be given to the loader.
        status: what stat(2) says of it.

    Raises:
        Unreadable: a directory, FIFO, socket or device, or a file this user may not read.
        MalformedImage: a segment ends beyond the end of the file, or the headers are cut off.
    """
    if stat.S_ISREG(status.st_mode):
        return _footprint(path, file_stamp(status))
    return _examined(path)


@lru_cache(maxsize=512)
def _footprint(path: str, _stamp: FileStamp) -> Footprint:
    return _examined(path)


def _examined(path: str) -> Footprint:
    with Cursor.open(path) as cursor:
        return footprint_of(cursor)


def footprint_of(cursor: Cursor) -> Footprint:
    """The same for an open file; raises :class:`MalformedImage` when a loaded segment is cut off."""
    if cursor.upto(0, 4) != _ELF_MAGIC or cursor.size < 16:
        return Footprint()
    header = read_header(cursor)
    damage = DamageLog(cursor.path)
    segments = read_segments(ElfView(cursor, damage, header.layout, header.machine), header)
    fatal = next((entry for entry in damage.entries() if entry.fatal), None)
    if fatal is not None:
        raise MalformedImage(
            what=f"{fatal.field} {fatal.what}",
            offset=fatal.offset,
            path=cursor.path,
            advice="the file is cut off or damaged: copy or build it again; `loadstone inspect` shows what is left",
        )
    return _span(segments)


def _span(segments: tuple[Segment, ...]) -> Footprint:
    loads = [s for s in segments if s.kind == "LOAD"]
    if not loads:
        return Footprint()
    return Footprint(min(s.address for s in loads), max(s.address + s.memory_size for s in loads))
