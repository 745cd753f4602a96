"""Does every platform conditional say what happens on the other platforms?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.ir import Conditional
from loadstone.review.rules.places import ALL
from loadstone.review.rules.rule import Rule

__all__ = ["RULE", "is_platform"]

_PLATFORM: Final = re.compile(
    r"_WIN32|_WIN64|WIN32|_MSC_VER|__APPLE__|__MACH__|__linux|__unix|__ANDROID__|__CYGWIN__|__FreeBSD__"
    r"|__OpenBSD__|__NetBSD__|__sun"
    r"|_AIX|__hpux|__HAIKU__|Q_OS_|Q_CC_|HAVE_|QT_CONFIG|QT_NO_|Q_PROCESSOR|__MINGW|DLOPEN|_DL_|DSO|G_OS_"
    r"|G_PLATFORM|MS_WINDOWS|sys\.platform|os\.name|platform\.system|__BEOS__|OS2|NETWARE"
)


def is_platform(conditional: Conditional) -> bool:
    """Whether a conditional asks about the platform or a feature of it."""
    return any(_PLATFORM.search(b.condition) for b in conditional.branches)


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in facts.program.units:
        found = [c for c in unit.conditionals if is_platform(c)]
        if not found:
            continue
        covered = [c for c in found if c.has_fallback or any(b.refuses for b in c.branches)]
        yield _seen(rule, unit.path, "What differs by platform stands behind a conditional", found, len(found))
        if covered:
            message = "A conditional on the platform says what happens on every other one"
            yield _seen(rule, unit.path, message, covered, len(found))


def _seen(rule: Rule, path: str, message: str, found: list[Conditional], of: int) -> Claim:
    places = tuple(Location.lines(path, c.line, c.end_line) for c in found)
    return rule.yes(message, places[0], met=len(found), sites=of, places=places)


RULE: Final = Rule(
    id="missing-platform-branch",
    question="Does every platform conditional say what happens elsewhere?",
    practice=Practice.CONDITIONAL_COMPILATION,
    cwe=758,
    severity=Severity.NOTE,
    languages=ALL,
    why="A platform that nobody thought of should fail to compile or fall back, not lose a check silently.",
    fix="Add #else with a fallback, or #error.",
    bad="#ifdef _WIN32\n  h = LoadLibraryA(p);\n#endif\n",
    good="#ifdef _WIN32\n  h = LoadLibraryA(p);\n#else\n  h = dlopen(p, RTLD_NOW);\n#endif\n",
    references=("https://en.cppreference.com/w/c/preprocessor/conditional",),
    answer=_answer,
)
