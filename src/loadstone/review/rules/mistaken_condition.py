"""Does each condition and each statement do what it looks like?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.rules.constant_conditions import constant_conditions
from loadstone.review.rules.misread_statements import misread_statements
from loadstone.review.rules.places import NATIVE
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in (u for u in facts.program.units if u.language in NATIVE):
        for function in unit.functions:
            for misread in misread_statements(unit, function):
                yield rule.no(
                    misread.message,
                    Location.lines(unit.path, misread.line),
                    cwe=misread.cwe,
                    fix=misread.fix,
                    context=function.name,
                    condition=function.condition,
                )
            for found in constant_conditions(function):
                yield rule.no(
                    f"The condition always comes out {'true' if found.holds else 'false'}: {found.why}.",
                    Location.lines(unit.path, found.line),
                    cwe=571 if found.holds else 570,
                    context=function.name,
                    condition=function.condition,
                )


RULE: Final = Rule(
    id="mistaken-condition",
    question="Does each condition and each statement do what it looks like?",
    practice=Practice.ERROR_HANDLING,
    cwe=480,
    severity=Severity.LOW,
    languages=NATIVE,
    why=(
        "A test that always comes out the same is no test: the library's failure goes by, or its good result is "
        "refused. One character makes the difference, and the compiler says nothing unless it is asked."
    ),
    fix="Write the condition that was meant, and compile with -Wall -Wextra.",
    bad='void *h = dlopen("libz.so.1", RTLD_NOW);\nif (h = NULL) return -1;\n',
    good='void *h = dlopen("libz.so.1", RTLD_NOW);\nif (h == NULL) return -1;\n',
    references=(
        "https://cwe.mitre.org/data/definitions/480.html",
        "https://cwe.mitre.org/data/definitions/481.html",
        "https://cwe.mitre.org/data/definitions/570.html",
        "https://cwe.mitre.org/data/definitions/571.html",
        "https://wiki.sei.cmu.edu/confluence/display/c/EXP45-C.+Do+not+perform+assignments+in+selection+statements",
    ),
    answer=_answer,
)
