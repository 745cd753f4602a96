"""Protections an ELF image carries, each with the header field, dynamic entry or symbol that decides it.

Sources: gABI and the GNU extensions for the segments and flags; "Linux Extensions to gABI" and the AArch64 ELF ABI for
the feature properties; glibc's stackinfo.h for what a missing PT_GNU_STACK means on each processor; gcc(1)
-fstack-protector and feature_test_macros(7) _FORTIFY_SOURCE for the symbols protected code refers to.
CWE-693, CWE-121, CWE-1188.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from loadstone.binary.elf.dynamic import DynamicTag
from loadstone.binary.elf.facts import ElfFacts
from loadstone.binary.elf.link_symbols import ListedNames
from loadstone.binary.elf.sections import SectionTable
from loadstone.binary.terms import with_terms
from loadstone.core.claims import Location
from loadstone.core.image import (
    CANARY_FREE,
    CheckState,
    Format,
    HardeningFact,
    ImageKind,
    Segment,
    SymbolTable,
    Trait,
    TraitKind,
)
from loadstone.quick_dataclass import dataclass

__all__ = ["CANARY", "ElfSubject", "hardening"]

_X86: Final = frozenset({3, 62})
_AARCH64: Final = 183
_STACK_NOT_EXECUTABLE_BY_DEFAULT: Final = frozenset({21, _AARCH64, 195, 243, 252, 258})

CANARY: Final = ("__stack_chk_fail", "__stack_chk_fail_local", "__stack_smash_handler")

_CODE_THAT_WOULD_NEED_A_CANARY: Final = 64 << 10
"""Code of this many bytes without one protected function was built without protection; less may need none."""

_FORTIFIABLE_NAMES: Final = """
memcpy memmove memset mempcpy strcpy strncpy stpcpy stpncpy strcat strncat strlcpy strlcat
sprintf snprintf vsprintf vsnprintf printf fprintf vprintf vfprintf dprintf vdprintf asprintf vasprintf
syslog vsyslog gets fgets fgets_unlocked fread fread_unlocked read pread pread64 recv recvfrom poll ppoll
readlink readlinkat getcwd getwd realpath confstr getgroups ttyname_r gethostname getdomainname getlogin_r ptsname_r
wcscpy wcsncpy wcpcpy wcpncpy wcscat wcsncat wmemcpy wmemmove wmempcpy wmemset swprintf vswprintf wprintf fwprintf
vwprintf vfwprintf fgetws fgetws_unlocked mbstowcs wcstombs mbsrtowcs wcsrtombs mbsnrtowcs wcsnrtombs wcrtomb wctomb
wcslcpy wcslcat explicit_bzero longjmp fdelt obstack_printf obstack_vprintf
"""
"""What libc.so.6 exports in a checking form; fdelt has no other, as FD_SET and its like are macros."""

_FORTIFIABLE: Final = frozenset(_FORTIFIABLE_NAMES.split())
_FORTIFIED: Final = frozenset(f"__{name}_chk" for name in _FORTIFIABLE)


_PAGE: Final = 4096
"""Read-only memory is made in whole pages; the loader protects none of a part that has not one (dl-reloc.c)."""

_NEVER_LOADED: Final = {
    ImageKind.DEBUG: "separate debug information: ask it of the file it was taken from",
    ImageKind.CORE: "a core dump is the memory of a process, and never loaded",
}
_VDSO: Final = "the kernel maps it into every process, read-only and without a loader"


@dataclass(frozen=True, slots=True)
class ElfSubject:
    """What the checks look at.

    ``named`` says whether a name is among the strings of the dynamic symbols, which costs less than looking through the
    symbols; ``listed`` says whether ``.symtab`` has the canary's check, ``main_checks`` whether main calls it.
    """

    path: str
    kind: ImageKind
    machine: int
    facts: ElfFacts
    segments: tuple[Segment, ...]
    sections: SectionTable
    symbols: SymbolTable
    traits: tuple[Trait, ...]
    named: Callable[[str], bool]
    listed: Callable[[], ListedNames]
    main_checks: Callable[[], bool | None]
    features_offset: int
    header_offset: int

    def at(self, offset: int, size: int = 1) -> Location:
        return Location.bytes(self.path, offset, size)

    def entry(self, *tags: int) -> Location:
        """The dynamic entry with the first of ``tags`` that is there, else the dynamic section."""
        dynamic = self.facts.dynamic
        tag = next((tag for tag in tags if tag in dynamic), DynamicTag.NULL)
        return self.at(dynamic.place(tag), dynamic.entry_size)

    def segment(self, kind: str) -> Segment | None:
        """The last segment of that kind, which is the one loaders go by."""
        return next((s for s in reversed(self.segments) if s.kind == kind), None)

    def header_of(self, segment: Segment | None) -> Location:
        """The program header of a segment, or the table of them."""
        first = self.segments[0].header_offset if self.segments else self.header_offset
        return self.at(segment.header_offset if segment else first, 56 if self.facts.program_header_size == 56 else 32)

    def trait(self, *kinds: TraitKind) -> Trait | None:
        return next((trait for trait in self.traits if trait.kind in kinds), None)

    @property
    def code(self) -> list[Segment]:
        """What is loaded to be executed."""
        return [s for s in self.segments if s.kind == "LOAD" and s.flags[2] == "x"]


def hardening(subject: ElfSubject) -> tuple[HardeningFact, ...]:
    """Every protection that makes sense for the image; those that do not say so rather than being left out."""
    imports = _imports(subject.symbols)
    never = _VDSO if subject.trait(TraitKind.VDSO) else _NEVER_LOADED.get(subject.kind)
    if never is not None:
        facts = _not_asked(subject, never, *_LINKED, "executable-stack", *_COMPILED)
    elif subject.kind is ImageKind.OBJECT:
        facts = (
            *_not_asked(subject, "not linked yet: the link editor decides", *_LINKED),
            _stack_section(subject),
            *_control_flow(subject),
            _stack_protector(subject, imports),
            _fortify(subject, imports),
        )
    elif not subject.segments:
        facts = ()
    else:
        facts = (
            _position_independence(subject),
            _unless_packed(subject, "relro", _relro),
            _unless_packed(subject, "bind-now", _bind_now),
            _stack(subject),
            _writable_code(subject, subject.code),
            _unless_packed(subject, "text-relocations", _text_relocations),
            *_control_flow(subject),
            _stack_protector(subject, imports),
            _fortify(subject, imports),
        )
    return with_terms(Format.ELF, facts)


def _imports(symbols: SymbolTable) -> frozenset[str]:
    """The names that are wanted: found by the zeros in the column, for a large library exports nearly all."""
    found, at = [], symbols.defined.find(0)
    while at >= 0:
        found.append(symbols.names[at])
        at = symbols.defined.find(0, at + 1)
    return frozenset(found)


_LINKED: Final = ("pie", "relro", "bind-now", "rwx-segment", "text-relocations")
_COMPILED: Final = ("stack-protector", "fortify")


def _not_asked(subject: ElfSubject, why: str, *names: str) -> tuple[HardeningFact, ...]:
    where = subject.at(subject.header_offset + 16, 2)
    return tuple(HardeningFact(name, CheckState.NOT_APPLICABLE, why, where) for name in names)


def _position_independence(subject: ElfSubject) -> HardeningFact:
    where = subject.at(subject.header_offset + 16, 2)
    if subject.kind is ImageKind.EXECUTABLE:
        return HardeningFact("pie", CheckState.ABSENT, "e_type is ET_EXEC: code at a fixed address", where)
    if subject.facts.pie:
        return HardeningFact("pie", CheckState.PRESENT, "ET_DYN with DF_1_PIE", subject.entry(DynamicTag.FLAGS_1))
    term = "DSO" if subject.kind is ImageKind.SHARED else ""
    return HardeningFact("pie", CheckState.PRESENT, "e_type is ET_DYN", where, term=term)


def _unless_packed(subject: ElfSubject, name: str, check: Callable[[ElfSubject], HardeningFact]) -> HardeningFact:
    """What a check says, unless the dynamic section that it asks is among what is packed."""
    packer = subject.trait(TraitKind.PACKED)
    if packer and not subject.facts.dynamic.tags:
        where = subject.header_of(None)
        return HardeningFact(name, CheckState.UNKNOWN, f"{packer}: the dynamic section cannot be seen", where)
    return check(subject)


def _relro(subject: ElfSubject) -> HardeningFact:
    segment = subject.segment("GNU_RELRO")
    where = subject.header_of(segment)
    if not subject.facts.dynamic.tags and segment is None:
        return HardeningFact("relro", CheckState.NOT_APPLICABLE, "no relocations to protect: no dynamic section", where)
    if segment is None:
        return HardeningFact("relro", CheckState.ABSENT, "no PT_GNU_RELRO: relocated data stays writable", where)
    if (segment.address + segment.memory_size) // _PAGE <= segment.address // _PAGE:
        detail = f"PT_GNU_RELRO has no whole page, only {segment.memory_size} bytes: nothing is made read-only"
        return HardeningFact("relro", CheckState.ABSENT, detail, where)
    if subject.trait(TraitKind.STATIC):
        detail = "PT_GNU_RELRO, and a static program binds nothing later (glibc's start-up applies it)"
        return HardeningFact("relro", CheckState.PRESENT, detail, where)
    if subject.facts.bind_now or not _lazy_slots(subject):
        return HardeningFact("relro", CheckState.PRESENT, "PT_GNU_RELRO, and no jump slot is bound later", where)
    return HardeningFact("relro", CheckState.PARTIAL, "PT_GNU_RELRO, but jump slots stay writable", where)


def _lazy_slots(subject: ElfSubject) -> bool:
    return bool(subject.facts.dynamic.value(DynamicTag.PLTRELSZ))


def _bind_now(subject: ElfSubject) -> HardeningFact:
    if subject.trait(TraitKind.STATIC):
        where = subject.entry(DynamicTag.FLAGS, DynamicTag.FLAGS_1)
        return HardeningFact("bind-now", CheckState.NOT_APPLICABLE, "statically linked: nothing is bound later", where)
    if subject.facts.bind_now:
        where = subject.entry(DynamicTag.BIND_NOW, DynamicTag.FLAGS, DynamicTag.FLAGS_1)
        return HardeningFact("bind-now", CheckState.PRESENT, "DF_BIND_NOW, DF_1_NOW or DT_BIND_NOW", where)
    where = subject.entry(DynamicTag.FLAGS, DynamicTag.FLAGS_1)
    if not _lazy_slots(subject):
        return HardeningFact("bind-now", CheckState.NOT_APPLICABLE, "no jump slots: nothing is bound lazily", where)
    return HardeningFact("bind-now", CheckState.ABSENT, "no flag asks for it: symbols are bound at first call", where)


def _stack(subject: ElfSubject) -> HardeningFact:
    name, segment = "executable-stack", subject.segment("GNU_STACK")
    where = subject.header_of(segment)
    if segment is not None:
        executable = segment.flags[2] == "x"
        state = CheckState.ABSENT if executable else CheckState.PRESENT
        return HardeningFact(name, state, f"PT_GNU_STACK flags are {segment.flags}", where)
    if subject.machine in _STACK_NOT_EXECUTABLE_BY_DEFAULT:
        return HardeningFact(name, CheckState.PRESENT, "no PT_GNU_STACK; not executable on this processor", where)
    return HardeningFact(name, CheckState.ABSENT, "no PT_GNU_STACK: the stack is made executable", where)


def _stack_section(subject: ElfSubject) -> HardeningFact:
    """An object asks for an executable stack by a section's flag, or by not having the section (ld -z noexecstack)."""
    name, section = "executable-stack", subject.sections.named(".note.GNU-stack")
    if subject.trait(TraitKind.KERNEL_MODULE):
        return HardeningFact(
            name, CheckState.NOT_APPLICABLE, "kernel stacks are never executable", subject.at(subject.header_offset)
        )
    if section is None:
        if subject.machine in _STACK_NOT_EXECUTABLE_BY_DEFAULT:
            return HardeningFact(name, CheckState.PRESENT, "not executable on this processor", subject.header_of(None))
        detail = "no section .note.GNU-stack: what is linked with it gets an executable stack"
        return HardeningFact(name, CheckState.ABSENT, detail, subject.header_of(None))
    state = CheckState.ABSENT if section.flags[2] == "x" else CheckState.PRESENT
    where = subject.at(section.header_offset, 40)
    return HardeningFact(name, state, f"section .note.GNU-stack is {section.flags}", where)


