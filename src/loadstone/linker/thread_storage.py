"""Static thread-local storage: one pool of the process, from which libraries opened late take what they need.

A library that reaches thread-local variables by a fixed offset (initial-exec) needs room next to those of the program.
glibc lays out what is there at the start, keeps some in reserve, and hands that out until it is used up: whether the
last one fits depends on all before it. Source: elf/dl-tls.c and elf/dl-reloc.c of glibc, read for their rules; the GNU
C Library manual, "Dynamic Linking Tunables". The numbers were measured with the loaders of 2.31, 2.36 and 2.41.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from loadstone.linker.abi import Abi
from loadstone.linker.objects import LoadedObject
from loadstone.linker.releases import behaviour_of
from loadstone.linker.request import LoaderModel
from loadstone.quick_dataclass import dataclass, replace

__all__ = ["Pool", "pool_at_start", "reserve_of", "static_need"]

_DEFAULT_OPTIONAL: Final = 512
_DEFAULT_NAMESPACES: Final = 4
_OF_LIBC: Final = 192  # kept for the C library of each further namespace
_OF_OTHERS: Final = 144  # and for what else each namespace has
_RESTARTABLE: Final = 32  # bytes of the rseq area, and their alignment
_OPTIONAL: Final = re.compile(r"(?:^|:)glibc\.rtld\.optional_static_tls=(0[xX][0-9a-fA-F]+|\d+)")
_NAMESPACES: Final = re.compile(r"(?:^|:)glibc\.rtld\.nns=(0[xX][0-9a-fA-F]+|\d+)")


@dataclass(frozen=True, slots=True)
class Pool:
    """The block of static storage: its end, how much is used, and the alignment nothing in it may exceed."""

    end: int
    used: int
    alignment: int

    @property
    def left(self) -> int:
        return self.end - self.used

    def after(self, loaded: LoadedObject) -> Pool | None:
        """The pool once ``loaded`` has its part of it; None when it does not fit."""
        size, alignment, first = _block(loaded)
        if alignment > self.alignment or self.left < size + first:
            return None
        whole = (self.left - size - first) // alignment
        return replace(self, used=self.end - whole * alignment - first)


def reserve_of(model: LoaderModel) -> int:
    """Bytes kept at least for libraries opened after the start: 1664, or what the tunables make of it.

    The alignment of the whole block can leave some more.

    >>> reserve_of(LoaderModel(env=(("GLIBC_TUNABLES", "glibc.rtld.optional_static_tls=4096"),)))
    5248
    """
    optional, namespaces = _DEFAULT_OPTIONAL, _DEFAULT_NAMESPACES
    if behaviour_of(model.release).storage_tunable:
        optional = _tuned(model, _OPTIONAL, optional)
        namespaces = _tuned(model, _NAMESPACES, namespaces)
        namespaces += len([name for name in (model.variable("LD_AUDIT") or "").split(":") if name])
    return (namespaces - 1) * _OF_LIBC + namespaces * _OF_OTHERS + optional


def _tuned(model: LoaderModel, tunable: re.Pattern[str], default: int) -> int:
    found = tunable.search(model.variable("GLIBC_TUNABLES") or "")
    return int(found[1], 0) if found else default


def static_need(loaded: LoadedObject) -> int:
    """Bytes of its own thread-local storage that an object reaches by a fixed offset; 0 when it does not."""
    storage = loaded.facts.tls
    if storage is None:
        return 0
    defined = loaded.image.symbols.defined
    reached = loaded.facts.usage.thread_locals
    own = any(not symbol or (symbol < len(defined) and defined[symbol]) for symbol in reached)
    return storage.size if own else 0


def pool_at_start(started: Iterable[LoadedObject], model: LoaderModel) -> Pool:
    """The pool once a program and what it needs are laid out, in the order they were loaded."""
    alignment = _thread_block_alignment(model.abi)
    offset = gap_start = gap_end = 0
    for loaded in started:
        if loaded.facts.tls is None:
            continue
        size, aligned, first = _block(loaded)
        alignment = max(alignment, aligned)
        lead = -first % aligned
        if gap_end - gap_start >= size:
            end = _up(gap_start + size - lead, aligned) + lead
            if end <= gap_end:
                gap_start = end
                continue
        end = _up(offset + size - lead, aligned) + lead
        if end > offset + size + (gap_end - gap_start):
            gap_start, gap_end = offset, end - size
        offset = end
    if behaviour_of(model.release).restartable_in_pool:
        offset = _up(offset + _RESTARTABLE, _RESTARTABLE)
    return Pool(_up(offset + reserve_of(model), alignment), offset, alignment)


def _block(loaded: LoadedObject) -> tuple[int, int, int]:
    """Size and alignment of an object's block, and where in an aligned unit it begins."""
    storage = loaded.facts.tls
    segment = next((s for s in loaded.image.segments if s.kind == "TLS"), None)
    if storage is None or segment is None:
        return 0, 1, 0
    alignment = max(storage.alignment, 1)
    return storage.size, alignment, segment.address % alignment


def _thread_block_alignment(abi: Abi) -> int:
    return 64 if abi.machine in (3, 62) else 16


def _up(value: int, unit: int) -> int:
    return -(-value // unit) * unit
