"""Whether a plugin file is one that this machine's loader takes whole: what Qt asks of an ELF file, and no less.

Qt refuses before loading: another class, byte order, version or processor, what is no shared object, headers or
segments that do not lie in the file, a metadata note that is not whole in an aligned PT_NOTE, a file without code.
Sources: System V gABI chapters 4 and 5; the refusals of QPluginLoader, observed. Pure: the bytes that were read decide.
"""

from __future__ import annotations

import platform
import struct
import sys
from collections.abc import Iterator
from typing import Final

from loadstone.core.image import Format, Image
from loadstone.plugin.cbor import Problem
from loadstone.plugin.metadata import Carrier, Framework, PluginMetadata
from loadstone.quick_dataclass import dataclass

__all__ = ["unsoundness"]

_MACHINES: Final = {
    "x86_64": 62, "amd64": 62, "i386": 3, "i686": 3, "aarch64": 183, "arm64": 183, "armv7l": 40, "riscv64": 243,
    "ppc64le": 21, "s390x": 22,
}  # fmt: skip
"""``e_machine`` of a machine by its name in uname(2)."""

_PT_LOAD, _PT_NOTE, _EXECUTABLE = 1, 4, 1
_PN_XNUM: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class _Segment:
    """One program header; ``at`` is its own offset."""

    at: int
    kind: int
    flags: int
    offset: int
    file_size: int
    align: int


def unsoundness(image: Image, content: bytes, metadata: PluginMetadata | None) -> Iterator[Problem]:
    """What is wrong with the file itself, worst first; nothing for the formats of other systems' loaders."""
    if image.format is not Format.ELF:
        if sys.platform == "linux":
            yield Problem(f"the file is {image.format.value}, which no loader of this system takes", 0)
        return
    header = _header(content)
    yield from header
    if header:
        return
    segments, damage = _segments(content)
    yield from damage
    if damage:
        return
    if not any(s.kind == _PT_LOAD and s.flags & _EXECUTABLE and s.file_size for s in segments):
        yield Problem("no segment is both loaded and executable: the file has no code", 0)
    if metadata is not None and metadata.carrier is Carrier.NOTE and metadata.framework is Framework.QT:
        yield from _note(metadata, segments, wide=content[4] == 2)
    elif metadata is None or metadata.carrier is not Carrier.NOTE:
        yield from _sections(content)


def _wide(content: bytes) -> bool:
    return content[4] == 2


def _header(content: bytes) -> list[Problem]:
    """The file header against this machine."""
    wide = sys.maxsize > 1 << 32
    if len(content) < (64 if wide else 52):
        return [Problem("the file is too small for an ELF header", 0)]
    kind, machine, version = struct.unpack_from("<HHI" if sys.byteorder == "little" else ">HHI", content, 16)
    expected = _MACHINES.get(platform.machine().lower())
    shared_object, found = 3, []
    if content[4] != (2 if wide else 1):
        found.append(Problem("it is for a different word size", 4))
    if content[5] != (1 if sys.byteorder == "little" else 2):
        found.append(Problem("it is for the other byte order", 5))
    if content[6] != 1:
        found.append(Problem(f"the identification has version {content[6]}; 1 is known", 6))
    if kind != shared_object:
        found.append(Problem(f"e_type {kind} is not a shared object (3)", 16))
    if expected is not None and machine != expected:
        found.append(Problem(f"e_machine {machine} is not this machine's ({expected})", 18))
    if version != 1:
        found.append(Problem(f"e_version {version}; 1 is known", 20))
    return found


def _segments(content: bytes) -> tuple[list[_Segment], list[Problem]]:
    """The program headers, and what is wrong with them."""
    wide = _wide(content)
    order = "<" if sys.byteorder == "little" else ">"
    table = struct.unpack_from(f"{order}Q" if wide else f"{order}I", content, 32 if wide else 28)[0]
    entry, count = struct.unpack_from(f"{order}HH", content, 54 if wide else 42)
    size = 56 if wide else 32
    if entry != size:
        return [], [Problem(f"program headers of {entry} bytes; they have {size}", 54 if wide else 42)]
    if count == _PN_XNUM:
        return [], [Problem("more program headers than the file header can count", 56 if wide else 44)]
    if table + count * size > len(content):
        return [], [Problem("the program headers end behind the file", 32 if wide else 28)]
    segments, damage = [], []
    for at in range(table, table + count * size, size):
        if wide:
            kind, flags, offset, _, _, file_size, _, align = struct.unpack_from(f"{order}IIQQQQQQ", content, at)
        else:
            kind, offset, _, _, file_size, _, flags, align = struct.unpack_from(f"{order}8I", content, at)
        if offset + file_size > len(content):
            damage.append(Problem(f"a segment of {file_size} bytes at {offset:#x} ends behind the file", at))
        segments.append(_Segment(at, kind, flags, offset, file_size, align))
    return segments, damage


def _note(metadata: PluginMetadata, segments: list[_Segment], *, wide: bool) -> Iterator[Problem]:
    """Whether the note lies whole in a PT_NOTE aligned to a word: nothing else finds it at run time."""
    word = 8 if wide else 4
    offset, size = metadata.body
    holding = [
        s for s in segments if s.kind == _PT_NOTE and s.offset <= offset and offset + size <= s.offset + s.file_size
    ]
    if not any(s.align == word and s.offset % word == 0 for s in holding):
        reason = f"is not aligned to {word} bytes" if holding else "does not hold it whole"
        yield Problem(f"the PT_NOTE of the metadata {reason}", offset)


def _sections(content: bytes) -> Iterator[Problem]:
    """The section table, which is asked only where no note was found."""
    wide = _wide(content)
    order = "<" if sys.byteorder == "little" else ">"
    table = struct.unpack_from(f"{order}Q" if wide else f"{order}I", content, 40 if wide else 32)[0]
    entry, count, names = struct.unpack_from(f"{order}HHH", content, 58 if wide else 46)
    size = 64 if wide else 40
    if not count:
        return
    if entry != size:
        yield Problem(f"section headers of {entry} bytes; they have {size}", 58 if wide else 46)
    elif table + count * size > len(content):
        yield Problem("the section headers end behind the file", 40 if wide else 32)
    elif names >= count:
        yield Problem(f"the section of names is number {names} of {count}", 62 if wide else 50)
