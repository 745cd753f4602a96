"""What an ELF image is beyond its type: static, a kernel or its module, packed, and the language it was written in.

Sources: Linux scripts/mod/modpost.c (.modinfo) and asm-generic/vmlinux.lds.h (__ksymtab); vdso(7); the Multiboot
specification; Go cmd/link and debug/buildinfo; the ``.comment`` sections that rustc and zig write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import unpack_from
from typing import Final

from loadstone.binary.elf.dynamic import DynamicTag
from loadstone.binary.elf.header import Header
from loadstone.binary.elf.sections import SectionTable
from loadstone.binary.elf.view import PAGE, ElfView
from loadstone.binary.go import build_version
from loadstone.binary.languages import AOT_HEADER, MAX_SEARCHED, dotnet_host, language_of_texts
from loadstone.binary.packing import MARK_WITHIN, UPX_MARK, looks_packed
from loadstone.core.image import ImageKind, Note, Segment, Trait, TraitKind
from loadstone.quick_dataclass import dataclass

__all__ = ["Parts", "read_module_info", "traits"]

_MULTIBOOT, _MULTIBOOT_WITHIN = 0x1BADB002, 8192
_MAX_MODULE_INFO: Final = 1 << 16
_PROGRAMS: Final = frozenset({ImageKind.EXECUTABLE, ImageKind.PIE})
_LOADED: Final = _PROGRAMS | {ImageKind.SHARED}
_VDSO_NAMES: Final = frozenset({"linux-vdso.so.1", "linux-gate.so.1", "linux-vdso32.so.1", "linux-vdso64.so.1"})
_RUST_NAMES: Final = ("rust_eh_personality", "rust_begin_unwind", "__rust_alloc", "rust_panic")
_UNWOUND: Final = "_Unwind_Backtrace"
"""What Rust's library imports to say where a panic came from; few others do, and those are read no further."""
_LANGUAGES: Final = (("rustc version ", TraitKind.RUST), ("zig ", TraitKind.ZIG))


@dataclass(frozen=True, slots=True)
class Parts:
    """What traits are seen in."""

    view: ElfView
    header: Header
    kind: ImageKind
    segments: tuple[Segment, ...]
    sections: SectionTable
    tags: frozenset[int]
    interpreter: str | None
    identity: str | None
    comments: tuple[str, ...]
    notes: tuple[Note, ...]
    named: Callable[[str], bool]


def traits(parts: Parts) -> tuple[Trait, ...]:
    """Everything that holds of the image, the most telling first."""
    kernel = (*_kernel(parts), *_vdso(parts))
    packed = tuple(_packed(parts, by_hand=bool(kernel)))
    static = () if packed else _static(parts)  # PT_INTERP may be among what is packed
    return (*kernel, *static, *packed, *_go(parts), *_dotnet(parts), *_language(parts))


def read_module_info(view: ElfView, sections: SectionTable) -> tuple[tuple[str, str], ...]:
    """The ``key=value`` texts of ``.modinfo``: name, licence, vermagic, depends ..., in file order."""
    found = sections.span(b".modinfo")
    if found is None:
        return ()
    data = view.cursor.upto(found[0], min(found[1], _MAX_MODULE_INFO))
    texts = (text.decode("utf-8", "surrogateescape").partition("=") for text in data.split(b"\0") if text)
    return tuple((key, value) for key, equals, value in texts if equals)


def _kernel(parts: Parts) -> Iterator[Trait]:
    for name, wanted, kind in (
        (b".modinfo", True, TraitKind.KERNEL_MODULE),
        (b".gnu.linkonce.this_module", True, TraitKind.KERNEL_MODULE),
        (b"__ksymtab", False, TraitKind.KERNEL),
    ):
        found = parts.sections.span(name) if (parts.kind is ImageKind.OBJECT) is wanted else None
        if found is not None and not parts.interpreter:
            yield Trait(kind, f"section {name.decode()}", found[0])
            return
    if parts.kind is ImageKind.EXECUTABLE and not parts.interpreter:
        start = parts.view.cursor.start
        head = parts.view.cursor.upto(start, _MULTIBOOT_WITHIN)
        at = head.find(_MULTIBOOT.to_bytes(4, "little"))
        if at >= 0 and at % 4 == 0 and at + 12 <= len(head) and not sum(unpack_from("<III", head, at)) & 0xFFFF_FFFF:
            yield Trait(TraitKind.BOOTABLE, "a Multiboot header", start + at, "Multiboot")


def _vdso(parts: Parts) -> Iterator[Trait]:
    note = next((note for note in parts.notes if note.owner == "Linux"), None)
    if note is not None and parts.identity in _VDSO_NAMES and not any(s.flags[1] == "w" for s in parts.segments):
        yield Trait(TraitKind.VDSO, f"SONAME {parts.identity}, the note of the kernel, nothing writable", note.offset)


