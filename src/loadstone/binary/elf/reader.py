"""From the bytes of one ELF file to one image: the parts, in the order they depend on each other."""

from __future__ import annotations

from array import array
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from loadstone.binary.cursor import Cursor
from loadstone.binary.damage import DamageLog
from loadstone.binary.deferred import Deferred
from loadstone.binary.elf.canary import main_checks
from loadstone.binary.elf.dynamic import DynamicTag, dependencies, identity, read_dynamic, read_strings, search_dirs
from loadstone.binary.elf.facts import DF_1_PIE, DynamicTable, ElfFacts, ThreadStorage
from loadstone.binary.elf.hardening import CANARY, ElfSubject, hardening
from loadstone.binary.elf.header import Header, read_header, read_segments
from loadstone.binary.elf.initialisers import read_initialisers
from loadstone.binary.elf.layout import LAYOUTS
from loadstone.binary.elf.link_symbols import find_listed, listed_symbols
from loadstone.binary.elf.machines import machine
from loadstone.binary.elf.notes import Notes, read_notes
from loadstone.binary.elf.relocations import RelocationTable, count_packed, read_relocations, symbols_used, usage
from loadstone.binary.elf.sections import SectionTable, read_comments, read_debug_link, read_sections
from loadstone.binary.elf.symbols import count_symbols, read_symbols
from loadstone.binary.elf.traits import Parts, read_module_info, traits
from loadstone.binary.elf.versions import read_definitions, read_needs, read_version_indexes, version_column
from loadstone.binary.elf.view import ElfView
from loadstone.binary.strings import StringTable
from loadstone.core.image import Format, Image, ImageKind, Segment, SymbolTable, VersionDefinition, VersionNeed
from loadstone.core.limits import MAX_NAME_LENGTH
from loadstone.quick_dataclass import replace

if TYPE_CHECKING:
    from loadstone.binary.elf.core import CoreDump

__all__ = ["read_elf"]

_ET_REL, _ET_EXEC, _ET_DYN, _ET_CORE = 1, 2, 3, 4
_SHT_DYNSYM: Final = 11
_PF: Final = {"r": 4, "w": 2, "x": 1}


def read_elf(cursor: Cursor, damage: DamageLog) -> Image:
    """The image in ``cursor``, which begins with an ELF header.

    Raises:
        MalformedImage: there is no usable header; with a strict ``damage`` log, at the first contradiction.
    """
    header = read_header(cursor)
    view = ElfView(cursor, damage, header.layout, header.machine)
    _check_identification(header, damage, cursor.start)
    segments = read_segments(view, header)
    view.map(segments)
    sections = read_sections(view, header)
    debug = sections.debug_only(segments, header.entry) and not _usable_dynamic(view, segments)
    linking = _read_linking(view, header, segments, sections, debug=debug)
    dynamic, by_tag, symbols = linking.dynamic, linking.by_tag, linking.symbols
    notes = read_notes(view, segments, sections)
    soname, soname_offset = identity(view, dynamic, linking.strings, by_tag)
    interpreter = _interpreter(view, segments)
    is_dynamic = any(segment.kind == "DYNAMIC" for segment in segments)
    kind = _kind(header, by_tag, soname, interpreter, debug=debug, is_dynamic=is_dynamic)
    comments = read_comments(view, sections)
    facts = _facts(view, header, linking, segments, sections, notes, comments)
    found = traits(
        Parts(
            view=view,
            header=header,
            kind=kind,
            segments=segments,
            sections=sections,
            tags=frozenset(dynamic.tags),
            interpreter=interpreter,
            identity=soname,
            comments=comments,
            notes=notes.notes,
            named=linking.strings.has,
        )
    )
    subject = ElfSubject(
        path=cursor.path or "<bytes>",
        kind=kind,
        machine=header.machine,
        facts=facts,
        segments=segments,
        sections=sections,
        symbols=symbols,
        traits=found,
        named=linking.strings.has,
        listed=partial(find_listed, view, sections, CANARY),
        main_checks=lambda: main_checks(view, listed_symbols(view, sections), CANARY),
        features_offset=notes.features_offset,
        header_offset=cursor.start,
    )
    return Image(
        path=cursor.path,
        format=Format.ELF,
        size=cursor.size,
        machine=machine(header.machine, header.layout.bits),
        bits=header.layout.bits,
        byte_order=header.layout.order,
        kind=kind,
        traits=found,
        identity=soname,
        identity_offset=soname_offset,
        interpreter=interpreter,
        build_id=notes.build_id,
        needed=dependencies(view, dynamic, linking.strings) + notes.dlopen,
        search_dirs=search_dirs(view, dynamic, linking.strings, by_tag),
        segments=segments,
        sections=sections,
        symbols=symbols,
        version_needs=linking.needs,
        version_definitions=linking.definitions,
        hardening=hardening(subject),
        initialisers=read_initialisers(view, dynamic, by_tag, symbols, linking.tables),
        notes=notes.notes,
        damage=damage.entries(),
        slice_offset=cursor.start,
        native=facts,
    )


