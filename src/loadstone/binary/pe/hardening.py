"""Protections a PE image carries, each with the header field that decides it.

Sources: "PE Format", sections "DLL Characteristics" and "The Load Configuration Structure"; winnt.h for guard flags;
CWE-693, CWE-121, CWE-427 (dependent load flags), CWE-347 (signature).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.binary.digests import DigestState
from loadstone.binary.pe.facts import Hybrid, PeFacts
from loadstone.binary.pe.headers import Headers, SectionHeader
from loadstone.binary.pe.layout import (
    MACHINE_AMD64,
    MACHINE_I386,
    Characteristics,
    DirectoryIndex,
    DllCharacteristics,
    SectionFlags,
)
from loadstone.binary.terms import with_terms
from loadstone.core.claims import Location
from loadstone.core.image import CANARY_FREE, CheckState, Format, HardeningFact, Trait, TraitKind
from loadstone.quick_dataclass import dataclass

__all__ = ["PeSubject", "hardening"]

_CET_COMPAT: Final = 0x1  # IMAGE_DLLCHARACTERISTICS_EX_CET_COMPAT
_CF_INSTRUMENTED: Final = 0x100  # IMAGE_GUARD_CF_INSTRUMENTED
_CF_TABLE: Final = 0x400  # IMAGE_GUARD_CF_FUNCTION_TABLE_PRESENT
_XFG: Final = 0x80_0000  # IMAGE_GUARD_XFG_ENABLED
_SYSTEM32_ONLY: Final = 0x800  # LOAD_LIBRARY_SEARCH_SYSTEM32

_STATE: Final = {False: CheckState.ABSENT, True: CheckState.PRESENT}


@dataclass(frozen=True, slots=True)
class PeSubject:
    """What the checks look at."""

    path: str
    headers: Headers
    sections: tuple[SectionHeader, ...]
    facts: PeFacts
    traits: tuple[Trait, ...]
    extended_offset: int
    imports: bool

    def at(self, offset: int, size: int) -> Location:
        return Location.bytes(self.path, offset, size)

    def flags(self) -> Location:
        return self.at(self.headers.dll_characteristics_offset, 2)

    def trait(self, *kinds: TraitKind) -> Trait | None:
        return next((trait for trait in self.traits if trait.kind in kinds), None)


_NO_NATIVE_CODE: Final = {
    TraitKind.IL_ONLY: "a .NET assembly of IL only: the runtime compiles and protects its code",
    TraitKind.READY_TO_RUN: "a .NET assembly compiled ahead: the runtime, not the loader, runs and protects its code",
    TraitKind.RESOURCES: "it holds resources, and no code that is ever run",
    TraitKind.FORWARDS: "it forwards to other libraries, and has no code that is ever run",
    TraitKind.DATA: "it holds data, and no code that is ever run",
    TraitKind.BOOTABLE: "started by firmware, which knows none of these protections",
    TraitKind.KERNEL: "started by firmware or a boot loader, which know none of these protections",
}
_NATIVE_ONLY: Final = frozenset(
    {
        "stack-protector",
        "control-flow-guard",
        "extended-flow-guard",
        "shadow-stack",
        "safeseh",
        "restricted-import-search",
    }
)
"""Questions about native code that Windows loads."""


def hardening(subject: PeSubject) -> tuple[HardeningFact, ...]:
    """Every protection the format offers, in a fixed order; those that do not apply say why."""
    facts = [fact for check in _CHECKS for fact in check(subject)]
    trait = subject.trait(*_NO_NATIVE_CODE)
    if trait is not None:
        why = _NO_NATIVE_CODE[trait.kind]
        facts = [_not_applicable(fact, why) if fact.name in _NATIVE_ONLY else fact for fact in facts]
    return with_terms(Format.PE, facts)


def _not_applicable(fact: HardeningFact, why: str) -> HardeningFact:
    return HardeningFact(fact.name, CheckState.NOT_APPLICABLE, why, fact.location)


def _flag(subject: PeSubject, name: str, flag: DllCharacteristics) -> HardeningFact:
    there = bool(subject.facts.dll_characteristics & flag)
    return HardeningFact(name, _STATE[there], f"{flag.name} is {'set' if there else 'not set'}", subject.flags())


def _placement(subject: PeSubject) -> Iterator[HardeningFact]:
    dynamic = DllCharacteristics.DYNAMIC_BASE in subject.facts.dll_characteristics
    stripped = Characteristics.RELOCS_STRIPPED in subject.facts.characteristics
    if dynamic and stripped:
        place = subject.at(subject.headers.characteristics_offset, 2)
        yield HardeningFact("pie", CheckState.ABSENT, "DYNAMIC_BASE is set, but relocations were stripped", place)
    else:
        yield _flag(subject, "pie", DllCharacteristics.DYNAMIC_BASE)
    clr = subject.facts.clr
    if subject.headers.bits == 64 or (clr is not None and clr.any_processor):
        yield _flag(subject, "high-entropy-va", DllCharacteristics.HIGH_ENTROPY_VA)


def _execution(subject: PeSubject) -> Iterator[HardeningFact]:
    yield _flag(subject, "executable-stack", DllCharacteristics.NX_COMPAT)
    both = SectionFlags.WRITE | SectionFlags.EXECUTE
    code = [s for s in subject.sections if s.flags & SectionFlags.EXECUTE]
    bad = [s for s in code if s.flags & both == both]
    if bad:
        place = subject.at(bad[0].header_offset + 36, 4)
        names = ", ".join(s.name for s in bad[:8])
        found = f"sections that can be written and executed: {names}"
        yield HardeningFact("rwx-segment", CheckState.ABSENT, found, place, len(code) - len(bad), len(code))
    elif code:
        place = subject.at(code[0].header_offset + 36, 4)
        found = "no section can be both written and executed"
        yield HardeningFact("rwx-segment", CheckState.PRESENT, found, place, len(code), len(code))
    else:
        place = subject.at(subject.headers.offset + 6, 2)
        yield HardeningFact("rwx-segment", CheckState.NOT_APPLICABLE, "no section holds code", place)


def _cookie(subject: PeSubject) -> Iterator[HardeningFact]:
    if not any(s.flags & SectionFlags.EXECUTE for s in subject.sections):
        yield HardeningFact("stack-protector", CheckState.NOT_APPLICABLE, "no section holds code", subject.flags())
        return
    config = subject.facts.load_config
    packer = subject.trait(TraitKind.PACKED)
    if packer is not None:
        found = f"{packer}: the code cannot be seen"
        yield HardeningFact("stack-protector", CheckState.UNKNOWN, found, subject.flags())
        return
    language = subject.trait(*CANARY_FREE)
    if language is not None and (config is None or not config.security_cookie):
        found = f"written in {language.kind.value}, whose compiler checks bounds and places no stack canaries"
        yield HardeningFact("stack-protector", CheckState.NOT_APPLICABLE, found, subject.flags())
        return
    if config is None:
        found = "no load configuration, which would name the security cookie"
        yield HardeningFact("stack-protector", CheckState.UNKNOWN, found, subject.flags())
        return
    place = subject.at(config.offset + (88 if subject.headers.bits == 64 else 60), subject.headers.bits // 8)
    there = bool(config.security_cookie)
    found = f"the security cookie is at {config.security_cookie:#x}" if there else "no security cookie is named"
    yield HardeningFact("stack-protector", _STATE[there], found, place)


def _control_flow(subject: PeSubject) -> Iterator[HardeningFact]:
    config = subject.facts.load_config
    wanted = DllCharacteristics.GUARD_CF in subject.facts.dll_characteristics
    if not wanted:
        yield _flag(subject, "control-flow-guard", DllCharacteristics.GUARD_CF)
    elif config is None:
        found = "GUARD_CF is set, but there is no load configuration"
        yield HardeningFact("control-flow-guard", CheckState.ABSENT, found, subject.flags())
    else:
        place = subject.at(config.offset + (144 if subject.headers.bits == 64 else 88), 4)
        full = config.guard_flags & (_CF_INSTRUMENTED | _CF_TABLE) == _CF_INSTRUMENTED | _CF_TABLE
        found = f"guard flags {config.guard_flags:#x}, {config.guard_functions} functions in the table"
        state = CheckState.PRESENT if full and config.guard_functions else CheckState.PARTIAL
        yield HardeningFact("control-flow-guard", state, found, place)
        extended = bool(config.guard_flags & _XFG)
        found = f"XFG_ENABLED is {'set' if extended else 'not set'} in the guard flags"
        yield HardeningFact("extended-flow-guard", _STATE[extended], found, place)


def _shadow_stack(subject: PeSubject) -> Iterator[HardeningFact]:
    extended = subject.facts.extended_dll_characteristics
    if subject.headers.machine != MACHINE_AMD64:
        found = "CET shadow stacks exist for x86-64 only"
        yield HardeningFact("shadow-stack", CheckState.NOT_APPLICABLE, found, subject.at(subject.headers.offset + 4, 2))
    elif subject.facts.hybrid is not Hybrid.NONE:
        found = f"{subject.facts.hybrid.value}: its code runs on ARM64, which has no CET shadow stacks"
        yield HardeningFact("shadow-stack", CheckState.NOT_APPLICABLE, found, subject.at(subject.headers.offset + 4, 2))
    elif extended is None:
        found = "no extended DLL characteristics"
        yield HardeningFact("shadow-stack", CheckState.ABSENT, found, subject.flags())
    else:
        there = bool(extended & _CET_COMPAT)
        found = f"CET_COMPAT is {'set' if there else 'not set'} in the extended DLL characteristics"
        yield HardeningFact("shadow-stack", _STATE[there], found, subject.at(subject.extended_offset, 4))


def _handlers(subject: PeSubject) -> Iterator[HardeningFact]:
    """Safe exception handlers: a question of 32-bit x86 only."""
    if subject.headers.machine != MACHINE_I386:
        return
    config = subject.facts.load_config
    if DllCharacteristics.NO_SEH in subject.facts.dll_characteristics:
        yield HardeningFact("safeseh", CheckState.PRESENT, "NO_SEH is set", subject.flags())
    elif config is None:
        found = "no load configuration, which would list the handlers"
        yield HardeningFact("safeseh", CheckState.ABSENT, found, subject.flags())
    else:
        there = bool(config.se_handler_table)
        found = f"{config.se_handlers} handlers listed" if there else "no table of handlers"
        yield HardeningFact("safeseh", _STATE[there], found, subject.at(config.offset + 64, 8))


def _search(subject: PeSubject) -> Iterator[HardeningFact]:
    imports = subject.headers.directory(DirectoryIndex.IMPORT)
    config = subject.facts.load_config
    if imports is None or not subject.imports:
        found, place = "nothing is imported", subject.flags()
        yield HardeningFact("restricted-import-search", CheckState.NOT_APPLICABLE, found, place)
    else:
        flags = subject.facts.dependent_load_flags
        place = subject.at(config.dependent_load_flags_offset, 2) if config else subject.at(imports.entry_offset, 8)
        there = bool(flags & _SYSTEM32_ONLY)
        found = f"DependentLoadFlags are {flags:#x}" if config else "no load configuration, so no DependentLoadFlags"
        yield HardeningFact("restricted-import-search", _STATE[there], found, place)


def _signed(subject: PeSubject) -> Iterator[HardeningFact]:
    if not subject.facts.signatures:
        place = subject.at(subject.headers.checksum_offset, 4)
        yield HardeningFact("signature", CheckState.ABSENT, "no certificate table", place)
    for one in subject.facts.signatures[:1]:
        state = {DigestState.MATCHES: CheckState.PRESENT, DigestState.DIFFERS: CheckState.ABSENT}
        words = {
            DigestState.MATCHES: "the signed digest is that of these bytes",
            DigestState.DIFFERS: "the signed digest is not that of these bytes",
            DigestState.UNKNOWN: "no digest could be compared",
        }
        found = f"{words[one.digest]} ({one.algorithm or 'no algorithm'}), signer {one.signer or 'not named'}"
        place = subject.at(one.offset, one.size)
        yield HardeningFact("signature", state.get(one.digest, CheckState.UNKNOWN), found, place)


_CHECKS: Final = (_placement, _execution, _cookie, _control_flow, _shadow_stack, _handlers, _search, _signed)
