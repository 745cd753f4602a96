"""One model of a parsed binary, for ELF, PE and Mach-O alike.

An :class:`Image` is one binary for one architecture; a universal file holds several. What every format has is a
field here and means the same everywhere; what only one format has sits in ``native``. Absent, empty and unreadable
are three different answers: ``None``, ``()`` and a :class:`Damage` that names the field. Every fact that a report
may cite carries the file offset that proves it. Reading an image never runs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import overload

from loadstone.core.claims import Location
from loadstone.quick_dataclass import dataclass

__all__ = [
    "ByteOrder",
    "CheckState",
    "Damage",
    "Dependency",
    "DependencyKind",
    "Format",
    "HardeningFact",
    "Image",
    "ImageKind",
    "ImageSymbol",
    "Initialiser",
    "Machine",
    "Native",
    "Note",
    "SearchDir",
    "SearchKind",
    "Section",
    "Segment",
    "Slice",
    "SymbolBinding",
    "SymbolKind",
    "SymbolTable",
    "SymbolVersion",
    "Trait",
    "TraitKind",
    "VersionDefinition",
    "VersionNeed",
    "Visibility",
]


class Format(StrEnum):
    """The container format."""

    ELF = "elf"
    PE = "pe"
    MACHO = "macho"


class ByteOrder(StrEnum):
    """How the file stores its integers; the values are what ``int.from_bytes`` takes."""

    LITTLE = "little"
    BIG = "big"


class ImageKind(StrEnum):
    """What the image is for."""

    SHARED = "shared"  # ELF ET_DYN without an interpreter or PIE flag, PE DLL, Mach-O dylib
    EXECUTABLE = "executable"
    PIE = "position-independent executable"
    BUNDLE = "bundle"  # Mach-O MH_BUNDLE: loadable, not linkable
    OBJECT = "object"
    CORE = "core"
    DEBUG = "debug"  # the separated debug information of another file
    OTHER = "other"


class TraitKind(StrEnum):
    """What an image is beyond its kind; it decides which questions make sense."""

    STATIC = "statically linked"
    KERNEL_MODULE = "Linux kernel module"
    KERNEL = "Linux kernel"
    DRIVER = "Windows driver"
    BOOTABLE = "bootable image"  # started by firmware or a boot loader, not by a system's loader
    GO = "Go"
    RUST = "Rust"
    ZIG = "Zig"
    IL_ONLY = ".NET assembly, IL only"
    MIXED = ".NET assembly, mixed with native code"
    READY_TO_RUN = ".NET assembly, ReadyToRun"
    RESOURCES = "resources only"
    HYBRID = "hybrid"  # code of two processors: ARM64EC, ARM64X, CHPE
    PACKED = "packed"


@dataclass(frozen=True, slots=True)
class Trait:
    """One thing an image is beyond its kind: ``name`` says which (``UPX``, ``ARM64EC``), ``why`` what shows it.

    ``offset`` is where that stands in the file.
    """

    kind: TraitKind
    why: str
    offset: int
    name: str = ""

    def __str__(self) -> str:
        if self.kind is TraitKind.PACKED:
            return f"packed with {self.name}"
        if self.kind is TraitKind.HYBRID:
            return self.name
        return f"{self.kind.value} ({self.name})" if self.name else self.kind.value


@dataclass(frozen=True, slots=True)
class Machine:
    """The processor: the format's own number and its usual name (``x86-64``, ``aarch64``, ``i386`` ...)."""

    code: int
    name: str


@dataclass(frozen=True, slots=True)
class Damage:
    """Something in the bytes that contradicts the format, met while reading in tolerant mode.

    ``field`` names the table or value concerned, ``offset`` is the position in the file. ``fatal`` marks damage that
    the system's loader would not survive either (a segment cut off by the end of the file, for one).
    """

    field: str
    what: str
    offset: int
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the file the loader maps. ``kind`` is the format's name for it (``LOAD``, ``__TEXT``, ``.text``)."""

    kind: str
    flags: str  # "r", "w", "x" or "-" for each, as in /proc/PID/maps: "r-x"
    offset: int  # in the file
    file_size: int
    address: int  # virtual
    memory_size: int
    alignment: int
    header_offset: int  # where the header entry that says so is in the file


