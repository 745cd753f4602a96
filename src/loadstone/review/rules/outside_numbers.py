"""Numbers that somebody else chose: what is known of one at a point of the program, and of all of them together.

An :class:`OutsideNumber` came from a file, a socket, the command line, the environment or foreign code. It is known
whether it may be negative (``low``), whether something compared it with an upper end (``high``), and which one, where
that is a constant or the size of a place. Two paths that meet know of a number what both know: ``OutsideNumber.join``
is the greatest lower bound of (low, high, floor) and the larger of the limits, so that a loop comes to a fixed point
after one round. Numbers that nobody outside chose are kept with their limit only. Design: the interval domain, of
which only the ends that a program asks about are kept (Cousot & Cousot 1977).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from loadstone.quick_dataclass import dataclass, replace

__all__ = ["NumberOrigin", "Numbers", "OutsideNumber", "bits_of", "combined", "is_integer", "is_unsigned", "join"]

_EIGHT: Final = re.compile(r"\b(?:u?int8_t|char|BYTE|UCHAR|uchar|q?u?int8|g?u?int8|guchar|byte|u8|s8)\b")
_SIXTEEN: Final = re.compile(r"\b(?:u?int16_t|short|WORD|USHORT|q?u?int16|g?u?int16|u16|s16|Elf\d\d_Half|ushort)\b")
_WIDE: Final = re.compile(
    r"64|\b(?:s?size_t|long|off_t|g?s?size|DWORDLONG|U?LONGLONG|Elf64_(?:Off|Addr|Xword)|qsizetype|u?intptr_t|S?SIZE_T"
    r"|streamsize|ptrdiff_t|U?INT_PTR)\b"
)
_UNSIGNED: Final = re.compile(
    r"\bunsigned\b|\b(?:q|g)?uint\w*|\bu(?:int|char|long|short|8|16|32|64)\w*|\bsize_t|\bgsize|\bElf\w+|\bauto\b"
    r"|\b(?:DWORD|WORD|BYTE|UINT|ULONG|USHORT|UCHAR|SIZE_T|DWORDLONG|ULONGLONG)\w*|\bbyte\b"
)
_OTHER: Final = re.compile(r"[*\[<&(]|\b(?:float|double|bool|gboolean|BOOL|void|FILE|string|HANDLE|HMODULE)\b")
_INTEGER: Final = re.compile(
    r"\b(?:q|g)?u?int\w*|\b(?:unsigned|signed|char|short|long|s?size_t|off_t|g?s?size|auto|byte|uchar|ushort|ulong)\b"
    r"|\b[us](?:8|16|32|64)\b|\b(?:DWORD|WORD|BYTE|UINT|INT|U?LONG|U?SHORT|UCHAR|SIZE_T)\w*|\bstreamsize\b"
    r"|\bElf(?:32|64)_(?:Half|Word|Sword|Xword|Off|Addr)\b|\b\w+_(?:size|count|len|off|offset)_t\b|\bqsizetype\b"
)


@lru_cache(4096)
def bits_of(spelled: str) -> int:
    """How many bits a number of a type has, 64 where that is not known.

    >>> bits_of("const uint16_t"), bits_of("DWORD"), bits_of("size_t")
    (16, 32, 64)
    """
    if _WIDE.search(spelled):
        return 64
    if _EIGHT.search(spelled):
        return 8
    if _SIXTEEN.search(spelled):
        return 16
    return 32 if is_integer(spelled) and "auto" not in spelled else 64


@lru_cache(4096)
def is_unsigned(spelled: str) -> bool:
    """Whether no number of a type is negative; told of types in sight only.

    >>> is_unsigned("uint32_t"), is_unsigned("ssize_t"), is_unsigned("int")
    (True, False, False)
    """
    return bool(_UNSIGNED.search(spelled))


@lru_cache(4096)
def is_integer(spelled: str) -> bool:
    """Whether a type is one of whole numbers.

    >>> is_integer("const uint32_t"), is_integer("char []"), is_integer("struct head")
    (True, False, False)
    """
    return not _OTHER.search(spelled) and bool(_INTEGER.search(spelled))


@dataclass(frozen=True, slots=True)
class NumberOrigin:
    """Where a number came from, in words: ``read from a file``."""

    line: int
    words: str


@dataclass(frozen=True, slots=True)
class OutsideNumber:
    """What is known of one number.

    ``low``: it is not negative; ``high``: something compared it with an upper end; ``floor``: something compared it
    with a lower end, so taking from it does not wrap; ``limit``: the largest it may be, where the text says;
    ``whole``: the place whose whole size it may be; ``counts``: it is the counter of a loop that ends at it;
    ``wraps``: it was computed in 32 bits and may have wrapped; ``told``: its upper end is another number that
    somebody else chose, so it says nothing of the room of the program.
    """

    name: str
    origin: NumberOrigin | None
    low: bool = False
    high: bool = False
    floor: bool = False
    bits: int = 64
    limit: int | None = None
    whole: str = ""
    counts: bool = False
    wraps: bool = False
    told: bool = False

    @property
    def is_free(self) -> bool:
        """Whether somebody else chose it, and nothing compared it with an upper end."""
        return self.origin is not None and not self.high

    def join(self, other: OutsideNumber) -> OutsideNumber:
        """What is known where two paths meet."""
        limits = (self.limit, other.limit)
        return replace(
            self,
            name=self.name if not self.high or other.high else other.name,
            origin=self.origin or other.origin,
            low=self.low and other.low,
            high=self.high and other.high,
            floor=self.floor and other.floor,
            bits=max(self.bits, other.bits),
            limit=None if None in limits else max(limit for limit in limits if limit is not None),
            whole=self.whole or other.whole,
            counts=self.counts and other.counts,
            wraps=self.wraps or other.wraps,
            told=self.told or other.told,
        )


class Numbers:
    """The numbers of one function at one point: by the name of their place, and the records that hold more of them."""

    __slots__ = ("held", "records")

    def __init__(
        self, held: dict[str, OutsideNumber | None] | None = None, records: dict[str, NumberOrigin] | None = None
    ) -> None:
        self.held: dict[str, OutsideNumber | None] = held if held is not None else {}
        self.records: dict[str, NumberOrigin] = records if records is not None else {}

    def copy(self) -> Numbers:
        """The same, to go another way with."""
        return _numbers(dict(self.held), dict(self.records))

    def record_of(self, path: str) -> NumberOrigin | None:
        """Where the record came from that a place is in, or is."""
        while path:
            found = self.records.get(path)
            if found is not None:
                return found
            path = path[:-2] if path.endswith("[]") else path.rpartition(".")[0]
        return None

    def put(self, path: str, number: OutsideNumber | None) -> None:
        """A place is given a number, or something that is none of somebody else's."""
        if path:
            self._forget(path)
            self.held[path] = number

    def fill(self, path: str, origin: NumberOrigin) -> None:
        """A record, or an array, is filled from outside."""
        if path:
            self._forget(path)
            self.held.pop(path, None)
            self.records[path] = origin

    def vouch(self, path: str) -> None:
        """Something asked about a place, and what is in it."""
        if not path:
            return
        for name in [n for n in self.held if n == path or n.startswith(f"{path}.")]:
            number = self.held[name]
            if number is not None:
                self.held[name] = replace(number, low=True, high=True, floor=True, whole="", limit=None, told=False)
        for name in [n for n in self.records if n == path or n.startswith(f"{path}.")]:
            del self.records[name]
        if "." in path:
            self.held.setdefault(path, None)  # one member of a record; the others are as before

    def _forget(self, path: str) -> None:
        for table in (self.held, self.records):
            for name in [n for n in table if n.startswith((f"{path}.", f"{path}[]"))]:
                del table[name]
        self.records.pop(path, None)


