"""ld.so.cache: the index ldconfig writes and the loader asks before its own directories.

Three layouts: the old one (libc5 and early glibc), the new one alone (written since 2.32), and both in one file, the
old table first. The new one may carry an extension with the names of glibc-hwcaps subdirectories. Source: glibc
sysdeps/generic/dl-cache.h, read for its layout; ld.so(8), ldconfig(8).

Every offset is checked against the file. An entry that points outside is left out, as the loader leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Final, Literal

from loadstone.quick_dataclass import dataclass, field

__all__ = ["CacheEntry", "LoaderCache", "read_cache"]

_OLD_MAGIC: Final = b"ld.so-1.7.0"
_NEW_MAGIC: Final = b"glibc-ld.so.cache1.1"
_OLD_HEADER: Final = 16  # magic padded to 12, count of entries
_NEW_HEADER: Final = 48
_EXTENSION_MAGIC: Final = 0xEAA42174
_HWCAP_NAMES: Final = 1  # extension section tag: array of string offsets
_MAX_EXTENSIONS: Final = 64
_MAX_ENTRIES: Final = 1 << 20

_NAMED_HWCAP: Final = 1 << 62
_ISA_LEVEL_BITS: Final = 0x3FF << 32
_ELF_ANY: Final = 1  # FLAG_ELF: a library of no particular ABI


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One line of ``ldconfig -p``. ``hwcap_name`` is the glibc-hwcaps subdirectory it is for, empty for none."""

    name: str
    path: str
    flags: int
    hwcap: int = 0
    hwcap_name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class LoaderCache:
    """A parsed cache. ``problem`` says why there are no entries, when the file itself is at fault."""

    path: str = ""
    entries: tuple[CacheEntry, ...] = ()
    generator: str = ""
    problem: str = ""
    skipped: int = 0  # entries that point outside the file
    _by_name: dict[str, list[CacheEntry]] | None = field(default=None, init=False, repr=False)
    """Built whole, then published by one assignment: threads may build it twice, none sees half of it."""

    def named(self, name: str) -> Sequence[CacheEntry]:
        """Every entry of that name, of whatever ABI, in file order."""
        by_name = self._by_name
        if by_name is None:
            by_name = {}
            for entry in self.entries:
                by_name.setdefault(entry.name, []).append(entry)
            object.__setattr__(self, "_by_name", by_name)
        return by_name.get(name, ())

    def lookup(
        self, name: str, flags: int, hwcaps: Sequence[str], *, legacy: frozenset[int] | None = None
    ) -> str | None:
        """The path the loader would take for ``name``, None without one.

        Args:
            name: the name asked for, as in DT_NEEDED.
            flags: the ABI's own value; plain ELF entries are taken too.
            hwcaps: glibc-hwcaps subdirectories this processor may use, best first.
            legacy: the bits of a legacy hwcap mask that are usable; None where the release ignores such entries.
        """
        best: str | None = None
        best_rank = len(hwcaps)
        for entry in self.named(name):
            if entry.flags not in (flags, _ELF_ANY):
                continue
            if entry.hwcap_name:
                rank = hwcaps.index(entry.hwcap_name) if entry.hwcap_name in hwcaps else best_rank
                if rank < best_rank:
                    best, best_rank = entry.path, rank
                continue
            if best is not None:
                break
            if entry.hwcap and not _legacy_usable(entry.hwcap, legacy):
                continue
            best = entry.path
            if entry.flags == flags:
                break
        return best


def _legacy_usable(hwcap: int, legacy: frozenset[int] | None) -> bool:
    return legacy is not None and all(bit in legacy for bit in range(64) if hwcap >> bit & 1)


