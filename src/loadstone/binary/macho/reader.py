"""From the bytes of one Mach-O file to one image: the parts, in the order they depend on each other."""

from __future__ import annotations

from typing import Final

from loadstone.binary.cursor import Cursor
from loadstone.binary.damage import DamageLog
from loadstone.binary.macho.commands import (
    read_builds,
    read_dependencies,
    read_encryption,
    read_install_name,
    read_rpaths,
    read_source_version,
    read_texts,
    read_uuid,
)
from loadstone.binary.macho.facts import LoadCommand, MachoFacts
from loadstone.binary.macho.fixups import read_fixups
from loadstone.binary.macho.hardening import MachoSubject, hardening
from loadstone.binary.macho.initialisers import read_initialisers
from loadstone.binary.macho.layout import (
    FILE_KINDS,
    REQUIRED_BY_DYLD,
    HeaderFlags,
    LoadCommandKind,
    architecture,
    machine,
)
from loadstone.binary.macho.segments import read_segments
from loadstone.binary.macho.signature import read_signature
from loadstone.binary.macho.symbols import read_symbols
from loadstone.binary.macho.traits import traits
from loadstone.binary.macho.view import MachoView, RawCommand, command_name, read_view
from loadstone.core.image import Dependency, Format, Image, ImageKind, SymbolTable
from loadstone.quick_dataclass import replace

__all__ = ["read_macho"]


def read_macho(cursor: Cursor, damage: DamageLog) -> Image:
    """The image in ``cursor``, which begins with the Mach-O magic.

    Raises:
        MalformedImage: there is no usable header; with a strict ``damage`` log, at the first contradiction.
    """
    view = read_view(cursor, damage)
    read_segments(view)
    needed = read_dependencies(view)
    identity = read_install_name(view)
    fixups = read_fixups(view)
    symbols = read_symbols(view, tuple(d.name for d in needed), fixups)
    kind = _kind(view)
    facts = MachoFacts(
        file_type=view.file_type,
        cpu_subtype=view.subtype,
        architecture=architecture(view.cpu, view.subtype),
        flags=view.flags,
        commands=_commands(view),
        compatibility_version=identity.compatibility_version if identity else "",
        current_version=identity.current_version if identity else "",
        builds=read_builds(view),
        source_version=read_source_version(view),
        fixups=fixups.kind,
        pointer_formats=fixups.pointer_formats,
        lookups=symbols.lookups,
        signature=read_signature(view),
        encryption=read_encryption(view),
        restricted=any(s.name.lower() == "__restrict,__restrict" for s in view.sections),
        environment=read_texts(view, LoadCommandKind.DYLD_ENVIRONMENT),
        clients=read_texts(view, LoadCommandKind.SUB_CLIENT),
        umbrella=next(iter(read_texts(view, LoadCommandKind.SUB_FRAMEWORK)), None),
        entry_point=_entry_point(view),
    )
    found = traits(view, kind, symbols.table)
    subject = MachoSubject(cursor.path or "<bytes>", view, kind, facts, symbols.table, found)
    return Image(
        path=cursor.path,
        format=Format.MACHO,
        size=cursor.size,
        machine=machine(view.cpu),
        bits=view.layout.bits,
        byte_order=view.layout.order,
        kind=kind,
        traits=found,
        identity=identity.name if identity else None,
        identity_offset=identity.offset if identity else 0,
        interpreter=next(iter(read_texts(view, LoadCommandKind.LOAD_DYLINKER)), None),
        build_id=read_uuid(view),
        needed=_with_symbols(needed, symbols.table),
        search_dirs=read_rpaths(view),
        segments=view.segments,
        sections=view.sections,
        symbols=symbols.table,
        hardening=hardening(subject),
        initialisers=read_initialisers(view, fixups.pointer_formats),
        damage=damage.entries(),
        slice_offset=cursor.start,
        native=facts,
    )


def _kind(view: MachoView) -> ImageKind:
    kind = FILE_KINDS.get(view.file_type, ImageKind.OTHER)
    return ImageKind.PIE if kind is ImageKind.EXECUTABLE and HeaderFlags.PIE in view.flags else kind


def _commands(view: MachoView) -> tuple[LoadCommand, ...]:
    for command in view.commands:
        name = command_name(command.number)
        if command.number & REQUIRED_BY_DYLD and name.startswith("0x"):
            said = f"{name} is not known, and the loader must know it to go on"
            view.damage.add("load command", said, command.offset)
        wanted = _size(view, command)
        if wanted is not None and len(command.data) != wanted:
            said = f"{name} has {len(command.data)} bytes, and dyld wants {wanted}"
            view.damage.add("load command", said, command.offset, fatal=True)
    return tuple(LoadCommand(c.number, command_name(c.number), c.offset, len(c.data)) for c in view.commands)


_SIZES: Final[dict[int, int]] = {
    LoadCommandKind.SYMTAB: 24,
    LoadCommandKind.DYSYMTAB: 80,
    LoadCommandKind.UUID: 24,
    LoadCommandKind.MAIN: 24,
    LoadCommandKind.DYLD_INFO: 48,
    LoadCommandKind.DYLD_INFO_ONLY: 48,
    LoadCommandKind.DYLD_EXPORTS_TRIE: 16,
    LoadCommandKind.DYLD_CHAINED_FIXUPS: 16,
    LoadCommandKind.FUNCTION_STARTS: 16,
}
"""Commands whose size dyld compares. Source: dyld mach_o/UnsafeHeader.cpp, validStructureLoadCommands."""


def _size(view: MachoView, command: RawCommand) -> int | None:
    """The one size a command may have; None where dyld does not mind."""
    if command.number == LoadCommandKind.BUILD_VERSION:
        return 24 + 8 * view.number(command, 20)  # a row for each tool
    return _SIZES.get(command.number)


def _entry_point(view: MachoView) -> int | None:
    """The address of ``main`` (LC_MAIN holds its file offset)."""
    command = view.first(LoadCommandKind.MAIN)
    return None if command is None else view.base() + view.number(command, 8, 8)


def _with_symbols(needed: tuple[Dependency, ...], table: SymbolTable) -> tuple[Dependency, ...]:
    """Each dependency with the names that are tied to it."""
    tied: list[list[str]] = [[] for _ in range(len(needed) + 1)]
    for name, library, defined in zip(table.names, table.libraries, table.defined, strict=True):
        if not defined:
            tied[library].append(name)
    return tuple(replace(one, symbols=tuple(names)) for one, names in zip(needed, tied[1:], strict=True))
