"""Which run-time a binary was built against: one made for shipping, or one that helps its developers.

Sources: Microsoft, C runtime (CRT) and C++ standard library .lib files (the debug versions may not be redistributed);
AddressSanitizer's documentation (ASAN_OPTIONS and its log files are whoever's who starts the process), CWE-489.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.escape import quoted
from loadstone.review.binary.rule import BinaryRule, Subject

__all__ = ["RULES"]

_DEVELOPMENT: Final = re.compile(
    r"(?:.*/)?(?:"
    r"lib(?:asan|hwasan|tsan|lsan|ubsan|efence|duma|dmalloc)\.so(?:\.\d+)*"
    r"|(?:lib)?clang_rt\.[\w.-]+"
    r"|(?:msvc[rp]|concrt|vcomp|mfc|vcruntime)\d+(?:_\d)?u?d\.dll|msvcrtd\.dll|ucrtbased\.dll"
    r")",
    re.IGNORECASE,
)


def _answer(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    needed = subject.image.needed
    if not needed:
        yield rule.without_site("It needs no other library", subject.table("DYNAMIC"))
        return
    found = [dependency for dependency in needed if _DEVELOPMENT.fullmatch(dependency.name)]
    for dependency in found:
        message = f"It needs {quoted(dependency.name)}, a run-time for its developers"
        yield rule.no(message, subject.at(dependency.offset), subject=dependency.name)
    if not found:
        yield rule.yes("No run-time for developers is needed", subject.at(needed[0].offset))


RULES: Final = (
    BinaryRule(
        id="debug-runtime",
        question="Is it built against run-times made for shipping?",
        practice=Practice.HARDENING,
        cwe=489,
        severity=Severity.MEDIUM,
        why="A sanitizer or a debug run-time obeys the environment of whoever starts the process (log files anywhere, "
        "checks off), is missing on the machines of users, and may not be redistributed.",
        fix="build the release configuration: without -fsanitize, with /MD and not /MDd",
        bad="gcc -shared -fsanitize=address -o libx.so x.c",
        good="gcc -shared -O2 -o libx.so x.c",
        references=(
            "https://cwe.mitre.org/data/definitions/489.html",
            "https://learn.microsoft.com/en-us/cpp/c-runtime-library/crt-library-features",
        ),
        answer=_answer,
    ),
)
