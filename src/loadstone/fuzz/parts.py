"""How an input is taken apart: into parts for several parameters, pieces for several calls, numbers, a text.

``repro.py`` has these functions word for word: they use nothing but Python and :data:`SEPARATOR`.
"""

from __future__ import annotations

from typing import Final

__all__ = ["SEPARATOR", "as_text", "cut", "drawn", "pieces", "shares"]

SEPARATOR: Final = b"\0||\0"


def cut(data: bytes, count: int) -> list[bytes]:
    """``data`` in ``count`` parts: at the first separators; where there are too few, the last part is halved.

    >>> cut(b"one" + SEPARATOR + b"two", 2), cut(b"abcd", 2)
    ([b'one', b'two'], [b'ab', b'cd'])
    """
    parts = data.split(SEPARATOR, count - 1)
    while len(parts) < count:
        last = parts.pop()
        parts += [last[: len(last) // 2], last[len(last) // 2 :]]
    return parts


def as_text(data: bytes) -> bytes:
    """Bytes as a C text: one NUL at the end, those inside are 1."""
    return data.removesuffix(b"\0").replace(b"\0", b"\1") + b"\0"


def pieces(data: bytes, parts: int = 1) -> list[tuple[int, int]]:
    r"""Where the pieces of the input begin and end that calls of one function are fed, one after another.

    Cut behind every ``parts`` separators, as many as a call has parameters to fill, sixteen pieces at most; without a
    separator one to four of one size, how many the first byte says: that is mutated too. The last piece ends where the
    input does: against the guard page.

    >>> pieces(b"\1abcd"), pieces(b"one" + SEPARATOR + b"two")
    ([(0, 2), (2, 5)], [(0, 3), (7, 10)])
    """
    count = data.count(SEPARATOR) // parts
    if count:
        return shares(data, [parts] * min(count + 1, 16))
    count = 1 + (data[0] & 3 if data else 0)
    cuts = [len(data) * i // count for i in range(count + 1)]
    return [(cuts[i], cuts[i + 1]) for i in range(count)]


def shares(data: bytes, parts: list[int]) -> list[tuple[int, int]]:
    """Where each call's share of the input begins and ends, of calls that have so many parts each to fill.

    Every share but the last ends at the separator behind its last part; where there is none, what is left is halved.

    >>> shares(b"a" + SEPARATOR + b"b" + SEPARATOR + b"c", [2, 1]), shares(b"abcd", [1, 1])
    ([(0, 6), (10, 11)], [(0, 2), (2, 4)])
    """
    found = []
    low = 0
    for count in parts[:-1]:
        high = following = low - len(SEPARATOR)
        for _ in range(count):
            high = data.find(SEPARATOR, high + len(SEPARATOR))
            if high < 0:
                high = following = (low + len(data)) // 2
                break
            following = high + len(SEPARATOR)
        found.append((low, high))
        low = following
    return [*found, (low, len(data))]


def drawn(data: bytes, size: int, signed: bool, position: int) -> int:
    """A number out of the input's end; each position takes its own 8 bytes, missing ones are 0."""
    stop = len(data) - 8 * position
    return int.from_bytes(data[max(0, stop - size) : max(0, stop)].ljust(size, b"\0"), "little", signed=signed)
