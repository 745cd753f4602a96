"""Does what keeps the address of a variable end before the variable?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.values import Spot
from loadstone.review.analyses.words import last_word
from loadstone.review.ir import Language
from loadstone.review.rules.places import NATIVE, at, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_LAST: Final = re.compile(r".*(?:->|\.|\*)")
_WAITS: Final = ("join", "wait", "sem_", "barrier", "thrd_join")


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    pointers = _pointers(facts)
    for found in facts.lifetimes:
        event, function = found.event, found.function
        match event.what:
            case "returned":
                said = f"The address of {event.name} is given back; the variable ends with the function."
            case "kept" if found.unit.language is Language.C or _LAST.sub("", event.by) in pointers:
                said = f"{event.by} keeps the address of {event.name}, which ends at line {event.since}."
            case "thread" if not any(w in last_word(c.name).lower() for c in calls_in(function.body) for w in _WAITS):
                said = f"The thread is given the address of {event.name}, and nothing waits for it."
            case _:
                continue
        stored, ends = (Spot(found.unit.path, n, function.name) for n in (event.line, event.since))
        yield rule.no(
            said,
            at(stored),
            confidence=Confidence.LIKELY,
            why=(step(stored, "the address leaves", "acquire"), step(ends, "the variable ends", "release")),
            context=function.name,
            condition=function.condition,
        )


def _pointers(facts: Facts) -> frozenset[str]:
    """The members and variables of C++ that keep an address: a string copies what it is given."""
    units = [u for u in facts.program.units if u.language is Language.CPP]
    declared = [*(m for u in units for c in u.classes for m in c.members), *(v for u in units for v in u.variables)]
    return frozenset(one.name for one in declared if one.type.rstrip().endswith("*"))


RULE: Final = Rule(
    id="address-of-local",
    question="Does a variable live as long as what keeps its address?",
    practice=Practice.LIFECYCLE,
    cwe=562,
    severity=Severity.MEDIUM,
    languages=NATIVE,
    why="The next call of a function writes over the variable: a path that is loaded is another one by then.",
    fix="Let the caller give the memory, or allocate it.",
    bad=(
        "const char *path(const char *name) {\n    char text[64];\n"
        '    snprintf(text, sizeof text, "/usr/lib/%s.so", name);\n    return text;\n}\n'
        "void *open(const char *name) { return dlopen(path(name), RTLD_NOW); }\n"
    ),
    good=(
        "const char *path(const char *name) {\n    static char text[64];\n"
        '    snprintf(text, sizeof text, "/usr/lib/%s.so", name);\n    return text;\n}\n'
        "void *open(const char *name) { return dlopen(path(name), RTLD_NOW); }\n"
    ),
    references=("https://cwe.mitre.org/data/definitions/562.html",),
    answer=_answer,
)
