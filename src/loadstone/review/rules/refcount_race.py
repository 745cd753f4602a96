"""Does a load count change only atomically or under one lock?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.practices import Practice
from loadstone.review.analyses.facts import Access, Facts
from loadstone.review.rules.data_race import Shared, is_alone, is_count, shared_state
from loadstone.review.rules.places import ALL, at, resolve_lines, step
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for shared in shared_state(facts):
        writes = [a for a in shared.accesses if a.is_write]
        if not is_count(shared.variable) or len({w.spot for w in writes}) < 2:
            continue
        held = [a for a in writes if a.locks]
        bare = [a for a in writes if not a.locks and a.spot not in {h.spot for h in held} and not _resets(a, shared)]
        if held and bare:
            yield rule.no(
                (
                    f"{shared.variable} changes at line {held[0].spot.line} under "
                    f"{held[0].locks[-1].lock} and at line {bare[0].spot.line} under no lock."
                ),
                at(bare[0].spot),
                why=(
                    step(held[0].spot, "changed under a lock", "lock"),
                    step(bare[0].spot, "changed under none", "use"),
                ),
                context=bare[0].spot.function,
            )
        elif bare and any(t.path == shared.unit.path for t in facts.threads):
            yield rule.no(
                (
                    f"{shared.variable} is changed at lines "
                    f"{resolve_lines(a.spot for a in bare)} with no lock and is not atomic, though there are "
                    f"threads."
                ),
                at(bare[-1].spot),
                context=bare[-1].spot.function,
            )
        elif held:
            yield rule.yes(
                (
                    f"Every change of {shared.variable} is made under "
                    f"{held[0].locks[-1].lock} (lines {resolve_lines(a.spot for a in held)})"
                ),
                at(held[0].spot),
                met=len({a.spot for a in held}),
                sites=len({a.spot for a in held}),
                context=held[0].spot.function,
            )


def _resets(access: Access, shared: Shared) -> bool:
    """A count set to a number where everything is set up or taken down."""
    return access.holds == "constant" and is_alone(access, shared)


RULE: Final = Rule(
    id="refcount-race",
    question="Does a load count change only atomically or under one lock?",
    practice=Practice.LOCKING,
    cwe=911,
    severity=Severity.HIGH,
    languages=ALL,
    why="Two threads that count at once lose one count: the library is closed while somebody uses it, or never.",
    fix="The same lock or an atomic at every change.",
    bad="if (--lib->refs == 0) dlclose(lib->handle);\n",
    good="if (atomic_fetch_sub(&lib->refs, 1) == 1) dlclose(lib->handle);\n",
    references=("https://cwe.mitre.org/data/definitions/911.html",),
    answer=_answer,
)
