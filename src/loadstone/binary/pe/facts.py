"""What only a PE image has, beyond the common model. Addresses are relative to the image base (RVA) throughout."""

from __future__ import annotations

from enum import StrEnum

from loadstone.binary.digests import DigestState
from loadstone.binary.pe.layout import SUBSYSTEMS, Characteristics, DllCharacteristics
from loadstone.core.image import Native
from loadstone.quick_dataclass import dataclass

__all__ = [
    "AssemblyReference",
    "BoundImport",
    "ClrHeader",
    "ClrKind",
    "DataDirectory",
    "DebugEntry",
    "Hybrid",
    "LoadConfig",
    "Manifest",
    "PdbReference",
    "PeFacts",
    "Signature",
    "VersionResource",
]


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """One of the up to sixteen tables the header points to; ``entry_offset`` is where it says so."""

    name: str
    address: int
    size: int
    entry_offset: int


@dataclass(frozen=True, slots=True)
class BoundImport:
    """A module whose addresses were written in when the image was bound, and those it forwards to."""

    name: str
    timestamp: int
    forwarders: tuple[str, ...]
    offset: int


class ClrKind(StrEnum):
    """What the code of a .NET assembly is."""

    IL_ONLY = "IL only"  # the runtime compiles all of it
    MIXED = "mixed"  # native code beside it (C++/CLI)
    READY_TO_RUN = "ReadyToRun"  # compiled ahead, with the IL kept


_32BIT_REQUIRED, _32BIT_PREFERRED = 0x2, 0x2_0000  # COMIMAGE_FLAGS_*


@dataclass(frozen=True, slots=True)
class ClrHeader:
    """IMAGE_COR20_HEADER: ``flags`` are COMIMAGE_FLAGS_*, ``runtime`` the release the metadata names."""

    kind: ClrKind
    flags: int
    version: str  # of the header
    runtime: str
    offset: int

    @property
    def any_processor(self) -> bool:
        """Whether it runs as 64-bit code where it can, though its headers are 32-bit ones."""
        only_32 = self.flags & _32BIT_REQUIRED and not self.flags & _32BIT_PREFERRED
        return self.kind is ClrKind.IL_ONLY and not only_32


class Hybrid(StrEnum):
    """An image that holds code of two processors (CHPE metadata in the load configuration)."""

    NONE = ""
    ARM64EC = "ARM64EC"  # looks like x86-64, holds ARM64 code beside
    ARM64X = "ARM64X"  # looks like ARM64, can be loaded as x86-64 too
    CHPE = "CHPE x86"  # looks like i386, holds ARM64 code beside


@dataclass(frozen=True, slots=True)
class LoadConfig:
    """IMAGE_LOAD_CONFIG_DIRECTORY: what the loader is told about protections. Zero where the table is too short.

    ``security_cookie`` and the tables are virtual addresses, as they stand in the file; ``dependent_load_flags`` are
    LOAD_LIBRARY_SEARCH_* values that restrict where the static imports of this module are looked for.
    """

    offset: int
    size: int
    dependent_load_flags: int = 0
    dependent_load_flags_offset: int = 0
    security_cookie: int = 0
    se_handlers: int = 0
    se_handler_table: int = 0
    guard_flags: int = 0
    guard_functions: int = 0
    guard_function_table: int = 0
    guard_continuations: int = 0
    hybrid_metadata: int = 0


@dataclass(frozen=True, slots=True)
class DebugEntry:
    """One entry of the debug directory; ``kind`` is the number of IMAGE_DEBUG_TYPE_*, ``name`` its usual name."""

    kind: int
    name: str
    timestamp: int
    offset: int  # of its data
    size: int
    entry_offset: int


@dataclass(frozen=True, slots=True)
class PdbReference:
    """The program database the link editor wrote: path as built, GUID (or NB10 timestamp) and age."""

    path: str
    guid: str
    age: int
    offset: int


@dataclass(frozen=True, slots=True)
class VersionResource:
    """VS_VERSIONINFO: the two packed versions as text, and the strings of its first language."""

    file_version: str
    product_version: str
    strings: tuple[tuple[str, str], ...]
    offset: int

    def string(self, name: str) -> str | None:
        """The string of that name (``OriginalFilename``, ``CompanyName`` ...), or None."""
        return next((text for key, text in self.strings if key == name), None)


@dataclass(frozen=True, slots=True)
class AssemblyReference:
    """A side-by-side assembly the manifest depends on."""

    name: str
    version: str
    architecture: str
    public_key_token: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """RT_MANIFEST: assemblies needed, and the privileges asked for (``asInvoker``, ``requireAdministrator`` ...)."""

    resource_id: int
    dependencies: tuple[AssemblyReference, ...]
    requested_level: str
    ui_access: bool
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Signature:
    """One entry of the certificate table. The digest was computed anew; nobody judged the certificate chain."""

    revision: int
    kind: int  # WIN_CERT_TYPE_*; 2 is PKCS#7
    offset: int
    size: int
    digest: DigestState
    algorithm: str
    signed_digest: str  # hex
    actual_digest: str  # hex
    signer: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PeFacts(Native):
    """PE-only facts of one image, as the file states them. Versions are (major, minor)."""

    timestamp: int
    characteristics: Characteristics
    dll_characteristics: DllCharacteristics
    extended_dll_characteristics: int | None  # None without that debug entry; bit 0: CET shadow stacks
    subsystem: int
    system_version: tuple[int, int]
    subsystem_version: tuple[int, int]
    image_version: tuple[int, int]
    link_editor_version: tuple[int, int]
    image_base: int
    image_size: int
    headers_size: int
    section_alignment: int
    file_alignment: int
    entry_point: int
    checksum: int
    header_offset: int  # of the NT signature
    directories: tuple[DataDirectory, ...]
    hybrid: Hybrid = Hybrid.NONE
    load_config: LoadConfig | None = None
    bound_imports: tuple[BoundImport, ...] = ()
    debug: tuple[DebugEntry, ...] = ()
    pdb: PdbReference | None = None
    version: VersionResource | None = None
    manifests: tuple[Manifest, ...] = ()
    signatures: tuple[Signature, ...] = ()
    clr: ClrHeader | None = None  # of a .NET assembly

    @property
    def managed(self) -> bool:
        """Whether it is a .NET assembly."""
        return self.clr is not None

    @property
    def subsystem_name(self) -> str:
        return SUBSYSTEMS.get(self.subsystem, f"subsystem {self.subsystem}")

    @property
    def dependent_load_flags(self) -> int:
        return self.load_config.dependent_load_flags if self.load_config else 0

    @property
    def requested_level(self) -> str:
        """What the first manifest that asks for privileges asks for, or the empty text."""
        return next((m.requested_level for m in self.manifests if m.requested_level), "")
