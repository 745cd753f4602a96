"""Small writers of formats whose own tools are rarely at hand: SquashFS, AppImages, apk's third format."""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

__all__ = ["adb_of", "appimage_of", "squashfs_of"]

_BLOCK: Final = 4096
PACKERS: Final[Mapping[str, tuple[int, Callable[[bytes], bytes]]]] = {
    "gzip": (1, zlib.compress),
    "lzma": (2, lambda data: lzma.compress(data, lzma.FORMAT_ALONE)),
    "xz": (4, lzma.compress),
}
Tree = dict[str, "bytes | str | Tree"]


class _Image:
    """Tables and data of one image as they grow. Directories end up after what is in them, as mksquashfs has it."""

    def __init__(self, packer: str) -> None:
        self.number, self.pack = PACKERS[packer]
        self.data, self.inodes, self.listings, self.count = bytearray(bytes(96)), bytearray(), bytearray(), 0
        self.tails: list[tuple[int, int]] = []

    def add(self, entry: bytes | str | Tree) -> tuple[int, int]:
        """The offset and the type of an inode; inodes of all tests fit into blocks that are stored as they are."""
        listed = [(name, *self.add(entry[name])) for name in sorted(entry)] if isinstance(entry, dict) else []
        kind = 1 if isinstance(entry, dict) else 3 if isinstance(entry, str) else 2
        self.count += 1
        offset = len(self.inodes)
        self.inodes += struct.pack("<HHHHII", kind, 0o644, 0, 0, 0, self.count)
        if isinstance(entry, dict):
            at = len(self.listings)
            for name, where, what in listed:
                block, inside = divmod(where, 8192)
                leaf = name.encode()
                self.listings += struct.pack("<III HhHH", 0, block * 8194, self.count, inside, 0, what, len(leaf) - 1)
                self.listings += leaf
            size = len(self.listings) - at + 3
            self.inodes += struct.pack("<IIHHI", at // 8192 * 8194, 2, size, at % 8192, 0)
        elif isinstance(entry, str):
            self.inodes += struct.pack("<II", 1, len(entry)) + entry.encode()
        else:
            self.inodes += self.file(entry)
        return offset, kind

    def file(self, content: bytes) -> bytes:
        """Whole blocks, and what is left over in a block that files share."""
        start, whole = len(self.data), len(content) // _BLOCK * _BLOCK
        sizes = [self.block(content[at : at + _BLOCK]) for at in range(0, whole, _BLOCK)]
        fragment = 0xFFFFFFFF
        if content[whole:]:
            fragment, at = len(self.tails), len(self.data)
            self.tails.append((at, self.block(content[whole:])))
        return struct.pack(f"<IIII{len(sizes)}I", start, fragment, 0, len(content), *sizes)

    def block(self, content: bytes) -> int:
        if not content.strip(b"\0"):
            return 0 if len(content) == _BLOCK else self.stored(content)
        packed = self.pack(content)
        if len(packed) >= len(content):
            return self.stored(content)
        self.data += packed
        return len(packed)

    def stored(self, content: bytes) -> int:
        self.data += content
        return len(content) | 1 << 24


def _table(content: bytes | bytearray) -> bytes:
    pieces = [content[at : at + 8192] for at in range(0, len(content), 8192)]
    return b"".join(struct.pack("<H", len(piece) | 1 << 15) + piece for piece in pieces)


def tree_of(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> Tree:
    """The folders that names with slashes imply."""
    tree: Tree = {}
    entries: dict[str, bytes | str] = {**files, **(links or {})}
    for name, entry in entries.items():
        below = tree
        *folders, leaf = name.split("/")
        for folder in folders:
            inner = below.setdefault(folder, {})
            assert isinstance(inner, dict)
            below = inner
        below[leaf] = entry
    return tree


def squashfs_of(
    files: Mapping[str, bytes], links: Mapping[str, str] | None = None, packer: str = "gzip", compression: int = 0
) -> bytes:
    """A SquashFS image; ``compression`` is the number to state in place of the packer's."""
    image = _Image(packer)
    root, _ = image.add(tree_of(files, links))
    inodes = len(image.data)
    listings = inodes + len(_table(image.inodes))
    entries = listings + len(_table(image.listings))
    tails = _table(b"".join(struct.pack("<QII", at, size, 0) for at, size in image.tails))
    pointers = entries + len(tails)
    head = struct.pack(
        "<4sIIIIHHHHHHQQQQQQQQ", b"hsqs", image.count, 0, _BLOCK, len(image.tails), compression or image.number, 12, 0,
        1, 4, 0, root // 8192 * 8194 << 16 | root % 8192, pointers + 8, 0, 0, inodes, listings, pointers, 0,
    )  # fmt: skip
    tables = _table(image.inodes) + _table(image.listings) + tails + struct.pack("<Q", entries)
    return head + bytes(image.data[96:]) + tables


def appimage_of(payload: bytes, kind: int = 2) -> bytes:
    """A program that is its header alone, with a file system behind it."""
    head = b"\x7fELF\2\1\1\0AI" + bytes((kind,))
    return head.ljust(40, b"\0") + struct.pack("<QIHHHHHH", 64, 0, 64, 0, 0, 64, 2, 0) + bytes(128) + payload


class _Values:
    """The first block of a package: values that refer to others by where they are."""

    def __init__(self) -> None:
        self.data = bytearray(8)

    def blob(self, content: bytes) -> int:
        at = len(self.data)
        self.data += struct.pack("<BH", 0, len(content))[1:] + content
        return 9 << 28 | at

    def slots(self, kind: int, values: Sequence[int]) -> int:
        self.data += bytes(-len(self.data) % 4)
        at = len(self.data)
        self.data += struct.pack(f"<{len(values) + 1}I", len(values) + 1, *values)
        return kind << 28 | at


def adb_of(files: Mapping[str, bytes], links: Mapping[str, str] | None = None, how: str = "d") -> bytes:
    """A package of apk's third format, each file in a folder entry of its own; ``how`` is the compression's letter."""
    values, paths, contents = _Values(), [], b""
    for number, (name, content) in enumerate({**files, **(links or {})}.items(), 1):
        folder, _, leaf = name.rpartition("/")
        acl = values.slots(14, [1 << 28 | 0o755])
        target = values.blob(struct.pack("<H", 0o120000) + content.encode()) if isinstance(content, str) else 0
        size = 0 if isinstance(content, str) else 1 << 28 | len(content)
        file = values.slots(14, [values.blob(leaf.encode()), acl, size, 0, values.blob(b"hash"), target])
        paths.append(values.slots(14, [values.blob(folder.encode()), acl, values.slots(13, [file])]))
        if content and isinstance(content, bytes):
            contents += _adb_block(2, struct.pack("<II", number, 1) + content)
    root = values.slots(14, [0, values.slots(13, paths)])
    values.data[4:8] = struct.pack("<I", root)
    package = b"ADB.pckg" + _adb_block(0, bytes(values.data)) + _adb_block(1, b"a signature") + contents
    if how == ".":
        return package
    deflated = zlib.compressobj(wbits=-15)
    return (b"ADBd" if how == "d" else b"ADBc\1\6") + deflated.compress(package) + deflated.flush()


def _adb_block(kind: int, content: bytes) -> bytes:
    return struct.pack("<I", kind << 30 | len(content) + 4) + content + bytes(-(len(content) + 4) % 8)
