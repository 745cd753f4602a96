"""Compressed streams, read a piece at a time within memory and growth that do not depend on what they claim."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from loadstone.archives.bounds import UnpackBudget
from loadstone.archives.decoders import (
    Decoder,
    bzip2_decoder,
    damage_told,
    gzip_decoder,
    lzma_decoder,
    xz_decoder,
    zstd_decoder,
)
from loadstone.archives.member import Reader
from loadstone.errors import MalformedImage

__all__ = ["Decompressed", "Plain", "compression_of", "decompressed"]

_PIECE: Final = 256 << 10

_FORMATS: Final[tuple[tuple[bytes, Callable[[], Decoder]], ...]] = (
    (b"\x1f\x8b", gzip_decoder),
    (b"BZh", bzip2_decoder),
    (b"\xfd7zXZ\0", xz_decoder),
    (b"\x28\xb5\x2f\xfd", zstd_decoder),
    (b"\x5d\0\0", lzma_decoder),
)
"""A compression and its first bytes."""

_SKIPPABLE: Final = frozenset(bytes((n, 0x2A, 0x4D, 0x18)) for n in range(0x50, 0x60))  # frames of zstd without content


def compression_of(head: bytes) -> Callable[[], Decoder] | None:
    """What unpacks a stream that begins so; None for one that is not compressed."""
    if head[:4] in _SKIPPABLE:
        return zstd_decoder
    return next((decoder for magic, decoder in _FORMATS if head.startswith(magic)), None)


class Plain:
    """A stream that can be looked into before it is read. ``head`` does not move it."""

    def __init__(self, stream: Reader) -> None:
        self._stream = stream
        self._ahead = b""

    def head(self, size: int) -> bytes:
        while len(self._ahead) < size:
            piece = self._stream.read(size - len(self._ahead))
            if not piece:
                break
            self._ahead += piece
        return self._ahead[:size]

    def read(self, size: int, /) -> bytes:
        if self._ahead:
            piece, self._ahead = self._ahead[:size], self._ahead[size:]
            return piece
        return self._stream.read(size)


class Decompressed:
    """What a compressed stream unpacks to; streams that follow one another are one."""

    def __init__(self, stream: Reader, make: Callable[[], Decoder], budget: UnpackBudget) -> None:
        self._stream = stream
        self._make = make
        self._decoder = make()
        self._budget = budget
        self._packed = self._unpacked = 0
        self._rest = b""
        self._ended = False

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end. Raises MalformedImage for damage, TooLarge for a bomb."""
        with damage_told(self._damaged):
            while not self._ended:
                piece = self._step(size)
                if piece:
                    self._unpacked += len(piece)
                    self._budget.check_ratio(self._packed, self._unpacked)
                    return piece
        return b""

    def _step(self, size: int) -> bytes:
        if self._decoder.eof:
            self._next_stream()
            return b""
        data = b""
        if self._decoder.needs_input:
            data = self._rest or self._more()
            self._rest = b""
            if not data:
                self._ended = True
                raise EOFError("the compressed data ends too early")
        return self._decoder.decompress(data, size)

    def _more(self) -> bytes:
        data = self._stream.read(_PIECE)
        self._packed += len(data)
        return data

    def _next_stream(self) -> None:
        """Begin the stream that follows, if one does: padding and what else may follow is left."""
        rest = self._decoder.unused_data or self._more()
        while rest and not rest.strip(b"\0"):
            rest = self._more()
        if rest and len(rest) < 6:
            rest += self._more()
        if not rest or compression_of(rest) is None:
            self._ended = True
            return
        self._decoder, self._rest = self._make(), rest

    def _damaged(self, what: str) -> MalformedImage:
        return MalformedImage(what=f"damaged compressed data: {what}", offset=self._packed, path=self._budget.path)


def decompressed(stream: Reader, budget: UnpackBudget) -> Reader:
    """``stream`` unpacked when it is compressed, else as it is."""
    plain = Plain(stream)
    make = compression_of(plain.head(6))
    return Decompressed(plain, make, budget) if make is not None else plain
