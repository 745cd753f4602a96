"""Whether an image looks packed where no packer left its name: by its shape, and how evenly its bytes are spread.

Compressed or encrypted bytes have nearly eight bits of Shannon entropy a byte. Code has about six; the densest seen, of
RISC-V with short instructions, 7.1. Source of the measure: Lyda and Hamrock, "Using Entropy Analysis to Find Encrypted
and Packed Malware" (IEEE Security & Privacy, 2007).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import log2
from typing import Final

from loadstone.binary.cursor import Cursor
from loadstone.core.counting import Share
from loadstone.core.image import Trait, TraitKind

__all__ = ["MARK_WITHIN", "UPX_MARK", "entropy", "looks_packed"]

UPX_MARK: Final = b"UPX!"
"""In the l_info behind the headers, and in the pack header at the end (UPX src/p_lx_elf.cpp, src/packhead.cpp)."""
MARK_WITHIN: Final = 4096
_MARK_BEFORE_END: Final = 128

_SAMPLES: Final = 16
_SAMPLE: Final = 1024
_LEAST: Final = 512
"""Fewer bytes have a low entropy, whatever they are."""

_PACKED_BITS: Final = 7.2
_DENSE_SHARE: Final = 8
"""One sample of so many is enough: of a packed library the names stay as they were, and they are most of it."""
_ENOUGH_SIGNS: Final = 3


def entropy(data: bytes) -> float:
    """Bits of information a byte, from 0 to 8, by how often each value is there.

    >>> entropy(b"aaaa"), entropy(bytes(range(256)))
    (0.0, 8.0)
    """
    return -sum(count / len(data) * log2(count / len(data)) for count in Counter(data).values()) + 0.0


def looks_packed(signs: Iterable[str], cursor: Cursor, code: tuple[int, int]) -> Trait | None:
    """The trait, when the image has one of the signs and dense code, or so many signs that its code does not matter.

    ``signs`` are what its headers show, ``code`` offset and size of the bytes where it begins to run; they are looked
    at only where there is a sign, so that ordinary files cost nothing.
    """
    seen = list(signs)
    samples = _samples(cursor, *code) if seen else []
    dense = sum(entropy(sample) >= _PACKED_BITS for sample in samples)
    if dense and dense * _DENSE_SHARE >= len(samples):
        told = Share("sample of its code", "has", "have", "samples of its code").of(dense, len(samples))
        seen.append(f"{told} {_PACKED_BITS:g} bits of entropy a byte or more")
    elif len(seen) < _ENOUGH_SIGNS:
        return None
    marked = UPX_MARK in cursor.upto(max(cursor.end - _MARK_BEFORE_END, cursor.start), _MARK_BEFORE_END)
    return Trait(TraitKind.PACKED, "; ".join(seen), code[0], "UPX" if marked else "")


def _samples(cursor: Cursor, offset: int, size: int) -> list[bytes]:
    """Pieces from evenly spread places; the last one ends where the code does."""
    size = min(size, cursor.end - offset)
    step = max((size - _SAMPLE) // (_SAMPLES - 1), _SAMPLE)
    pieces = (cursor.upto(at, min(_SAMPLE, offset + size - at)) for at in range(offset, offset + size, step))
    return [piece for piece in pieces if len(piece) >= _LEAST][:_SAMPLES]
