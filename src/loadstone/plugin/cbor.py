"""A strict, bounded reader of CBOR (RFC 8949), for plugin metadata that nobody vouches for.

Written for this one job because the usual readers answer damage with an exception and no place, or do not notice
duplicate keys at all. Here every problem has the offset where it was seen, what was read before it is kept, nothing
recurses, and depth, items and text are bounded. Qt 6.11.0 crashes on two of the inputs this reader reports: text that
is not UTF-8, and text whose length cannot be.
"""

from __future__ import annotations

import struct
from typing import Final

from loadstone.quick_dataclass import dataclass, field

__all__ = ["MAX_DEPTH", "MAX_ITEMS", "CborMap", "DataItem", "Decoded", "Problem", "Undefined", "decode"]

MAX_DEPTH: Final = 64
MAX_ITEMS: Final = 100_000

# Major types, RFC 8949 section 3.1.
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_INDEFINITE: Final = 31
_BREAK: Final = 0xFF
_FLOATS: Final = {25: ">e", 26: ">f", 27: ">d"}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with metadata: what, and the offset in the file where it was seen."""

    what: str
    offset: int


@dataclass(frozen=True, slots=True)
class Undefined:
    """CBOR's ``undefined``, and simple values that have no meaning of their own."""

    number: int = 23


@dataclass(frozen=True, slots=True)
class DataItem:
    """A decoded value and the offset of its first byte."""

    value: Value
    offset: int


@dataclass(frozen=True, slots=True)
class CborMap:
    """A map with its pairs in file order, duplicates and all: what they mean is for the caller to say."""

    pairs: tuple[tuple[DataItem, DataItem], ...]


Value = int | float | bool | bytes | str | Undefined | CborMap | tuple[DataItem, ...] | None


@dataclass(frozen=True, slots=True)
class Decoded:
    """The outermost item (None when not even that could be read), the offset behind it, and every problem."""

    item: DataItem | None
    end: int
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Frame:
    """A container under way. ``missing`` counts the items still to come, None for an indefinite one."""

    kind: int
    offset: int
    missing: int | None
    items: list[DataItem] = field(default_factory=list)


class _Stop(Exception):
    """Control flow inside this module: the bytes cannot be followed any further."""

    def __init__(self, what: str, offset: int) -> None:
        self.problem = Problem(what, offset)


def decode(data: bytes, base: int = 0) -> Decoded:
    r"""Decode the first CBOR item in ``data``.

    Args:
        data: the bytes, from the first of the item on.
        base: offset of ``data`` in the file; problems and items count from there.

    Damage never raises: what could be read until then is returned, with a :class:`Problem` each. Bytes behind the item
    are not a problem here (the caller knows whether padding is allowed); :attr:`Decoded.end` says where they begin.
    Pure; linear in the size of ``data``.

    >>> decode(b"\xa1\x02\x61A").item.value.pairs[0][1].value
    'A'
    >>> decode(b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff").problems[0].what
    'a text of 18446744073709551615 bytes where 0 are left'
    """
    reader = _Reader(data, base)
    return Decoded(reader.run(), base + reader.position, tuple(reader.problems))


