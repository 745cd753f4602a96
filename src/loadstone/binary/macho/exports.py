"""What a Mach-O image offers: the export trie dyld looks names up in, or the symbol table where there is none.

Source: mach-o/loader.h, dyld_info_command and EXPORT_SYMBOL_FLAGS_*; mach-o/nlist.h.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from loadstone.binary.macho.layout import LoadCommandKind
from loadstone.binary.macho.leb import uleb
from loadstone.binary.macho.view import MachoView
from loadstone.core.limits import MAX_STRING_LENGTH

__all__ = ["Export", "read_trie"]

KIND_MASK: Final = 0x3
THREAD_LOCAL, ABSOLUTE = 1, 2
WEAK, REEXPORT, STUB_AND_RESOLVER = 0x4, 0x8, 0x10


class Export(NamedTuple):
    """One exported name. ``address`` counts from the image's base but for absolute ones; re-exports have none."""

    name: str
    flags: int
    address: int
    ordinal: int  # of the library it is re-exported from
    imported: str  # its name there, when that differs
    offset: int  # of its node in the file


def read_trie(view: MachoView) -> list[Export] | None:
    """The exports of the trie in name order of its nodes; None when the image has no trie."""
    found = _trie(view)
    if found is None:
        return None
    place, data = found
    return _walk(view, place, data) if data else []


def _trie(view: MachoView) -> tuple[int, bytes] | None:
    command = view.first(LoadCommandKind.DYLD_EXPORTS_TRIE)
    if command is not None:
        offset, size = view.number(command, 8), view.number(command, 12)
        return view.table("export trie", offset, size, command.offset)
    command = view.first(LoadCommandKind.DYLD_INFO_ONLY, LoadCommandKind.DYLD_INFO)
    if command is not None:
        return view.table("export trie", view.number(command, 40), view.number(command, 44), command.offset)
    return None


def _walk(view: MachoView, place: int, data: bytes) -> list[Export]:
    """Depth first without recursion. Each node counts once: a second way to it is a cycle, or a name said twice."""
    exports: list[Export] = []
    seen: set[int] = set()
    nodes, room = view.budget.items_left, view.budget.characters_left
    waiting: list[tuple[bytes, list[tuple[int, bytes]]]] = [(b"", [(0, b"")])]  # a name, and what goes on from it
    while waiting:
        parent, branches = waiting[-1]
        if not branches:
            waiting.pop()
            continue
        at, label = branches.pop()
        name = parent + label
        if at in seen or len(name) > MAX_STRING_LENGTH:
            view.damage.add("export trie", "a node is reached twice, or a name is not terminated", place + at)
            continue
        seen.add(at)
        room -= len(name)
        if len(seen) > nodes or room < 0:
            view.damage.add("export trie", "more names than a file of this size can hold", place + at)
            break
        try:
            size, begin = uleb(data, at)
            if size:
                exports.append(_export(data, begin, name, place + at))
            if data[begin + size]:
                children, end = _children(data, begin + size)
                room -= end - begin - size  # branches may overlap, so each costs what it takes to read
                waiting.append((name, children))
        except IndexError:
            view.damage.add("export trie", "a node reaches behind its end", place + at)
    view.budget.items(len(seen))
    view.budget.characters(view.budget.characters_left - max(room, 0))
    return exports


def _export(data: bytes, at: int, name: bytes, place: int) -> Export:
    flags, at = uleb(data, at)
    text = name.decode("utf-8", "surrogateescape")
    value, at = uleb(data, at)
    if not flags & REEXPORT:
        return Export(text, flags, value, 0, "", place)
    end = data.find(b"\0", at)
    if end < 0:
        raise IndexError(at)
    return Export(text, flags, 0, value, data[at:end].decode("utf-8", "surrogateescape"), place)


def _children(data: bytes, at: int) -> tuple[list[tuple[int, bytes]], int]:
    """Where each branch leads and its label, the last one first; and where the branches end."""
    children = []
    count = data[at]
    at += 1
    for _ in range(count):
        end = data.find(b"\0", at)
        if end < 0:
            raise IndexError(at)
        label = data[at:end]
        node, at = uleb(data, end + 1)
        children.append((node, label))
    children.reverse()
    return children, at
