"""The dynamic section: what the image is called, what it needs, where it looks. Source: gABI chapter 5."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from loadstone.binary.elf.facts import DynamicTable
from loadstone.binary.elf.view import ElfView
from loadstone.binary.strings import StringTable
from loadstone.core.image import Dependency, DependencyKind, SearchDir, SearchKind, Segment
from loadstone.core.limits import MAX_DEPENDENCIES, MAX_HEADER_TABLE

__all__ = ["DynamicTag", "dependencies", "identity", "read_dynamic", "read_strings", "search_dirs"]


class DynamicTag(IntEnum):
    """DT_* numbers: gABI; Solaris Linker and Libraries Guide (0x6ffffe.., 0x7ffffff.); glibc elf.h."""

    NULL = 0
    NEEDED = 1
    PLTRELSZ = 2
    HASH = 4
    STRTAB = 5
    SYMTAB = 6
    RELA = 7
    RELASZ = 8
    RELAENT = 9
    STRSZ = 10
    SYMENT = 11
    INIT = 12
    FINI = 13
    SONAME = 14
    RPATH = 15
    SYMBOLIC = 16
    REL = 17
    RELSZ = 18
    RELENT = 19
    PLTREL = 20
    TEXTREL = 22
    JMPREL = 23
    BIND_NOW = 24
    INIT_ARRAY = 25
    FINI_ARRAY = 26
    INIT_ARRAYSZ = 27
    FINI_ARRAYSZ = 28
    RUNPATH = 29
    FLAGS = 30
    PREINIT_ARRAY = 32
    PREINIT_ARRAYSZ = 33
    RELRSZ = 35
    RELR = 36
    GNU_HASH = 0x6FFFFEF5
    DEPAUDIT = 0x6FFFFEFB
    AUDIT = 0x6FFFFEFC
    VERSYM = 0x6FFFFFF0
    RELACOUNT = 0x6FFFFFF9
    RELCOUNT = 0x6FFFFFFA
    FLAGS_1 = 0x6FFFFFFB
    VERDEF = 0x6FFFFFFC
    VERDEFNUM = 0x6FFFFFFD
    VERNEED = 0x6FFFFFFE
    VERNEEDNUM = 0x6FFFFFFF
    AUXILIARY = 0x7FFFFFFD
    FILTER = 0x7FFFFFFF


_DEPENDENCY_KINDS: Final = {
    int(DynamicTag.NEEDED): DependencyKind.NEEDED,
    int(DynamicTag.AUXILIARY): DependencyKind.AUXILIARY,
    int(DynamicTag.FILTER): DependencyKind.FILTER,
    int(DynamicTag.AUDIT): DependencyKind.AUDIT,
    int(DynamicTag.DEPAUDIT): DependencyKind.AUDIT,
}

_COLON_SEPARATED: Final = frozenset({int(DynamicTag.AUDIT), int(DynamicTag.DEPAUDIT)})


def read_dynamic(view: ElfView, segments: tuple[Segment, ...]) -> DynamicTable:
    """The entries of PT_DYNAMIC up to their DT_NULL; empty without that segment (a static program).

    Loaders take the last such segment, go to its address, and read on to DT_NULL whatever its size. One without bytes
    is passed over by glibc, as debug files have it, and used by musl.
    """
    found = [s for s in segments if s.kind == "DYNAMIC"]
    segment = max(reversed(found), key=lambda s: s.file_size > 0, default=None)
    if segment is None:
        return DynamicTable()
    entry_size = 2 * view.layout.word_size
    offset, room = view.place(segment.address) or (segment.offset, segment.file_size)
    if not segment.file_size and room:
        said = "PT_DYNAMIC has no bytes: glibc finds no dynamic section, musl reads the one at its address"
        view.damage.add("dynamic section", said, segment.header_offset, fatal=True)
    if offset != segment.offset:
        view.damage.add("dynamic section", "its offset and its address name different bytes", segment.header_offset)
    tags, values, ended = _entries(view, offset, min(segment.file_size, room), entry_size)
    if not ended and room > segment.file_size:
        tags, values, ended = _entries(view, offset, room, entry_size)
        if segment.file_size:
            said = f"goes on behind the {segment.file_size} bytes PT_DYNAMIC gives it, as far as DT_NULL"
            view.damage.add("dynamic section", said, segment.header_offset)
    if not ended and (room or segment.file_size):
        view.damage.add("dynamic section", "has no DT_NULL at its end", offset, fatal=not values)
    if ended and not tags:
        view.damage.add(
            "dynamic section",
            "is empty: its first entry is DT_NULL, and loaders use what it must have",
            offset,
            fatal=True,
        )
    return DynamicTable(tuple(tags), tuple(values), offset, entry_size)


def _entries(view: ElfView, offset: int, size: int, entry_size: int) -> tuple[list[int], list[int], bool]:
    """Tags and values up to DT_NULL in ``size`` bytes, and whether there is one."""
    words = view.layout.words(view.cursor.upto(offset, min(size, MAX_HEADER_TABLE * entry_size)))
    tags, values = words[0::2].tolist(), words[1::2].tolist()
    ended = DynamicTag.NULL in tags
    count = tags.index(DynamicTag.NULL) if ended else len(values)
    return tags[:count], values[:count], ended


def read_strings(view: ElfView, dynamic: DynamicTable, by_tag: dict[int, int]) -> StringTable:
    """The table of names that DT_STRTAB points to; as long as its segment, for no loader reads DT_STRSZ."""
    address = by_tag.get(DynamicTag.STRTAB)
    if address is None:
        if by_tag:
            view.damage.add("string table", "there is no DT_STRTAB", dynamic.offset, fatal=True)
        return StringTable()
    size = by_tag.get(DynamicTag.STRSZ)
    offset, data = view.table("string table", address, size, dynamic.place(DynamicTag.STRTAB), bounding=False)

    def whole() -> bytes:
        _, more = view.table("string table", address, None, offset)
        if len(more) > len(data):
            said = f"DT_STRSZ is {size}, and names lie behind that, where loaders find them"
            view.damage.add("string table", said, dynamic.place(DynamicTag.STRSZ))
        return more + b"\0"  # zeros follow in memory

    return StringTable(data, offset, None if size is None else whole)


def _named(view: ElfView, strings: StringTable, field: str, value: int, offset: int) -> str | None:
    name = strings.at(value)
    if name is None:
        view.damage.add(field, f"its name at {value:#x} lies outside the string table", offset, fatal=True)
    return name


def dependencies(view: ElfView, dynamic: DynamicTable, strings: StringTable) -> tuple[Dependency, ...]:
    """Every name asked for - needed, auxiliary, filter, audit - in the order of the dynamic section."""
    found: list[Dependency] = []
    for position, tag in enumerate(dynamic.tags):
        kind = _DEPENDENCY_KINDS.get(tag)
        if kind is None:
            continue
        at = dynamic.offset + position * dynamic.entry_size
        name = _named(view, strings, f"{kind.value} entry", dynamic.values[position], at)
        if name is None:
            continue
        if len(found) >= MAX_DEPENDENCIES:
            view.damage.add("needed entries", f"there are more than {MAX_DEPENDENCIES}", at)
            break
        names = name.split(":") if tag in _COLON_SEPARATED else (name,)
        found.extend(Dependency(one, kind, at) for one in names)
    return tuple(found)


def identity(
    view: ElfView, dynamic: DynamicTable, strings: StringTable, by_tag: dict[int, int]
) -> tuple[str | None, int]:
    """The SONAME and the offset of the entry that gives it."""
    if DynamicTag.SONAME not in by_tag:
        return None, 0
    at = dynamic.place(DynamicTag.SONAME)
    return _named(view, strings, "SONAME", by_tag[DynamicTag.SONAME], at), at


def search_dirs(
    view: ElfView, dynamic: DynamicTable, strings: StringTable, by_tag: dict[int, int]
) -> tuple[SearchDir, ...]:
    """The elements of DT_RPATH, then of DT_RUNPATH, in order; empty elements (the current directory) are kept."""
    found: list[SearchDir] = []
    for tag, kind in ((DynamicTag.RPATH, SearchKind.RPATH), (DynamicTag.RUNPATH, SearchKind.RUNPATH)):
        if tag not in by_tag:
            continue
        at = dynamic.place(tag)
        text = _named(view, strings, kind.value.upper(), by_tag[tag], at)
        if text:  # glibc ignores a path that is empty as a whole
            found.extend(SearchDir(kind, element, at) for element in text.split(":"))
    return tuple(found)