class _Reader:
    """One decoding. Invariant: ``stack`` holds the open containers, outermost first, never more than MAX_DEPTH."""

    def __init__(self, data: bytes, base: int) -> None:
        self.data = data
        self.base = base
        self.position = 0
        self.problems: list[Problem] = []
        self.stack: list[_Frame] = []
        self.count = 0

    def run(self) -> DataItem | None:
        try:
            while True:
                item = self._next()
                while item is not None and self.stack:
                    item = self._add(item)
                if item is not None:
                    return item
        except _Stop as stop:
            self.problems.append(stop.problem)
            return self._rescue()

    def _rescue(self) -> DataItem | None:
        """Close every open container with what it has, innermost first."""
        item: DataItem | None = None
        while self.stack:
            frame = self.stack.pop()
            if item is not None:
                frame.items.append(item)
            item = _closed(frame)
        return item

    def _add(self, item: DataItem) -> DataItem | None:
        """Give ``item`` to the innermost container; the container itself, when that completes it."""
        frame = self.stack[-1]
        frame.items.append(item)
        if frame.missing is None:
            return None
        frame.missing -= 1
        return self._close() if frame.missing == 0 else None

    def _close(self) -> DataItem:
        return _closed(self.stack.pop())

    def _next(self) -> DataItem | None:
        """Read one head. A container that stays open gives None, everything else its item."""
        at = self.position
        self.count += 1
        if self.count > MAX_ITEMS:
            raise self._stop(f"more than {MAX_ITEMS} items", at)
        head = self._take(1, "an item")[0]
        if head == _BREAK:
            return self._break(at)
        major, info = head >> 5, head & 31
        if major == _SIMPLE:
            return DataItem(self._simple(info, at), self.base + at)
        if info == _INDEFINITE and major in (_BYTES, _TEXT, _ARRAY, _MAP):
            return self._indefinite(major, at)
        number = self._argument(info, at)
        if major == _UNSIGNED:
            return DataItem(number, self.base + at)
        if major == _NEGATIVE:
            return DataItem(-1 - number, self.base + at)
        if major in (_BYTES, _TEXT):
            return DataItem(self._string(major, number, at), self.base + at)
        if major == _TAG:
            return None  # a tag says how to understand the item behind it; for metadata the item is what counts
        return self._open(major, number * 2 if major == _MAP else number, at)

    def _argument(self, info: int, at: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise self._stop(f"a reserved length code {info}", at)
        return int.from_bytes(self._take(1 << (info - 24), "a length"), "big")

    def _open(self, kind: int, missing: int | None, at: int) -> DataItem | None:
        if missing is not None and missing > len(self.data) - self.position:
            word = "a map" if kind == _MAP else "an array"
            raise self._stop(f"{word} of {missing} items where {len(self.data) - self.position} bytes are left", at)
        if len(self.stack) >= MAX_DEPTH:
            raise self._stop(f"nested deeper than {MAX_DEPTH}", at)
        self.stack.append(_Frame(kind, self.base + at, missing))
        return self._close() if missing == 0 else None

    def _indefinite(self, major: int, at: int) -> DataItem | None:
        if major in (_ARRAY, _MAP):
            return self._open(major, None, at)
        chunks = []
        while True:
            here = self.position
            head = self._take(1, "a chunk")[0]
            if head == _BREAK:
                break
            if head >> 5 != major or head & 31 == _INDEFINITE:
                raise self._stop("a chunk of another type inside a string", here)
            length = self._argument(head & 31, here)
            chunks.append(self._take(length, "a text" if major == _TEXT else "a byte string", at=here))
        joined = b"".join(chunks)
        return DataItem(self._text(joined, at) if major == _TEXT else joined, self.base + at)

    def _break(self, at: int) -> DataItem:
        if not self.stack or self.stack[-1].missing is not None:
            raise self._stop("a break outside a container of indefinite length", at)
        if self.stack[-1].kind == _MAP and len(self.stack[-1].items) % 2:
            self._note("a key without a value", at)
        return self._close()

    def _string(self, major: int, length: int, at: int) -> str | bytes:
        content = self._take(length, "a text" if major == _TEXT else "a byte string", at=at)
        return self._text(content, at) if major == _TEXT else content

    def _text(self, content: bytes, at: int) -> str:
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            self._note(f"text that is not UTF-8: byte {content[error.start]:#04x} at position {error.start}", at)
            return content.decode(errors="surrogateescape")

    def _simple(self, info: int, at: int) -> Value:
        if info in _FLOATS:
            (number,) = struct.unpack(_FLOATS[info], self._take(1 << (info - 24), "a float"))
            return float(number)
        if info in (20, 21):
            return info == 21
        if info == 22:
            return None
        if info == 24:
            return Undefined(self._take(1, "a simple value")[0])
        if info > 27:
            raise self._stop(f"a reserved simple value {info}", at)
        return Undefined(info)

    def _take(self, size: int, what: str, at: int | None = None) -> bytes:
        left = len(self.data) - self.position
        if size > left:
            raise self._stop(f"{what} of {size} bytes where {left} are left", self.position if at is None else at)
        self.position += size
        return self.data[self.position - size : self.position]

    def _note(self, what: str, at: int) -> None:
        self.problems.append(Problem(what, self.base + at))

    def _stop(self, what: str, at: int) -> _Stop:
        return _Stop(what, self.base + at)


def _closed(frame: _Frame) -> DataItem:
    if frame.kind == _ARRAY:
        return DataItem(tuple(frame.items), frame.offset)
    pairs = zip(frame.items[::2], frame.items[1::2], strict=False)
    return DataItem(CborMap(tuple(pairs)), frame.offset)
