"""What glibc looks at in the first bytes of a candidate, field by field, in the order it does."""

from __future__ import annotations

import errno
from struct import pack

import pytest

from loadstone.core.image import ByteOrder
from loadstone.linker.abi import ABIS, Abi
from loadstone.linker.header import HeaderCheck, HeaderOutcome, check_header
from loadstone.linker.view import OpenedFile
from loadstone.quick_dataclass import replace

BY_NAME = {abi.name: abi for abi in ABIS}
X86_64, I386, S390X = BY_NAME["x86-64"], BY_NAME["i386"], BY_NAME["s390x"]
OFFSET, ENTRY_SIZE, COUNT = {64: 32, 32: 28}, {64: 54, 32: 42}, {64: 56, 32: 44}
"""Where e_phoff, e_phentsize and e_phnum stand, by the bits of the file."""


def header(abi: Abi, changes: dict[int, bytes]) -> bytes:
    """A sound header of one program header behind it, with these bytes changed."""
    order, wide = "<" if abi.order is ByteOrder.LITTLE else ">", abi.bits == 64
    begin = b"\x7fELF" + bytes((2 if wide else 1, 1 if order == "<" else 2, 1)) + bytes(9)
    word = "Q" if wide else "I"
    head = begin + pack(f"{order}HHI{word}{word}{word}I", 3, abi.machine, 1, 0, abi.header_size, 0, 0)
    sizes = pack(f"{order}HHHHHH", abi.header_size, abi.program_header_size, 1, 0, 0, 0)
    data = bytearray(head + sizes + bytes(abi.program_header_size))
    for offset, content in changes.items():
        data[offset : offset + len(content)] = content
    return bytes(data)


def checked(abi: Abi, changes: dict[int, bytes]) -> HeaderCheck:
    data = header(abi, changes)
    return check_header(OpenedFile("/x", (0, 0), len(data), data), abi)


def fatal(text: str, offset: int) -> HeaderCheck:
    return HeaderCheck(HeaderOutcome.FATAL, text, 0, offset)


@pytest.mark.parametrize("abi", [X86_64, I386, S390X], ids=lambda abi: abi.name)
def test_a_sound_header_is_usable(abi: Abi) -> None:
    assert checked(abi, {}) == HeaderCheck(HeaderOutcome.USABLE)


@pytest.mark.parametrize(
    ("abi", "changes", "expected"),
    [
        (X86_64, {0: b"\x7eELF"}, fatal("invalid ELF header", 0)),
        (X86_64, {0: b"\x7fELf"}, fatal("invalid ELF header", 0)),
        (X86_64, {4: b"\1"}, HeaderCheck(HeaderOutcome.OTHER_CLASS, offset=4)),
        (I386, {4: b"\2"}, HeaderCheck(HeaderOutcome.OTHER_CLASS, offset=4)),
        (X86_64, {5: b"\2"}, fatal("ELF file data encoding not little-endian", 5)),
        (S390X, {5: b"\1"}, fatal("ELF file data encoding not big-endian", 5)),
        (X86_64, {6: b"\2"}, fatal("ELF file version ident does not match current one", 6)),
        (X86_64, {7: b"\x09"}, fatal("ELF file OS ABI invalid", 7)),
        (X86_64, {8: b"\1"}, fatal("ELF file ABI version invalid", 8)),
        (X86_64, {7: b"\3\4"}, fatal("ELF file ABI version invalid", 8)),
        (X86_64, {9: b"\1"}, fatal("nonzero padding in e_ident", 9)),
        (X86_64, {15: b"\1"}, fatal("nonzero padding in e_ident", 9)),
        (X86_64, {20: b"\2"}, fatal("ELF file version does not match current one", 20)),
        (S390X, {23: b"\2"}, fatal("ELF file version does not match current one", 20)),
        (X86_64, {18: b"\xb7"}, HeaderCheck(HeaderOutcome.OTHER_MACHINE, offset=18)),
        (X86_64, {16: b"\1"}, fatal("only ET_DYN and ET_EXEC can be loaded", 16)),
        (X86_64, {16: b"\4"}, fatal("only ET_DYN and ET_EXEC can be loaded", 16)),
        (X86_64, {ENTRY_SIZE[64]: b"\x20"}, fatal("ELF file's phentsize not the expected size", ENTRY_SIZE[64])),
        (I386, {ENTRY_SIZE[32]: b"\x38"}, fatal("ELF file's phentsize not the expected size", ENTRY_SIZE[32])),
        (X86_64, {COUNT[64]: b"\2"}, fatal("cannot read file data", OFFSET[64])),
        (I386, {COUNT[32]: b"\2"}, fatal("cannot read file data", OFFSET[32])),
        (X86_64, {OFFSET[64]: b"\x41"}, fatal("cannot read file data", OFFSET[64])),
    ],
)
def test_each_field_is_judged_in_the_loaders_words(abi: Abi, changes: dict[int, bytes], expected: HeaderCheck) -> None:
    assert checked(abi, changes) == expected


@pytest.mark.parametrize("changes", [{16: b"\2"}, {7: b"\3"}, {7: b"\3\3"}])
def test_programs_and_the_gnu_abi_are_accepted(changes: dict[int, bytes]) -> None:
    assert checked(X86_64, changes).outcome is HeaderOutcome.USABLE


def test_what_is_too_short_or_cannot_be_read_is_fatal() -> None:
    data = header(X86_64, {})
    whole = OpenedFile("/x", (0, 0), len(data), data)
    assert check_header(replace(whole, head=data[:63]), X86_64) == fatal("file too short", 63)
    unread = replace(whole, head=b"", read_error=errno.EISDIR)
    assert check_header(unread, X86_64) == HeaderCheck(HeaderOutcome.FATAL, "cannot read file data", errno.EISDIR)
    cut = replace(whole, head=data[:64])
    assert check_header(cut, X86_64).outcome is HeaderOutcome.USABLE  # the file has more than the first read took