@dataclass(frozen=True, slots=True)
class Section:
    """What the link editor and tools see; a second opinion only, never needed to read an image."""

    name: str
    kind: str
    flags: str
    offset: int
    size: int
    address: int
    header_offset: int


class DependencyKind(StrEnum):
    """In which way a library is needed."""

    NEEDED = "needed"
    AUXILIARY = "auxiliary"  # DT_AUXILIARY: may be missing
    FILTER = "filter"  # DT_FILTER: must be there
    WEAK = "weak"  # LC_LOAD_WEAK_DYLIB: may be missing
    REEXPORT = "re-export"
    UPWARD = "upward"
    LAZY = "lazy"
    DELAY = "delay"  # PE delay import: looked for at the first call
    FORWARD = "forward"  # PE export forwarded to another module
    DLOPEN = "dlopen"  # declared in .note.dlopen
    PRELOAD = "preload"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Dependency:
    """A name an image asks for. ``offset`` is where the entry that asks stands in the file.

    ``symbols`` are the imported names tied to it where the format says so (PE, Mach-O two-level); versions are the
    packed numbers of Mach-O written as text. ``priority`` and ``feature`` come from dlopen notes.
    """

    name: str
    kind: DependencyKind
    offset: int
    ordinal: int | None = None
    compatibility_version: str = ""
    current_version: str = ""
    symbols: tuple[str, ...] = ()
    virtual: bool = False  # an API-set name: a contract, not a file
    priority: str = ""
    feature: str = ""

    @property
    def required(self) -> bool:
        """Whether the load fails when it is missing."""
        return self.kind in _REQUIRED


_REQUIRED = frozenset({DependencyKind.NEEDED, DependencyKind.FILTER, DependencyKind.REEXPORT, DependencyKind.UPWARD})


class SearchKind(StrEnum):
    """Where a search directory is recorded."""

    RPATH = "rpath"
    RUNPATH = "runpath"
    LC_RPATH = "lc_rpath"


@dataclass(frozen=True, slots=True)
class SearchDir:
    """One element of a search path, as written (``$ORIGIN/../lib``, ``@loader_path``, or empty), in order."""

    kind: SearchKind
    text: str
    offset: int  # of the entry that holds the path, in the file


class SymbolKind(StrEnum):
    """What a symbol names."""

    UNTYPED = "untyped"
    FUNCTION = "function"
    OBJECT = "object"
    SECTION = "section"
    FILE = "file"
    COMMON = "common"
    TLS = "thread-local"
    IFUNC = "indirect function"
    OTHER = "other"

    @property
    def may_be_called(self) -> bool:
        """Whether it is, or may be, the address of code."""
        return self in (SymbolKind.FUNCTION, SymbolKind.IFUNC, SymbolKind.UNTYPED, SymbolKind.OTHER)

    @property
    def may_be_data(self) -> bool:
        """Whether it is, or may be, the address of a variable that every thread shares."""
        return self in (SymbolKind.OBJECT, SymbolKind.COMMON, SymbolKind.UNTYPED, SymbolKind.OTHER)


class SymbolBinding(StrEnum):
    """How a symbol takes part in lookup."""

    LOCAL = "local"
    GLOBAL = "global"
    WEAK = "weak"
    UNIQUE = "unique"  # STB_GNU_UNIQUE: pins its library
    OTHER = "other"


class Visibility(StrEnum):
    """ELF st_other visibility; other formats have only default and hidden."""

    DEFAULT = "default"
    INTERNAL = "internal"
    HIDDEN = "hidden"
    PROTECTED = "protected"


