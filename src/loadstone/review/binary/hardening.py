"""Which protections a binary was built with, one question each: a table, because the answer is always read off a fact.

The facts, with the header field that decides each, come from the reader of the format. Weights follow what the lack
costs: memory that can be written and executed turns one bad write into code; a missing extra (control-flow
enforcement) does not. Sources: the ELF specification and its processor supplements, PE format (Microsoft),
mach-o/loader.h, CWE-693.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from loadstone.core.claims import Claim, Settler, Severity
from loadstone.core.image import CheckState, HardeningFact
from loadstone.core.practices import Practice
from loadstone.review.binary.rule import BinaryRule, Subject

__all__ = ["RULES"]


def _claim(rule: BinaryRule, fact: HardeningFact, yes: str, no: str) -> Claim:
    seen = (
        fact.sentence
        if not fact.sites or str(fact.sites) in fact.detail
        else f"{fact.sentence} ({fact.met} of {fact.sites})"
    )
    match fact.state:
        case CheckState.PRESENT:
            sites = fact.sites or 1
            return rule.yes(f"{seen}. {yes}", fact.location, met=fact.met or sites, sites=sites)
        case CheckState.PARTIAL:
            weight = min(rule.severity, Severity.LOW, key=lambda severity: severity.rank)
            return rule.no(f"{seen}. {yes}, in part", fact.location, severity=weight)
        case CheckState.ABSENT:
            return rule.no(f"{seen}. {no}", fact.location)
        case CheckState.NOT_APPLICABLE:
            return rule.without_site(f"{rule.question} Does not apply: {seen}", fact.location)
        case CheckState.UNKNOWN:
            return rule.cannot_tell(rule.question, fact.location, fact.detail, settled_by=Settler.HUMAN)


def _answering(name: str, yes: str, no: str) -> Callable[[BinaryRule, Subject], Iterable[Claim]]:
    def answer(rule: BinaryRule, subject: Subject) -> Iterable[Claim]:
        return [_claim(rule, fact, yes, no) for fact in subject.image.hardening if fact.name == name]

    return answer


def _protection(
    name: str,
    severity: Severity,
    question: str,
    *,
    yes: str,
    no: str,
    why: str,
    bad: str,
    good: str,
    fix: str,
    reference: str,
) -> BinaryRule:
    return BinaryRule(
        id=name,
        question=question,
        practice=Practice.HARDENING,
        cwe=693,
        severity=severity,
        why=why,
        fix=fix,
        bad=bad,
        good=good,
        references=("https://cwe.mitre.org/data/definitions/693.html", reference),
        answer=_answering(name, yes, no),
    )


_ELF: Final = "https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html"
_LD: Final = "https://sourceware.org/binutils/docs/ld/Options.html"
_GCC: Final = "https://gcc.gnu.org/onlinedocs/gcc/Instrumentation-Options.html"
_GLIBC: Final = "https://sourceware.org/glibc/manual/latest/html_node/Source-Fortification.html"
_APPLE: Final = "https://developer.apple.com/documentation/security/hardened-runtime"
_PE: Final = "https://learn.microsoft.com/windows/win32/debug/pe-format"

RULES: Final[tuple[BinaryRule, ...]] = (
    _protection(
        "executable-stack",
        Severity.MEDIUM,
        "Is the stack kept from being executed?",
        yes="The stack cannot be executed",
        no="The stack can be executed",
        why="One overflow then runs the bytes it wrote; a single library that asks for it changes the whole process.",
        bad="gcc -shared -z execstack -o libx.so x.c",
        good="gcc -shared -z noexecstack -o libx.so x.c",
        fix='link with -z noexecstack (/NXCOMPAT); mark assembler files: .section .note.GNU-stack,"",%progbits',
        reference=_LD,
    ),
    _protection(
        "rwx-segment",
        Severity.MEDIUM,
        "Is no part both writable and executable (W^X)?",
        yes="No code can be written",
        no="Some code can be written",
        why="Memory that can be written and executed turns one stray write into code of the attacker's choice.",
        bad="ld -N -shared -o libx.so x.o",
        good="ld -z separate-code -shared -o libx.so x.o",
        fix="do not link with -N or --omagic, and give no section both write and execute flags",
        reference=_ELF,
    ),
    _protection(
        "text-relocations",
        Severity.MEDIUM,
        "Is the code free of relocations?",
        yes="The code needs no relocation",
        no="The code is patched while it is loaded",
        why="Relocated code is writable while it is loaded, and every process needs a copy of its own.",
        bad="gcc -m32 -shared -o libx.so x.c",
        good="gcc -m32 -fPIC -shared -o libx.so x.c",
        fix="compile every object with -fPIC and link with -z text, which refuses the rest",
        reference=_ELF,
    ),
    _protection(
        "relro",
        Severity.MEDIUM,
        "Are the loader's tables made read-only after relocation (RELRO)?",
        yes="The loader's tables become read-only",
        no="The loader's tables stay writable",
        why="Function addresses that stay writable are the first thing an attacker with one write goes for.",
        bad="gcc -shared -z norelro -o libx.so x.c",
        good="gcc -shared -z relro -z now -o libx.so x.c",
        fix="link with -z relro -z now",
        reference=_LD,
    ),
    _protection(
        "bind-now",
        Severity.LOW,
        "Are all symbols bound when the library is loaded (BIND_NOW)?",
        yes="Symbols are resolved at load",
        no="Lazy binding: a symbol is resolved at its first call",
        why="Lazy binding keeps function addresses (the GOT) writable, and hides a missing symbol until it is called.",
        bad="gcc -shared -z lazy -o libx.so x.c",
        good="gcc -shared -z now -o libx.so x.c",
        fix="link with -z now",
        reference=_LD,
    ),
    _protection(
        "pie",
        Severity.LOW,
        "Is it position-independent, so that ASLR can move it?",
        yes="It is position-independent",
        no="It is loaded at a fixed address",
        why="Code at a fixed address needs no guessing.",
        bad="gcc -no-pie -o x x.c",
        good="gcc -fPIE -pie -o x x.c",
        fix="compile with -fPIE and link with -pie (-fPIC and -shared for a library; /DYNAMICBASE on Windows)",
        reference=_ELF,
    ),
    _protection(
        "high-entropy-va",
        Severity.LOW,
        "Does ASLR use the whole of a 64-bit address space (/HIGHENTROPYVA)?",
        yes="ASLR uses the whole address space",
        no="ASLR uses the lower 2 GiB only",
        why="In two gigabytes an address can be guessed in minutes.",
        bad="link.exe /DLL /HIGHENTROPYVA:NO x.obj",
        good="link.exe /DLL /HIGHENTROPYVA x.obj",
        fix="link with /HIGHENTROPYVA",
        reference=_PE,
    ),
    _protection(
        "stack-protector",
        Severity.LOW,
        "Do functions with arrays on the stack check a canary?",
        yes="Functions with arrays on the stack check a canary",
        no="No function checks a canary on its stack",
        why="Without the check an overflow of a local array reaches the return address unseen.",
        bad="gcc -shared -fno-stack-protector -o libx.so x.c",
        good="gcc -shared -fstack-protector-strong -o libx.so x.c",
        fix="compile with -fstack-protector-strong (/GS on Windows)",
        reference=_GCC,
    ),
    _protection(
        "fortify",
        Severity.NOTE,
        "Are copying functions fortified (_FORTIFY_SOURCE)?",
        yes="Calls of copying functions check the size of the destination",
        no="Calls of copying functions do not check the size of the destination",
        why="The checked variants know the size of the destination and stop the process instead of writing past it.",
        bad="gcc -O2 -U_FORTIFY_SOURCE -shared -o libx.so x.c",
        good="gcc -O2 -D_FORTIFY_SOURCE=2 -shared -o libx.so x.c",
        fix="compile with -O2 -D_FORTIFY_SOURCE=2",
        reference=_GLIBC,
    ),
    _protection(
        "ibt",
        Severity.LOW,
        "Is it built for indirect branch tracking (IBT, part of Intel CET)?",
        yes="Indirect branches land on marked instructions only",
        no="An indirect branch may land on any instruction",
        why="Without landing marks a corrupted function pointer may go to any byte of the code.",
        bad="gcc -shared -fcf-protection=none -o libx.so x.c",
        good="gcc -shared -fcf-protection=full -o libx.so x.c",
        fix="compile every object, assembler too, with -fcf-protection=full",
        reference=_GCC,
    ),
    _protection(
        "bti",
        Severity.LOW,
        "Is it built for branch target identification (BTI)?",
        yes="Indirect branches land on marked instructions only",
        no="An indirect branch may land on any instruction",
        why="Without landing marks a corrupted function pointer may go to any instruction of the code.",
        bad="gcc -shared -mbranch-protection=none -o libx.so x.c",
        good="gcc -shared -mbranch-protection=standard -o libx.so x.c",
        fix="compile every object, assembler too, with -mbranch-protection=standard",
        reference=_GCC,
    ),
    _protection(
        "pac",
        Severity.LOW,
        "Are return addresses signed (PAC)?",
        yes="Return addresses are signed",
        no="Return addresses are not signed",
        why="A signed return address cannot be replaced without the key of the processor.",
        bad="gcc -shared -mbranch-protection=none -o libx.so x.c",
        good="gcc -shared -mbranch-protection=standard -o libx.so x.c",
        fix="compile every object, assembler too, with -mbranch-protection=standard",
        reference=_GCC,
    ),
    _protection(
        "shadow-stack",
        Severity.LOW,
        "Is it built for a shadow stack (SHSTK, part of Intel CET)?",
        yes="It is built for a shadow stack",
        no="It is not built for a shadow stack",
        why="A shadow stack makes an overwritten return address fail instead of being followed.",
        bad="gcc -shared -fcf-protection=none -o libx.so x.c",
        good="gcc -shared -fcf-protection=return -o libx.so x.c",
        fix="compile every object, assembler too, with -fcf-protection=full (/CETCOMPAT on Windows)",
        reference=_GCC,
    ),
    _protection(
        "control-flow-guard",
        Severity.LOW,
        "Are indirect calls checked against a table of functions (CFG)?",
        yes="Indirect calls are checked against a table",
        no="Indirect calls are not checked",
        why="A corrupted function pointer may then go to the middle of any function.",
        bad="cl.exe /LD /guard:cf- x.c",
        good="cl.exe /LD /guard:cf x.c",
        fix="compile and link with /guard:cf",
        reference=_PE,
    ),
    _protection(
        "extended-flow-guard",
        Severity.NOTE,
        "Do indirect calls also check the type of the function (XFG)?",
        yes="Indirect calls check the type of the function",
        no="Indirect calls check that there is a function, not its type",
        why="Any function in the table is a valid target of any call; with types only those of the same prototype are.",
        bad="cl.exe /LD /guard:cf x.c",
        good="cl.exe /LD /guard:xfg x.c",
        fix="compile and link with /guard:xfg where the compiler has it",
        reference=_PE,
    ),
    _protection(
        "pointer-authentication",
        Severity.NOTE,
        "Are code pointers signed?",
        yes="Code pointers are signed",
        no="Code pointers are not signed",
        why="A signed pointer cannot be replaced without the key of the processor.",
        bad="clang -arch arm64 -dynamiclib -o libx.dylib x.c",
        good="clang -arch arm64e -dynamiclib -o libx.dylib x.c",
        fix="build for arm64e",
        reference=_APPLE,
    ),
    _protection(
        "hardened-runtime",
        Severity.LOW,
        "Does it run with the hardened runtime?",
        yes="It runs with the hardened runtime",
        no="It runs without the hardened runtime",
        why="Without it any process of the user may inject code through DYLD_INSERT_LIBRARIES or a debugger.",
        bad="codesign -s IDENTITY x",
        good="codesign -s IDENTITY --options runtime x",
        fix="sign with --options runtime",
        reference=_APPLE,
    ),
    _protection(
        "library-validation",
        Severity.LOW,
        "Are only libraries of Apple or the same team loaded?",
        yes="Only libraries of Apple or the same team are loaded",
        no="Libraries of anybody are loaded",
        why="A library planted where the program looks for one is loaded whoever signed it.",
        bad="codesign -s IDENTITY x",
        good="codesign -s IDENTITY --options runtime,library x",
        fix="sign with --options library, or runtime without the entitlement that switches validation off",
        reference=_APPLE,
    ),
    _protection(
        "safeseh",
        Severity.LOW,
        "Are exception handlers taken from a table only (SafeSEH)?",
        yes="Exception handlers are taken from a table only",
        no="Exception handlers are taken from the stack",
        why="A handler address on the stack can be overwritten, and the next fault jumps to it.",
        bad="link.exe /DLL /SAFESEH:NO x.obj",
        good="link.exe /DLL /SAFESEH x.obj",
        fix="link with /SAFESEH",
        reference=_PE,
    ),
    _protection(
        "restricted-import-search",
        Severity.NOTE,
        "Are its imports looked for in safe places only?",
        yes="Its imports are looked for in named places only",
        no="Its imports are looked for in the usual order",
        why="The usual order starts in the directory of the program, where a planted library wins.",
        bad="link.exe /DLL x.obj",
        good="link.exe /DLL /DEPENDENTLOADFLAG:0x800 x.obj",
        fix="link with /DEPENDENTLOADFLAG:0x800 (LOAD_LIBRARY_SEARCH_SYSTEM32)",
        reference=_PE,
    ),
    _protection(
        "signature",
        Severity.NOTE,
        "Does it carry a signature that fits its bytes?",
        yes="It carries a signature whose digest fits its bytes",
        no="It carries no signature that fits its bytes",
        why="A signature lets the loader, and you, notice that somebody changed the file.",
        bad="link.exe /DLL x.obj",
        good="signtool.exe sign /fd SHA256 /a x.dll",
        fix="sign the file after the last step that changes it",
        reference=_PE,
    ),
)
"""One rule a protection; the id is the name of the fact it reads."""