def join(one: Numbers | None, other: Numbers | None) -> Numbers | None:
    """Where two paths meet; None is a path that does not come here."""
    if one is None or other is None:
        return other if one is None else one
    held: dict[str, OutsideNumber | None] = {}
    for path in {*one.held, *other.held}:
        first, second = one.held.get(path), other.held.get(path)
        if first is not None and second is not None:
            held[path] = first.join(second)
            continue
        again = (other if path in one.held else one).record_of(path)  # then what the record says holds again
        if again is None or (path in one.held and path in other.held):
            held[path] = first or second
    return _numbers(held, one.records | other.records)


def _numbers(held: dict[str, OutsideNumber | None], records: dict[str, NumberOrigin]) -> Numbers:
    made = Numbers()
    made.held, made.records = held, records
    return made


def combined(operator: str, limits: tuple[int | None, ...]) -> int | None:
    """The largest that an operation gives, by the largest of what goes in; None where nobody knows."""
    one, other = limits
    match operator:
        case "-" if one is not None:
            return one - other if other is not None and 0 <= other <= one else one
        case "/" if one is not None and other:
            return one // other
        case ">>" if one is not None and other is not None and 0 <= other < 64:
            return one >> other
    if one is None or other is None or one < 0 or other < 0 or max(one, other) > 1 << 40:
        return None
    match operator:
        case "+":
            return one + other
        case "*":
            return one * other
        case "<<":
            return one << other if other < 40 else None
        case "|" | "^":
            return (1 << max(one.bit_length(), other.bit_length())) - 1
    return None
