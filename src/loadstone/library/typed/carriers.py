"""What stands for a C value in a call made by ctypes: a structure that goes into the same registers or stack words.

ctypes places a structure by its fields as they would lie without attributes, and refuses unions and bit fields. So a
record gets fields that fall into the same classes as its true members do, eight bytes at a time. Sources: System V ABI
x86-64 3.2.3, AAPCS64 6.8.2, Microsoft x64 calling convention. What has no stand-in is refused before any call.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

from loadstone.errors import Unsupported
from loadstone.headers.layout import Layout, Layouts
from loadstone.headers.types import Array, Complex, CType, Real, StructOrUnion

__all__ = ["check_by_value", "of_complex", "stand_in", "words_of"]

_PIECES = ((8, ctypes.c_uint64), (4, ctypes.c_uint32), (2, ctypes.c_uint16), (1, ctypes.c_uint8))
_REALS = {4: ctypes.c_float, 8: ctypes.c_double}
_KNOWN_TO_THE_EXTENSION = ("x86_64-linux", "aarch64-linux")


def words_of(kind: StructOrUnion | Complex, layouts: Layouts) -> str:
    """How the extension passes it, in the letters of ``_structs.h``; nothing where it does not know the rules.

    Raises:
        Unsupported: it cannot be passed by value.
    """
    abi = layouts.abi.name
    if isinstance(kind, Complex):
        of_complex(kind, abi)
        words = "dd" if kind.part.size == 8 else "ff" if abi.startswith("aarch64") else "d"
    else:
        check_by_value(kind, layouts)
        words = _words(kind, layouts.of(kind), layouts)
    return words if abi in _KNOWN_TO_THE_EXTENSION else ""


def _words(record: StructOrUnion, layout: Layout, layouts: Layouts) -> str:
    """The letters of a record: the class of each eight bytes, or of each member of a homogeneous floating aggregate."""
    reals, mixed = _classes(record, layouts)
    if layouts.abi.name.startswith("aarch64"):
        sizes = set(reals.values())
        if len(sizes) == 1 and not mixed and len(reals) <= 4 and sum(reals.values()) == layout.size:
            return ("f" if sizes == {4} else "d") * len(reals)
        return "r" if layout.size > 16 else "i" * ((layout.size + 7) // 8)
    if layout.size > 16:
        return "m"
    only_reals = ({offset // 8 * 8 for offset in reals}) - mixed
    return "".join("d" if start in only_reals else "i" for start in range(0, layout.size, 8))


def stand_in(record: StructOrUnion, layout: Layout, layouts: Layouts) -> list[tuple[str, Any]]:
    """The ctypes fields of a record: as many bytes, in the classes of its members."""
    words = _words(record, layout, layouts)
    if words in ("m", "r"):
        return [("_words", ctypes.c_uint64 * (layout.size // 8)), *_integers(layout.size // 8 * 8, layout.size)]
    fields: list[tuple[str, Any]] = []
    start = 0
    for word in words:
        end = min(start + (4 if word == "f" else 8), layout.size)
        real = _REALS.get(end - start) if word != "i" else None
        fields += [(f"_{start}", real)] if real else _integers(start, end)
        start = end
    return fields


def _integers(start: int, end: int) -> list[tuple[str, Any]]:
    """Whole integers for these bytes, the largest first."""
    fields: list[tuple[str, Any]] = []
    while start < end:
        size, kind = next(piece for piece in _PIECES if piece[0] <= end - start)
        fields.append((f"_{start}", kind))
        start += size
    return fields


def _classes(record: StructOrUnion, layouts: Layouts) -> tuple[dict[int, int], set[int]]:
    """Floating members by offset, with their sizes, and the eight-byte words that hold anything else."""
    reals: dict[int, int] = {}
    mixed: set[int] = set()
    for kind, offset, size in _scalars(record, layouts, 0):
        if isinstance(kind, Real) and size in _REALS and offset % size == 0:
            reals[offset] = size
        else:
            mixed.update(at // 8 * 8 for at in range(offset, offset + max(size, 1)))
    return reals, mixed


def _scalars(kind: CType, layouts: Layouts, offset: int) -> Iterator[tuple[CType, int, int]]:
    """Every number or pointer in a type, with its offset and size in bytes."""
    if isinstance(kind, StructOrUnion):
        for spot in layouts.of(kind).spots:
            if spot.member.bits is not None:
                first = spot.bit // 8
                yield spot.member.type, offset + first, (spot.bit + spot.width + 7) // 8 - first
            else:
                yield from _scalars(spot.member.type, layouts, offset + spot.offset)
    elif isinstance(kind, Array):
        size = layouts.size(kind.element)
        for index in range(min(kind.length or 0, 64)):
            yield from _scalars(kind.element, layouts, offset + index * size)
    elif isinstance(kind, Complex):
        yield kind.part, offset, kind.part.size
        yield kind.part, offset + kind.part.size, kind.part.size
    else:
        yield kind, offset, layouts.size(kind)


def check_by_value(record: StructOrUnion, layouts: Layouts) -> None:
    """Whether ctypes passes the record as C does.

    Raises:
        Unsupported: it holds a ``long double`` or is aligned like one, or is laid out in a way that is passed as no
            plain struct is.
    """
    layout = layouts.of(record)
    reason = ""
    wide = [kind for kind, _, size in _scalars(record, layouts, 0) if size > 8 and not isinstance(kind, (Array,))]
    if wide:
        reason = f"it holds a {wide[0]}, which is passed by rules of its own"
    elif layout.align > 8:
        reason = f"it is aligned to {layout.align} bytes"
    elif layout.size == 0:
        reason = "it is empty"
    elif layout.size <= 16 and any(
        offset % layouts.measure(kind)[1]
        for kind, offset, size in _scalars(record, layouts, 0)
        if _plain(kind, size, layouts)
    ):
        reason = "its members are not aligned, and C passes such a struct in memory"
    if reason:
        raise Unsupported(
            feature=f"{record} by value", reason=reason, advice="pass a pointer to it, or wrap the call in C"
        )


def _plain(kind: CType, size: int, layouts: Layouts) -> bool:
    """Whether it is a whole number or pointer, and no bit field."""
    return layouts.size(kind) == size


def of_complex(kind: Complex, abi: str) -> Any:
    """The structure that is passed as ``_Complex`` is. Raises Unsupported where there is none."""
    if kind.part.size not in (4, 8) or abi not in ("x86_64-linux", "x86_64-darwin", "aarch64-linux", "aarch64-darwin"):
        raise Unsupported(feature=f"{kind} in a call", reason=f"it is passed by rules of its own on {abi}")
    if kind.part.size == 4 and abi.startswith("x86_64"):
        fields: list[tuple[str, Any]] = [("_0", ctypes.c_double)]
    else:
        part = ctypes.c_float if kind.part.size == 4 else ctypes.c_double
        fields = [("_0", part), ("_1", part)]
    return type("complex", (ctypes.Structure,), {"_fields_": fields})
