"""Has every variable a value where it is read?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Facts
from loadstone.review.rules.places import NATIVE
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.unset_reads import unset_reads

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in (u for u in facts.program.units if u.language in NATIVE):
        for found in unset_reads(facts, unit):
            since, place = (Location.lines(unit.path, line) for line in (found.since, found.line))
            if found.dropped:
                told = f"The status of {found.filler} is dropped, and {found.name}, which it was to fill, is read here."
            elif found.filler:
                told = f"{found.name} is read where {found.filler} (line {found.since}), which was to fill it, failed."
            else:
                told = f"{found.name} is read here, and on one way nothing has set it since line {found.since}."
            yield rule.no(
                told,
                place,
                cwe=252 if found.dropped else None,
                why=(
                    FlowStep(since, "to be filled" if found.filler else "declared without a value", "acquire"),
                    FlowStep(place, "read", "use"),
                ),
                context=found.function.name,
                condition=found.function.condition,
            )


RULE: Final = Rule(
    id="unset-variable",
    question="Has every variable a value where it is read?",
    practice=Practice.ERROR_HANDLING,
    cwe=457,
    severity=Severity.MEDIUM,
    languages=NATIVE,
    why=(
        "A function that fails leaves what it was to fill as it was: what lay on the stack before becomes a name, a "
        "size or a pointer to call."
    ),
    fix="Give it a value where it is declared, and leave where the call that was to fill it failed.",
    bad='struct stat found;\nstat("libz.so.1", &found);\nreturn found.st_size > 0;\n',
    good='struct stat found;\nif (stat("libz.so.1", &found) != 0) return 0;\nreturn found.st_size > 0;\n',
    references=("https://cwe.mitre.org/data/definitions/457.html", "https://cwe.mitre.org/data/definitions/252.html"),
    answer=_answer,
)
