"""What a Mach-O image is beyond its kind: static, packed, written in Go. Sources: mach-o/loader.h; UPX; Go cmd/link."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.binary.go import build_version
from loadstone.binary.macho.layout import DYLIB_KINDS, LoadCommandKind
from loadstone.binary.macho.view import MachoView
from loadstone.core.image import ImageKind, Trait, TraitKind

__all__ = ["traits"]

_UPX_WITHIN: Final = 4096
_PROGRAMS: Final = frozenset({ImageKind.EXECUTABLE, ImageKind.PIE})


def traits(view: MachoView, kind: ImageKind) -> tuple[Trait, ...]:
    """Everything that holds of the image, the most telling first."""
    return tuple(_all(view, kind))


def _all(view: MachoView, kind: ImageKind) -> Iterator[Trait]:
    start = view.cursor.start
    loader = view.first(LoadCommandKind.LOAD_DYLINKER)
    if kind in _PROGRAMS and loader is None and not view.all(*DYLIB_KINDS):
        yield Trait(TraitKind.STATIC, "no LC_LOAD_DYLINKER, no LC_LOAD_DYLIB", start)
    at = view.cursor.upto(start, _UPX_WITHIN).find(b"UPX!")
    if at >= 0:
        yield Trait(TraitKind.PACKED, "the UPX! mark behind the headers", start + at, "UPX")
    info = next((s for s in view.sections if s.name.endswith(",__go_buildinfo")), None)
    if info is not None:
        version = build_version(view.cursor.upto(info.offset, min(info.size, 256)))
        yield Trait(TraitKind.GO, f"section {info.name}", info.header_offset, version)
