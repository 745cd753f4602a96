"""Protections a Mach-O image carries, each with the header field, command or symbol that decides it.

Sources: mach-o/loader.h for header flags and segment protections; XNU's cs_blobs.h for signature flags; Apple, "Code
Signing" and "Hardened Runtime" for what they switch on. CWE-693, CWE-121, CWE-347.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.binary.digests import DigestState
from loadstone.binary.macho.facts import NO_VALIDATION, CodeSignature, FixupKind, MachoFacts, SignatureFlags
from loadstone.binary.macho.layout import HeaderFlags, LoadCommandKind
from loadstone.binary.macho.view import MachoView
from loadstone.binary.terms import with_terms
from loadstone.core.claims import Location
from loadstone.core.image import (
    CANARY_FREE,
    CheckState,
    Format,
    HardeningFact,
    ImageKind,
    SymbolTable,
    Trait,
    TraitKind,
)
from loadstone.quick_dataclass import dataclass

__all__ = ["MachoSubject", "hardening"]

_FLAGS_AT: Final = 24  # of the header
_PROGRAMS: Final = frozenset({ImageKind.EXECUTABLE, ImageKind.PIE})
_LINKED: Final = frozenset({*_PROGRAMS, ImageKind.SHARED, ImageKind.BUNDLE})
_NOT_LOADED: Final = {
    ImageKind.OBJECT: "not linked yet: the link editor decides",
    ImageKind.DEBUG: "separate debug information (dSYM): ask it of the file it was taken from",
    ImageKind.CORE: "a core dump is the memory of a process, and never loaded",
}
_CANARY: Final = "___stack_chk_fail"
_MUCH_CODE: Final = 64 << 10
"""Code of this many bytes without one protected function was built without protection; less may need none."""


@dataclass(frozen=True, slots=True)
class MachoSubject:
    """What the checks look at."""

    path: str
    view: MachoView
    kind: ImageKind
    facts: MachoFacts
    symbols: SymbolTable
    traits: tuple[Trait, ...] = ()

    def at(self, offset: int, size: int) -> Location:
        return Location.bytes(self.path, offset, size)

    def flags(self) -> Location:
        return self.at(self.view.cursor.start + _FLAGS_AT, 4)


def hardening(subject: MachoSubject) -> tuple[HardeningFact, ...]:
    """Every protection the format offers, in a fixed order; those that do not apply say why."""
    if subject.kind not in _LINKED:
        why, place = _NOT_LOADED.get(subject.kind, "no loader loads this kind of file"), subject.flags()
        names = ("pie", "rwx-segment", "relro", "bind-now", "stack-protector", "signature")
        facts = [HardeningFact(name, CheckState.NOT_APPLICABLE, why, place) for name in names]
    else:
        facts = [fact for check in _CHECKS for fact in check(subject)]
    return with_terms(Format.MACHO, facts)


def _placement(subject: MachoSubject) -> Iterator[HardeningFact]:
    if subject.kind not in _PROGRAMS:
        found = "libraries and bundles can always be placed anywhere"
        yield HardeningFact("pie", CheckState.PRESENT, found, subject.at(subject.view.cursor.start + 12, 4))
    elif HeaderFlags.PIE in subject.facts.flags:
        yield HardeningFact("pie", CheckState.PRESENT, "MH_PIE is set", subject.flags())
    else:
        yield HardeningFact("pie", CheckState.ABSENT, "MH_PIE is not set", subject.flags())


def _execution(subject: MachoSubject) -> Iterator[HardeningFact]:
    if subject.kind in _PROGRAMS:
        allowed = HeaderFlags.ALLOW_STACK_EXECUTION in subject.facts.flags
        found = f"MH_ALLOW_STACK_EXECUTION is {'set' if allowed else 'not set'}"
        state = CheckState.ABSENT if allowed else CheckState.PRESENT
        yield HardeningFact("executable-stack", state, found, subject.flags())
    code = [s for s in subject.view.segments if "x" in s.flags]
    bad = [s for s in code if "w" in s.flags]
    if bad:
        found = f"segments that can be written and executed: {', '.join(s.kind for s in bad[:8])}"
        place = subject.at(bad[0].header_offset, 72)
        yield HardeningFact("rwx-segment", CheckState.ABSENT, found, place, len(code) - len(bad), len(code))
    elif code:
        found = "no segment can be both written and executed"
        place = subject.at(code[0].header_offset, 72)
        yield HardeningFact("rwx-segment", CheckState.PRESENT, found, place, len(code), len(code))


def _canary(subject: MachoSubject) -> Iterator[HardeningFact]:
    used = subject.symbols.named(_CANARY)
    size = sum(s.size for s in subject.view.sections if "x" in s.flags)
    language = next((t for t in subject.traits if t.kind in CANARY_FREE), None)
    packer = next((t for t in subject.traits if t.kind is TraitKind.PACKED), None)
    if not used and packer is not None:
        found = f"{packer}: the code cannot be seen"
        yield HardeningFact("stack-protector", CheckState.UNKNOWN, found, subject.flags())
    elif not used and language is not None:
        found = f"written in {language.kind.value}, whose compiler checks bounds and places no stack canaries"
        yield HardeningFact("stack-protector", CheckState.NOT_APPLICABLE, found, subject.flags())
    elif used:
        found = f"{_CANARY} is imported"
        yield HardeningFact("stack-protector", CheckState.PRESENT, found, subject.at(used[0].offset, 4))
    elif size >= _MUCH_CODE:
        found = f"{_CANARY} is not imported, by {size} bytes of code"
        yield HardeningFact("stack-protector", CheckState.ABSENT, found, subject.flags())
    else:
        found = f"{_CANARY} is not imported; {size} bytes of code may need none"
        yield HardeningFact("stack-protector", CheckState.UNKNOWN, found, subject.flags())


def _constant_tables(subject: MachoSubject) -> Iterator[HardeningFact]:
    """The loader's tables end in __DATA_CONST, made read-only once they are filled."""
    names = {s.kind: s for s in subject.view.segments}
    constant = names.get("__DATA_CONST") or names.get("__AUTH_CONST")
    if constant is not None:
        place = subject.at(constant.header_offset, 72)
        yield HardeningFact("relro", CheckState.PRESENT, f"{constant.kind} is made read-only at start-up", place)
    elif "__DATA" in names:
        place = subject.at(names["__DATA"].header_offset, 72)
        yield HardeningFact("relro", CheckState.ABSENT, "there is no __DATA_CONST segment", place)
    else:
        yield HardeningFact("relro", CheckState.NOT_APPLICABLE, "there is no data segment", subject.flags())


