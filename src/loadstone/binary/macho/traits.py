"""What a Mach-O image is beyond its kind: static, packed, written in Go. Sources: mach-o/loader.h; UPX; Go cmd/link."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.binary.go import build_version
from loadstone.binary.languages import AOT_HEADER, MAX_SEARCHED, dotnet_host, language_of_texts
from loadstone.binary.macho.layout import DYLIB_KINDS, LoadCommandKind
from loadstone.binary.macho.view import MachoView
from loadstone.binary.packing import MARK_WITHIN, UPX_MARK, looks_packed
from loadstone.core.image import ImageKind, Section, SymbolTable, Trait, TraitKind

__all__ = ["traits"]

_PROGRAMS: Final = frozenset({ImageKind.EXECUTABLE, ImageKind.PIE})
_LOADED: Final = _PROGRAMS | {ImageKind.SHARED}


def traits(view: MachoView, kind: ImageKind, symbols: SymbolTable) -> tuple[Trait, ...]:
    """Everything that holds of the image, the most telling first."""
    return (*_form(view, kind), *_language(view, kind, symbols))


def _form(view: MachoView, kind: ImageKind) -> Iterator[Trait]:
    packed = _packed(view, kind)
    if packed is not None:  # the libraries it needs are among what is packed
        yield packed
    elif kind in _PROGRAMS and view.first(LoadCommandKind.LOAD_DYLINKER) is None and not view.all(*DYLIB_KINDS):
        yield Trait(TraitKind.STATIC, "no LC_LOAD_DYLINKER, no LC_LOAD_DYLIB", view.cursor.start)


def _packed(view: MachoView, kind: ImageKind) -> Trait | None:
    """By its mark, or by its shape."""
    start = view.cursor.start
    at = view.cursor.upto(start, MARK_WITHIN).find(UPX_MARK)
    if at >= 0:
        return Trait(TraitKind.PACKED, "the UPX! mark behind the headers", start + at, "UPX")
    code = next((s for s in view.segments if s.flags[2] == "x" and s.file_size), None)
    if kind not in _LOADED or code is None:
        return None
    return looks_packed(_signs(view), view.cursor, (code.offset, code.file_size))


def _signs(view: MachoView) -> Iterator[str]:
    """What a link editor does not do, and the stub of a packer needs."""
    if not any(section.name == "__TEXT,__text" for section in view.sections):
        yield "no section __TEXT,__text"
    if any(segment.flags == "rwx" for segment in view.segments):
        yield "a segment that is rwx"
    if view.first(LoadCommandKind.SYMTAB) is None:
        yield "no LC_SYMTAB"


def _language(view: MachoView, kind: ImageKind, symbols: SymbolTable) -> Iterator[Trait]:
    sections = {s.name.rpartition(",")[2]: s for s in reversed(view.sections)}
    if info := sections.get("__go_buildinfo") or sections.get("__gopclntab"):
        version = build_version(view.cursor.upto(info.offset, min(info.size, 256)))
        yield Trait(TraitKind.GO, f"section {info.name}", info.header_offset, version)
    elif compiled := sections.get("__managedcode"):
        yield Trait(TraitKind.NATIVE_AOT, f"section {compiled.name}", compiled.header_offset)
    elif symbols.named(f"_{AOT_HEADER}"):
        yield Trait(TraitKind.NATIVE_AOT, f"symbol _{AOT_HEADER}", view.cursor.start)
    elif kind in _PROGRAMS and (host := dotnet_host(*_begin(view, sections.get("__data")))):
        yield host
    else:
        texts = (language_of_texts(*_begin(view, sections.get(name))) for name in ("__const", "__cstring"))
        yield from filter(None, [next(filter(None, texts), None)])


def _begin(view: MachoView, section: Section | None) -> tuple[bytes, int]:
    """Bytes and offset of what a section begins with."""
    if section is None:
        return b"", 0
    return view.cursor.upto(section.offset, min(section.size, MAX_SEARCHED)), section.offset
