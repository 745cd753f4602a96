"""From what an input was compared with to inputs that pass: the bytes of one side are replaced by the other side's.

A value the code computed and compared with one it read from the input (a magic number, a length, a checksum, a keyword)
is found in the input where it came from, in either byte order, and the wanted one is put there. That is guessing with
evidence, so every guess is tried, and kept only if it reaches something new. Pure.
Source: Aschermann et al., REDQUEEN: Fuzzing with Input-to-State Correspondence, NDSS 2019.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

__all__ = ["Seen", "solutions"]

Seen = tuple[bytes, bytes]
"""Both sides of one comparison, as the bytes they would be in a little-endian input."""

_MAX_PLACES: Final = 6
"""Places of one value that are tried: small numbers are everywhere."""
_LEAST_WRITTEN: Final = 10
_MAX_DIGITS_AT: Final = 24


def solutions(data: bytes, seen: Sequence[Seen], max_size: int, limit: int) -> list[bytes]:
    """Inputs that may pass the comparisons that ``data`` met; at most ``limit``, none larger than ``max_size`` bytes.

    The last comparison comes first: it is the one that ``data`` did not get past.

    >>> solutions(b"..GARB..", [(b"GARB", b"RIFF")], 16, 1)
    [b'..RIFF..']
    """
    made: dict[bytes, None] = {}
    latest = tuple(dict.fromkeys(reversed(seen)))
    for guesses in (_guesses, _in_digits):
        for left, right in latest:
            for have, want in ((left, right), (right, left)):
                for guess in guesses(data, have, want, max_size):
                    if guess != data:
                        made[guess] = None
                    if len(made) >= limit:
                        return list(made)
    return list(made)


def _guesses(data: bytes, have: bytes, want: bytes, max_size: int) -> Iterator[bytes]:
    if have == want:
        return
    spelled = tuple(_spellings(have, want))
    for old, new in spelled:
        at = data.find(old) if old else -1
        for _ in range(_MAX_PLACES):
            if at < 0:
                break
            yield (data[:at] + new + data[at + len(old) :])[:max_size]
            at = data.find(old, at + 1)
    number, size = int.from_bytes(have, "little"), int.from_bytes(want, "little")
    if len(have) == len(want) <= 8 and number == len(data) and size <= max_size:  # the size itself was compared
        yield data[:size].ljust(size, b"\0")


def _in_digits(data: bytes, have: bytes, want: bytes, max_size: int) -> Iterator[bytes]:
    """A number that came out as 0, perhaps for want of digits: they are put anywhere at the input's beginning."""
    number = int.from_bytes(want, "little")
    if any(have) or not len(have) == len(want) <= 8 or number < _LEAST_WRITTEN:
        return
    for at in range(min(len(data), _MAX_DIGITS_AT) + 1):
        for form in ("d", "x"):
            yield (data[:at] + format(number, form).encode() + data[at:])[:max_size]


def _spellings(have: bytes, want: bytes) -> Iterator[tuple[bytes, bytes]]:
    """How both may stand in an input: as they are, the other way round, in fewer bytes, one off, written in digits."""
    yield have, want
    if len(have) != len(want) or len(have) > 8:
        return  # texts
    width = len(have)
    old, new = int.from_bytes(have, "little"), int.from_bytes(want, "little")
    for size in (8, 4, 2, 1):
        if size > width or max(old, new) >> 8 * size:
            continue
        for value in (new, new + 1, new - 1):
            wanted = value & ((1 << 8 * size) - 1)
            yield old.to_bytes(size, "little"), wanted.to_bytes(size, "little")
            yield old.to_bytes(size, "big"), wanted.to_bytes(size, "big")
    for form in ("d", "x"):
        yield format(old, form).encode(), format(new, form).encode()
