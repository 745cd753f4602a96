"""Version information and manifests, from the resources of a PE image.

Sources: "PE Format", section "The .rsrc Section"; learn.microsoft.com, "VS_VERSIONINFO structure" and "Application
Manifests". The tree has three levels by definition - type, name, language - and is followed no deeper.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final

from loadstone.binary.markup import Element, MalformedMarkup, elements
from loadstone.binary.pe.facts import AssemblyReference, Manifest, VersionResource
from loadstone.binary.pe.layout import DirectoryIndex
from loadstone.binary.pe.view import PeView

__all__ = ["read_manifests", "read_version"]

_DIRECTORY: Final = Struct("<12xHH")  # numbers of entries by name and by id
_ENTRY: Final = Struct("<II")  # name or id, where to go on
_DATA: Final = Struct("<II8x")  # address, size
_BELOW: Final = 0x8000_0000  # on the second: it leads to a directory; on the first: it is a name
_VERSION, _MANIFEST = 16, 24  # RT_VERSION, RT_MANIFEST
_MAX_LEAVES: Final = 4
_MAX_SIZE: Final = 256 << 10

_BLOCK: Final = Struct("<HHH")  # length, length of the value, kind; then key and value
_FIXED: Final = Struct("<IIHHHHHHHH")  # signature, structure version, file version, product version
_FIXED_SIGNATURE: Final = 0xFEEF04BD
_MAX_STRINGS: Final = 256

Leaf = tuple[int, int, bytes]  # resource id, offset in the file, content


def read_version(view: PeView) -> VersionResource | None:
    """The first version resource, or None."""
    for _, offset, data in _leaves(view, _VERSION):
        root = next(_blocks(data, 0, len(data)), None)
        if root is None or root[0] != "VS_VERSION_INFO":
            view.damage.add("version resource", "it does not begin with VS_VERSION_INFO", offset)
            continue
        _, value, children, end = root
        fixed = data[value : value + _FIXED.size]
        fields = _FIXED.unpack(fixed) if len(fixed) == _FIXED.size else (0,) * 10
        known = fields[0] == _FIXED_SIGNATURE
        return VersionResource(
            file_version=_version(fields[2:6]) if known else "",
            product_version=_version(fields[6:10]) if known else "",
            strings=tuple(_strings(data, children, end))[:_MAX_STRINGS],
            offset=offset,
        )
    return None


def _version(words: tuple[int, ...]) -> str:
    """Four words, each pair with its low one first."""
    return f"{words[1]}.{words[0]}.{words[3]}.{words[2]}"


def _blocks(data: bytes, at: int, end: int) -> Iterator[tuple[str, int, int, int]]:
    """Key, where its value begins, where its children begin, and its end, of each block in a range."""
    for _ in range(_MAX_STRINGS):
        if at + _BLOCK.size > end:
            return
        length, value_length, kind = _BLOCK.unpack_from(data, at)
        if length < _BLOCK.size or at + length > end:
            return
        key_end = at + _BLOCK.size
        while data[key_end : key_end + 2] not in {b"\0\0", b""}:
            key_end += 2
        key = data[at + _BLOCK.size : key_end].decode("utf-16-le", "replace")
        value = _aligned(key_end + 2)
        yield key, value, _aligned(value + value_length * (2 if kind == 1 else 1)), at + length
        at = _aligned(at + length)


def _aligned(position: int) -> int:
    return (position + 3) & ~3


def _strings(data: bytes, at: int, end: int) -> Iterator[tuple[str, str]]:
    """Names and texts of the first language: StringFileInfo holds tables, a table holds strings."""
    for info, _, tables, info_end in _blocks(data, at, end):
        if info != "StringFileInfo":
            continue
        for _, _, strings, table_end in _blocks(data, tables, info_end):
            for key, value, after, stop in _blocks(data, strings, table_end):
                text = data[value : min(after, stop)].decode("utf-16-le", "replace")
                yield key, text.partition("\0")[0]
            return


def read_manifests(view: PeView) -> tuple[Manifest, ...]:
    """Every manifest: of a DLL number 2, of a program number 1 (CREATEPROCESS_MANIFEST_RESOURCE_ID)."""
    found = []
    for number, offset, data in _leaves(view, _MANIFEST):
        try:
            parts = elements(data.rstrip(b"\0 \r\n\t"))
        except MalformedMarkup as error:
            view.damage.add("manifest", str(error), offset)
            parts = ()
        level = next((e for e in parts if e.name == "requestedExecutionLevel"), None)
        found.append(
            Manifest(
                resource_id=number,
                dependencies=tuple(_assemblies(parts)),
                requested_level=level.attribute("level") if level else "",
                ui_access=level is not None and level.attribute("uiAccess").lower() == "true",
                offset=offset,
                size=len(data),
            )
        )
    return tuple(found)


def _assemblies(parts: tuple[Element, ...]) -> Iterator[AssemblyReference]:
    """The assemblyIdentity inside each dependentAssembly; the one outside is the image's own."""
    inside = None
    for part in parts:
        if inside is not None and part.depth <= inside:
            inside = None
        if part.name == "dependentAssembly":
            inside = part.depth
        elif part.name == "assemblyIdentity" and inside is not None:
            yield AssemblyReference(
                part.attribute("name"),
                part.attribute("version"),
                part.attribute("processorArchitecture"),
                part.attribute("publicKeyToken"),
            )