@dataclass(frozen=True, slots=True)
class SymbolVersion:
    """The version tag of a symbol: its name, the file it is wanted from (imports), whether it is the default one."""

    name: str
    file: str | None = None
    is_default: bool = True


@dataclass(frozen=True, slots=True)
class ImageSymbol:
    """One dynamic symbol. ``value`` is a virtual address, ``offset`` the entry's place in the file.

    ``library`` is the dependency an import is tied to (PE, Mach-O), ``forward`` the ``OTHER.Name`` a PE export is
    forwarded to, ``ordinal`` its export ordinal.
    """

    name: str
    kind: SymbolKind = SymbolKind.UNTYPED
    binding: SymbolBinding = SymbolBinding.GLOBAL
    visibility: Visibility = Visibility.DEFAULT
    defined: bool = True
    value: int = 0
    size: int = 0
    offset: int = 0
    version: SymbolVersion | None = None
    library: str | None = None
    forward: str | None = None
    ordinal: int | None = None

    @property
    def exported(self) -> bool:
        """Whether another image can bind to it."""
        return (
            self.defined
            and self.binding is not SymbolBinding.LOCAL
            and self.visibility in (Visibility.DEFAULT, Visibility.PROTECTED)
        )


_KINDS = tuple(SymbolKind)
_BINDINGS = tuple(SymbolBinding)
_VISIBILITIES = tuple(Visibility)
_NOT_ZERO = bytes((0, *(1 for _ in range(255))))
_NOT_LOCAL = bytes(at != _BINDINGS.index(SymbolBinding.LOCAL) for at in range(256))
_VISIBLE = bytes(_VISIBILITIES[at : at + 1] in ((Visibility.DEFAULT,), (Visibility.PROTECTED,)) for at in range(256))


