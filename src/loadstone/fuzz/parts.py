"""How an input is taken apart: into parts for several parameters, pieces for several calls, numbers, a text.

``repro.py`` has these functions word for word: they use nothing but Python and :data:`SEPARATOR`.
"""

from __future__ import annotations

from typing import Final

__all__ = ["SEPARATOR", "as_text", "cut", "drawn", "pieces"]

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


def pieces(data: bytes) -> list[tuple[int, int]]:
    r"""Where one to four pieces of the input begin and end; how many its first byte says: that is mutated too.

    The last piece ends where the input does: against the guard page.

    >>> pieces(b"\1abcd")
    [(0, 2), (2, 5)]
    """
    count = 1 + (data[0] & 3 if data else 0)
    cuts = [len(data) * i // count for i in range(count + 1)]
    return [(cuts[i], cuts[i + 1]) for i in range(count)]


def drawn(data: bytes, size: int, signed: bool, position: int) -> int:
    """A number out of the input's end; each position takes its own 8 bytes, missing ones are 0."""
    stop = len(data) - 8 * position
    return int.from_bytes(data[max(0, stop - size) : max(0, stop)].ljust(size, b"\0"), "little", signed=signed)
