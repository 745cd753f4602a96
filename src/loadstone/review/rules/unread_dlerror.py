"""Is the system's own reason read when a load or lookup fails?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import every_expression
from loadstone.review.apis import ApiRole, tables
from loadstone.review.rules.places import ALL
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_TEXTS: Final = frozenset(
    {
        "errorString",
        "strerror",
        "FormatMessageA",
        "FormatMessageW",
        "FormatMessage",
        "get_last_error",
        "qt_error_string",
        "ctypes.get_last_error",
        "ctypes.FormatError",
        "ctypes.WinError",
    }
)


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    known = tables()
    for unit in facts.program.units:
        lines = []
        for function in unit.functions:
            for expression in every_expression(function.body):
                if isinstance(expression, ir.Call):
                    api = known.get(expression.name)
                    word = expression.name.rpartition("::")[2]
                    if (api is not None and api.role is ApiRole.ERROR) or word in _TEXTS:
                        lines.append(expression.line)
        if lines:
            lines = sorted(set(lines))
            yield rule.yes(
                f"The system's reason for a failure is read (lines {', '.join(map(str, lines))})",
                Location.lines(unit.path, lines[0]),
                met=len(lines),
                sites=len(lines),
                places=tuple(Location.lines(unit.path, line) for line in lines),
            )


RULE: Final = Rule(
    id="unread-dlerror",
    question="Is the system's own reason read when a load or lookup fails?",
    practice=Practice.ERROR_HANDLING,
    cwe=391,
    severity=Severity.LOW,
    languages=ALL,
    why="Only the loader knows which of twenty reasons it was; without its words nobody can act.",
    fix="Read it on the failing branch, before any other call.",
    bad='if (!h) fprintf(stderr, "cannot load\\n");\n',
    good='if (!h) fprintf(stderr, "cannot load: %s\\n", dlerror());\n',
    references=("https://cwe.mitre.org/data/definitions/391.html",),
    answer=_answer,
)
