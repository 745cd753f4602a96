"""SquashFS images: what AppImages carry behind their program, and what a snap is.

Source: the format of version 4.0 as the kernel reads it (Documentation/filesystems/squashfs.rst, squashfs_fs.h).
Nothing is mounted. Tables are read where a directory leads to them, in blocks of 8 KiB.
"""

from __future__ import annotations

import os
import posixpath
import stat
import struct
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Final

from loadstone.archives.bounds import UnpackBudget
from loadstone.archives.decoders import (
    Decoder,
    damage_told,
    lzma_decoder,
    unpacked_block,
    xz_decoder,
    zlib_decoder,
    zstd_decoder,
)
from loadstone.archives.member import PackedFile, Reader, inside
from loadstone.errors import MalformedImage, Unreadable, Unsupported
from loadstone.files import open_regular
from loadstone.quick_dataclass import dataclass, field

__all__ = ["MAGIC", "members", "members_at"]

MAGIC: Final = b"hsqs"
_SUPERBLOCK: Final = struct.Struct("<4s I I I I H H H H H H Q Q Q Q Q Q Q Q")
_COMPRESSIONS: Final[dict[int, Callable[[], Decoder]]] = {
    1: zlib_decoder,
    2: lzma_decoder,
    4: xz_decoder,
    6: zstd_decoder,
}
_NOT_READ: Final = {3: "LZO", 5: "LZ4"}
_LEAST_BLOCK, _MOST_BLOCK = 4 << 10, 1 << 20
_TABLE_BLOCK: Final = 8 << 10
_STORED_TABLE: Final = 1 << 15  # in a length: the block is not compressed
_STORED: Final = 1 << 24
_NONE: Final = 0xFFFFFFFF  # no fragment
_FRAGMENTS: Final = _TABLE_BLOCK // 16  # entries in a block of that table
_LISTING: Final = 3  # a directory's size counts these, for . and ..
_MAX_LINK: Final = 4096
_KEPT: Final = 64
"""Unpacked blocks of tables that are kept: neighbours are asked for one after another."""

_COMMON: Final = struct.Struct("<H H H H I I")
_DIRECTORIES: Final = {1: struct.Struct("<I I H H I"), 8: struct.Struct("<I I I I H H I")}
_FILES: Final = {2: struct.Struct("<I I I I"), 9: struct.Struct("<Q Q Q I I I I")}
_LINKS: Final = frozenset((3, 10))


@dataclass(frozen=True, slots=True)
class _File:
    """Where the content of a file is: whole blocks one behind another, and a piece of a block that files share."""

    size: int
    start: int
    sizes: _Cursor  # where the packed size of each block is told
    fragment: int
    offset: int


@dataclass(slots=True)
class _Cursor:
    """A place in a table, from which it is read on."""

    image: SquashFS
    at: int
    offset: int

    def read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            block, after = self.image.table_block(self.at)
            piece = block[self.offset : self.offset + size - len(found)]
            found += piece
            self.offset += len(piece)
            if self.offset >= len(block):
                self.at, self.offset = after, self.offset - len(block)
            if not piece and not block:
                raise self.image.damaged("an empty block in a table", self.at)
        return found

    def fields(self, form: struct.Struct) -> tuple[int, ...]:
        return form.unpack(self.read(form.size))


