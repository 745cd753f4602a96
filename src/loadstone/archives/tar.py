"""The tar family: ustar, pax and GNU headers, in a stream, compressed or not; Alpine's packages are such streams too.

Sources: POSIX pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual, "Basic Tar Format". An own
reader: headers are bounded before they are read, and nothing is sought, so that any compression can stand before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.archives.bounds import UnpackBudget
from loadstone.archives.compression import decompressed
from loadstone.archives.member import PackedFile, Reader, exactly, inside, plain_name
from loadstone.errors import MalformedImage
from loadstone.quick_dataclass import dataclass

__all__ = ["Skipping", "is_tar", "members", "plain_members"]

_BLOCK: Final = 512
_MAX_HEADER: Final = 1 << 20
"""Bytes of one pax header or long name."""

_FILES: Final = frozenset((b"0", b"\0", b"7"))
_HARD, _SYMBOLIC, _PAX, _GLOBAL, _LONG_NAME, _LONG_LINK, _SPARSE = b"1", b"2", b"x", b"g", b"L", b"K", b"S"
_PIECE: Final = 1 << 20


@dataclass(slots=True)
class _Entry:
    """One header with what extended headers before it said."""

    name: str
    size: int
    kind: bytes
    link: str
    mode: int


class Skipping:
    """The content of one member in a stream: reads no further than its end, and can skip what is left."""

    def __init__(self, stream: Reader, size: int) -> None:
        self._stream = stream
        self.left: int = size

    def read(self, size: int, /) -> bytes:
        piece = self._stream.read(min(size, self.left)) if self.left else b""
        self.left -= len(piece)
        return piece

    def skip(self) -> bool:
        """Read to the end; False when the stream ends before."""
        while self.left:
            if not self.read(_PIECE):
                return False
        return True


def is_tar(head: bytes) -> bool:
    """Whether these are the first bytes of a tar archive: by its magic, or by a checksum where there is none."""
    return len(head) >= _BLOCK and (head[257:262] == b"ustar" or _checksum(head[:_BLOCK]))


def members(stream: Reader, path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files and links of a tar archive, compressed or not, in their order."""
    return plain_members(decompressed(stream, budget), path, budget)


def plain_members(stream: Reader, path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files and links of an uncompressed tar stream; blocks of zeros between archives are passed over."""
    position, extended, long_name, long_link = 0, dict[str, str](), "", ""
    while True:
        block = exactly(stream, _BLOCK)
        if not block.strip(b"\0"):
            if len(block) < _BLOCK:
                return
            position += _BLOCK
            continue
        if len(block) < _BLOCK or not _checksum(block):
            raise MalformedImage(what="no tar header where one must be", offset=position, path=path)
        entry = _entry(block, extended, long_name, long_link, path, position)
        position += _BLOCK
        content = Skipping(stream, entry.size)
        padding = -entry.size % _BLOCK
        if entry.kind in (_PAX, _GLOBAL, _LONG_NAME, _LONG_LINK):
            if entry.size > _MAX_HEADER:
                raise MalformedImage(what=f"a header of {entry.size} bytes", offset=position, path=path)
            text = exactly(content, entry.size)
            if entry.kind == _PAX:
                extended = _records(text)
            elif entry.kind == _LONG_NAME:
                long_name = _text(text)
            elif entry.kind == _LONG_LINK:
                long_link = _text(text)
        else:
            member = _member(entry, content, path, budget)
            extended, long_name, long_link = {}, "", ""
            if member is not None:
                budget.count()
                yield member
                member.close()
        if not content.skip() or not Skipping(stream, padding).skip():
            raise MalformedImage(what="the archive ends within a member", offset=position, path=path)
        position += entry.size + padding


def _member(entry: _Entry, content: Skipping, path: str, budget: UnpackBudget) -> PackedFile | None:
    name = plain_name(entry.name)
    if not name:
        return None
    place = inside(path, name)
    if entry.kind == _SYMBOLIC:
        return PackedFile(name, place, 0, budget, link=entry.link, mode=entry.mode)
    if entry.kind == _HARD:
        return PackedFile(name, place, 0, budget, same_as=plain_name(entry.link), mode=entry.mode)
    if entry.kind not in _FILES or entry.name.endswith("/"):
        return None
    return PackedFile(name, place, entry.size, budget, mode=entry.mode, opener=lambda: content)


def _entry(block: bytes, extended: dict[str, str], long_name: str, long_link: str, path: str, position: int) -> _Entry:
    kind = block[156:157]
    name, prefix = _text(block[:100]), _text(block[345:500])
    if block[257:263] == b"ustar\0" and prefix:
        name = f"{prefix}/{name}"
    try:
        size, mode = _number(block[124:136]), _number(block[100:108])
        size = int(extended.get("size", size))
    except ValueError as error:
        raise MalformedImage(
            what="a tar header without a number where one must be", offset=position, path=path
        ) from error
    if size < 0:
        raise MalformedImage(what="a tar member of negative size", offset=position, path=path)
    if kind in (_HARD, _SYMBOLIC):
        size = 0
    if kind == _SPARSE or any(key.startswith("GNU.sparse") for key in extended):
        kind = _SPARSE
    link = extended.get("linkpath") or long_link or _text(block[157:257])
    return _Entry(extended.get("path") or long_name or name, size, kind, link, mode)


def _records(data: bytes) -> dict[str, str]:
    """The records of a pax header: ``length key=value`` and a newline, each."""
    found: dict[str, str] = {}
    while data:
        length, space, _ = data.partition(b" ")
        if not space or not length.isdigit() or len(length) > 8 or not 0 < int(length) <= len(data):
            break
        key, equals, value = data[len(length) + 1 : int(length) - 1].partition(b"=")
        if equals:
            found[_text(key)] = value.decode("utf-8", "surrogateescape")
        data = data[int(length) :]
    return found


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _number(field: bytes) -> int:
    """Octal digits, or base 256 where the first bit is set."""
    if field[:1] and field[0] & 0x80:
        return int.from_bytes(field, "big", signed=True) if field[0] == 0xFF else int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    return int(digits, 8) if digits else 0


def _checksum(block: bytes) -> bool:
    try:
        stated = _number(block[148:156])
    except ValueError:
        return False
    return stated == sum(block[:148]) + sum(block[156:]) + 8 * 32