def _check_identification(header: Header, damage: DamageLog, start: int) -> None:
    """What some loaders look at in the first bytes, and others do not."""
    if header.layout is not LAYOUTS.get((header.ident[4], header.ident[5])):
        said = (
            "EI_CLASS and EI_DATA name another layout than the header has; the kernel and musl read neither, glibc both"
        )
        damage.add("identification", said, start + 4)
    if not header.ident.startswith(b"\x7fELF"):
        damage.add("identification", "no ELF magic: the kernel and glibc refuse the file, musl loads it", start)


class _Linking(NamedTuple):
    """What the dynamic section leads to; the symbols are those of the link where the file is an object."""

    dynamic: DynamicTable
    by_tag: dict[int, int]
    strings: StringTable
    tables: tuple[RelocationTable, ...]
    symbols: SymbolTable
    needs: tuple[VersionNeed, ...]
    definitions: tuple[VersionDefinition, ...]
    version_indexes: array[int]


def _read_linking(
    view: ElfView, header: Header, segments: tuple[Segment, ...], sections: SectionTable, *, debug: bool
) -> _Linking:
    """The tables the dynamic section names, in the order they bound each other."""
    dynamic = read_dynamic(view, () if debug or header.type in (_ET_REL, _ET_CORE) else segments)
    by_tag = dict(zip(dynamic.tags, dynamic.values, strict=True))
    strings = read_strings(view, dynamic, by_tag)
    tables = read_relocations(view, dynamic, by_tag)
    listed = _counted_by_section(view, by_tag, sections)
    count = count_symbols(view, dynamic, by_tag, symbols_used(view, tables), listed)
    symbols = read_symbols(view, dynamic, by_tag, strings, count)
    needs = read_needs(view, dynamic, by_tag, strings)
    definitions = read_definitions(view, dynamic, by_tag, strings)
    indexes = read_version_indexes(view, dynamic, by_tag, len(symbols))
    versions, version_names = version_column(view, indexes, symbols.defined, needs, definitions, symbols.offset)
    symbols = replace(symbols, versions=versions, version_names=version_names)
    if header.type == _ET_REL and not debug:
        symbols = listed_symbols(view, sections)
    return _Linking(dynamic, by_tag, strings, tables, symbols, needs, definitions, indexes)


