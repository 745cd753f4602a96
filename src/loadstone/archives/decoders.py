"""One decompressor for each compression, all with one face, and what their modules raise put into our words."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from loadstone.errors import MalformedImage, Unsupported

__all__ = [
    "Decoder",
    "bzip2_decoder",
    "damage_told",
    "deflate_decoder",
    "gzip_decoder",
    "lzma_decoder",
    "unpacked_block",
    "xz_decoder",
    "zlib_decoder",
    "zstd_decoder",
]

_MEMORY: Final = 256 << 20
"""For the window of one stream: xz -9 takes 65 MiB, zstd --ultra -22 128 MiB."""

_WINDOW_LOG: Final = 27
_DAMAGE: Final = frozenset(("LZMAError", "ZstdError"))
"""What modules that are not imported yet raise for damage."""


class Decoder(Protocol):
    """What the decompressors of bz2, lzma and zstd have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Inflate:
    """zlib's decompressor for one stream, behind the same face; ``wbits`` says what is around the data."""

    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max(max_length, 0))


def gzip_decoder() -> Decoder:
    """For one member of a gzip file."""
    return _Inflate(16 + zlib.MAX_WBITS)


def zlib_decoder() -> Decoder:
    """For deflated data with zlib's header."""
    return _Inflate(zlib.MAX_WBITS)


def deflate_decoder() -> Decoder:
    """For deflated data with nothing around it."""
    return _Inflate(-zlib.MAX_WBITS)


def bzip2_decoder() -> Decoder:
    """For one stream of bzip2."""
    import bz2  # noqa: PLC0415  as every module here: most files that are looked at are not compressed

    return bz2.BZ2Decompressor()


def xz_decoder() -> Decoder:
    """For one stream of xz."""
    import lzma  # noqa: PLC0415

    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)


def lzma_decoder() -> Decoder:
    """For a file of the older format of lzma."""
    import lzma  # noqa: PLC0415

    return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_MEMORY)


def zstd_decoder() -> Decoder:
    """For one frame of zstd. Raises Unsupported where Python has no module for it."""
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd  # noqa: PLC0415
        else:
            from backports import zstd  # noqa: PLC0415
    except ImportError as error:
        raise Unsupported(
            feature="zstd decompression", reason=str(error), advice="pip install backports.zstd, or use Python 3.14"
        ) from error
    decoder: Decoder = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG})
    return decoder


@contextmanager
def damage_told(tell: Callable[[str], MalformedImage]) -> Iterator[None]:
    """Raise what ``tell`` makes of it where a decompressor meets damage."""
    try:
        yield
    except (zlib.error, OSError, EOFError, ValueError, MemoryError) as error:
        if isinstance(error, MalformedImage):
            raise
        raise tell(str(error)) from error
    except Exception as error:
        if type(error).__name__ in _DAMAGE:
            raise tell(str(error)) from error
        raise


def unpacked_block(make: Callable[[], Decoder], data: bytes, most: int) -> bytes:
    """A block that was compressed by itself; of one that would become more than ``most`` bytes the first of them.

    Raises what the module of the compression does, for :func:`damage_told`.
    """
    decoder, found = make(), b""
    while len(found) < most and not decoder.eof:
        piece = decoder.decompress(data, most - len(found))
        if not piece and decoder.needs_input:
            raise EOFError("a block ends too early")
        found, data = found + piece, b""
    return found