def read_cache(data: bytes, path: str = "/etc/ld.so.cache") -> LoaderCache:
    """Parse the bytes of a cache file; what cannot be used leaves a ``problem`` and no entries."""
    if data.startswith(_NEW_MAGIC):
        return _read_new(data, 0, path)
    if not data.startswith(_OLD_MAGIC):
        return LoaderCache(path, problem="it is not a loader cache" if data else "it is empty")
    if len(data) < _OLD_HEADER:
        return LoaderCache(path, problem="its header is cut off")
    count = int.from_bytes(data[12:16], _order(data))
    table_end = _OLD_HEADER + 12 * count
    new_header = -(-table_end // 8) * 8
    if data[new_header : new_header + len(_NEW_MAGIC)] == _NEW_MAGIC:
        return _read_new(data, new_header, path)
    return _read_old(data, count, path)


def _order(data: bytes) -> Literal["little", "big"]:
    """The byte order in which the count of entries makes sense in a file of this size."""
    little = int.from_bytes(data[12:16], "little")
    return "little" if _OLD_HEADER + 12 * little <= len(data) else "big"


def _read_old(data: bytes, count: int, path: str) -> LoaderCache:
    mark = "<" if _order(data) == "little" else ">"
    strings = _OLD_HEADER + 12 * count
    if strings > len(data) or count > _MAX_ENTRIES:
        return LoaderCache(path, problem=f"it says it has {count} entries, which do not fit into it")
    rows = Struct(mark + "iII").iter_unpack(data[_OLD_HEADER:strings])
    found = [_entry(data, strings, flags, key, value) for flags, key, value in rows]
    return _collected(path, found)


def _read_new(data: bytes, base: int, path: str) -> LoaderCache:
    if len(data) < base + _NEW_HEADER:
        return LoaderCache(path, problem="its header is cut off")
    mark = ">" if data[base + 28] & 3 == 3 else "<"
    count, _, extension = Struct(mark + "II4xI").unpack_from(data, base + 20)
    end = base + _NEW_HEADER + 24 * count
    if end > len(data) or count > _MAX_ENTRIES:
        return LoaderCache(path, problem=f"it says it has {count} entries, which do not fit into it")
    generator, names = _extensions(data, base, extension, mark)
    found: list[CacheEntry | None] = []
    for flags, key, value, _, hwcap in Struct(mark + "iIIIQ").iter_unpack(data[base + _NEW_HEADER : end]):
        hwcap_name = ""
        if hwcap & ~_ISA_LEVEL_BITS & ~0xFFFFFFFF == _NAMED_HWCAP:
            index = hwcap & 0xFFFFFFFF
            if index >= len(names):
                found.append(None)
                continue
            hwcap_name = names[index]
        found.append(_entry(data, base, flags, key, value, hwcap, hwcap_name))
    return _collected(path, found, generator)


def _entry(
    data: bytes, base: int, flags: int, key: int, value: int, hwcap: int = 0, hwcap_name: str = ""
) -> CacheEntry | None:
    name, target = _string(data, base + key), _string(data, base + value)
    return CacheEntry(name, target, flags, hwcap, hwcap_name) if name and target else None


def _collected(path: str, found: Iterable[CacheEntry | None], generator: str = "") -> LoaderCache:
    rows = tuple(found)
    entries = tuple(entry for entry in rows if entry is not None)
    return LoaderCache(path, entries, generator, skipped=len(rows) - len(entries))


def _string(data: bytes, offset: int) -> str:
    if not 0 <= offset < len(data):
        return ""
    end = data.find(b"\0", offset, offset + 4096)
    return data[offset:end].decode("utf-8", "surrogateescape") if end >= 0 else ""


def _extensions(data: bytes, base: int, offset: int, mark: str) -> tuple[str, tuple[str, ...]]:
    """The generator's own words and the names of the glibc-hwcaps subdirectories."""
    start = base + offset
    words = Struct(mark + "II")
    if not offset or start + 8 > len(data) or words.unpack_from(data, start)[0] != _EXTENSION_MAGIC:
        return "", ()
    generator = ""
    names: tuple[str, ...] = ()
    for number in range(min(words.unpack_from(data, start)[1], _MAX_EXTENSIONS)):
        at = start + 8 + 16 * number
        if at + 16 > len(data):
            break
        tag, _, place, size = Struct(mark + "IIII").unpack_from(data, at)
        content = data[base + place : base + place + size]
        if tag == 0:
            generator = content.decode("utf-8", "replace")
        elif tag == _HWCAP_NAMES:
            whole = content[: len(content) - len(content) % 4]
            names = tuple(_string(data, base + at) for (at,) in Struct(mark + "I").iter_unpack(whole))
    return generator, names