def _leaves(view: PeView, kind: int) -> list[Leaf]:
    """The resources of one type, in every name and language, up to a few."""
    entry = view.headers.directory(DirectoryIndex.RESOURCE)
    if entry is None:
        return []
    place = view.place(entry.address)
    if place is None:
        view.damage.add("resources", f"address {entry.address:#x} is in no part of the file", entry.entry_offset)
        return []
    root, room = place
    leaves: list[Leaf] = []
    for identifier, types in _entries(view, root, room, 0):
        if identifier != kind or not types & _BELOW:
            continue
        for number, languages in _entries(view, root, room, types & ~_BELOW):
            below = _entries(view, root, room, languages & ~_BELOW) if languages & _BELOW else [(0, languages)]
            for _, leaf in below:
                if len(leaves) < _MAX_LEAVES and not leaf & _BELOW:
                    leaves += _leaf(view, root, room, number & ~_BELOW, leaf)
    return leaves


def _entries(view: PeView, root: int, room: int, position: int) -> list[tuple[int, int]]:
    """The entries of one directory: id and where to go on. A directory reached often costs the budget each time."""
    head = view.cursor.upto(root + position, min(_DIRECTORY.size, max(room - position, 0)))
    if len(head) < _DIRECTORY.size:
        view.damage.add("resources", f"a directory at {position:#x} is not there", root)
        return []
    count = sum(_DIRECTORY.unpack(head))
    begin = position + _DIRECTORY.size
    fit = min(count, max(room - begin, 0) // _ENTRY.size)
    if fit < count or not view.budget.items(fit):
        view.damage.add("resources", f"{count} entries do not fit", root + position)
        fit = min(fit, view.budget.items_left)
    data = view.cursor.upto(root + begin, fit * _ENTRY.size)
    return list(_ENTRY.iter_unpack(data[: len(data) - len(data) % _ENTRY.size]))


def _leaf(view: PeView, root: int, room: int, number: int, position: int) -> list[Leaf]:
    head = view.cursor.upto(root + position, min(_DATA.size, max(room - position, 0)))
    if len(head) < _DATA.size:
        view.damage.add("resources", f"a data entry at {position:#x} is not there", root)
        return []
    address, size = _DATA.unpack(head)
    if size > _MAX_SIZE:
        view.damage.add("resources", f"a version or manifest of {size} bytes", root + position)
        return []
    found = view.table("resources", address, size, root + position)
    return [] if found is None else [(number, *found)]
