"""From the bytes of one PE file to one image: the parts, in the order they depend on each other."""

from __future__ import annotations

from array import array
from itertools import chain
from typing import Final

from loadstone.binary.cursor import Cursor
from loadstone.binary.damage import DamageLog
from loadstone.binary.pe.certificates import read_signatures
from loadstone.binary.pe.clr import read_clr
from loadstone.binary.pe.debug import build_id, read_debug, read_extended_characteristics, read_pdb
from loadstone.binary.pe.exports import Exports, forwarded_modules, read_exports
from loadstone.binary.pe.facts import PeFacts
from loadstone.binary.pe.hardening import PeSubject, hardening
from loadstone.binary.pe.headers import Headers, SectionHeader, read_headers, read_sections
from loadstone.binary.pe.imports import ImportedModule, dependency, read_bound_imports, read_imports
from loadstone.binary.pe.layout import Characteristics, DllCharacteristics, SectionFlags, machine
from loadstone.binary.pe.load_config import hybrid_kind, read_load_config, read_tls_callbacks
from loadstone.binary.pe.resources import read_manifests, read_version
from loadstone.binary.pe.traits import traits
from loadstone.binary.pe.view import PeView
from loadstone.core.image import (
    ByteOrder,
    Format,
    Image,
    ImageKind,
    Initialiser,
    Section,
    Segment,
    SymbolKind,
    SymbolTable,
)

__all__ = ["read_pe"]

_KINDS: Final = {kind: position for position, kind in enumerate(SymbolKind)}


def read_pe(cursor: Cursor, damage: DamageLog) -> Image:
    """The image in ``cursor``, which begins with the DOS header.

    Raises:
        MalformedImage: there are no usable headers; with a strict ``damage`` log, at the first contradiction.
    """
    headers = read_headers(cursor, damage)
    view = PeView(cursor, damage, headers, read_sections(cursor, damage, headers))
    exports = read_exports(view)
    modules = read_imports(view)
    config = read_load_config(view)
    debug = read_debug(view)
    extended = read_extended_characteristics(view, debug)
    pdb = read_pdb(view, debug)
    clr = read_clr(view)
    hybrid = hybrid_kind(headers.machine, config)
    found = traits(view, clr, hybrid, modules, exports)
    facts = PeFacts(
        timestamp=headers.timestamp,
        characteristics=Characteristics(headers.characteristics),
        dll_characteristics=DllCharacteristics(headers.dll_characteristics),
        extended_dll_characteristics=extended[0] if extended else None,
        subsystem=headers.subsystem,
        system_version=headers.system_version,
        subsystem_version=headers.subsystem_version,
        image_version=headers.image_version,
        link_editor_version=headers.link_editor_version,
        image_base=headers.image_base,
        image_size=headers.image_size,
        headers_size=headers.headers_size,
        section_alignment=headers.section_alignment,
        file_alignment=headers.file_alignment,
        entry_point=headers.entry_point,
        checksum=headers.checksum,
        header_offset=headers.offset,
        directories=headers.directories,
        hybrid=hybrid,
        load_config=config,
        bound_imports=read_bound_imports(view),
        debug=debug,
        pdb=pdb,
        version=read_version(view),
        manifests=read_manifests(view),
        signatures=read_signatures(view),
        clr=clr,
    )
    subject = PeSubject(
        path=cursor.path or "<bytes>",
        headers=headers,
        sections=view.sections,
        facts=facts,
        traits=found,
        extended_offset=extended[1] if extended else 0,
        imports=bool(modules),
    )
    return Image(
        path=cursor.path,
        format=Format.PE,
        size=cursor.size,
        machine=machine(headers.machine),
        bits=headers.bits,
        byte_order=ByteOrder.LITTLE,
        kind=_kind(facts),
        traits=found,
        identity=exports.identity,
        identity_offset=exports.identity_offset,
        build_id=build_id(pdb),
        needed=(*map(dependency, modules), *forwarded_modules(exports)),
        segments=tuple(_segment(s, headers) for s in view.sections),
        sections=tuple(_section(s) for s in view.sections),
        symbols=_symbols(view, exports, modules),
        hardening=hardening(subject),
        initialisers=(*read_tls_callbacks(view), *_entry_point(headers)),
        damage=damage.entries(),
        slice_offset=cursor.start,
        native=facts,
    )


def _kind(facts: PeFacts) -> ImageKind:
    if Characteristics.DLL in facts.characteristics:
        return ImageKind.SHARED
    movable = DllCharacteristics.DYNAMIC_BASE in facts.dll_characteristics
    if movable and Characteristics.RELOCS_STRIPPED not in facts.characteristics:
        return ImageKind.PIE
    return ImageKind.EXECUTABLE


def _flags(flags: int) -> str:
    kinds = ((SectionFlags.READ, "r"), (SectionFlags.WRITE, "w"), (SectionFlags.EXECUTE, "x"))
    return "".join(letter if flags & bit else "-" for bit, letter in kinds)


def _segment(section: SectionHeader, headers: Headers) -> Segment:
    return Segment(
        kind=section.name,
        flags=_flags(section.flags),
        offset=section.raw_offset,
        file_size=section.mapped,
        address=section.address,
        memory_size=section.virtual_size or section.raw_size,
        alignment=headers.section_alignment,
        header_offset=section.header_offset,
    )


def _section(section: SectionHeader) -> Section:
    contents = ((SectionFlags.CODE, "code"), (SectionFlags.INITIALISED, "data"), (SectionFlags.UNINITIALISED, "bss"))
    return Section(
        name=section.name,
        kind=next((word for bit, word in contents if section.flags & bit), "other"),
        flags=_flags(section.flags),
        offset=section.raw_offset,
        size=section.raw_size,
        address=section.address,
        header_offset=section.header_offset,
    )


def _entry_point(headers: Headers) -> tuple[Initialiser, ...]:
    """The entry point of a DLL runs at load and unload, and at every start and end of a thread."""
    if not headers.entry_point or not headers.characteristics & Characteristics.DLL:
        return ()
    return (Initialiser("entry_point", headers.entry_point, "", headers.optional_offset + 16),)


def _symbols(view: PeView, exports: Exports, modules: tuple[ImportedModule, ...]) -> SymbolTable:
    """Exports, then imports in the order of their modules."""
    forwards = dict(exports.forwards)
    function, data, untyped = _KINDS[SymbolKind.FUNCTION], _KINDS[SymbolKind.OBJECT], _KINDS[SymbolKind.UNTYPED]
    exported = [function if code else data for code in view.executable(exports.addresses)]
    for position in forwards:
        exported[position] = untyped
    wanted = sum(len(module.names) for module in modules)
    libraries = array("I", bytes(4 * len(exported)))
    for number, module in enumerate(modules, 1):
        libraries.extend([number] * len(module.names))
    return SymbolTable(
        names=(*exports.names, *chain.from_iterable(m.names for m in modules)),
        values=(*exports.addresses, *chain.from_iterable(m.addresses for m in modules)),
        kinds=bytes(exported) + bytes([untyped]) * wanted,
        defined=b"\1" * len(exported) + bytes(wanted),
        offsets=(*exports.offsets, *chain.from_iterable(m.offsets for m in modules)),
        libraries=libraries,
        library_names=(None, *(module.name for module in modules)),
        ordinals=(*exports.ordinals, *chain.from_iterable(m.ordinals for m in modules)),
        forwards=forwards,
    )