def _static(parts: Parts) -> Iterator[Trait]:
    if parts.kind in _PROGRAMS and not parts.interpreter and DynamicTag.NEEDED not in parts.tags and parts.segments:
        yield Trait(TraitKind.STATIC, "no PT_INTERP, no DT_NEEDED", parts.segments[0].header_offset)


def _packed(parts: Parts, *, by_hand: bool) -> Iterator[Trait]:
    """By its mark, or by its shape; ``by_hand`` is what boot loaders start, put together by hand: any shape will do."""
    cursor = parts.view.cursor
    at = cursor.upto(cursor.start, MARK_WITHIN).find(UPX_MARK)
    if at >= 0 and parts.segments:
        yield Trait(TraitKind.PACKED, "the UPX! mark behind the headers", cursor.start + at, "UPX")
    elif not by_hand and parts.kind in _LOADED:
        shape = looks_packed(_signs(parts), cursor, _code(parts))
        yield from filter(None, [shape])


def _signs(parts: Parts) -> Iterator[str]:
    """What a link editor does not do, and the stub of a packer needs."""
    loads = [segment for segment in parts.segments if segment.kind == "LOAD"]
    entry = parts.header.entry
    if not parts.sections:
        yield "no section headers"
    if any(segment.flags == "rwx" for segment in loads):
        yield "a segment that is rwx"
    if len(loads) > 1 and loads[-1].address <= entry < loads[-1].address + loads[-1].memory_size:
        yield "the entry point in the last segment"
    if any(s.address < entry and s.memory_size > 2 * s.file_size + PAGE for s in loads):
        yield "room for what is unpacked, before the entry point"


def _code(parts: Parts) -> tuple[int, int]:
    """Offset and size of the segment with the entry point, or the first one with code."""
    code = [s for s in parts.segments if s.kind == "LOAD" and s.flags[2] == "x" and s.file_size]
    inside = (s for s in code if s.address <= parts.header.entry < s.address + s.memory_size)
    first = next(inside, code[0] if code else None)
    return (first.offset, first.file_size) if first else (parts.view.cursor.start, 0)


def _go(parts: Parts) -> Iterator[Trait]:
    note = next((note for note in parts.notes if note.owner == "Go"), None)
    found = parts.sections.span(b".go.buildinfo")
    if found is not None:
        version = build_version(parts.view.cursor.upto(found[0], min(found[1], 256)))
        yield Trait(TraitKind.GO, "section .go.buildinfo", found[0], version)
    elif note is not None:
        yield Trait(TraitKind.GO, "the note of Go's link editor", note.offset)
    elif (lines := parts.sections.span(b".gopclntab")) is not None:  # stays where both were left out
        yield Trait(TraitKind.GO, "section .gopclntab, the line table of its runtime", lines[0])


def _dotnet(parts: Parts) -> Iterator[Trait]:
    if parts.named(AOT_HEADER):
        yield Trait(TraitKind.NATIVE_AOT, f"symbol {AOT_HEADER}", parts.view.cursor.start)
    elif parts.kind in _PROGRAMS:
        host = dotnet_host(*_data(parts, b".data", "w"))
        if host is not None:
            yield host


def _language(parts: Parts) -> Iterator[Trait]:
    at = (parts.sections.span(b".comment") or (0, 0))[0]
    for beginning, kind in _LANGUAGES:
        text = next((text for text in parts.comments if text.startswith(beginning)), None)
        if text is not None:
            yield Trait(kind, f"section .comment: {text[:80]}", at, text.removeprefix(beginning).split(" ")[0][:40])
            return
    if any(map(parts.named, _RUST_NAMES)):
        yield Trait(TraitKind.RUST, "symbols of its run-time library", parts.view.cursor.start)
    elif parts.kind in _PROGRAMS or parts.named(_UNWOUND):
        told = language_of_texts(*_data(parts, b".rodata", "r"))
        if told is not None:
            yield told


def _data(parts: Parts, section: bytes, right: str) -> tuple[bytes, int]:
    """Bytes and offset of the section, or without it of the last segment that may be read (``r``) or written only."""
    found = parts.sections.span(section)
    if found is None:
        rights = {"r": "r--", "w": "rw-"}[right]
        last = next((s for s in reversed(parts.segments) if s.kind == "LOAD" and s.flags == rights), None)
        found = (last.offset, last.file_size) if last else (parts.view.cursor.start, 0)
    return parts.view.cursor.upto(found[0], min(found[1], MAX_SEARCHED)), found[0]
