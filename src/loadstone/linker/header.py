"""What glibc checks in the first bytes of a candidate, in its order and its words.

Source: elf/dl-load.c, open_verify, read for its rules; gABI chapter 4 "ELF Identification". A candidate of another
class or machine is passed over and the search goes on; anything else that is wrong ends the load.
"""

from __future__ import annotations

from enum import Enum, auto
from functools import lru_cache
from typing import Final

from loadstone.core.image import ByteOrder
from loadstone.linker.abi import Abi
from loadstone.linker.view import OpenedFile
from loadstone.quick_dataclass import dataclass

__all__ = ["HeaderCheck", "HeaderOutcome", "check_header"]

_MAGIC: Final = b"\x7fELF"
_CLASS, _DATA, _VERSION, _OS_ABI, _ABI_VERSION, _PADDING = 4, 5, 6, 7, 8, 9
_OS_ABI_SYSV, _OS_ABI_GNU = 0, 3
_GNU_ABI_VERSIONS: Final = 4  # LIBC_ABI_MAX: default, unique, ifunc, absolute (libc-abis)
_ET_EXEC, _ET_DYN = 2, 3


class HeaderOutcome(Enum):
    """What the search does with the candidate."""

    USABLE = auto()
    OTHER_CLASS = auto()
    OTHER_MACHINE = auto()
    FATAL = auto()


@dataclass(frozen=True, slots=True)
class HeaderCheck:
    """The outcome; ``text`` are the loader's words for a fatal one, ``errno`` the number it adds to them."""

    outcome: HeaderOutcome
    text: str = ""
    errno: int = 0
    offset: int = 0  # of the bytes that decided it


_USABLE: Final = HeaderCheck(HeaderOutcome.USABLE)


@lru_cache(maxsize=4096)
def check_header(opened: OpenedFile, abi: Abi) -> HeaderCheck:
    """Check an opened candidate for a process of ``abi``. Pure."""
    head = opened.head
    if opened.read_error:
        return _fatal("cannot read file data", 0, opened.read_error)
    if len(head) < abi.header_size:
        return _fatal("file too short", len(head))
    return _check_identification(head, abi) or _check_fields(opened, abi)


def _fatal(text: str, offset: int, errno: int = 0) -> HeaderCheck:
    return HeaderCheck(HeaderOutcome.FATAL, text, errno, offset)


def _check_identification(head: bytes, abi: Abi) -> HeaderCheck | None:
    if head[:4] != _MAGIC:
        return _fatal("invalid ELF header", 0)
    if head[_CLASS] != (2 if abi.bits == 64 else 1):
        return HeaderCheck(HeaderOutcome.OTHER_CLASS, offset=_CLASS)
    if head[_DATA] != (1 if abi.order is ByteOrder.LITTLE else 2):
        return _fatal(f"ELF file data encoding not {abi.order}-endian", _DATA)
    if head[_VERSION] != 1:
        return _fatal("ELF file version ident does not match current one", _VERSION)
    os_abi, abi_version = head[_OS_ABI], head[_ABI_VERSION]
    if os_abi not in (_OS_ABI_SYSV, _OS_ABI_GNU):
        return _fatal("ELF file OS ABI invalid", _OS_ABI)
    if abi_version and not (os_abi == _OS_ABI_GNU and abi_version < _GNU_ABI_VERSIONS):
        return _fatal("ELF file ABI version invalid", _ABI_VERSION)
    if any(head[_PADDING:16]):
        return _fatal("nonzero padding in e_ident", _PADDING)
    return None


def _check_fields(opened: OpenedFile, abi: Abi) -> HeaderCheck:
    head, wide = opened.head, abi.bits == 64

    def field(offset: int, size: int) -> int:
        return int.from_bytes(head[offset : offset + size], abi.order.value)

    if field(20, 4) != 1:
        return _fatal("ELF file version does not match current one", 20)
    if field(18, 2) != abi.machine:
        return HeaderCheck(HeaderOutcome.OTHER_MACHINE, offset=18)
    if field(16, 2) not in (_ET_DYN, _ET_EXEC):
        return _fatal("only ET_DYN and ET_EXEC can be loaded", 16)
    entry_size_at = 54 if wide else 42
    if field(entry_size_at, 2) != abi.program_header_size:
        return _fatal("ELF file's phentsize not the expected size", entry_size_at)
    offset = field(32, 8) if wide else field(28, 4)
    end = offset + field(entry_size_at + 2, 2) * abi.program_header_size
    if end > len(head) and end > opened.size:
        return _fatal("cannot read file data", 32 if wide else 28)
    return _USABLE