def _writable_code(subject: ElfSubject, code: list[Segment]) -> HardeningFact:
    name = "rwx-segment"
    writable = next((s for s in code if s.flags[1] == "w"), None)
    if writable is not None:
        return HardeningFact(name, CheckState.ABSENT, "a PT_LOAD segment is rwx", subject.header_of(writable))
    if not code:
        return HardeningFact(name, CheckState.NOT_APPLICABLE, "there is no code", subject.header_of(None))
    return HardeningFact(name, CheckState.PRESENT, "no PT_LOAD segment is both w and x", subject.header_of(code[0]))


def _text_relocations(subject: ElfSubject) -> HardeningFact:
    name = "text-relocations"
    if subject.facts.text_relocations:
        where = subject.entry(DynamicTag.TEXTREL, DynamicTag.FLAGS)
        return HardeningFact(name, CheckState.ABSENT, "DT_TEXTREL or DF_TEXTREL: code is patched at load", where)
    if not subject.facts.dynamic.tags:
        return HardeningFact(name, CheckState.NOT_APPLICABLE, "no dynamic section", subject.header_of(None))
    return HardeningFact(name, CheckState.PRESENT, "neither DT_TEXTREL nor DF_TEXTREL", subject.entry(DynamicTag.FLAGS))


def _control_flow(subject: ElfSubject) -> Iterator[HardeningFact]:
    if subject.machine in _X86:
        bits = (("ibt", "IBT", 1), ("shadow-stack", "SHSTK", 2))
    elif subject.machine == _AARCH64:
        bits = (("bti", "BTI", 1), ("pac", "PAC", 2))
    else:
        return
    features = subject.facts.features
    where = subject.at(subject.features_offset, 12) if features is not None else subject.header_of(None)
    for name, word, bit in bits:
        if subject.kind is not ImageKind.OBJECT and not subject.code:
            yield HardeningFact(name, CheckState.NOT_APPLICABLE, "there is no code", where)
        elif subject.trait(TraitKind.KERNEL_MODULE, TraitKind.KERNEL):
            yield HardeningFact(name, CheckState.NOT_APPLICABLE, "the kernel's own build decides, no note", where)
        elif features is None:
            yield HardeningFact(name, CheckState.ABSENT, "no GNU property for it", where)
        else:
            state = CheckState.PRESENT if features & bit else CheckState.ABSENT
            yield HardeningFact(
                name, state, f"the GNU feature property {'has' if features & bit else 'lacks'} {word}", where
            )


