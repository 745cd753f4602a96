"""Qt's binary JSON (``qbjs``), the plugin metadata of Qt 5.0 to 5.11, read with every offset checked.

Layout, all little-endian: an 8-byte header (tag ``qbjs``, version 1), then the root container. A container is
``u32 size``, ``u32`` with bit 0 "is an object" and the number of entries above it, ``u32 table`` (offset of the entry
table); table offsets count from the container's first byte. In an array an entry is a value; in an object it is the
offset of a value followed by its key. A value is 3 bits of type, one bit "small integer, or Latin-1 string", one bit
"Latin-1 key" and 27 bits of number or offset. Source: the format's description in Qt 5's documentation of
``QJsonDocument::toBinaryData`` and data it wrote.
"""

from __future__ import annotations

import struct
from typing import Final

from loadstone.escape import printable
from loadstone.plugin.cbor import MAX_DEPTH, MAX_ITEMS, Problem
from loadstone.quick_dataclass import dataclass

__all__ = ["MAGIC", "decode_binary_json"]

MAGIC: Final = b"qbjs"

_NULL, _BOOL, _DOUBLE, _STRING, _ARRAY, _OBJECT = range(6)
_CONTAINER_HEAD: Final = 12

Json = dict[str, "Json"] | list["Json"] | str | float | int | bool | None


class _Damaged(Exception):
    """Control flow inside this module: the value at hand cannot be followed."""

    def __init__(self, what: str, offset: int) -> None:
        self.problem = Problem(what, offset)


@dataclass(frozen=True, slots=True)
class _Todo:
    """A container still to be read, into ``into``, from ``start`` (offset in the data), ``depth`` levels down."""

    into: dict[str, Json] | list[Json]
    start: int
    limit: int
    depth: int


def decode_binary_json(data: bytes, base: int = 0) -> tuple[Json, tuple[Problem, ...]]:
    """Decode a ``qbjs`` document.

    Args:
        data: the document from its tag on; bytes behind it are ignored.
        base: offset of ``data`` in the file; problems count from there.

    Returns:
        The root (None when not even that could be read) and every problem. Damage never raises. Each container must
        lie inside its parent, so offsets cannot form a cycle. Pure.
    """
    problems: list[Problem] = []
    if data[:4] != MAGIC or len(data) < 8 + _CONTAINER_HEAD:
        return None, (Problem("no binary JSON document", base),)
    if (version := _u32(data, 4)) != 1:
        problems.append(Problem(f"binary JSON of version {version}, expected 1", base + 4))
    root: Json = {} if _u32(data, 12) & 1 else []
    assert isinstance(root, (dict, list))
    todo = [_Todo(root, 8, len(data), 0)]
    left = MAX_ITEMS  # in all: siblings may share one child, so the size of the file bounds nothing
    while todo and left > 0:
        try:
            entries, further = _container(data, base, todo.pop(), problems)
        except _Damaged as damaged:
            problems.append(damaged.problem)
            left -= 1
        else:
            left -= 1 + entries
            todo += further
    if todo:
        problems.append(Problem(f"more than {MAX_ITEMS} items", base))
    return root, tuple(problems)


def _container(data: bytes, base: int, work: _Todo, problems: list[Problem]) -> tuple[int, list[_Todo]]:
    """Read one object or array into ``work.into``; returns its number of entries, and the containers in it as work."""
    at = work.start
    if at + _CONTAINER_HEAD > work.limit:
        raise _Damaged("a container that begins outside its parent", base + min(at, work.limit))
    size, head, table = struct.unpack_from("<III", data, at)
    length = head >> 1
    if size < _CONTAINER_HEAD or at + size > work.limit:
        raise _Damaged(f"a container of {size} bytes where {work.limit - at} are left", base + at)
    if table > size or length > (size - table) // 4 or length > MAX_ITEMS:
        raise _Damaged(f"a table of {length} entries that does not fit its container", base + at)
    if work.depth >= MAX_DEPTH:
        raise _Damaged(f"nested deeper than {MAX_DEPTH}", base + at)
    further: list[_Todo] = []
    end = at + size
    for i in range(length):
        entry = _u32(data, at + table + 4 * i)
        try:
            if isinstance(work.into, list):
                work.into.append(_value(data, base, entry, work, end, further))
                continue
            value = _u32(data, at + entry) if entry + 4 <= size else _NULL
            key = _text(data, base, at + entry + 4, end, latin=bool(value & 16))
            if key in work.into:
                problems.append(Problem(f"the key {printable(key, 80)} again", base + at + entry))
            work.into[key] = _value(data, base, value, work, end, further)
        except _Damaged as damaged:
            problems.append(damaged.problem)
    return length, further


def _value(data: bytes, base: int, value: int, work: _Todo, end: int, further: list[_Todo]) -> Json:
    kind, flag, number = value & 7, bool(value & 8), value >> 5
    at = work.start + number
    if kind == _NULL:
        return None
    if kind == _BOOL:
        return bool(number)
    if kind == _DOUBLE:
        if flag:  # 27 bits, signed
            return number - (1 << 27) if number >> 26 else number
        if at + 8 > end:
            raise _Damaged("a number outside its container", base + work.start)
        return float(struct.unpack_from("<d", data, at)[0])
    if kind == _STRING:
        return _text(data, base, at, end, latin=flag)
    if kind in (_ARRAY, _OBJECT):
        if number < _CONTAINER_HEAD:
            raise _Damaged("a container inside its own head", base + work.start)
        child: dict[str, Json] | list[Json] = {} if kind == _OBJECT else []
        further.append(_Todo(child, at, end, work.depth + 1))
        return child
    raise _Damaged(f"a value of unknown type {kind}", base + work.start)


def _text(data: bytes, base: int, at: int, end: int, *, latin: bool) -> str:
    """A string: Latin-1 with a 16-bit length, or UTF-16 with a 32-bit count of units."""
    head = 2 if latin else 4
    if at + head > end:
        raise _Damaged("a text outside its container", base + min(at, end))
    length = int.from_bytes(data[at : at + head], "little") * (1 if latin else 2)
    if at + head + length > end:
        raise _Damaged(f"a text of {length} bytes where {end - at - head} are left", base + at)
    content = data[at + head : at + head + length]
    return content.decode("latin-1") if latin else content.decode("utf-16-le", "surrogatepass")


def _u32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
