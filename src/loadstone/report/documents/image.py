"""An image as JSON, ``loadstone.image/1``: the same keys for every format; ``native`` holds what is theirs alone."""

from __future__ import annotations

from array import array
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import msgspec

from loadstone.binary import shadowing
from loadstone.binary.demangle import demangle
from loadstone.binary.elf.pages import page_sizes
from loadstone.core.image import Dependency, HardeningFact, Image, ImageSymbol
from loadstone.errors import LoadstoneError
from loadstone.report.documents.claims import LocationDocument, location_document
from loadstone.report.json import Document

__all__ = ["ImageDocument", "UnreadDocument", "image_document", "unread_document"]


class MachineDocument(msgspec.Struct, frozen=True):
    """The processor: the format's number for it and its usual name."""

    code: int
    name: str


class DependencyDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A name asked for. ``required``: the load fails without it. ``offset``: where the file asks."""

    name: str
    kind: str
    required: bool
    offset: int
    ordinal: int | None
    compatibility_version: str
    current_version: str
    symbols: list[str]
    virtual: bool
    priority: str
    feature: str


class SearchDirDocument(msgspec.Struct, frozen=True):
    """One element of a recorded search path, as written."""

    kind: str
    text: str
    offset: int


class SegmentDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A part the loader maps."""

    kind: str
    flags: str
    offset: int
    file_size: int
    address: int
    memory_size: int
    alignment: int
    header_offset: int


class SectionDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What the link editor sees."""

    name: str
    kind: str
    flags: str
    offset: int
    size: int
    address: int
    header_offset: int


class SymbolDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An export or import. ``version_file`` is the file an import wants its version from.

    ``demangled`` is the name as C++ or Rust authors wrote it; null when it is not mangled.
    """

    name: str
    demangled: str | None
    kind: str
    binding: str
    visibility: str
    value: int
    size: int
    offset: int
    version: str | None
    version_file: str | None
    default_version: bool
    library: str | None
    forward: str | None
    ordinal: int | None


class VersionNeedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A version wanted of a file."""

    file: str
    name: str
    weak: bool
    offset: int


class VersionDefinitionDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A version offered; ``base`` names the file itself."""

    name: str
    base: bool
    weak: bool
    parents: list[str]
    offset: int


class HardeningDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One protection, its state, and the bytes that decide it.

    ``term`` is what the field calls that state (``Full RELRO``); empty when the question was not answered.
    """

    name: str
    state: str
    term: str
    detail: str
    location: LocationDocument
    met: int
    sites: int


class TraitDocument(msgspec.Struct, frozen=True):
    """What an image is beyond its kind: statically linked, a kernel module, packed, a .NET assembly ..."""

    kind: str
    name: str
    why: str
    offset: int


class InitialiserDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Code that runs at load, or with ``final`` at unload."""

    kind: str
    address: int
    symbol: str
    offset: int
    final: bool


class NoteDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A note by owner and number."""

    owner: str
    kind: int
    offset: int
    size: int


class DamageDocument(msgspec.Struct, frozen=True):
    """Something in the bytes that contradicts the format."""

    field: str
    what: str
    offset: int
    fatal: bool


class ImageDocument(Document, frozen=True, kw_only=True):
    """One parsed binary for one architecture. Offsets are positions in the file, in bytes."""

    schema: str = "loadstone.image/1"
    path: str | None
    format: str
    size: int
    machine: MachineDocument
    bits: int
    byte_order: str
    kind: str
    traits: list[TraitDocument]
    identity: str | None
    interpreter: str | None
    build_id: str | None
    page_sizes: list[int]  # of kernels an ELF file can be mapped on, of 4096, 16384 and 65536
    needed: list[DependencyDocument]
    search_dirs: list[SearchDirDocument]
    segments: list[SegmentDocument]
    sections: list[SectionDocument]
    exports: list[SymbolDocument]
    imports: list[SymbolDocument]
    version_needs: list[VersionNeedDocument]
    version_definitions: list[VersionDefinitionDocument]
    hardening: list[HardeningDocument]
    initialisers: list[InitialiserDocument]
    notes: list[NoteDocument]
    shadows: list[str]  # exports that stand in for the C library's functions
    damage: list[DamageDocument]
    slice_offset: int
    native: dict[str, Any]


class UnreadDocument(Document, frozen=True, kw_only=True):
    """Stands in the list for a file that could not be read, so that nothing goes missing silently."""

    schema: str = "loadstone.unread/1"
    path: str
    error: str
    advice: str


def unread_document(path: str, error: LoadstoneError) -> UnreadDocument:
    """Why there is no image of ``path``."""
    return UnreadDocument(path=path, error=error.message, advice=error.advice)


def image_document(image: Image) -> ImageDocument:
    """The image with every key present; what the format does not have is null or empty."""
    return ImageDocument(
        path=image.path,
        format=image.format.value,
        size=image.size,
        machine=MachineDocument(image.machine.code, image.machine.name),
        bits=image.bits,
        byte_order=image.byte_order.value,
        kind=image.kind.value,
        traits=[TraitDocument(**_plain(trait)) for trait in image.traits],
        identity=image.identity,
        interpreter=image.interpreter,
        build_id=image.build_id,
        page_sizes=list(page_sizes(image)),
        needed=[_dependency(d) for d in image.needed],
        search_dirs=[SearchDirDocument(d.kind.value, d.text, d.offset) for d in image.search_dirs],
        segments=[SegmentDocument(**_plain(s)) for s in image.segments],
        sections=[SectionDocument(**_plain(s)) for s in image.sections],
        exports=[_symbol(s) for s in image.exports],
        imports=[_symbol(s) for s in image.imports],
        version_needs=[
            VersionNeedDocument(file=n.file, name=n.name, weak=n.weak, offset=n.offset) for n in image.version_needs
        ],
        version_definitions=[
            VersionDefinitionDocument(name=d.name, base=d.base, weak=d.weak, parents=list(d.parents), offset=d.offset)
            for d in image.version_definitions
        ],
        hardening=[_hardening(fact) for fact in image.hardening],
        initialisers=[InitialiserDocument(**_plain(i)) for i in image.initialisers],
        notes=[NoteDocument(**_plain(n)) for n in image.notes],
        shadows=[s.name for s in shadowing(image)],
        damage=[DamageDocument(**_plain(d)) for d in image.damage],
        slice_offset=image.slice_offset,
        native=_plain(image.native),
    )


def _dependency(dependency: Dependency) -> DependencyDocument:
    return DependencyDocument(required=dependency.required, **_plain(dependency))


def _symbol(symbol: ImageSymbol) -> SymbolDocument:
    version = symbol.version
    readable = demangle(symbol.name)
    return SymbolDocument(
        name=symbol.name,
        demangled=readable if readable != symbol.name else None,
        kind=symbol.kind.value,
        binding=symbol.binding.value,
        visibility=symbol.visibility.value,
        value=symbol.value,
        size=symbol.size,
        offset=symbol.offset,
        version=version.name if version else None,
        version_file=version.file if version else None,
        default_version=version is None or version.is_default,
        library=symbol.library,
        forward=symbol.forward,
        ordinal=symbol.ordinal,
    )


def _hardening(fact: HardeningFact) -> HardeningDocument:
    return HardeningDocument(
        name=fact.name,
        state=fact.state.value,
        term=fact.term,
        detail=fact.detail,
        location=location_document(fact.location),
        met=fact.met,
        sites=fact.sites,
    )


def _plain(value: Any) -> Any:
    """A value of the model as JSON has it; raw columns, which say the same as the symbols, are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        names = (f.name.removeprefix("deferred_") for f in fields(value) if not f.name.startswith("_"))
        pairs = ((name, getattr(value, name)) for name in names)
        return {name: _plain(item) for name, item in pairs if not isinstance(item, array)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(item) for item in value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value
