"""A small, bounded reader of DER, and of the BER with indefinite lengths that Apple's signatures use.

It finds elements in bytes and decodes nothing it is not asked for. No recursion; nesting, and the number of elements
looked at to find an end, are bounded. Source: ITU-T X.690, sections 8.1 and 10.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

__all__ = ["DerTag", "DerValue", "MalformedDer", "parse"]

_MAX_NESTING: Final = 32
_MAX_CHILDREN: Final = 1024
_MAX_WITHOUT_LENGTHS: Final = 32 << 10
"""Where an element without a length ends takes reading all inside it; Apple's signatures are some 9,000 bytes."""
_MAX_LENGTH_BYTES: Final = 4


class DerTag:
    """The tags Loadstone meets, with class and constructed bit."""

    INTEGER: Final = 0x02
    OCTETS: Final = 0x04
    OID: Final = 0x06
    UTF8: Final = 0x0C
    SEQUENCE: Final = 0x30
    SET: Final = 0x31
    BMP: Final = 0x1E
    CONTEXT_0: Final = 0xA0
    CONTEXT_1: Final = 0xA1
    OCTETS_IN_PARTS: Final = 0x24


class MalformedDer(ValueError):
    """The bytes are not what was looked for; ``offset`` is the position in them."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(what)
        self.what = what
        self.offset = offset


class DerValue(NamedTuple):
    """One element: its tag, and where in ``data`` it, its content, and what follows begin."""

    data: bytes
    tag: int
    start: int
    begin: int
    end: int
    after: int

    @property
    def content(self) -> bytes:
        return self.data[self.begin : self.end]

    @property
    def encoded(self) -> bytes:
        """The whole element, with its tag and length."""
        return self.data[self.start : self.after]

    @property
    def octets(self) -> bytes:
        """The content of an octet string, put together where it is written in parts."""
        if self.tag != DerTag.OCTETS_IN_PARTS:
            return self.content
        return b"".join(part.content for part in self.children())

    def children(self) -> Iterator[DerValue]:
        """The elements of a constructed one, in order."""
        at = self.begin
        for _ in range(_MAX_CHILDREN):
            if at >= self.end:
                return
            child = parse(self.data, at, self.end)
            yield child
            at = child.after
        raise MalformedDer(f"more than {_MAX_CHILDREN} elements", at)

    def child(self, position: int, tag: int) -> DerValue:
        """The child at that position, which must have that tag."""
        for number, child in enumerate(self.children()):
            if number == position:
                if child.tag != tag:
                    raise MalformedDer(f"an element of tag {child.tag:#x} where {tag:#x} belongs", child.start)
                return child
        raise MalformedDer(f"no element number {position}", self.end)

    def find(self, tag: int) -> DerValue | None:
        """The first child with that tag, or None."""
        return next((child for child in self.children() if child.tag == tag), None)

    @property
    def oid(self) -> str:
        """The dotted form of an object identifier."""
        numbers: list[int] = []
        value = 0
        for byte in self.content[:64]:
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                numbers.append(value)
                value = 0
        if not numbers:
            raise MalformedDer("an empty object identifier", self.start)
        first = min(numbers[0] // 40, 2)
        return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))

    @property
    def text(self) -> str:
        """The content of a string of any kind."""
        if self.tag == DerTag.BMP:
            return self.content.decode("utf-16-be", "replace")
        return self.content.decode("utf-8", "surrogateescape")


def parse(data: bytes, at: int = 0, limit: int | None = None) -> DerValue:
    """The element at ``at``, which must end before ``limit``.

    Raises:
        MalformedDer: it does not, or uses what no signature uses (tags above 30, lengths above 4 GiB).

    >>> parse(bytes((0x06, 0x03, 0x55, 0x04, 0x03))).oid
    '2.5.4.3'
    """
    stop = len(data) if limit is None else limit
    tag, begin, size = _header(data, at, stop)
    if size is not None:
        return DerValue(data, tag, at, begin, begin + size, begin + size)
    end = _end(data, begin, stop)
    return DerValue(data, tag, at, begin, end, end + 2)


def _header(data: bytes, at: int, stop: int) -> tuple[int, int, int | None]:
    """Tag, where the content begins, and its size: None for one that goes on to an end mark."""
    if at + 2 > stop:
        raise MalformedDer("an element is cut off", at)
    tag, length = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:
        raise MalformedDer("a tag of more than one byte", at)
    begin = at + 2
    if length == 0x80:
        if not tag & 0x20 or len(data) > _MAX_WITHOUT_LENGTHS:
            raise MalformedDer("an element without a length", at)
        return tag, begin, None
    if length > 0x80:
        more = length & 0x7F
        if more > _MAX_LENGTH_BYTES or begin + more > stop:
            raise MalformedDer("a length that cannot be", at)
        length = int.from_bytes(data[begin : begin + more], "big")
        begin += more
    if begin + length > stop:
        raise MalformedDer(f"{length} bytes are said to follow, {stop - begin} do", at)
    return tag, begin, length


def _end(data: bytes, at: int, stop: int) -> int:
    """Where the end mark of an element of indefinite length stands."""
    nested = 0
    for _ in range(_MAX_WITHOUT_LENGTHS):
        if data[at : at + 2] == b"\0\0" and at + 2 <= stop:
            if not nested:
                return at
            nested -= 1
            at += 2
            continue
        _, begin, size = _header(data, at, stop)
        if size is None:
            nested += 1
            if nested > _MAX_NESTING:
                raise MalformedDer("elements are nested too deeply", at)
        at = begin + (size or 0)
    raise MalformedDer("an element is not closed", at)