@dataclass(slots=True, eq=False)
class SquashFS:
    """One image in a file, ``begins`` bytes from its start. Not thread-safe: it seeks in the stream it was given.

    Raises:
        MalformedImage: there is no SquashFS, or one that contradicts itself.
        Unsupported: a version or compression that is not read.
    """

    stream: IO[bytes]
    begins: int
    path: str
    budget: UnpackBudget
    block_size: int = field(init=False)
    _unpack: Callable[[], Decoder] = field(init=False)
    _root: int = field(init=False)
    _inodes: int = field(init=False)
    _listings: int = field(init=False)
    _fragments: int = field(init=False)
    _blocks: dict[int, tuple[bytes, int]] = field(default_factory=dict, init=False)
    _shared: tuple[int, bytes] = field(default=(-1, b""), init=False)

    def __post_init__(self) -> None:
        head = self._at(0, _SUPERBLOCK.size)
        if not head.startswith(MAGIC):
            raise self.damaged("no SquashFS where one must be", 0)
        fields = _SUPERBLOCK.unpack(head)
        self.block_size, compression, major = fields[3], fields[5], fields[9]
        if major != 4:
            self._refuse(f"it is a SquashFS of version {major}")
        if not _LEAST_BLOCK <= self.block_size <= _MOST_BLOCK:
            raise self.damaged(f"blocks of {self.block_size:,} bytes", 12)
        if compression not in _COMPRESSIONS:
            self._refuse(f"its compression is {_NOT_READ.get(compression, compression)}")
        self._unpack = _COMPRESSIONS[compression]
        self._root, self._inodes, self._listings, self._fragments = fields[11], fields[15], fields[16], fields[17]

    def entries(self) -> Iterator[tuple[str, _Cursor]]:
        """The path and the inode of everything that is no directory, in the order of the names."""
        waiting = [("", self._inode(self._root >> 16, self._root & 0xFFFF))]
        seen: set[tuple[int, int]] = set()
        while waiting:
            name, inode = waiting.pop()
            place = inode.at, inode.offset
            kind = self.peek(inode)
            if kind not in _DIRECTORIES:
                yield name, inode
                continue
            if place in seen:
                raise self.damaged(f"the directory {name} is in itself", inode.at)
            seen.add(place)
            below = [(posixpath.join(name, leaf), child) for leaf, child in self._listed(inode)]
            waiting.extend(reversed(below))

    def peek(self, inode: _Cursor) -> int:
        """The type of an inode, which is not read on."""
        return _Cursor(self, inode.at, inode.offset).fields(_COMMON)[0]

    def _listed(self, inode: _Cursor) -> Iterator[tuple[str, _Cursor]]:
        """What is in a directory."""
        kind = inode.fields(_COMMON)[0]
        fields = inode.fields(_DIRECTORIES[kind])
        start, size, offset = (fields[0], fields[2], fields[3]) if kind == 1 else (fields[2], fields[1], fields[5])
        listing, left = _Cursor(self, self._listings + start, offset), size - _LISTING
        while left > 0:
            count, block, _ = struct.unpack("<III", listing.read(12))
            left -= 12
            for _ in range(min(count, 255) + 1):
                self.budget.count()
                where, _, _, length = struct.unpack("<HhHH", listing.read(8))
                name = listing.read((length & 0xFF) + 1).decode("utf-8", "surrogateescape")
                left -= 8 + (length & 0xFF) + 1
                if "/" in name or name in (".", ".."):
                    raise self.damaged(f"a file called {name!r}", listing.at)
                yield name, self._inode(block, where)

    def _inode(self, block: int, offset: int) -> _Cursor:
        return _Cursor(self, self._inodes + block, offset)

    def member(self, name: str, inode: _Cursor) -> tuple[PackedFile | None, _File | None, int]:
        """The file or link at an inode, where its content is, and the inode's number; a device is neither."""
        place = inside(self.path, name)
        kind, mode, _, _, _, number = inode.fields(_COMMON)
        if kind in _LINKS:
            _, length = struct.unpack("<II", inode.read(8))
            if length > _MAX_LINK:
                raise self.damaged(f"a link to a path of {length:,} bytes", inode.at)
            target = inode.read(length).decode("utf-8", "surrogateescape")
            return PackedFile(name, place, 0, self.budget, link=target, mode=stat.S_IMODE(mode)), None, number
        if kind not in _FILES:
            return None, None, number
        fields = inode.fields(_FILES[kind])
        if kind == 2:
            start, fragment, offset, size = fields
        else:
            start, size, _, _, fragment, offset, _ = fields
        file = _File(size, start, inode, fragment, offset)
        return PackedFile(name, place, size, self.budget, mode=stat.S_IMODE(mode)), file, number

    def content(self, file: _File) -> Iterator[bytes]:
        """What is in a file, a block at a time."""
        sizes = _Cursor(self, file.sizes.at, file.sizes.offset)
        at, left = file.start, file.size
        packed = unpacked = 0
        whole = left // self.block_size if file.fragment != _NONE else -(-left // self.block_size)
        for _ in range(whole):
            (told,) = struct.unpack("<I", sizes.read(4))
            expected = min(left, self.block_size)
            block = self._data_block(at, told, expected) if told else bytes(expected)
            if len(block) != expected:
                raise self.damaged(f"a block of {len(block):,} bytes where there must be {expected:,}", at)
            at, left = at + (told & ~_STORED), left - expected
            packed, unpacked = packed + (told & ~_STORED), unpacked + expected
            self.budget.check_ratio(packed, unpacked)
            yield block
        if left:
            piece = self._fragment(file.fragment)[file.offset : file.offset + left]
            if len(piece) != left:
                raise self.damaged("the end of a file lies beyond the block that has it", at)
            yield piece

    def _fragment(self, number: int) -> bytes:
        """A block that has the ends of several files; the last one is kept."""
        if self._shared[0] != number:
            pointer = self._at(self._fragments + 8 * (number // _FRAGMENTS), 8)
            entry = _Cursor(self, int.from_bytes(pointer, "little"), 16 * (number % _FRAGMENTS)).read(16)
            at, told, _ = struct.unpack("<QII", entry)
            self._shared = number, self._data_block(at, told, self.block_size)
        return self._shared[1]

    def _data_block(self, at: int, told: int, most: int) -> bytes:
        size = told & ~_STORED
        if size > self.block_size:
            raise self.damaged(f"a packed block of {size:,} bytes", at)
        data = self._at(at, size)
        return data if told & _STORED else self._unpacked(data, most, at)

    def table_block(self, at: int) -> tuple[bytes, int]:
        """One block of a table, unpacked, and where the next one is."""
        known = self._blocks.get(at)
        if known is None:
            (told,) = struct.unpack("<H", self._at(at, 2))
            size = told & ~_STORED_TABLE
            data = self._at(at + 2, size)
            block = data if told & _STORED_TABLE else self._unpacked(data, _TABLE_BLOCK, at)
            if len(self._blocks) >= _KEPT:
                del self._blocks[next(iter(self._blocks))]
            known = self._blocks[at] = block, at + 2 + size
        return known

    def _unpacked(self, data: bytes, most: int, at: int) -> bytes:
        with damage_told(lambda what: self.damaged(what, at)):
            return unpacked_block(self._unpack, data, most)

    def _at(self, at: int, size: int) -> bytes:
        """Bytes of the image. Raises MalformedImage when it ends before them."""
        try:
            self.stream.seek(self.begins + at)
            data = self.stream.read(size)
        except (OSError, ValueError, OverflowError) as error:
            raise self.damaged(f"it cannot be read there: {error}", at) from error
        if len(data) != size:
            raise self.damaged("the image ends too early", at)
        return data

    def _refuse(self, reason: str) -> None:
        advice = f"unpack it: unsquashfs -o {self.begins} {self.path}"
        raise Unsupported(feature=f"looking into {self.path}", reason=f"{reason}, which is not read", advice=advice)

    def damaged(self, what: str, at: int) -> MalformedImage:
        """The error for an image that contradicts itself."""
        return MalformedImage(what=f"damaged SquashFS: {what}", offset=self.begins + at, path=self.path)


class _Content:
    """The content of a file as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def read(self, size: int, /) -> bytes:
        if not self._rest:
            self._rest = next(self._pieces, b"")
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


def members(stream: IO[bytes], path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files and links of a SquashFS image that begins where the file does."""
    return members_at(stream, 0, path, budget)


def members_at(stream: IO[bytes], begins: int, path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files and links of a SquashFS image within a file. Names of one inode are hard links."""
    image = SquashFS(stream, begins, path, budget)
    file_name = getattr(stream, "name", None)
    first: dict[int, str] = {}
    for name, inode in image.entries():
        member, file, number = image.member(name, inode)
        if member is None:
            continue
        known = first.setdefault(number, name)
        if file is not None and known != name:
            member.size, member.same_as = 0, known
        elif file is not None:
            member.opener = partial(_opened, image, file)
            if isinstance(file_name, str):
                member.again = partial(_again, os.path.abspath(file_name), begins, file, budget)
        yield member
        member.close()


def _opened(image: SquashFS, file: _File) -> Reader:
    return _Content(image.content(file))


def _again(path: str, begins: int, file: _File, budget: UnpackBudget, out: IO[bytes]) -> None:
    """Write the content of a file whose image is no longer open."""
    budget.check_member(path, file.size)
    try:
        with open(path, "rb", opener=open_regular) as stream:
            image = SquashFS(stream, begins, path, budget)
            sizes = _Cursor(image, file.sizes.at, file.sizes.offset)
            for piece in image.content(_File(file.size, file.start, sizes, file.fragment, file.offset)):
                budget.spend(len(piece))
                out.write(piece)
    except OSError as error:
        raise Unreadable(path=path, reason=error.strerror or str(error), code=error.errno) from error
