"""What only a Mach-O image has, beyond the common model."""

from __future__ import annotations

from enum import IntFlag, StrEnum
from typing import Final

from loadstone.binary.digests import DigestState
from loadstone.binary.macho.layout import HeaderFlags
from loadstone.core.image import Native
from loadstone.quick_dataclass import dataclass

__all__ = [
    "NO_VALIDATION",
    "BuildVersion",
    "CodeDirectory",
    "CodeSignature",
    "Encryption",
    "Entitlement",
    "FixupKind",
    "LoadCommand",
    "Lookup",
    "MachoFacts",
    "SignatureFlags",
]


@dataclass(frozen=True, slots=True)
class LoadCommand:
    """One load command: its number (LC_*), its name, and where it stands in the file."""

    number: int
    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class BuildVersion:
    """What the image was built for: LC_BUILD_VERSION, or one of the older LC_VERSION_MIN_* commands."""

    platform: str
    minimum: str
    sdk: str
    offset: int


@dataclass(frozen=True, slots=True)
class Encryption:
    """A part of the file that is encrypted while ``system`` is not 0 (LC_ENCRYPTION_INFO)."""

    begin: int
    size: int
    system: int
    offset: int  # of the command


class FixupKind(StrEnum):
    """How the loader is told which addresses to patch."""

    NONE = "none"
    CLASSIC = "relocation entries"
    DYLD_INFO = "dyld info opcodes"
    CHAINED = "chained fixups"


class Lookup(StrEnum):
    """Where a symbol is looked for that names no library of its own (special library ordinals)."""

    SELF = "this image"
    MAIN_EXECUTABLE = "main executable"
    FLAT = "every image, in load order"
    WEAK = "every image, weak definitions coalesced"


class SignatureFlags(IntFlag):
    """CS_*: flags of a code directory (XNU osfmk/kern/cs_blobs.h)."""

    ADHOC = 0x2
    GET_TASK_ALLOW = 0x4
    FORCED_LIBRARY_VALIDATION = 0x10
    HARD = 0x100
    KILL = 0x200
    CHECK_EXPIRATION = 0x400
    RESTRICT = 0x800
    ENFORCEMENT = 0x1000
    REQUIRE_LIBRARY_VALIDATION = 0x2000
    RUNTIME = 0x1_0000
    LINKER_SIGNED = 0x2_0000


@dataclass(frozen=True, slots=True)
class CodeDirectory:
    """One code directory: digests of every page of the file and of the other parts of the signature.

    ``pages`` of them were compared, ``bad_pages`` differed, the first at ``first_bad`` in the file. ``code_hash`` is
    the digest of the directory itself, cut to twenty bytes as the system shows it.
    """

    identifier: str
    team: str
    flags: SignatureFlags
    algorithm: str
    page_size: int
    code_limit: int
    pages: int
    bad_pages: int
    first_bad: int
    bad_parts: tuple[str, ...]  # requirements, entitlements ... that differ
    code_hash: str  # hex
    offset: int
    size: int
    state: DigestState


NO_VALIDATION: Final = "com.apple.security.cs.disable-library-validation"
"""The entitlement that lets a program of the hardened runtime load libraries of others."""


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One entitlement: a permission the signature claims, and its value as text."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class CodeSignature:
    """LC_CODE_SIGNATURE. Digests were computed anew; nobody judged the certificate chain."""

    offset: int
    size: int
    directories: tuple[CodeDirectory, ...]
    entitlements: tuple[Entitlement, ...]
    signer: str  # common name in the signature, empty for an ad-hoc one
    signed: DigestState  # whether the signed digest is that of the first code directory

    @property
    def flags(self) -> SignatureFlags:
        """Those of the first code directory."""
        return self.directories[0].flags if self.directories else SignatureFlags(0)

    @property
    def team(self) -> str:
        return self.directories[0].team if self.directories else ""

    @property
    def validates_libraries(self) -> bool:
        """Whether a program with this signature loads only libraries of Apple's and of its own team.

        It is asked for by a flag, or part of the hardened runtime unless an entitlement switches it off.
        """
        if self.flags & (SignatureFlags.REQUIRE_LIBRARY_VALIDATION | SignatureFlags.FORCED_LIBRARY_VALIDATION):
            return True
        return SignatureFlags.RUNTIME in self.flags and self.entitlement(NO_VALIDATION) in (None, "false")

    @property
    def intact(self) -> DigestState:
        """Whether every page and part that could be compared has the recorded digest."""
        states = {d.state for d in self.directories}
        for state in (DigestState.DIFFERS, DigestState.UNKNOWN):
            if state in states:
                return state
        return DigestState.MATCHES if states else DigestState.UNKNOWN

    def entitlement(self, name: str) -> str | None:
        """The value of that entitlement, or None."""
        return next((e.value for e in self.entitlements if e.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MachoFacts(Native):
    """Mach-O-only facts of one image, as the file states them."""

    file_type: int
    cpu_subtype: int
    architecture: str  # Apple's name: arm64, arm64e, x86_64h ...
    flags: HeaderFlags
    commands: tuple[LoadCommand, ...]
    compatibility_version: str = ""  # of the install name
    current_version: str = ""
    builds: tuple[BuildVersion, ...] = ()
    source_version: str = ""
    fixups: FixupKind = FixupKind.NONE
    pointer_formats: tuple[int, ...] = ()  # DYLD_CHAINED_PTR_*, one for each segment with fixups
    lookups: tuple[tuple[int, Lookup], ...] = ()  # positions in the symbol table of imports without a library
    signature: CodeSignature | None = None
    encryption: tuple[Encryption, ...] = ()
    restricted: bool = False  # a __RESTRICT,__restrict section: DYLD_* variables are ignored
    environment: tuple[str, ...] = ()  # LC_DYLD_ENVIRONMENT
    clients: tuple[str, ...] = ()  # LC_SUB_CLIENT: who alone may link to it
    umbrella: str | None = None  # LC_SUB_FRAMEWORK
    entry_point: int | None = None
