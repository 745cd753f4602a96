"""Which page sizes of a kernel an ELF image can be mapped on: 4, 16 or 64 KB.

A loader maps whole pages, so address and offset of each segment must agree within one, and two segments must not share
one unless they allow the same (elf/dl-load.c of glibc; "Support 16 KB page sizes" of Android). AArch64 and POWER have
kernels with larger pages; a file linked for 4 KB is refused there, or its code becomes writable.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from loadstone.core.image import Format, Image, Segment

__all__ = ["PAGE_SIZES", "page_sizes"]

PAGE_SIZES: Final = (4096, 16384, 65536)


def page_sizes(image: Image) -> tuple[int, ...]:
    """The sizes of :data:`PAGE_SIZES` with which the image can be mapped; empty for what no loader maps."""
    loads = [s for s in image.segments if s.kind == "LOAD"]
    if image.format is not Format.ELF or not loads:
        return ()
    return tuple(size for size in PAGE_SIZES if _fit(sorted(loads, key=lambda s: s.address), size))


def _fit(loads: list[Segment], size: int) -> bool:
    agree = all((s.address - s.offset) % size == 0 for s in loads)
    return agree and not any(
        a.flags != b.flags and (a.address + a.memory_size - 1) // size >= b.address // size
        for a, b in pairwise(loads)
        if a.memory_size
    )
