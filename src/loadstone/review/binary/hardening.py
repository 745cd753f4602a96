"""Which protections a binary was built with, one question each: a table, because the answer is always read off a fact.

The facts, with the header field that decides each, come from the reader of the format. Weights follow what the lack
costs: memory that can be written and executed turns one bad write into code; a missing extra (control-flow
enforcement) does not. Sources: the ELF specification and its processor supplements, PE format (Microsoft),
mach-o/loader.h, CWE-693.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from loadstone.core.claims import Claim, Settler, Severity
from loadstone.core.image import CheckState, HardeningFact
from loadstone.core.practices import Practice
from loadstone.review.binary.rule import BinaryRule, Subject

__all__ = ["RULES", "UNNAMED"]


def _weighed(rule: BinaryRule, fact: HardeningFact) -> Claim:
    counted = f" ({fact.met} of {fact.sites})" if fact.sites else ""
    seen = f"{fact.detail}{counted}"
    match fact.state:
        case CheckState.PRESENT:
            return rule.yes(
                f"{rule.question} Yes: {seen}", fact.location, met=fact.met or 1, sites=fact.sites or fact.met or 1
            )
        case CheckState.PARTIAL:
            return rule.no(
                f"{rule.question} In part: {seen}", fact.location, severity=min(rule.severity, Severity.LOW, key=_rank)
            )
        case CheckState.ABSENT:
            return rule.no(f"{rule.question} No: {seen}", fact.location)
        case CheckState.NOT_APPLICABLE:
            return rule.without_site(f"{rule.question} Does not apply: {seen}", fact.location)
        case CheckState.UNKNOWN:
            return rule.cannot_tell(
                f"{rule.question} Cannot tell.", fact.location, reason=fact.detail, settled_by=Settler.HUMAN
            )


def _rank(severity: Severity) -> int:
    return severity.rank


def _answer(rule: BinaryRule, subject: Subject) -> Iterable[Claim]:
    return [_weighed(rule, fact) for fact in subject.image.hardening if fact.name == rule.id]


def _protection(
    name: str, severity: Severity, question: str, why: str, *, bad: str, good: str, fix: str, reference: str
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
        answer=_answer,
    )


_ELF: Final = "https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html"
_LD: Final = "https://sourceware.org/binutils/docs/ld/Options.html"
_GCC: Final = "https://gcc.gnu.org/onlinedocs/gcc/Instrumentation-Options.html"
_GLIBC: Final = "https://sourceware.org/glibc/manual/latest/html_node/Source-Fortification.html"
_PE: Final = "https://learn.microsoft.com/windows/win32/debug/pe-format"
_DYLD: Final = "https://developer.apple.com/documentation/xcode/hardening-your-app"

RULES: Final[tuple[BinaryRule, ...]] = (
    _protection(
        "non-executable-stack",
        Severity.MEDIUM,
        "Is the stack kept from being executed?",
        "One overflow then runs the bytes it wrote; a single library that asks for it changes the whole process.",
        bad="gcc -shared -z execstack -o libx.so x.c",
        good="gcc -shared -z noexecstack -o libx.so x.c",
        fix='link with -z noexecstack; mark assembler files: .section .note.GNU-stack,"",%progbits',
        reference=_LD,
    ),
    _protection(
        "no-writable-code",
        Severity.MEDIUM,
        "Is every part that can be executed kept from being written?",
        "Memory that can be written and executed turns one stray write into code of somebody else's choice.",
        bad="ld -N -shared -o libx.so x.o",
        good="ld -z separate-code -shared -o libx.so x.o",
        fix="do not link with -N or --omagic, and give no section both write and execute flags",
        reference=_ELF,
    ),
    _protection(
        "no-text-relocations",
        Severity.MEDIUM,
        "Is the code free of relocations?",
        "A relocation in code makes the loader turn the code writable while it starts, and keeps it from being shared.",
        bad="gcc -m32 -shared -o libx.so x.c",
        good="gcc -m32 -fPIC -shared -o libx.so x.c",
        fix="compile every object with -fPIC and link with -z text, which refuses the rest",
        reference=_ELF,
    ),
    _protection(
        "relro",
        Severity.MEDIUM,
        "Are the loader's tables made read-only after start-up?",
        "Function addresses that stay writable are the first thing an attacker with one write goes for.",
        bad="gcc -shared -z norelro -o libx.so x.c",
        good="gcc -shared -z relro -z now -o libx.so x.c",
        fix="link with -z relro -z now",
        reference=_LD,
    ),
    _protection(
        "bind-now",
        Severity.LOW,
        "Are all symbols bound when the library is loaded?",
        "Lazy binding keeps function addresses writable for good, and hides a missing symbol until it is called.",
        bad="gcc -shared -z lazy -o libx.so x.c",
        good="gcc -shared -z now -o libx.so x.c",
        fix="link with -z now",
        reference=_LD,
    ),
    _protection(
        "pie",
        Severity.LOW,
        "Can it be placed anywhere in memory?",
        "Code at a fixed address needs no guessing.",
        bad="gcc -no-pie -o x x.c",
        good="gcc -fPIE -pie -o x x.c",
        fix="compile with -fPIE and link with -pie (or -shared with -fPIC; /DYNAMICBASE on Windows)",
        reference=_ELF,
    ),
    _protection(
        "stack-protector",
        Severity.LOW,
        "Do functions with arrays on the stack check a canary?",
        "Without the check an overflow of a local array reaches the return address unseen.",
        bad="gcc -shared -fno-stack-protector -o libx.so x.c",
        good="gcc -shared -fstack-protector-strong -o libx.so x.c",
        fix="compile with -fstack-protector-strong (/GS on Windows)",
        reference=_GCC,
    ),
    _protection(
        "fortify",
        Severity.NOTE,
        "Are copying functions the checked ones?",
        "The checked variants know the size of the destination and stop the process instead of writing past it.",
        bad="gcc -O2 -U_FORTIFY_SOURCE -shared -o libx.so x.c",
        good="gcc -O2 -D_FORTIFY_SOURCE=2 -shared -o libx.so x.c",
        fix="compile with -O2 -D_FORTIFY_SOURCE=2",
        reference=_GLIBC,
    ),
    _protection(
        "ibt",
        Severity.LOW,
        "Are indirect branches only accepted at marked places?",
        "Without landing marks a corrupted function pointer may go to any byte of the code.",
        bad="gcc -shared -fcf-protection=none -o libx.so x.c",
        good="gcc -shared -fcf-protection=full -o libx.so x.c",
        fix="compile every object, assembler too, with -fcf-protection=full",
        reference=_GCC,
    ),
    _protection(
        "shadow-stack",
        Severity.LOW,
        "Is it built for a shadow stack of return addresses?",
        "A shadow stack makes an overwritten return address fail instead of being followed.",
        bad="gcc -shared -fcf-protection=none -o libx.so x.c",
        good="gcc -shared -fcf-protection=return -o libx.so x.c",
        fix="compile every object, assembler too, with -fcf-protection=full (/CETCOMPAT on Windows)",
        reference=_GCC,
    ),
)
"""One rule a protection; the id is the name of the fact it reads."""


def _unnamed(rule: BinaryRule, subject: Subject) -> Iterable[Claim]:
    known = {known.id for known in RULES}
    return [_weighed(rule, fact) for fact in subject.image.hardening if fact.name not in known]


UNNAMED: Final = BinaryRule(
    id="further-protection",
    question="Is every other protection its format offers there?",
    practice=Practice.HARDENING,
    cwe=693,
    severity=Severity.LOW,
    why="Formats grow protections; what the reader sees and no question of its own asks about is still reported.",
    fix="switch the protection on in the link editor",
    bad="link.exe /GUARD:NO x.obj",
    good="link.exe /GUARD:CF x.obj",
    references=("https://cwe.mitre.org/data/definitions/693.html", _PE, _DYLD),
    answer=_unnamed,
)
"""Protections without a row of their own."""