def _binding(subject: MachoSubject) -> Iterator[HardeningFact]:
    command = subject.view.first(
        LoadCommandKind.DYLD_CHAINED_FIXUPS, LoadCommandKind.DYLD_INFO_ONLY, LoadCommandKind.DYLD_INFO
    )
    if command is None:
        return
    place = subject.at(command.offset, len(command.data))
    if subject.facts.fixups is FixupKind.CHAINED:
        yield HardeningFact("bind-now", CheckState.PRESENT, "chained fixups are all bound at load", place)
    elif subject.view.number(command, 36):
        yield HardeningFact("bind-now", CheckState.ABSENT, "some symbols are bound at their first call", place)
    else:
        yield HardeningFact("bind-now", CheckState.PRESENT, "there are no lazy bindings", place)


def _pointer_authentication(subject: MachoSubject) -> Iterator[HardeningFact]:
    if subject.facts.architecture.startswith("arm64"):
        there = subject.facts.architecture == "arm64e"
        found = f"the architecture is {subject.facts.architecture}"
        state = CheckState.PRESENT if there else CheckState.ABSENT
        place = subject.at(subject.view.cursor.start + 8, 4)
        yield HardeningFact("pointer-authentication", state, found, place)


def _signed(subject: MachoSubject) -> Iterator[HardeningFact]:
    signature = subject.facts.signature
    if signature is None:
        yield HardeningFact("signature", CheckState.ABSENT, "no code signature", subject.flags())
        return
    place = subject.at(signature.offset, signature.size)
    who = signature.signer or ("ad hoc, no signer named" if SignatureFlags.ADHOC in signature.flags else "not named")
    if DigestState.DIFFERS in (signature.intact, signature.signed):
        yield HardeningFact("signature", CheckState.ABSENT, f"digests differ from these bytes, signer {who}", place)
    elif signature.intact is DigestState.MATCHES:
        state = CheckState.PARTIAL if SignatureFlags.ADHOC in signature.flags else CheckState.PRESENT
        yield HardeningFact("signature", state, f"every page has the signed digest, signer {who}", place)
    else:
        yield HardeningFact("signature", CheckState.UNKNOWN, f"no digest could be compared, signer {who}", place)
    hardened = SignatureFlags.RUNTIME in signature.flags
    found = f"the hardened runtime flag is {'set' if hardened else 'not set'}"
    if subject.kind in _PROGRAMS:
        yield HardeningFact("hardened-runtime", CheckState.PRESENT if hardened else CheckState.ABSENT, found, place)
        yield _library_validation(signature, hardened, place)


def _library_validation(signature: CodeSignature, hardened: bool, place: Location) -> HardeningFact:
    """Whether only libraries of Apple or the same team are loaded: asked for, or part of the hardened runtime."""
    name = "library-validation"
    if signature.validates_libraries:
        found = "part of the hardened runtime" if hardened else "the signature's flags require it"
        return HardeningFact(name, CheckState.PRESENT, found, place)
    off = f"switched off by the entitlement {NO_VALIDATION}"
    found = off if hardened else "neither required nor part of a hardened runtime"
    return HardeningFact(name, CheckState.ABSENT, found, place)


_CHECKS: Final = (
    _placement,
    _execution,
    _canary,
    _constant_tables,
    _binding,
    _pointer_authentication,
    _signed,
)
