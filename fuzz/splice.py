"""Files made of pieces of sound ones: each piece is credible where it stands, and none fits its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final

__all__ = ["LONGEST", "PIECE", "splice"]

PIECE: Final = Struct("<BHHHB")  # donor, from, length, to (in steps of a 65,536th of the file), and how
LONGEST: Final = 1 << 20
"""Bytes a spliced file may have: what the bounds on time and memory are stated for."""


def splice(recipe: bytes, files: Sequence[bytes]) -> bytes:
    """The file a recipe describes: one of ``files``, with pieces of others put over it or between.

    >>> splice(bytes(1) + bytes((1, 0, 0, 2, 0, 0, 0, 0)), (b"abcd", b"WXYZ"))
    b'WXcd'
    """
    if not recipe:
        return b""
    made = bytearray(files[recipe[0] % len(files)][:LONGEST])
    pieces = recipe[1 : len(recipe) - (len(recipe) - 1) % PIECE.size]
    for number, at, length, to, how in PIECE.iter_unpack(pieces):
        donor = files[number % len(files)]
        step = max(len(donor) >> 16, 1)
        piece = donor[at * step % max(len(donor), 1) :][: length * step]
        place = to * step % (len(made) + 1)
        made[place : place + (0 if how & 1 else len(piece))] = piece
        del made[LONGEST:]
    return bytes(made)
