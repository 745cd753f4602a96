"""Is lazy loading done once, without a window between the test and the load?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Access, Facts
from loadstone.review.ir import Language
from loadstone.review.rules.data_race import Shared, shared_state
from loadstone.review.rules.places import ALL, at, step, unit_of
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for shared in shared_state(facts):
        yield from _double_checked(rule, shared, facts)
    for spot in sorted(facts.threads):
        unit = unit_of(facts, spot.path)
        text = unit.line_text(spot.line) if unit is not None else ""
        if "once" in text:
            yield rule.yes("Loading is done once, whichever thread comes first", at(spot), context=spot.function)


def _double_checked(rule: Rule, shared: Shared, facts: Facts) -> Iterator[Claim]:
    """Test, lock, test, set: the first test reads what another thread is writing."""
    if not shared.lock:
        return
    unit = unit_of(facts, shared.accesses[0].spot.path)
    if unit is None or unit.language is Language.PYTHON:
        return
    by_function: dict[str, list[Access]] = {}
    for access in shared.accesses:
        by_function.setdefault(access.spot.function, []).append(access)
    for function, accesses in sorted(by_function.items()):
        first = next((a for a in accesses if not a.is_write and not a.locks), None)
        inside = [a for a in accesses if any(h.lock.rpartition(".")[2] == shared.lock for h in a.locks)]
        second = next((a for a in inside if not a.is_write), None)
        written = next((a for a in inside if a.is_write), None)
        if first and second and written and first.spot.line < second.spot.line <= written.spot.line:
            yield rule.no(
                (
                    f"{shared.variable} is read outside {shared.lock} at line "
                    f"{first.spot.line} and written inside at line {written.spot.line}; it is not atomic."
                ),
                at(first.spot),
                cwe=609,
                why=(
                    step(first.spot, "read with nothing held", "test"),
                    step(second.spot, f"read again with {shared.lock} held", "test"),
                    step(written.spot, "written", "use"),
                ),
                context=function,
            )


RULE: Final = Rule(
    id="double-checked-locking",
    question="Is lazy loading done once, without a window between the test and the load?",
    practice=Practice.LOCKING,
    cwe=609,
    severity=Severity.MEDIUM,
    languages=ALL,
    why="A plain pointer tested outside the lock may be seen before what it points to is.",
    fix="call_once, or an atomic with acquire and release.",
    bad="if (!table) { lock(&m); if (!table) table = load(); unlock(&m); }\n",
    good="std::call_once(flag, [] { table = load(); });\n",
    references=("https://cwe.mitre.org/data/definitions/609.html",),
    answer=_answer,
)