@dataclass(frozen=True, slots=True, eq=False)
class SymbolTable(Sequence[ImageSymbol]):
    """The dynamic symbols of an image, kept as columns; :class:`ImageSymbol` values are made on demand.

    All columns have one entry a symbol. ``kinds``, ``bindings`` and ``visibilities`` hold positions in the enums'
    definition order; ``defined`` holds 0 or 1; ``versions`` positions in ``version_names`` (0: none). A library with
    80,000 symbols would otherwise cost 80,000 objects that nobody looks at. Columns a format does not have stay empty
    and read as the field's default; ``offsets`` replaces ``offset`` and ``entry_size`` where entries are not evenly
    spaced, ``libraries`` holds positions in ``library_names``, ``ordinals`` -1 where there is none, ``forwards`` the
    few rows that have one.
    """

    names: tuple[str, ...] = ()
    values: Sequence[int] = ()
    sizes: Sequence[int] = ()
    kinds: bytes = b""
    bindings: bytes = b""
    visibilities: bytes = b""
    defined: bytes = b""
    versions: Sequence[int] = ()
    version_names: tuple[SymbolVersion | None, ...] = (None,)
    offset: int = 0  # of the first entry, in the file
    entry_size: int = 0
    offsets: Sequence[int] = ()
    libraries: Sequence[int] = ()
    library_names: tuple[str | None, ...] = (None,)
    ordinals: Sequence[int] = ()
    forwards: Mapping[int, str] = field(default_factory=dict)
    extra: tuple[ImageSymbol, ...] | None = None  # rows of formats whose symbols are not a fixed-size table
    _index: tuple[dict[str, int], dict[str, tuple[int, ...]]] | None = field(default=None, init=False, repr=False)
    """By name: the last row of each, and all rows of names that have several. Built whole, then published by one
    assignment: threads may build it twice, none sees half of it."""

    @classmethod
    def of(cls, symbols: Sequence[ImageSymbol]) -> SymbolTable:
        """A table of ready-made symbols (PE and Mach-O exports and imports)."""
        rows = tuple(symbols)
        return cls(
            names=tuple(s.name for s in rows),
            defined=bytes(s.defined for s in rows),
            kinds=bytes(_KINDS.index(s.kind) for s in rows),
            bindings=bytes(_BINDINGS.index(s.binding) for s in rows),
            visibilities=bytes(_VISIBILITIES.index(s.visibility) for s in rows),
            extra=rows,
        )

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> ImageSymbol: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ImageSymbol, ...]: ...
    def __getitem__(self, index: int | slice) -> ImageSymbol | tuple[ImageSymbol, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        if self.extra is not None:
            return self.extra[index]
        return ImageSymbol(
            name=self.names[index],
            kind=_KINDS[self.kinds[index]] if self.kinds else SymbolKind.UNTYPED,
            binding=_BINDINGS[self.bindings[index]] if self.bindings else SymbolBinding.GLOBAL,
            visibility=_VISIBILITIES[self.visibilities[index]] if self.visibilities else Visibility.DEFAULT,
            defined=bool(self.defined[index]),
            value=self.values[index] if self.values else 0,
            size=self.sizes[index] if self.sizes else 0,
            offset=self.offsets[index] if self.offsets else self.offset + index * self.entry_size,
            version=self.version_names[self.versions[index]] if self.versions else None,
            library=self.library_names[self.libraries[index]] if self.libraries else None,
            forward=self.forwards.get(index),
            ordinal=self.ordinals[index] if self.ordinals and self.ordinals[index] >= 0 else None,
        )

    def __iter__(self) -> Iterator[ImageSymbol]:
        return (self[i] for i in range(len(self)))

    def positions(self, name: str) -> tuple[int, ...]:
        """Where symbols of that name stand; one name can be exported in several versions."""
        last, repeated = self._index or self._indexed()
        if name in repeated:
            return repeated[name]
        return (last[name],) if name in last else ()

    def _indexed(self) -> tuple[dict[str, int], dict[str, tuple[int, ...]]]:
        last = dict(zip(self.names, range(len(self.names)), strict=True))  # nearly all names stand once
        rows: dict[str, list[int]] = {}
        if len(last) < len(self.names):
            for row, name in enumerate(self.names):
                if last[name] != row or name in rows:
                    rows.setdefault(name, []).append(row)
        index = last, {name: tuple(at) for name, at in rows.items()}
        object.__setattr__(self, "_index", index)
        return index

    def named(self, name: str) -> tuple[ImageSymbol, ...]:
        """Every symbol of that name."""
        return tuple(self[i] for i in self.positions(name))

    @property
    def exported(self) -> bytes:
        """For each row 1 where another image can bind to the symbol, else 0: whole columns at once."""
        bits = int.from_bytes(self.defined.translate(_NOT_ZERO), "little")
        if self.bindings:
            bits &= int.from_bytes(self.bindings.translate(_NOT_LOCAL), "little")
        if self.visibilities:
            bits &= int.from_bytes(self.visibilities.translate(_VISIBLE), "little")
        column = bytearray(bits.to_bytes(len(self), "little"))
        for row in self.positions(""):
            column[row] = 0
        return bytes(column)

    @property
    def exports(self) -> tuple[ImageSymbol, ...]:
        """Those another image can bind to, in file order."""
        return tuple(self[i] for i, exported in enumerate(self.exported) if exported)

    @property
    def imports(self) -> tuple[ImageSymbol, ...]:
        """Those this image wants from others, in file order."""
        return tuple(self[i] for i, d in enumerate(self.defined) if not d and self.names[i])


@dataclass(frozen=True, slots=True)
class VersionNeed:
    """A version this image wants of a file: a Vernaux entry. ``weak`` ones may be missing."""

    file: str
    name: str
    index: int
    weak: bool
    hash: int
    offset: int


@dataclass(frozen=True, slots=True)
class VersionDefinition:
    """A version this image offers: a Verdef entry. ``base`` marks the one that names the file itself."""

    name: str
    index: int
    base: bool
    weak: bool
    hash: int
    parents: tuple[str, ...]
    offset: int


class CheckState(StrEnum):
    """Whether a protection is there."""

    PRESENT = "present"
    PARTIAL = "partial"
    ABSENT = "absent"
    NOT_APPLICABLE = "not applicable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class HardeningFact:
    """One protection and the header field that decides it.

    ``name`` is a stable word (``relro``, ``bind-now``, ``executable-stack``, ``text-relocations``, ``pie``,
    ``stack-protector``, ``fortify``, ``ibt``, ``shadow-stack``, ``rwx-segment`` ...); ``detail`` names the field
    and its value; ``location`` is where that field stands; ``met`` of ``sites`` counts where counting makes sense.
    ``term`` is what the field calls that state (``Full RELRO``, ``NX enabled``), empty when it has no word for it.
    """

    name: str
    state: CheckState
    detail: str
    location: Location
    met: int = 0
    sites: int = 0
    term: str = ""

    @property
    def sentence(self) -> str:
        """The term, and what it rests on."""
        return f"{self.term}: {self.detail}" if self.term else self.detail


@dataclass(frozen=True, slots=True)
class Initialiser:
    """Code that runs at load (or, with ``final``, at unload) before any symbol is used."""

    kind: str  # init, init_array, preinit_array, fini, fini_array, tls_callback, entry_point, mod_init_func, ifunc ...
    address: int
    symbol: str
    offset: int
    final: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """An ELF note, or what plays its part elsewhere: owner, number, and the place of its content in the file."""

    owner: str
    kind: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Slice:
    """One image of a universal file: Apple's name of its architecture (``arm64e``), and its bytes in the file."""

    architecture: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Native:
    """Base of what only one format has; each reader adds its own subclass next to itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Image:
    """One parsed binary for one architecture. Immutable; safe to share between threads."""

    path: str | None  # as given; None for bytes
    format: Format
    size: int  # of the file, bytes
    machine: Machine
    bits: int  # 32 or 64
    byte_order: ByteOrder
    kind: ImageKind
    traits: tuple[Trait, ...] = ()
    identity: str | None = None  # SONAME, install name, or the DLL name of the export directory
    identity_offset: int = 0
    interpreter: str | None = None
    build_id: str | None = None  # hex: GNU build-id, Mach-O UUID, PDB id
    needed: tuple[Dependency, ...] = ()
    search_dirs: tuple[SearchDir, ...] = ()
    segments: tuple[Segment, ...] = ()
    sections: Sequence[Section] = ()
    symbols: SymbolTable = SymbolTable()
    version_needs: tuple[VersionNeed, ...] = ()
    version_definitions: tuple[VersionDefinition, ...] = ()
    hardening: tuple[HardeningFact, ...] = ()
    initialisers: tuple[Initialiser, ...] = ()
    notes: tuple[Note, ...] = ()
    damage: tuple[Damage, ...] = ()
    slice_offset: int = 0  # of this image inside a universal file or archive
    slices: tuple[Slice, ...] = ()  # of a universal file: every image in it, this one being at slice_offset
    native: Native = Native()

    @property
    def exports(self) -> tuple[ImageSymbol, ...]:
        return self.symbols.exports

    @property
    def imports(self) -> tuple[ImageSymbol, ...]:
        return self.symbols.imports

    def trait(self, *kinds: TraitKind) -> Trait | None:
        """The first trait of one of these kinds, or None."""
        return next((trait for trait in self.traits if trait.kind in kinds), None)

    @property
    def rpath(self) -> tuple[str, ...]:
        return tuple(d.text for d in self.search_dirs if d.kind is SearchKind.RPATH)

    @property
    def runpath(self) -> tuple[str, ...]:
        return tuple(d.text for d in self.search_dirs if d.kind is SearchKind.RUNPATH)