def _symbol(subject: ElfSubject, name: str) -> Location:
    table = subject.symbols
    return subject.at(table.offset + table.names.index(name) * table.entry_size, table.entry_size or 1)


def _stack_protector(subject: ElfSubject, imports: frozenset[str]) -> HardeningFact:
    name = "stack-protector"
    table = subject.at(subject.symbols.offset, 1)
    for canary in CANARY:
        if canary in imports or (subject.named(canary) and canary in subject.symbols.names):
            return HardeningFact(name, CheckState.PRESENT, f"refers to {canary}", _symbol(subject, canary))
    packer = subject.trait(TraitKind.PACKED)
    if packer:
        return HardeningFact(name, CheckState.UNKNOWN, f"{packer}: the code cannot be seen", table)
    size = sum(segment.file_size for segment in subject.code)
    if not subject.code and subject.kind is not ImageKind.OBJECT:
        return HardeningFact(name, CheckState.NOT_APPLICABLE, "there is no code", table)
    listed = subject.listed()
    if listed.found and subject.trait(TraitKind.STATIC):
        return _static_canary(subject, listed.found, table)
    if listed.found:
        return HardeningFact(name, CheckState.PRESENT, f".symtab has {listed.found}", table)
    language = subject.trait(*CANARY_FREE)
    if language:
        detail = f"written in {language.kind.value}, whose compiler checks bounds and places no stack canaries"
        return HardeningFact(name, CheckState.NOT_APPLICABLE, detail, table)
    if subject.trait(TraitKind.STATIC) and not listed.there:
        return HardeningFact(name, CheckState.UNKNOWN, "linked statically and stripped: no symbols to tell", table)
    if subject.kind is ImageKind.OBJECT:
        return HardeningFact(
            name, CheckState.UNKNOWN, "no reference to __stack_chk_fail; it may have no function that needs it", table
        )
    if size < _CODE_THAT_WOULD_NEED_A_CANARY:
        detail = f"no reference to __stack_chk_fail; {size} bytes of code may have no function that needs it"
        return HardeningFact(name, CheckState.UNKNOWN, detail, table)
    return HardeningFact(name, CheckState.ABSENT, f"no reference to __stack_chk_fail in {size} bytes of code", table)


