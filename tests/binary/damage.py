"""What every format's damage tests do to a sound image: one copy of each way to break it.

The only outcomes are an image or :class:`MalformedImage`; a test module of a format gives its sound images, and how
densely each is broken.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import partial
from struct import pack_into

from hypothesis import strategies as st
from tests.binary.bounds import outcome
from tests.scale import SCALE

from loadstone.binary import read
from loadstone.core.image import Image
from loadstone.errors import MalformedImage

EDGES = (0xFFFF_FFFF, 0x8000_0000)
"""Values of 32 bits at the ends of their ranges; the size of the file is one more."""


def change_every_byte(sound: bytes, every: int = 1, flips: int = 2) -> None:
    """Each byte (or one in ``every``) inverted, and with one bit flipped; with ``flips`` 1 the two take turns."""
    data = bytearray(sound)
    for position in range(0, len(data), 1 if SCALE > 1 else every):
        kept = data[position]
        both = (0xFF, 1 << position % 8)
        for flip in both if SCALE > 1 or flips == 2 else ((0xFF, 1 << position // 2 % 8)[position % 2],):
            data[position] = kept ^ flip
            outcome(partial(read, bytes(data)))
        data[position] = kept


def change_every_word(data: bytearray, positions: Iterable[int], layout: str, values: Iterable[int]) -> None:
    """Each of the values at each of the positions."""
    values = tuple(values)
    for position in positions:
        kept = bytes(data[position : position + 8])
        for value in values:
            pack_into(layout, data, position, value)
            outcome(partial(read, bytes(data)))
        data[position : position + 8] = kept


def wide_edges(data: bytes | bytearray) -> tuple[int, ...]:
    """Values of 64 bits at the ends of their ranges."""
    return (2**64 - 1, 2**63, 2**32, 2**64 - len(data))


def read_strictly_and_not(sound: bytes, seed: object, rounds: int) -> None:
    """Strict reading raises exactly where tolerant reading records damage, for a few bytes changed at random."""
    source = random.Random(str(seed))
    for _ in range(rounds):
        data = bytearray(sound)
        for _ in range(source.randrange(1, 4)):
            data[source.randrange(len(data))] = source.randrange(256)
        tolerant = outcome(partial(read, bytes(data)))
        strict = outcome(partial(read, bytes(data), strict=True))
        if isinstance(tolerant, Image):
            assert isinstance(strict, MalformedImage) == bool(tolerant.damage)
        else:
            assert isinstance(strict, MalformedImage)


def patches(most: int) -> st.SearchStrategy[list[tuple[int, bytes]]]:
    """Bytes written over an image of at most ``most`` bytes."""
    return st.lists(st.tuples(st.integers(0, most), st.binary(min_size=1, max_size=64)), max_size=6)


def moves(most: int) -> st.SearchStrategy[tuple[int, int, int]]:
    """A piece copied elsewhere: from, to, its size."""
    return st.tuples(st.integers(0, most), st.integers(0, most), st.integers(0, 400))


def break_twice(sound: bytes, patched: list[tuple[int, bytes]], moved: tuple[int, int, int]) -> None:
    """Random breakage gives the same answer twice."""
    data = bytearray(sound)
    origin, target, size = moved
    data[target : target + size] = data[origin : origin + size]
    for position, patch in patched:
        data[position : position + len(patch)] = patch
    first, second = (outcome(partial(read, bytes(data))) for _ in range(2))
    if isinstance(first, Image):
        assert isinstance(second, Image)
        assert first.damage == second.damage
        assert list(first.symbols) == list(second.symbols)
    else:
        assert str(first) == str(second)
