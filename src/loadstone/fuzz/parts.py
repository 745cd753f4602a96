"""One input for several parameters: cut at a separator, so that what is changed in one part leaves the others alone."""

from __future__ import annotations

from typing import Final

__all__ = ["SEPARATOR", "as_text", "cut"]

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