def _static_canary(subject: ElfSubject, canary: str, table: Location) -> HardeningFact:
    """The C library in a static program always has the check; main tells whether the program has it."""
    name, checked = "stack-protector", subject.main_checks()
    if checked is None:
        detail = f".symtab has {canary}; it may be the C library's own code that refers to it"
        return HardeningFact(name, CheckState.PRESENT, detail, table)
    if checked:
        return HardeningFact(name, CheckState.PRESENT, f".symtab has {canary}, and main calls it", table)
    detail = f".symtab has {canary}, as the C library in it needs; main does not call it, other functions may"
    return HardeningFact(name, CheckState.UNKNOWN, detail, table)


def _fortify(subject: ElfSubject, imports: frozenset[str]) -> HardeningFact:
    name, table = "fortify", subject.at(subject.symbols.offset, 1)
    checked, plain = imports & _FORTIFIED, imports & _FORTIFIABLE
    met, sites = len(checked), len(checked) + len(plain)
    packer = subject.trait(TraitKind.PACKED)
    if packer and not sites:
        return HardeningFact(name, CheckState.UNKNOWN, f"{packer}: what it imports cannot be seen", table)
    if subject.trait(TraitKind.STATIC) and not sites and not subject.trait(TraitKind.GO):
        detail = "linked statically: the C library is part of the file, with both forms of such functions"
        return HardeningFact(name, CheckState.UNKNOWN, detail, table)
    if not sites:
        return HardeningFact(name, CheckState.NOT_APPLICABLE, "no function that could be fortified is imported", table)
    where = _symbol(subject, min(plain or checked))
    state = CheckState.PRESENT if not plain else CheckState.PARTIAL if checked else CheckState.ABSENT
    detail = f"{met} of {sites} such functions are imported in their checking form"
    return HardeningFact(name, state, detail, where, met, sites)
