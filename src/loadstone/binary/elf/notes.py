"""Notes: the build-id, the GNU properties, declared dlopen names; whatever else is listed by owner and number.

Sources: gABI chapter 5 "Note Section"; Linux extensions to gABI (GNU properties); UAPI group specification "ELF dlopen
metadata" (owner FDO, 0x407c0c0a).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.binary.elf.sections import SectionTable
from loadstone.binary.elf.view import ElfView
from loadstone.core.image import Dependency, DependencyKind, Note, Segment
from loadstone.core.limits import MAX_DEPENDENCIES, MAX_STRING_LENGTH
from loadstone.quick_dataclass import dataclass

__all__ = ["Notes", "read_notes"]

_ABI_TAG: Final = ("GNU", 1)
_BUILD_ID: Final = ("GNU", 3)
_PROPERTIES: Final = ("GNU", 5)
_DLOPEN: Final = ("FDO", 0x407C0C0A)

_SHT_NOTE: Final = 7
_MAX_NOTES: Final = 4096
_MAX_NOTE_SEGMENT: Final = 1 << 20
"""Bytes of one note segment looked at; core files aside, real ones have some hundred."""

_AARCH64: Final = 183
_X86_FEATURES, _X86_ISA_NEEDED, _AARCH64_FEATURES = 0xC000_0002, 0xC000_8002, 0xC000_0000


@dataclass(frozen=True, slots=True)
class Notes:
    """What the notes of one image say; ``features_offset`` is where the feature property stands.

    ``abi_tag`` is the system the first tag asks for (0: Linux) and the oldest release of its kernel, () without one.
    """

    notes: tuple[Note, ...] = ()
    build_id: str | None = None
    features: int | None = None
    features_offset: int = 0
    isa_needed: int = 0
    dlopen: tuple[Dependency, ...] = ()
    abi_tag: tuple[int, ...] = ()


def read_notes(view: ElfView, segments: tuple[Segment, ...], sections: SectionTable) -> Notes:
    """Every note of every PT_NOTE segment, once, and the meaning of those that matter here.

    What is not linked yet has no segments; its notes are in sections.
    """
    notes: list[Note] = []
    build_id: str | None = None
    features: int | None = None
    features_offset = isa_needed = 0
    dlopen: list[Dependency] = []
    abi_tag: tuple[int, ...] = ()
    seen: set[int] = set()
    places = [(s.offset, s.file_size, s.alignment) for s in segments if s.kind == "NOTE"]
    for place in places if segments else sections.spans_of_kind(_SHT_NOTE):
        for note, content in _walk(view, *place):
            if note.offset in seen:
                continue
            if len(notes) >= _MAX_NOTES:
                view.damage.add("notes", f"there are more than {_MAX_NOTES}", note.offset)
                break
            seen.add(note.offset)
            notes.append(note)
            key = (note.owner, note.kind)
            if key == _ABI_TAG and not abi_tag and len(content) == 16:
                abi_tag = tuple(view.layout.integers("I", content))
            elif key == _BUILD_ID and build_id is None:
                build_id = content.hex()
            elif key == _PROPERTIES:
                for kind, offset, value in _properties(view, note, content):
                    if kind == (_AARCH64_FEATURES if view.machine == _AARCH64 else _X86_FEATURES):
                        features, features_offset = value, offset
                    elif kind == _X86_ISA_NEEDED and view.machine != _AARCH64:
                        isa_needed = value
            elif key == _DLOPEN:
                dlopen.extend(_declared(view, note, content))
    declared = tuple(dlopen[:MAX_DEPENDENCIES])
    return Notes(tuple(notes), build_id, features, features_offset, isa_needed, declared, abi_tag)


def _walk(view: ElfView, offset: int, room: int, alignment: int) -> Iterator[tuple[Note, bytes]]:
    data = view.cursor.upto(offset, min(room, _MAX_NOTE_SEGMENT))
    header = view.layout.note
    step = 8 if alignment == 8 else 4
    position = 0
    while position + header.size <= len(data):
        name_size, size, kind = header.unpack_from(data, position)
        name = position + header.size
        content = name + -(-name_size // step) * step if step == 4 else -(-(name + name_size) // 8) * 8
        if content + size > len(data):
            view.damage.add("notes", f"a note of {size} bytes does not fit its segment", offset + position)
            return
        owner = data[name : name + min(name_size, 256)].partition(b"\0")[0].decode("utf-8", "surrogateescape")
        yield Note(owner, kind, offset + content, size), data[content : content + size]
        position = -(-(content + size) // step) * step


def _properties(view: ElfView, note: Note, content: bytes) -> Iterator[tuple[int, int, int]]:
    """``(kind, offset, value)`` of each property with a 4-byte value."""
    word = view.layout.word_size
    position = 0
    while position + 8 <= len(content):
        kind, size = view.layout.integers("I", content[position : position + 8])
        if position + 8 + size > len(content):
            view.damage.add("GNU properties", f"a property of {size} bytes does not fit", note.offset + position)
            return
        if size == 4:
            value = view.layout.integers("I", content[position + 8 : position + 12])[0]
            yield kind, note.offset + position, value
        position += 8 + -(-size // word) * word


def _declared(view: ElfView, note: Note, content: bytes) -> Iterator[Dependency]:
    """The names a dlopen note declares: a JSON array of objects with ``soname``, ``feature``, ``priority``."""
    import json  # noqa: PLC0415  few libraries have such a note

    try:
        entries = json.loads(content[:MAX_STRING_LENGTH].partition(b"\0")[0])
        for entry in entries:
            for name in entry["soname"]:
                yield Dependency(
                    name=str(name),
                    kind=DependencyKind.DLOPEN,
                    offset=note.offset,
                    priority=str(entry.get("priority", "recommended")),
                    feature=str(entry.get("feature", "")),
                )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        view.damage.add("dlopen note", "is not the JSON array of objects it should be", note.offset)
