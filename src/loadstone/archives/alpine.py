"""Packages of apk's third format: a tree of what is known of the files, and behind it the content of each.

Sources: apk-v3(5); the schema of a package in apk-tools, which the page refers to. Signatures and hashes are not
checked: whether a package is to be trusted is apk's question.
"""

from __future__ import annotations

import posixpath
import stat
import struct
from collections.abc import Iterator
from typing import IO, Final

from loadstone.archives.bounds import UnpackBudget
from loadstone.archives.compression import Decompressed
from loadstone.archives.decoders import deflate_decoder, zstd_decoder
from loadstone.archives.member import PackedFile, Reader, exactly, inside, plain_name
from loadstone.archives.tar import Skipping
from loadstone.errors import MalformedImage, Unsupported
from loadstone.quick_dataclass import dataclass

__all__ = ["members"]

_PACKAGE: Final = b"ADB.pckg"
_COMPRESSIONS: Final = {1: deflate_decoder, 2: zstd_decoder}
_MAX_TREE: Final = 64 << 20
_ALIGNED: Final = 8
_TREE, _DATA, _EXTENDED = 0, 2, 3  # kinds of blocks; 1 is a signature
_TREE_HEADER: Final = 8
_INT, _INT_32, _INT_64, _ARRAY, _OBJECT = 1, 2, 3, 13, 14
_BLOBS: Final = {8: 1, 9: 2, 10: 4}
"""Types of byte strings, and how many bytes their length has."""

_PATHS: Final = 2  # of a package
_NAME, _ACL, _FILES = 1, 2, 3  # of a directory; a file has a name and an ACL likewise
_SIZE, _TARGET = 3, 6  # of a file
_MODE: Final = 1  # of an ACL