def _facts(
    view: ElfView,
    header: Header,
    linking: _Linking,
    segments: tuple[Segment, ...],
    sections: SectionTable,
    notes: Notes,
    comments: tuple[str, ...],
) -> ElfFacts:
    """What only ELF has."""
    stack = next((s for s in reversed(segments) if s.kind == "GNU_STACK"), None)
    storage = next((s for s in reversed(segments) if s.kind == "TLS" and s.memory_size), None)
    return ElfFacts(
        type=header.type,
        os_abi=header.ident[7],
        abi_version=header.ident[8],
        ident_version=header.ident[6],
        ident_padding=header.ident[9:],
        version=header.version,
        processor_flags=header.flags,
        entry=header.entry,
        header_size=header.size,
        program_header_size=header.program_size,
        flags=linking.by_tag.get(DynamicTag.FLAGS, 0),
        flags_1=linking.by_tag.get(DynamicTag.FLAGS_1, 0),
        dynamic=linking.dynamic,
        stack_flags=sum(_PF[letter] for letter in stack.flags if letter in _PF) if stack else None,
        tls=ThreadStorage(storage.memory_size, storage.alignment, storage.file_size) if storage else None,
        version_indexes=linking.version_indexes,
        deferred_usage=Deferred(partial(usage, header.layout, header.machine, linking.tables)),
        packed_relocations=count_packed(view, linking.dynamic, linking.by_tag),
        features=notes.features,
        isa_needed=notes.isa_needed,
        abi_tag=notes.abi_tag,
        debug_link=read_debug_link(view, sections),
        comments=comments,
        module_info=read_module_info(view, sections),
        core=_core(view, notes) if header.type == _ET_CORE else None,
    )


def _core(view: ElfView, notes: Notes) -> CoreDump:
    from loadstone.binary.elf.core import read_core  # noqa: PLC0415 - few files are dumps, and every start would pay

    return read_core(view, notes.notes)


def _usable_dynamic(view: ElfView, segments: tuple[Segment, ...]) -> bool:
    """Whether a loader finds a dynamic section, and in it names and symbols: then it is more than debug information."""
    quiet = ElfView(view.cursor, DamageLog(), view.layout, view.machine)
    quiet.map(segments)
    dynamic = read_dynamic(quiet, segments)
    places = [quiet.place(dynamic.value(tag) or 0) for tag in (DynamicTag.STRTAB, DynamicTag.SYMTAB)]
    return None not in places and dynamic.value(DynamicTag.STRTAB) != dynamic.value(DynamicTag.SYMTAB)


def _counted_by_section(view: ElfView, by_tag: dict[int, int], sections: SectionTable) -> int:
    """How many symbols the section of the symbol table holds, when that section is where DT_SYMTAB points."""
    place = view.place(by_tag.get(DynamicTag.SYMTAB, 0))
    found = sections.span_of_kind(_SHT_DYNSYM)
    if place is None or found is None or found[0] != place[0]:
        return 0
    return min(found[1], view.cursor.size) // view.layout.symbol_size


def _interpreter(view: ElfView, segments: tuple[Segment, ...]) -> str | None:
    segment = next((s for s in segments if s.kind == "INTERP"), None)
    if segment is None or not segment.file_size:
        return None
    text, zero, _ = view.cursor.upto(segment.offset, min(segment.file_size, MAX_NAME_LENGTH)).partition(b"\0")
    if not zero:
        view.damage.add("interpreter", "its path is not terminated", segment.offset, fatal=True)
        return None
    return text.decode("utf-8", "surrogateescape")


def _kind(
    header: Header,
    by_tag: dict[int, int],
    soname: str | None,
    interpreter: str | None,
    *,
    debug: bool,
    is_dynamic: bool,
) -> ImageKind:
    if debug:
        return ImageKind.DEBUG
    if header.type == _ET_REL:
        return ImageKind.OBJECT
    if header.type == _ET_CORE:
        return ImageKind.CORE
    if header.type == _ET_EXEC:
        return ImageKind.EXECUTABLE
    if header.type != _ET_DYN:
        return ImageKind.OTHER
    if by_tag.get(DynamicTag.FLAGS_1, 0) & DF_1_PIE or (
        interpreter and soname is None
    ):  # libc.so.6 has an interpreter too
        return ImageKind.PIE
    if (
        header.entry and not is_dynamic
    ):  # dlopen refuses it ("object file has no dynamic section"), the kernel starts it
        return ImageKind.PIE
    return ImageKind.SHARED
