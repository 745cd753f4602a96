"""One model of a parsed binary, for ELF, PE and Mach-O alike.

An :class:`Image` is one binary for one architecture; a universal file holds several. What every format has is a
field here and means the same everywhere; what only one format has sits in ``native``. Absent, empty and unreadable
are three different answers: ``None``, ``()`` and a :class:`Damage` that names the field. Every fact that a report
may cite carries the file offset that proves it. Reading an image never runs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from loadstone.core.claims import Location
from loadstone.core.symbols import ImageSymbol, SymbolBinding, SymbolKind, SymbolTable, SymbolVersion, Visibility
from loadstone.quick_dataclass import dataclass

__all__ = [
    "CANARY_FREE",
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
    DEBUG = "debug"  # the separate debug information of another file
    OTHER = "other"


class TraitKind(StrEnum):
    """What an image is beyond its kind; it decides which questions make sense."""

    STATIC = "statically linked"
    KERNEL_MODULE = "Linux kernel module"
    KERNEL = "Linux kernel"
    VDSO = "vDSO"  # what the kernel maps into every process
    DRIVER = "Windows driver"
    BOOTABLE = "bootable image"  # started by firmware or a boot loader, not by a system's loader
    GO = "Go"
    RUST = "Rust"
    ZIG = "Zig"
    IL_ONLY = ".NET assembly, IL only"
    MIXED = ".NET assembly, mixed with native code"
    READY_TO_RUN = ".NET assembly, ReadyToRun"
    NATIVE_AOT = ".NET, native AOT"
    DOTNET_BUNDLE = ".NET single-file application"
    DOTNET_HOST = "apphost of a .NET application"
    RESOURCES = "resources only"
    FORWARDS = "forwards only"  # every export is another library's
    DATA = "data only"
    HYBRID = "hybrid"  # code of two processors: ARM64EC, ARM64X, CHPE
    PACKED = "packed"


CANARY_FREE: Final = frozenset({TraitKind.GO, TraitKind.RUST, TraitKind.NATIVE_AOT})
"""Languages whose compilers check bounds, and place no stack canaries."""


@dataclass(frozen=True, slots=True)
class Trait:
    """One thing an image is beyond its kind: ``name`` says which (``UPX``, ``ARM64EC``), ``why`` what shows it.

    ``offset`` is its offset in the file.
    """

    kind: TraitKind
    why: str
    offset: int
    name: str = ""

    def __str__(self) -> str:
        if self.kind is TraitKind.PACKED:
            return f"packed with {self.name}" if self.name else "looks packed"
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