def members(stream: IO[bytes], path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files and links a package installs."""
    content = _unpacked(stream, path, budget)
    schema = exactly(content, len(_PACKAGE))
    if schema != _PACKAGE:
        reason = f"it is no package but a document of the schema {schema[4:].decode('latin-1')!r}"
        raise Unsupported(feature=f"looking into {path}", reason=reason, advice=f"apk adbdump {path} prints it")
    block = _block(content, path)
    size = block.content.left
    if block.kind != _TREE or not _TREE_HEADER <= size <= _MAX_TREE:
        raise MalformedImage(what=f"a package that begins with a block of {size} bytes", path=path)
    return _files(_Tree(exactly(block.content, size), path, budget), content, block, budget)


def _unpacked(stream: IO[bytes], path: str, budget: UnpackBudget) -> Reader:
    """The package without the compression around it, which its first bytes name."""
    how = stream.read(4)[3:]
    if how == b".":
        stream.seek(0)
        return stream
    compression = 1 if how == b"d" else stream.read(2)[0] if how == b"c" else None
    if compression == 0:
        return stream
    if compression not in _COMPRESSIONS:
        raise Unsupported(
            feature=f"looking into the package {path}",
            reason=f"its compression ({compression}) is not one that apk-tools 3.0 knows",
            advice=f"unpack it: apk extract --allow-untrusted {path}",
        )
    return Decompressed(stream, _COMPRESSIONS[compression], budget)


@dataclass(frozen=True, slots=True)
class _Block:
    """A part of the package: its kind, its content, and how many bytes follow that one."""

    kind: int
    content: Skipping
    padding: int


def _block(content: Reader, path: str) -> _Block:
    """The next block."""
    word = exactly(content, 4)
    if len(word) < 4:
        raise MalformedImage(what="the package ends where a block must begin", path=path)
    kind, size, header = word[3] >> 6, int.from_bytes(word, "little") & 0x3FFFFFFF, 4
    if kind == _EXTENDED:
        kind, size, header = size, int.from_bytes(exactly(content, 12)[4:], "little"), 16
    if size < header:
        raise MalformedImage(what=f"a block of {size} bytes", path=path)
    return _Block(kind, Skipping(content, size - header), -size % _ALIGNED)


def _data_after(block: _Block, content: Reader, path: str) -> _Block:
    """The next block with the content of a file; what is left of the one before is passed over, signatures as well."""
    while True:
        if not block.content.skip() or not Skipping(content, block.padding).skip():
            raise MalformedImage(what="the package ends within a block", path=path)
        block = _block(content, path)
        if block.kind == _DATA:
            return block


def _files(tree: _Tree, content: Reader, block: _Block, budget: UnpackBudget) -> Iterator[PackedFile]:
    """Each file of the tree, those that have content with the block that has it."""
    for file in tree.files():
        packed = Skipping(content, 0)
        if file.size and not file.target:
            block = _data_after(block, content, tree.path)
            packed = block.content
            if exactly(packed, 8) != file.numbers or packed.left != file.size:
                raise MalformedImage(what=f"the content of another file where {file.name} must be", path=tree.path)
        member = _member(file, packed, tree.path, budget)
        if member is not None:
            budget.count()
            yield member
            member.close()
        if not packed.skip():
            raise MalformedImage(what=f"the package ends within {file.name}", path=tree.path)


def _member(file: _File, content: Skipping, path: str, budget: UnpackBudget) -> PackedFile | None:
    """A file or link; None for a device."""
    place = inside(path, file.name)
    if not file.target:
        return PackedFile(file.name, place, file.size, budget, mode=file.mode, opener=lambda: content)
    kind, target = int.from_bytes(file.target[:2], "little"), file.target[2:].decode("utf-8", "surrogateescape")
    if kind == stat.S_IFLNK:
        return PackedFile(file.name, place, 0, budget, link=target, mode=file.mode)
    if kind == stat.S_IFREG:
        return PackedFile(file.name, place, 0, budget, same_as=plain_name(target), mode=file.mode)
    return None


@dataclass(frozen=True, slots=True)
class _File:
    """What the tree says of one file: its path in the package, and where it is a link its type and target."""

    name: str
    size: int
    mode: int
    target: bytes
    numbers: bytes  # of its directory and of itself in that, as its content repeats them


@dataclass(frozen=True, slots=True)
class _Tree:
    """The first block of a package: values that refer to others by their offsets in it."""

    data: bytes
    path: str
    budget: UnpackBudget

    def files(self) -> Iterator[_File]:
        """Every file, in the order their contents follow in."""
        (root,) = self._numbers("<I", 4)
        for above, folder in self._slots(self._slot(root, _PATHS)):
            self.budget.count()
            below = self._blob(self._slot(folder, _NAME)).decode("utf-8", "surrogateescape")
            for number, file in self._slots(self._slot(folder, _FILES)):
                leaf = self._blob(self._slot(file, _NAME)).decode("utf-8", "surrogateescape")
                yield _File(
                    plain_name(posixpath.join(below, leaf)),
                    self._integer(self._slot(file, _SIZE)),
                    stat.S_IMODE(self._integer(self._slot(self._slot(file, _ACL), _MODE))),
                    self._blob(self._slot(file, _TARGET)),
                    struct.pack("<II", above, number),
                )

    def _slots(self, value: int) -> Iterator[tuple[int, int]]:
        """The numbers and values of an array; none of what is not one."""
        count = self._count(value)
        return ((number, self._slot(value, number)) for number in range(1, count))

    def _slot(self, value: int, number: int) -> int:
        """One value of an array or object; 0, which is null, where it has none."""
        return self._numbers("<I", (value & 0xFFFFFFF) + 4 * number)[0] if number < self._count(value) else 0

    def _count(self, value: int) -> int:
        """How many values an array or object has, the count itself included; 0 for what is neither."""
        return self._numbers("<I", value & 0xFFFFFFF)[0] if value >> 28 in (_ARRAY, _OBJECT) else 0

    def _integer(self, value: int) -> int:
        kind, at = value >> 28, value & 0xFFFFFFF
        if kind == _INT:
            return at
        form = {_INT_32: "<I", _INT_64: "<Q"}.get(kind)
        return self._numbers(form, at)[0] if form else 0

    def _blob(self, value: int) -> bytes:
        kind, at = value >> 28, value & 0xFFFFFFF
        width = _BLOBS.get(kind, 0)
        size = int.from_bytes(self.data[at : at + width], "little")
        return self.data[at + width : at + width + size]

    def _numbers(self, form: str, at: int) -> tuple[int, ...]:
        try:
            return struct.unpack_from(form, self.data, at)
        except struct.error as error:
            raise MalformedImage(
                what="a value that lies beyond the package's tree", offset=at, path=self.path
            ) from error
